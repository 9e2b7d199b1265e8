//! The expected results of udm-ldap.md 7, against the sample directory.

mod support;

use idspool_udm::mapping::{self, Mapper, Needs, Related};
use idspool_udm::school::{self, Containers, UserKind};
use idspool_udm::{Encoding, Entry, Module};
use serde_json::{Value, json};
use support::{directory, entry, object, today};

/// Properties of one entry that must be exactly so; `None` is "not there".
#[track_caller]
fn expect(entries: &[Entry], rdn: &str, expected: &[(&str, Option<Value>)]) {
    let object = object(entries, rdn, Encoding::Raw);
    for (property, value) in expected {
        assert_eq!(object.get(*property), value.as_ref(), "{property} of {rdn}");
    }
}

#[test]
fn students() {
    let entries = directory();
    expect(
        &entries,
        "uid=b.mueller",
        &[("userexpiry", Some(json!("2031-07-31"))), ("disabled", Some(json!("0")))],
    );
    expect(
        &entries,
        "uid=c.yilmaz",
        &[
            ("disabled", Some(json!("1"))),
            ("userexpiry", Some(Value::Null)),
            ("ucsschoolPurgeTimestamp", Some(json!("2031-08-01"))),
        ],
    );
    let guardian = "uid=k.schmidt,cn=sorgeberechtigte,cn=users,ou=gymnord,dc=example,dc=org";
    expect(
        &entries,
        "uid=a.schmidt",
        &[
            ("pwdChangeNextLogin", Some(json!("1"))),
            ("ucsschoolLegalGuardian", Some(json!([guardian]))),
            ("mailPrimaryAddress", Some(json!("a.schmidt@example.org"))),
        ],
    );
    let guardian = object(&entries, "uid=k.schmidt", Encoding::Raw);
    assert_eq!(guardian["ucsschoolLegalWard"].as_array().map(Vec::len), Some(2));
}

#[test]
fn school_classes_and_primary_school() {
    let entries = directory();
    for (rdn, classes, primary) in [
        ("uid=b.mueller", json!({"gymnord": ["5a"], "RSSued": ["7b-Süd"]}), "gymnord"),
        ("uid=d.weiss", json!({"gymnord": ["5a", "6b"]}), "gymnord"),
        ("uid=e.okafor", json!({"RSSued": ["7b-Süd"]}), "RSSued"),
    ] {
        let object = object(&entries, rdn, Encoding::Raw);
        let groups = idspool_udm::value::texts(object.get("groups"));
        let found = school::classes(groups, &Containers::default());
        assert_eq!(json!(found), classes, "{rdn}");
        let schools: Vec<&str> = idspool_udm::value::texts(object.get("school")).collect();
        let dn = &entry(&entries, rdn).dn;
        assert_eq!(school::primary_school(dn, &schools), Some(primary), "{rdn}");
    }
}

#[test]
fn staff_and_administrators() {
    let entries = directory();
    let okafor = entry(&entries, "uid=e.okafor");
    assert_eq!(UserKind::of_entry(okafor), Some(UserKind::TeacherAndStaff));
    expect(
        &entries,
        "uid=e.okafor",
        &[("ucsschoolRole", Some(json!(["teacher:school:RSSued", "staff:school:RSSued"])))],
    );
    let admin = mapping::options(Module::User, entry(&entries, "uid=g.admin"));
    assert_eq!(admin, ["default", "ucsschoolAdministrator"]);
    expect(&entries, "uid=f.gross", &[("userexpiry", Some(json!("2030-12-31")))]);
    expect(&entries, "uid=d.weiss", &[("userexpiry", Some(json!("2030-08-01")))]);
}

#[test]
fn the_user_with_every_attribute() {
    let entries = directory();
    let hours: Vec<u32> = (24..48).chain(72..96).chain(120..144).collect();
    expect(
        &entries,
        "uid=a.oehler",
        &[
            ("username", Some(json!("a.oehler"))),
            ("uidNumber", Some(json!("2108"))),
            ("passwordexpiry", Some(json!("2024-03-08"))),
            ("pwdChangeNextLogin", Some(json!("1"))),
            ("mailForwardAddress", Some(json!(["extern@example.net"]))),
            ("mailForwardCopyToSelf", Some(json!("1"))),
            ("homePostalAddress", Some(json!([["Große Straße 1", "28195", "Bremen"]]))),
            ("umcProperty", Some(json!([["appcenterSeen", "2"], ["a", "b=c"]]))),
            ("sambaUserWorkstations", Some(json!(["PC1", "PC2"]))),
            ("sambaRID", Some(json!("5216"))),
            ("sambaLogonHours", Some(json!(hours))),
            ("accountActivationDate", Some(json!(["2024-01-01", "00:00", "UTC"]))),
            ("country", Some(json!("DE"))),
            ("state", Some(json!("Bremen"))),
            (
                "groups",
                Some(json!([
                    "cn=Domain Users,cn=groups,dc=example,dc=org",
                    "cn=ox-vertrieb,cn=groups,dc=example,dc=org",
                    "cn=Vertrieb\\, Süd,cn=groups,dc=example,dc=org",
                ])),
            ),
            ("primaryGroup", Some(json!("cn=Domain Users,cn=groups,dc=example,dc=org"))),
            ("oxContext", Some(json!(10))),
            ("isOxUser", Some(json!("OK"))),
            ("phone", Some(json!(["+49 421 10", "+49 421 11", "+49 421 12"]))),
            ("lockedTime", Some(json!("0"))),
            ("unlockTime", Some(json!(""))),
            ("locked", Some(json!("0"))),
            ("certificateSubjectCommonName", Some(json!("Aenne Oehler-Weiss"))),
            ("certificateSubjectMail", Some(json!("a.oehler@example.org"))),
            ("certificateIssuerCountry", Some(json!("DE"))),
            ("certificateVersion", Some(json!("2"))),
            ("certificateDateNotBefore", Some(json!("2026-11-21"))),
            ("certificateDateNotAfter", Some(json!("2036-11-18"))),
            ("certificateSerial", Some(json!("718926562985283531352835258992261280957915878239"))),
            ("password", None),
            ("homeShare", None),
        ],
    );
    let options = mapping::options(Module::User, entry(&entries, "uid=a.oehler"));
    assert_eq!(options, ["default", "pki"]);
}

#[test]
fn ox_users() {
    let entries = directory();
    expect(
        &entries,
        "uid=d.zu",
        &[("disabled", Some(json!("1"))), ("userexpiry", Some(json!("2020-01-31")))],
    );
    expect(
        &entries,
        "uid=e.nicht",
        &[("isOxUser", Some(json!("Not"))), ("oxContext", None), ("disabled", Some(json!("0")))],
    );
    expect(&entries, "uid=F.Gross-Klein", &[("locked", Some(json!("1")))]);
    expect(&entries, "uid=c.nunez", &[("oxContext", Some(json!(20)))]);
    expect(
        &entries,
        "uid=b.meier",
        &[("secretary", Some(json!(["uid=a.oehler,cn=users,dc=example,dc=org"])))],
    );
}

#[test]
fn groups() {
    let entries = directory();
    expect(
        &entries,
        "cn=alle-standorte",
        &[
            ("users", Some(json!(["uid=b.meier,cn=users,dc=example,dc=org"]))),
            (
                "nestedGroup",
                Some(json!([
                    "cn=ox-vertrieb,cn=groups,dc=example,dc=org",
                    "cn=Vertrieb\\, Süd,cn=groups,dc=example,dc=org",
                ])),
            ),
            ("hosts", Some(json!(["cn=dc1,cn=computers,dc=example,dc=org"]))),
            ("memberOf", Some(json!([]))),
            ("sambaRID", Some(json!("11205"))),
            ("name", Some(json!("alle-standorte"))),
            ("allowedEmailUsers", Some(json!(["uid=a.oehler,cn=users,dc=example,dc=org"]))),
        ],
    );
    expect(
        &entries,
        "cn=gymnord-r101",
        &[
            ("users", Some(json!([]))),
            ("hosts", Some(json!(["cn=dc1,cn=computers,dc=example,dc=org"]))),
        ],
    );
    expect(
        &entries,
        "cn=ox-vertrieb",
        &[
            ("memberOf", Some(json!(["cn=alle-standorte,cn=groups,dc=example,dc=org"]))),
            ("isOxGroup", Some(json!("OK"))),
            ("mailAddress", Some(json!("vertrieb@example.org"))),
        ],
    );
    expect(
        &entries,
        "cn=admins-gymnord",
        &[("school", Some(json!(["gymnord"]))), ("ucsschoolImportRole", None)],
    );
    let options = mapping::options(Module::Group, entry(&entries, "cn=admins-gymnord"));
    assert_eq!(options, ["default", "posix", "samba", "ucsschoolAdministratorGroup"]);
}

#[test]
fn ox_objects() {
    let entries = directory();
    expect(&entries, "cn=beamer", &[("resourceadmin", Some(json!("2109")))]);
    expect(
        &entries,
        "cn=info",
        &[
            (
                "users",
                Some(json!([
                    "uid=a.oehler,cn=users,dc=example,dc=org",
                    "uid=b.meier,cn=users,dc=example,dc=org",
                ])),
            ),
            ("groups", Some(json!(["cn=ox-vertrieb,cn=groups,dc=example,dc=org"]))),
            ("oxQuota", Some(json!("512"))),
        ],
    );
    expect(
        &entries,
        "cn=context20",
        &[("name", Some(json!("context20"))), ("contextid", Some(json!(20)))],
    );
    let webmail = object(&entries, "cn=webmail", Encoding::Raw);
    let keys: Vec<&str> = webmail.keys().map(String::as_str).collect();
    assert_eq!(keys, ["collectemailaddresses", "contacts", "displayName", "name", "webmail"]);
    assert!(
        ["collectemailaddresses", "contacts", "webmail"].iter().all(|key| webmail[*key] == "TRUE")
    );
}

#[test]
fn schools() {
    let entries = directory();
    let gymnord = object(&entries, "ou=gymnord", Encoding::Raw);
    assert_eq!(gymnord["name"], "gymnord");
    assert_eq!(gymnord["ucsschoolClassShareFileServer"], "cn=dc1,cn=computers,dc=example,dc=org");
    assert_eq!(
        gymnord.iter().filter(|(key, value)| key.ends_with("Path") && *value == "0").count(),
        12
    );
    let options = mapping::options(Module::Ou, entry(&entries, "ou=gymnord"));
    assert_eq!(options, ["default", "UCSschool-School-OU"]);
    assert!(school::is_school(entry(&entries, "ou=gymnord")));
}

#[test]
fn every_entry_is_recognised_alike_with_and_without_its_type() {
    let mut wanted = 0;
    for entry in directory() {
        let by_type = Module::of(&entry);
        let classes = entry.texts("objectClass").map(str::to_owned).collect::<Vec<_>>();
        let mut bare = Entry::new(entry.dn.clone());
        for class in classes {
            bare.push("objectClass", class);
        }
        for name in ["cn", "uid", "uidNumber", "univentionObjectFlag"] {
            bare.push_all(name, entry.values(name).to_vec());
        }
        assert_eq!(Module::of(&bare), by_type, "{}", entry.dn);
        wanted += usize::from(by_type.is_some());
    }
    assert_eq!(wanted, 44);
}

#[test]
fn the_reverse_search_and_member_of_agree() {
    let entries = directory();
    for entry in entries.iter().filter(|entry| Module::of(entry).is_some()) {
        let module = Module::of(entry).unwrap();
        let mapper = Mapper::new(Encoding::Raw, today());
        let forward = mapper.object(module, entry, &support::related(&entries, &[entry], false));
        let reverse = mapper.object(module, entry, &support::related(&entries, &[entry], true));
        assert_eq!(forward, reverse, "{}", entry.dn);
    }
}

#[test]
fn needs_name_what_has_to_be_looked_up() {
    let entries = directory();
    let mut needs = Needs::of(Module::Group, entry(&entries, "cn=alle-standorte"));
    assert_eq!(
        needs.members.values().map(String::as_str).collect::<Vec<_>>(),
        [
            "cn=dc1,cn=computers,dc=example,dc=org",
            "cn=ox-vertrieb,cn=groups,dc=example,dc=org",
            "cn=Vertrieb\\, Süd,cn=groups,dc=example,dc=org",
        ]
    );
    assert!(needs.gid_numbers.is_empty() && !needs.lockout_duration);
    needs.add(Module::User, entry(&entries, "uid=a.oehler"));
    needs.add(Module::User, entry(&entries, "uid=F.Gross-Klein"));
    assert_eq!(needs.gid_numbers.iter().map(String::as_str).collect::<Vec<_>>(), ["5001"]);
    assert_eq!(needs.groups_of.len(), 3);
    assert!(needs.lockout_duration && !needs.default_containers);
    let paths = needs.shares.get("dc1.example.org").unwrap();
    assert_eq!(
        paths.iter().map(String::as_str).collect::<Vec<_>>(),
        ["/home", "/home/", "/home/a.oehler", "/home/a.oehler/"]
    );
    needs.add(Module::Ou, entry(&entries, "ou=gymnord"));
    assert!(needs.default_containers);
}

#[test]
fn keys_that_are_always_there_are_there_even_for_a_bare_entry() {
    let related = Related::default();
    let mapper = Mapper::new(Encoding::Raw, today());
    for (module, dn, always) in [
        (
            Module::User,
            "uid=a,dc=x",
            &[
                "username",
                "groups",
                "disabled",
                "locked",
                "mailForwardCopyToSelf",
                "pwdChangeNextLogin",
                "unlockTime",
                "userexpiry",
                "passwordexpiry",
                "sambaRID",
            ][..],
        ),
        (Module::Group, "cn=a,dc=x", &["name", "users", "hosts", "nestedGroup", "memberOf"]),
        (Module::FunctionalAccount, "cn=a,dc=x", &["name", "users", "groups"]),
        (Module::Context, "cn=a,dc=x", &["name"]),
        (Module::Ou, "ou=a,dc=x", &["name", "userPath", "licensePath"]),
    ] {
        let object = mapper.object(module, &Entry::new(dn), &related);
        for key in always {
            assert!(object.contains_key(*key), "{key} of {module}");
        }
        let name = if module == Module::User { "username" } else { "name" };
        assert_eq!(object[name], "a", "{module}");
    }
}
