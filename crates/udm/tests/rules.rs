//! Rules of single properties, at their edges.

use chrono::NaiveDate;
use idspool_udm::mapping::{Mapper, Needs, Related};
use idspool_udm::{Encoding, Entry, MemberKind, Module};
use serde_json::{Map, Value, json};

/// An entry with these attributes.
fn entry(dn: &str, attributes: &[(&str, &str)]) -> Entry {
    let mut entry = Entry::new(dn);
    for (name, value) in attributes {
        entry.push(*name, *value);
    }
    entry
}

fn mapper() -> Mapper {
    // Day 20778.
    Mapper::new(Encoding::Raw, NaiveDate::from_ymd_opt(2026, 11, 21).unwrap_or_default())
}

fn user(attributes: &[(&str, &str)]) -> Map<String, Value> {
    mapper().object(Module::User, &entry("uid=a,dc=x", attributes), &Related::default())
}

#[test]
fn disabled_needs_all_three() {
    let samba = ("sambaAcctFlags", "[UD         ]");
    let kerberos = ("krb5KDCFlags", "254");
    for (attributes, expected) in [
        (&[samba, kerberos, ("shadowExpire", "1")][..], "1"),
        (&[samba, kerberos, ("shadowExpire", "20777")], "1"),
        (&[samba, kerberos, ("shadowExpire", "20778")], "0"),
        (&[samba, kerberos, ("shadowExpire", "never")], "0"),
        (&[samba, kerberos, ("userPassword", "{crypt}!$6$a$b")], "1"),
        (&[samba, kerberos, ("userPassword", "{crypt}$6$!a$b")], "0"),
        (&[samba, kerberos, ("userPassword", "!{crypt}$6$a$b")], "0"),
        (&[samba, kerberos], "0"),
        (&[samba, ("shadowExpire", "1")], "0"),
        (&[kerberos, ("shadowExpire", "1")], "0"),
        (&[samba, ("krb5KDCFlags", "126"), ("shadowExpire", "1")], "0"),
        (&[("sambaAcctFlags", "[U  ]"), kerberos, ("shadowExpire", "1")], "0"),
    ] {
        assert_eq!(user(attributes)["disabled"], expected, "{attributes:?}");
    }
}

#[test]
fn locked_needs_one() {
    for (attributes, expected) in [
        (&[("sambaAcctFlags", "[UL         ]")][..], "1"),
        (&[("krb5KDCFlags", "131198")], "1"),
        (&[("krb5KDCFlags", "126"), ("sambaAcctFlags", "[U  ]")], "0"),
    ] {
        assert_eq!(user(attributes)["locked"], expected, "{attributes:?}");
    }
}

#[test]
fn expiry_is_the_first_source_that_says_something() {
    for (attributes, expected) in [
        (
            &[("krb5ValidEnd", "203107310000Z"), ("sambaKickoffTime", "0"), ("shadowExpire", "5")]
                [..],
            json!("2031-07-31"),
        ),
        (&[("sambaKickoffTime", "1924819200"), ("shadowExpire", "5")], json!("2030-12-31")),
        (
            &[("sambaKickoffTime", "9223372036854775807"), ("shadowExpire", "5")],
            json!("1970-01-06"),
        ),
        (&[("shadowExpire", "1")], Value::Null),
        (&[("krb5ValidEnd", "soon")], json!("soon")),
        (&[], Value::Null),
    ] {
        assert_eq!(user(attributes)["userexpiry"], expected, "{attributes:?}");
    }
}

#[test]
fn a_password_that_expires_today_has_to_be_changed() {
    for (changed, most, expiry, change) in [
        ("20778", "0", json!("2026-11-21"), "1"),
        ("20778", "1", json!("2026-11-22"), "0"),
        ("0", "", Value::Null, "1"),
        ("", "90", Value::Null, "0"),
        ("9223372036854775807", "1", Value::Null, "0"),
    ] {
        let object = user(&[("shadowLastChange", changed), ("shadowMax", most)]);
        assert_eq!(object["passwordexpiry"], expiry, "{changed} {most}");
        assert_eq!(object["pwdChangeNextLogin"], change, "{changed} {most}");
    }
}

#[test]
fn times_of_wrong_passwords() {
    for (stored, expected) in [
        ("0", Some("0")),
        ("133449120000000000", Some("20231120000000Z")),
        ("1700438400", Some("20231120000000Z")),
        ("116444736000000000", Some("19700101000000Z")),
        ("never", None),
        ("-9223372036854775808", None),
    ] {
        let object = user(&[("sambaBadPasswordTime", stored)]);
        assert_eq!(object.get("lockedTime").and_then(Value::as_str), expected, "{stored}");
    }
    assert!(!user(&[]).contains_key("lockedTime"));
}

#[test]
fn a_locked_account_opens_after_the_time_of_the_domain() {
    let locked = [("sambaAcctFlags", "[UL ]"), ("sambaBadPasswordTime", "133449120000000000")];
    for (duration, attributes, expected) in [
        (Some("1800"), &locked[..], "2023-11-20 00:30:00"),
        (Some("0"), &locked[..], "unlimited"),
        (Some("9223372036854775807"), &locked[..], ""),
        (None, &locked[..], ""),
        (Some("1800"), &locked[1..], ""),
        (Some("1800"), &locked[..1], ""),
    ] {
        let entry = entry("uid=a,dc=x", attributes);
        assert_eq!(
            Needs::of(Module::User, &entry).lockout_duration,
            attributes.contains(&locked[0])
        );
        let mut related = Related::default();
        if let Some(duration) = duration {
            let mut domain = Entry::new("sambaDomainName=x");
            domain.push("sambaLockoutDuration", duration);
            related.add_domain(&domain);
        }
        let object = mapper().object(Module::User, &entry, &related);
        assert_eq!(object["unlockTime"], expected, "{duration:?} {attributes:?}");
    }
}

#[test]
fn forwarding_keeps_a_copy_or_not() {
    let own = ("mailPrimaryAddress", "A.Oehler@Example.org");
    let to_self = ("mailForwardAddress", "a.oehler@example.org");
    let to_other = ("mailForwardAddress", "x@example.net");
    for (attributes, list, copy) in [
        (&[own, to_self, to_other][..], Some(json!(["x@example.net"])), "1"),
        (&[own, to_self], Some(json!([])), "1"),
        (&[own, to_other], Some(json!(["x@example.net"])), "0"),
        (&[own], None, "0"),
        (&[to_self], Some(json!(["a.oehler@example.org"])), "0"),
        (
            &[own, to_self, ("mailForwardCopyToSelf", "0")],
            Some(json!(["a.oehler@example.org"])),
            "0",
        ),
    ] {
        let object = user(attributes);
        assert_eq!(object.get("mailForwardAddress"), list.as_ref(), "{attributes:?}");
        assert_eq!(object["mailForwardCopyToSelf"], copy, "{attributes:?}");
    }
    assert_eq!(user(&[own])["mailPrimaryAddress"], "a.oehler@example.org");
}

#[test]
fn addresses_of_groups_and_resources_keep_their_case() {
    let address = [("mailPrimaryAddress", "Team@Example.org")];
    for (module, property, expected) in [
        (Module::Group, "mailAddress", "Team@Example.org"),
        (Module::Resource, "resourceMailAddress", "Team@Example.org"),
        (Module::FunctionalAccount, "mailPrimaryAddress", "team@example.org"),
    ] {
        let object = mapper().object(module, &entry("cn=a", &address), &Related::default());
        assert_eq!(object[property], expected);
    }
}

#[test]
fn of_several_names_the_one_in_the_rdn_counts() {
    for (dn, names, expected) in [
        ("cn=New,dc=x", &["Old", "New"][..], "New"),
        ("cn=new,dc=x", &["Old", "New"], "New"),
        ("cn=a\\2C b,dc=x", &["Old", "a, b"], "a, b"),
        ("cn=Third,dc=x", &["Old", "New"], "Third"),
        ("no dn", &["Old", "New"], "Old"),
        ("cn=Other,dc=x", &["Only"], "Only"),
        ("cn=Other,dc=x", &[], "Other"),
    ] {
        let names: Vec<(&str, &str)> = names.iter().map(|&name| ("cn", name)).collect();
        let object = mapper().object(Module::Context, &entry(dn, &names), &Related::default());
        assert_eq!(object["name"], expected, "{dn}");
    }
}

#[test]
fn old_directories_have_the_country_in_another_attribute() {
    let entry = entry("uid=a,dc=x", &[("c", "DE"), ("st", "Bremen")]);
    let old = mapper().country_from_state(true).object(Module::User, &entry, &Related::default());
    assert_eq!(old["country"], "Bremen");
    assert!(!old.contains_key("state"));
}

#[test]
fn the_hash_is_left_out_unless_asked_for() {
    let entry = entry("uid=a,dc=x", &[("userPassword", "{crypt}$6$x")]);
    let without = mapper().object(Module::User, &entry, &Related::default());
    assert!(!serde_json::to_string(&without).unwrap().contains("$6$"));
    let with = mapper().with_password(true).object(Module::User, &entry, &Related::default());
    assert_eq!(with["password"], "{crypt}$6$x");
}

#[test]
fn undecodable_values_are_dropped_and_the_object_is_kept() {
    let mut entry = Entry::new("uid=a,dc=x");
    entry.push("sn", vec![0xff, 0xfe]);
    entry.push("telephoneNumber", vec![0xff]);
    entry.push("telephoneNumber", "+49");
    entry.push("o", vec![0xff]);
    entry.push("o", "Second");
    let object = mapper().object(Module::User, &entry, &Related::default());
    assert!(!object.contains_key("lastname"));
    assert_eq!(object["phone"], json!(["+49"]));
    assert_eq!(object["organisation"], "Second");
}

#[test]
fn numbers_that_are_none_are_passed_on() {
    assert_eq!(user(&[("oxContextIDNum", "10")])["oxContext"], 10);
    assert_eq!(user(&[("oxContextIDNum", "ten")])["oxContext"], "ten");
    let typed = Mapper::new(Encoding::Typed, NaiveDate::default());
    let entry = entry("uid=a,dc=x", &[("uidNumber", "many")]);
    let object = typed.object(Module::User, &entry, &Related::default());
    assert_eq!(object["uidNumber"], "many");
}

#[test]
fn lists_inside_of_values() {
    let object = user(&[
        ("homePostalAddress", "Weg 1"),
        ("homePostalAddress", "a$b$c$d"),
        ("univentionUMCProperty", "bare"),
        ("sambaLogonHours", "zz"),
        ("oxDeputyPermissionGivenTo", "uid=b,dc=x |:$:| 02400 |:$:| 00000 |:$:| 1"),
    ]);
    assert_eq!(object["homePostalAddress"], json!([["Weg 1", " ", " "], ["a", "b", "c", "d"]]));
    assert_eq!(object["umcProperty"], json!([["bare", ""]]));
    assert!(!object.contains_key("sambaLogonHours"));
    assert_eq!(object["oxDeputyPermissionGivenTo"], json!([["uid=b,dc=x", "02400", "00000", "1"]]));
    assert_eq!(object["accountActivationDate"], json!([]));
}

#[test]
fn the_home_share_is_the_nearest_one() {
    let user = entry("uid=a,dc=x", &[("automountInformation", "-rw  fs.example.org:/data/home/a")]);
    let share = |dn: &str, host: &str, path: &str| {
        entry(dn, &[("univentionShareHost", host), ("univentionSharePath", path)])
    };
    let data = share("cn=data", "fs.example.org", "/data");
    let home = share("cn=home", "FS.example.org", "/data/home/");
    let other = share("cn=other", "fs2.example.org", "/data/home/a");
    let exact = share("cn=exact", "fs.example.org", "/data/home/a");
    let prefix = share("cn=prefix", "fs.example.org", "/data/ho");
    let twin = share("cn=twin", "fs.example.org", "/data/home");
    for (shares, expected) in [
        (&[&data, &home, &other, &prefix][..], Some(("cn=home", "a"))),
        (&[&data], Some(("cn=data", "home/a"))),
        (&[&data, &exact], Some(("cn=exact", ""))),
        (&[&data, &home, &twin], None),
        (&[&other, &prefix], None),
    ] {
        let mut related = Related::default();
        shares.iter().for_each(|share| related.add_share(share));
        let object = mapper().object(Module::User, &user, &related);
        let found = object.get("homeShare").zip(object.get("homeSharePath"));
        let found = found.map(|(share, path)| (share.as_str().unwrap(), path.as_str().unwrap()));
        assert_eq!(found, expected);
    }
}

#[test]
fn default_containers_are_known_in_any_spelling() {
    let mut related = Related::default();
    related.add_default_containers(&entry(
        "cn=default containers,cn=univention",
        &[
            ("univentionUsersObject", "OU=Users, dc=x"),
            ("univentionLicenseObject", "ou=other,dc=x"),
        ],
    ));
    let object = mapper().object(Module::Ou, &entry("ou=users,dc=x", &[]), &related);
    assert_eq!((&object["userPath"], &object["licensePath"]), (&json!("1"), &json!("0")));
}

#[test]
fn members_are_sorted_by_kind_in_any_spelling() {
    let group = entry(
        "cn=g,dc=x",
        &[
            ("uniqueMember", "UID=a,dc=x"),
            ("uniqueMember", "cn=h, dc=x"),
            ("uniqueMember", "cn=n,dc=x"),
            ("uniqueMember", "cn=gone,dc=x"),
            ("uniqueMember", "cn=person,dc=x"),
        ],
    );
    let needs = Needs::of(Module::Group, &group);
    assert_eq!(
        needs.members.keys().collect::<Vec<_>>(),
        ["cn=gone,dc=x", "cn=h,dc=x", "cn=n,dc=x", "cn=person,dc=x"]
    );
    let mut related = Related::default();
    related.add_member(&entry("CN=h,DC=x", &[("objectClass", "univentionHost")]));
    related.add_member(&entry("cn=n,dc=x", &[("objectClass", "univentionGroup")]));
    related.add_member(&entry("cn=person,dc=x", &[("objectClass", "person")]));
    let object = mapper().object(Module::Group, &group, &related);
    assert_eq!(object["users"], json!(["UID=a,dc=x", "cn=gone,dc=x", "cn=person,dc=x"]));
    assert_eq!(object["hosts"], json!(["cn=h, dc=x"]));
    assert_eq!(object["nestedGroup"], json!(["cn=n,dc=x"]));
    assert_eq!(MemberKind::of(&entry("cn=x", &[])), MemberKind::User);
}

#[test]
fn a_search_that_found_no_group_outranks_member_of() {
    let user = entry("uid=a,dc=x", &[("memberOf", "cn=stale,dc=x"), ("gidNumber", "5")]);
    let needs = Needs::of(Module::User, &user);
    let mut related = Related::default();
    assert_eq!(mapper().object(Module::User, &user, &related)["groups"], json!(["cn=stale,dc=x"]));
    related.expect_memberships(&needs);
    assert_eq!(mapper().object(Module::User, &user, &related)["groups"], json!([]));
    let mut group = entry(
        "cn=g,dc=x",
        &[
            ("objectClass", "univentionGroup"),
            ("gidNumber", "5"),
            ("uniqueMember", "UID=A,DC=x"),
            ("uniqueMember", "uid=somebody,dc=x"),
            ("univentionGuardianMemberRoles", "app:ns:role"),
        ],
    );
    related.add_membership(&group);
    related.add_group(&group);
    group.dn = "cn=second,dc=x".to_owned();
    related.add_group(&group);
    let object = mapper().object(Module::User, &user, &related);
    assert_eq!(object["groups"], json!(["cn=g,dc=x"]));
    assert_eq!(object["primaryGroup"], "cn=g,dc=x");
    assert_eq!(object["guardianInheritedRoles"], json!(["app:ns:role"]));
}

#[test]
fn a_certificate_counts_only_with_its_option() {
    let mut broken = entry("uid=a,dc=x", &[("objectClass", "pkiUser")]);
    broken.push("userCertificate;binary", vec![0x30, 0x82, 0xff]);
    let object = mapper().object(Module::User, &broken, &Related::default());
    assert_eq!(object["userCertificate"], "MIL/");
    assert!(!object.contains_key("certificateSerial"));
    let mut without = entry("uid=a,dc=x", &[]);
    without.push("userCertificate;binary", vec![0x30]);
    let object = mapper().object(Module::User, &without, &Related::default());
    assert!(!object.contains_key("userCertificate"));
}

#[test]
fn what_an_entry_is() {
    let classes = |names: &[&str]| {
        let mut entry = Entry::new("uid=a,dc=x");
        names.iter().for_each(|name| entry.push("objectClass", *name));
        entry
    };
    let user_classes = [
        "posixaccount",
        "SHADOWACCOUNT",
        "sambaSamAccount",
        "person",
        "krb5Principal",
        "krb5KDCEntry",
    ];
    let user = classes(&user_classes);
    assert_eq!(Module::of(&user), Some(Module::User));
    for missing in 0..user_classes.len() {
        let mut fewer = user_classes.to_vec();
        fewer.remove(missing);
        assert_eq!(Module::of(&classes(&fewer)), None);
    }
    for (name, value) in [
        ("objectClass", "univentionHost"),
        ("uid", "pc1$"),
        ("uidNumber", "0"),
        ("univentionObjectFlag", "functional"),
        ("univentionObjectType", "computers/windows"),
        ("univentionObjectType", "Users/User"),
    ] {
        let mut other = user.clone();
        other.push(name, value);
        assert_eq!(Module::of(&other), None, "{name}: {value}");
    }
    let mut typed = Entry::new("cn=x");
    typed.push("univentionObjectType", "oxresources/oxresources");
    assert_eq!(Module::of(&typed), Some(Module::Resource));
    assert_eq!(Module::of(&classes(&["organizationalUnit", "univentionBase"])), None);
    assert_eq!(Module::of(&classes(&["univentionGroup"])), None, "a group needs a cn");
    for module in Module::ALL {
        assert_eq!(module.as_str().parse::<Module>().ok(), Some(module));
        assert!(module.filter().contains(&format!("(univentionObjectType={module})")));
        let depth = |open: char| module.filter().matches(open).count();
        assert_eq!(depth('('), depth(')'), "{}", module.filter());
    }
    assert!("users/User".parse::<Module>().is_err());
}
