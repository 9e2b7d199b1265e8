//! The connection against a real slapd.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::time::{Duration, Instant};

use idspool_directory::{Credentials, Directory, Error, Naming, Settings};
use idspool_tests::{
    BASE_DN, Loading, Population, READER_DN, READER_PASSWORD, Slapd, SlapdBuilder, free_port,
};
use idspool_udm::EntryUuid;

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

fn settings(slapd: &Slapd) -> Settings {
    let mut settings = Settings::new(slapd.url(), BASE_DN);
    settings.credentials = Some(Credentials::new(READER_DN, READER_PASSWORD));
    settings.timeout = Duration::from_secs(20);
    settings
}

fn directory(slapd: &Slapd) -> Directory {
    Directory::new(settings(slapd)).unwrap()
}

fn uuid(slapd: &Slapd, dn: &str) -> EntryUuid {
    slapd.entry_uuid(dn).unwrap().parse().unwrap()
}

fn populated(users: u32) -> (SlapdBuilder, Vec<EntryUuid>) {
    let population = Population { users };
    let uuids = (0..users).map(|index| population.entry_uuid(index).parse().unwrap()).collect();
    let builder = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif());
    (builder, uuids)
}

#[test]
fn entries_are_found_by_entry_uuid_with_operational_attributes() {
    let slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    let known = uuid(&slapd, OEHLER);
    let unknown: EntryUuid = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    let found = directory
        .entries_by_uuid(&[known.clone(), unknown.clone()], &["*", "entryUUID", "memberOf"])
        .unwrap();
    assert!(!found.contains_key(&unknown));
    let entry = &found[&known];
    assert_eq!(entry.dn, OEHLER);
    assert_eq!(entry.values("memberOf").len(), 3);
    assert_eq!(entry.texts("telephoneNumber").next(), Some("+49 421 10"));
    assert!(entry.values("jpegPhoto")[0].starts_with(&[0xff, 0xd8]));
}

#[test]
fn many_look_ups_are_few_requests() {
    let (builder, uuids) = populated(1000);
    let slapd = builder.start().unwrap();
    let mut directory = directory(&slapd);
    let found = directory.entries_by_uuid(&uuids, &["uid", "entryUUID"]).unwrap();
    assert_eq!(found.len(), 1000);
    assert_eq!(directory.requests(), 10);

    let population = Population { users: 1000 };
    let members: Vec<_> = (0..1000).map(|index| population.dn(index)).collect();
    let groups = directory
        .entries_listing(&members, "(objectClass=univentionGroup)", &["uniqueMember"])
        .unwrap();
    let listed: usize = groups.iter().map(|group| group.values("uniqueMember").len()).sum();
    assert_eq!((listed, directory.requests()), (1000, 12));
}

#[test]
fn many_entries_come_in_pages() {
    let (builder, uuids) = populated(1000);
    let slapd = builder.start().unwrap();
    let mut directory = directory(&slapd);
    let (mut found, mut pages, mut place) = (Vec::new(), 0, None);
    loop {
        let (entries, next) =
            directory.entries_page("(uid=user*)", &["entryUUID"], 300, place).unwrap();
        assert!(entries.len() <= 300);
        pages += 1;
        found.extend(entries.iter().map(|entry| entry.first_text("entryUUID").unwrap().to_owned()));
        place = next;
        if place.is_none() {
            break;
        }
    }
    found.sort();
    assert_eq!(pages, 4);
    assert_eq!(found, uuids.iter().map(|uuid| uuid.as_str().to_owned()).collect::<Vec<_>>());
}

#[test]
fn a_page_after_a_lost_connection_is_an_error_and_never_the_wrong_page() {
    let (builder, _) = populated(20);
    let slapd = builder.start().unwrap();
    let mut directory = directory(&slapd);
    let (_, place) = directory.entries_page("(uid=user*)", &["uid"], 5, None).unwrap();
    assert!(place.is_some());
    directory.disconnect();
    let error = directory.entries_page("(uid=user*)", &["uid"], 5, place).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

#[test]
fn entries_are_found_by_dn_whatever_its_spelling() {
    let slapd = Slapd::start().unwrap();
    let found = directory(&slapd)
        .entries_by_dn(
            &[
                "UID=A.OEHLER, cn=Users, dc=example,dc=org",
                "cn=Vertrieb\\, Süd,cn=groups,dc=example,dc=org",
                "cn=none (such)*,dc=example,dc=org",
                "not a DN",
            ],
            &["objectClass"],
        )
        .unwrap();
    let mut dns: Vec<_> = found.iter().map(|entry| entry.dn.as_str()).collect();
    dns.sort_unstable();
    assert_eq!(dns, ["cn=Vertrieb\\2C Süd,cn=groups,dc=example,dc=org", OEHLER]);
    assert!(found.iter().all(|entry| entry.has_class("top")));
}

#[test]
fn groups_are_found_by_number_and_by_member() {
    let slapd = Slapd::builder().without_memberof().start().unwrap();
    let mut directory = directory(&slapd);
    let groups = directory
        .entries_having("gidNumber", &["5001", "4711"], "(objectClass=posixGroup)", &["gidNumber"])
        .unwrap();
    assert_eq!(groups.len(), 1);
    assert!(groups[0].dn.starts_with("cn=Domain Users,"));

    let members = [OEHLER, "uid=none,dc=example,dc=org"];
    let attributes = ["objectClass", "gidNumber", "uniqueMember"];
    let found =
        directory.entries_listing(&members, "(objectClass=univentionGroup)", &attributes).unwrap();
    assert!(found.iter().all(|group| group.has_class("posixGroup")));
    assert!(found.iter().all(|group| group.values("gidNumber").len() == 1));
    let mut pairs: Vec<_> = found
        .iter()
        .flat_map(|group| group.texts("uniqueMember").map(|member| (group.dn.as_str(), member)))
        .collect();
    pairs.sort_unstable();
    assert_eq!(
        pairs,
        [
            ("cn=Domain Users,cn=groups,dc=example,dc=org", OEHLER),
            ("cn=Vertrieb\\2C Süd,cn=groups,dc=example,dc=org", OEHLER),
            ("cn=ox-vertrieb,cn=groups,dc=example,dc=org", OEHLER),
        ],
        "all other members are left out by the server"
    );
}

#[test]
fn entries_tell_whether_they_have_followed() {
    let slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    let group = "cn=ox-vertrieb,cn=groups,dc=example,dc=org";
    let other = "cn=Vertrieb\\, Süd,cn=groups,dc=example,dc=org";
    let unknown = "uid=none*,dc=example,dc=org";
    for (dn, old, new, is_done) in [
        (group, OEHLER, None, false),
        (group, unknown, None, true),
        (group, unknown, Some(OEHLER), true),
        (group, OEHLER, Some(unknown), false),
        (group, unknown, Some("uid=nobody,dc=example,dc=org"), false),
        (other, unknown, Some(OEHLER), true),
    ] {
        let uuid = uuid(&slapd, dn);
        let naming =
            Naming { uuid: uuid.clone(), old: old.to_owned(), new: new.map(str::to_owned) };
        let found =
            directory.entries_that_followed(&[naming], &["secretary", "uniqueMember"]).unwrap();
        assert_eq!(found.contains(&uuid), is_done, "{dn} {old} {new:?}");
    }
    assert!(directory.is_member(OEHLER).unwrap());
    assert!(!directory.is_member(unknown).unwrap());
}

#[test]
fn a_server_says_when_it_was_started() {
    let mut slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    let start = directory.server_start().unwrap().unwrap();
    assert_eq!(directory.server_start().unwrap().as_deref(), Some(start.as_str()));
    // To the second.
    let later = idspool_tests::poll(Duration::from_secs(20), || {
        slapd.restart().unwrap();
        directory.server_start().unwrap().filter(|later| *later > start)
    });
    assert!(later.is_some(), "{start}");
}

#[test]
fn tls_works_both_ways_with_the_extra_authority() {
    let slapd = Slapd::builder().tls().start().unwrap();
    let authority = slapd.certificates().unwrap().authority_directory();
    for (url, start_tls) in [(slapd.url(), true), (slapd.ldaps_url().unwrap(), false)] {
        let mut settings = settings(&slapd);
        (settings.url, settings.start_tls) = (url, start_tls);
        let error = Directory::new(settings.clone()).unwrap().check().unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
        assert!(error.to_string().contains("directory.ca_certificates"), "{error}");

        settings.ca_certificates = Some(authority.clone());
        let mut directory = Directory::new(settings.clone()).unwrap();
        directory.check().unwrap();
        assert_eq!(directory.entries_matching("(uid=a.oehler)", &["uid"]).unwrap().len(), 1);

        settings.url = settings.url.replace("127.0.0.1", "localhost");
        Directory::new(settings.clone()).unwrap().check().unwrap();
        settings.url = settings.url.replace("localhost", "127.0.0.2");
        let error = Directory::new(settings).unwrap().check().unwrap_err();
        // slapd listens on 127.0.0.1 only.
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    }
}

#[test]
fn starttls_that_the_server_does_not_offer_is_an_error_not_a_plain_connection() {
    let slapd = Slapd::start().unwrap();
    let mut settings = settings(&slapd);
    settings.start_tls = true;
    let error = Directory::new(settings).unwrap().check().unwrap_err();
    assert!(matches!(error, Error::StartTls { .. }), "{error}");
}

#[test]
fn refusals_say_what_to_correct() {
    let slapd = Slapd::start().unwrap();
    let mut wrong = settings(&slapd);
    wrong.credentials = Some(Credentials::new(READER_DN, "wrong"));
    let error = Directory::new(wrong).unwrap().check().unwrap_err();
    assert!(matches!(error, Error::InvalidCredentials { .. }), "{error}");
    assert!(error.to_string().contains("directory.bind_password_file"), "{error}");

    let mut wrong = settings(&slapd);
    wrong.base_dn = "ou=missing,dc=example,dc=org".into();
    let error = Directory::new(wrong).unwrap().check().unwrap_err();
    assert!(matches!(error, Error::MissingBase { .. }), "{error}");

    let mut anonymous = settings(&slapd);
    anonymous.credentials = None;
    let error = Directory::new(anonymous).unwrap().check().unwrap_err();
    assert!(matches!(error, Error::MissingBase { .. }), "{error}");

    let mut directory = Directory::new(settings(&slapd)).unwrap();
    let error = directory.entries_matching("(uid=", &["uid"]).unwrap_err();
    assert!(matches!(error, Error::Refused { code: 87, .. }), "{error}");
    directory.check().unwrap();

    let mut empty = settings(&slapd);
    empty.credentials = Some(Credentials::new(READER_DN, ""));
    let error = Directory::new(empty).unwrap_err();
    assert!(matches!(error, Error::EmptyPassword { .. }), "{error}");
}

#[test]
fn a_password_file_is_read_again_at_the_next_connect() {
    let slapd = Slapd::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "wrong\n").unwrap();
    let mut settings = settings(&slapd);
    let source = path.clone();
    settings.credentials = Some(Credentials::from_source(READER_DN, move || {
        let text = std::fs::read_to_string(&source).map_err(|error| error.to_string())?;
        Ok(text.trim_end().to_owned())
    }));
    let mut directory = Directory::new(settings.clone()).unwrap();
    let error = directory.check().unwrap_err();
    assert!(matches!(error, Error::InvalidCredentials { .. }), "{error}");
    std::fs::write(&path, format!("{READER_PASSWORD}\n")).unwrap();
    directory.check().unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = Directory::new(settings).unwrap_err();
    assert!(matches!(error, Error::PasswordFile { .. }), "{error}");
}

#[test]
fn an_answer_cut_short_is_an_error_so_that_nothing_looks_deleted() {
    let (builder, uuids) = populated(50);
    let slapd = builder.size_limit(20).start().unwrap();
    let error = directory(&slapd).entries_by_uuid(&uuids, &["entryUUID"]).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { code: 4, .. }), "{error}");
}

#[test]
fn a_server_that_was_restarted_is_asked_again_silently() {
    let mut slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    let known = uuid(&slapd, OEHLER);
    directory.check().unwrap();
    for _ in 0..2 {
        slapd.kill().unwrap();
        slapd.restart().unwrap();
        let found = directory.entries_by_uuid(std::slice::from_ref(&known), &["entryUUID"]);
        assert_eq!(found.unwrap().len(), 1);
    }
    slapd.stop().unwrap();
    let error = directory.check().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_transient(), "{error}");
    slapd.restart().unwrap();
    directory.check().unwrap();
}

#[test]
fn a_silent_server_is_given_up_after_the_limit() {
    let slapd = Slapd::start().unwrap();
    let mut settings = settings(&slapd);
    settings.timeout = Duration::from_secs(1);
    let mut connected = Directory::new(settings.clone()).unwrap();
    connected.check().unwrap();
    let mut fresh = Directory::new(settings).unwrap();
    slapd.freeze().unwrap();
    for directory in [&mut connected, &mut fresh] {
        let error = directory.check().unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }) && error.is_transient(), "{error}");
    }
    slapd.thaw().unwrap();
    connected.check().unwrap();
}

#[test]
fn a_waiting_look_up_can_be_interrupted() {
    let slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    directory.check().unwrap();
    slapd.freeze().unwrap();
    let interrupt = directory.interrupt();
    let started = Instant::now();
    let error = std::thread::scope(|scope| {
        scope.spawn(move || interrupt.interrupt());
        directory.check().unwrap_err()
    });
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(15));
    slapd.thaw().unwrap();
}

#[test]
fn nothing_at_the_port_is_unreachable() {
    let settings =
        Settings::new(format!("ldap://127.0.0.1:{}", free_port().unwrap()), "dc=example,dc=org");
    let error = Directory::new(settings).unwrap().check().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
