//! Content synchronisation against a real slapd: every row of what it is known to send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use idspool_directory::{
    Credentials, Directory, EntryState, Error, RawUuid, Settings, SyncMessage, SyncMode, SyncSearch,
};
use idspool_tests::{
    BASE_DN, Loading, Population, READER_DN, READER_PASSWORD, SessionLog, Slapd, Syncprov,
};
use idspool_udm::{Entry, EntryUuid};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";
const USERS: &str = "(objectClass=inetOrgPerson)";
const SOON: Duration = Duration::from_secs(20);

fn directory(slapd: &Slapd) -> Directory {
    let mut settings = Settings::new(slapd.url(), BASE_DN);
    settings.credentials = Some(Credentials::new(READER_DN, READER_PASSWORD));
    settings.timeout = SOON;
    settings.receive_buffer = Some(256 << 10);
    Directory::new(settings).unwrap()
}

fn search(filter: &str, cookie: Option<&[u8]>) -> SyncSearch {
    SyncSearch {
        base: BASE_DN.into(),
        filter: filter.into(),
        attributes: ["objectClass", "uniqueMember", "entryCSN"].map(str::to_owned).into(),
        cookie: cookie.map(<[u8]>::to_vec),
    }
}

fn raw(slapd: &Slapd, dn: &str) -> RawUuid {
    let uuid: EntryUuid = slapd.entry_uuid(dn).unwrap().parse().unwrap();
    RawUuid::from(&uuid)
}

/// What one refresh says: the messages before the end, and the end.
fn refresh(slapd: &Slapd, search: SyncSearch) -> Result<(Vec<SyncMessage>, SyncMessage), Error> {
    let mut directory = directory(slapd);
    let mut sync = directory.synchronise(vec![search], SyncMode::Refresh)?;
    let mut messages = Vec::new();
    while !sync.is_over() {
        sync.receive(&mut messages, 100, Some(SOON))?;
    }
    let mut messages: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
    let end = messages.pop().unwrap();
    Ok((messages, end))
}

fn states(messages: &[SyncMessage]) -> Vec<(EntryState, String)> {
    messages
        .iter()
        .filter_map(|message| match message {
            SyncMessage::Entry { state, entry, .. } => Some((*state, entry.dn.clone())),
            _ => None,
        })
        .collect()
}

fn uuids(messages: &[SyncMessage], deleted: bool) -> Vec<RawUuid> {
    let lists = messages.iter().filter_map(|message| match message {
        SyncMessage::Uuids { are_deleted, uuids, .. } if *are_deleted == deleted => Some(uuids),
        _ => None,
    });
    lists.flatten().copied().collect()
}

fn cookie_of(end: &SyncMessage) -> Vec<u8> {
    match end {
        SyncMessage::Refreshed { cookie: Some(cookie), is_done: true, .. } => cookie.clone(),
        other => panic!("no cookie: {other:?}"),
    }
}

fn ends_with_deletes_listed(end: &SyncMessage) -> bool {
    matches!(end, SyncMessage::Refreshed { are_deletes_listed: true, .. })
}

#[test]
fn the_first_refresh_adds_everything_and_says_so() {
    let slapd = Slapd::start().unwrap();
    let (messages, end) = refresh(&slapd, search(USERS, None)).unwrap();
    let found = states(&messages);
    assert_eq!(found.len(), messages.len());
    assert!(found.iter().all(|(state, _)| *state == EntryState::Add));
    assert!(found.iter().any(|(_, dn)| dn == OEHLER));
    assert!(ends_with_deletes_listed(&end));
    let (again, end) = refresh(&slapd, search(USERS, Some(&cookie_of(&end)))).unwrap();
    assert_eq!(again, []);
    assert!(ends_with_deletes_listed(&end));
}

#[test]
fn what_changes_is_sent_as_it_happens() {
    let slapd = Slapd::start().unwrap();
    let ldap = slapd.cli();
    let uuid = raw(&slapd, OEHLER);
    let mut directory = directory(&slapd);
    let searches = vec![search(USERS, None), search("(objectClass=univentionGroup)", None)];
    let mut sync = directory.synchronise(searches, SyncMode::Persist).unwrap();
    let mut refreshed = 0;
    let mut messages = Vec::new();
    while refreshed < 2 {
        messages.clear();
        sync.receive(&mut messages, 50, Some(SOON)).unwrap();
        let ends = messages
            .iter()
            .filter(|(_, message)| matches!(message, SyncMessage::Refreshed { is_done: true, .. }));
        refreshed += ends.count();
    }
    let mut cookies = [0, 0];
    let mut next = || loop {
        let mut messages = Vec::new();
        sync.receive(&mut messages, 1, Some(SOON)).unwrap();
        match messages.pop().expect("a message in time") {
            (at, SyncMessage::Entry { state, uuid, cookie: Some(_), entry }) => {
                return (at, state, uuid, entry);
            }
            (at, SyncMessage::NewCookie(_)) => cookies[at] += 1,
            other => panic!("{other:?}"),
        }
    };
    let of =
        |(at, state, uuid, entry): (usize, EntryState, RawUuid, Entry)| (at, state, uuid, entry.dn);
    ldap.replace(OEHLER, "telephoneNumber", &["+49 1"]).unwrap();
    assert_eq!(of(next()), (0, EntryState::Modify, uuid, OEHLER.into()));
    let group = "cn=ox-vertrieb,cn=groups,dc=example,dc=org";
    ldap.replace(group, "description", &["x"]).unwrap();
    assert_eq!(of(next()), (1, EntryState::Modify, raw(&slapd, group), group.into()));
    let renamed = "uid=anna,cn=users,dc=example,dc=org";
    ldap.rename(OEHLER, "uid=anna", None).unwrap();
    assert_eq!(of(next()), (0, EntryState::Modify, uuid, renamed.into()));
    ldap.delete(renamed).unwrap();
    // The next entry is this one: refint has changed groups, and nobody was told.
    let deleted = next();
    assert!(deleted.3.values("objectClass").is_empty());
    assert_eq!(of(deleted), (0, EntryState::Delete, uuid, renamed.into()));
    assert!(cookies[0] >= 1 && cookies[1] >= 1, "changes elsewhere move the cookie: {cookies:?}");
    let mut nothing = Vec::new();
    sync.receive(&mut nothing, 10, Some(Duration::from_millis(300))).unwrap();
    assert!(
        states(&nothing.into_iter().map(|(_, message)| message).collect::<Vec<_>>()).is_empty()
    );
}

#[test]
fn the_session_log_lists_what_was_deleted() {
    let slapd = Slapd::start().unwrap();
    let (_, end) = refresh(&slapd, search(USERS, None)).unwrap();
    let uuid = raw(&slapd, OEHLER);
    slapd.cli().delete(OEHLER).unwrap();
    let other = "uid=d.zu,cn=users,dc=example,dc=org";
    slapd.cli().replace(other, "telephoneNumber", &["+49 2"]).unwrap();
    let (messages, end) = refresh(&slapd, search(USERS, Some(&cookie_of(&end)))).unwrap();
    assert_eq!(uuids(&messages, true), [uuid]);
    assert_eq!(states(&messages), [(EntryState::Add, other.to_owned())]);
    assert!(ends_with_deletes_listed(&end));
}

#[test]
fn without_a_session_log_what_exists_is_listed() {
    for restart in [false, true] {
        let log = if restart { SessionLog::Changes(500) } else { SessionLog::Without };
        let mut slapd = Slapd::builder().syncprov(Syncprov::On(log)).start().unwrap();
        let (first, end) = refresh(&slapd, search(USERS, None)).unwrap();
        let uuid = raw(&slapd, OEHLER);
        slapd.cli().delete(OEHLER).unwrap();
        if restart {
            slapd.restart().unwrap();
        }
        let (messages, end) = refresh(&slapd, search(USERS, Some(&cookie_of(&end)))).unwrap();
        let present = uuids(&messages, false);
        assert_eq!(present.len(), first.len() - 1);
        assert!(!present.contains(&uuid));
        assert!(!ends_with_deletes_listed(&end));
        assert!(!cookie_of(&end).is_empty());
    }
}

#[test]
fn more_changes_than_the_session_log_holds_are_a_present_phase() {
    let log = Syncprov::On(SessionLog::Changes(20));
    let slapd = Slapd::builder().syncprov(log).start().unwrap();
    let (first, end) = refresh(&slapd, search(USERS, None)).unwrap();
    let changes: String = (0..60)
        .map(|number| {
            format!(
                "dn: {OEHLER}\nchangetype: modify\nreplace: telephoneNumber\ntelephoneNumber: {number}\n\n"
            )
        })
        .collect();
    slapd.cli().modify(&changes).unwrap();
    slapd.cli().delete("uid=d.zu,cn=users,dc=example,dc=org").unwrap();
    let (messages, end) = refresh(&slapd, search(USERS, Some(&cookie_of(&end)))).unwrap();
    assert!(!ends_with_deletes_listed(&end));
    assert_eq!(states(&messages), [(EntryState::Add, OEHLER.to_owned())]);
    assert_eq!(uuids(&messages, false).len(), first.len() - 1);
}

#[test]
fn cookies_that_the_server_cannot_use_are_told_apart() {
    let slapd = Slapd::start().unwrap();
    let (all, _) = refresh(&slapd, search(USERS, None)).unwrap();
    let newer = b"rid=000,csn=20991121160614.141156Z#000000#000#000000";
    let error = refresh(&slapd, search(USERS, Some(newer))).unwrap_err();
    assert!(matches!(error, Error::CookieRefused { code: 53, .. }), "{error}");
    assert!(error.is_transient());
    let (messages, end) = refresh(&slapd, search(USERS, Some(b"rubbish"))).unwrap();
    assert_eq!(messages.len(), all.len());
    assert!(matches!(end, SyncMessage::Refreshed { cookie: None, .. }), "{end:?}");
}

#[test]
fn a_server_without_the_overlay_or_the_module_is_named_with_the_remedy() {
    for syncprov in [Syncprov::WithoutOverlay, Syncprov::WithoutModule] {
        let slapd = Slapd::builder().syncprov(syncprov).start().unwrap();
        let error = refresh(&slapd, search(USERS, None)).unwrap_err();
        assert!(matches!(error, Error::NoSynchronisation { .. }), "{syncprov:?}: {error}");
        assert!(error.to_string().contains("overlay syncprov"), "{error}");
        assert!(!error.is_transient());
    }
}

#[test]
fn refusals_say_what_to_correct() {
    let slapd = Slapd::start().unwrap();
    let mut missing = search(USERS, None);
    missing.base = "ou=missing,dc=example,dc=org".into();
    let error = refresh(&slapd, missing).unwrap_err();
    assert!(matches!(&error, Error::MissingBase { base, .. } if base.starts_with("ou=missing")));
    let error = refresh(&slapd, search("(uid=", None)).unwrap_err();
    assert!(matches!(error, Error::Refused { code: 87, .. }), "{error}");

    let population = Population { users: 50 };
    let builder = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif());
    let slapd = builder.size_limit(20).start().unwrap();
    let error = refresh(&slapd, search(USERS, None)).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { code: 4, .. }), "{error}");
}

#[test]
fn a_server_that_goes_away_ends_the_wait() {
    let mut slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    let mut sync = directory.synchronise(vec![search(USERS, None)], SyncMode::Persist).unwrap();
    let mut messages = Vec::new();
    while !matches!(messages.last(), Some((_, SyncMessage::Refreshed { .. }))) {
        sync.receive(&mut messages, 100, Some(SOON)).unwrap();
    }
    slapd.kill().unwrap();
    let error = sync.receive(&mut messages, 100, Some(SOON)).unwrap_err();
    assert!(matches!(error, Error::Closed { .. }) && error.is_transient(), "{error}");
}

#[test]
fn a_wait_for_changes_can_be_interrupted() {
    let slapd = Slapd::start().unwrap();
    let mut directory = directory(&slapd);
    let interrupt = directory.interrupt();
    let mut sync = directory.synchronise(vec![search(USERS, None)], SyncMode::Persist).unwrap();
    let error = std::thread::scope(|scope| {
        scope.spawn(move || interrupt.interrupt());
        let mut messages = Vec::new();
        loop {
            if let Err(error) = sync.receive(&mut messages, 100, None) {
                return error;
            }
        }
    });
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}
