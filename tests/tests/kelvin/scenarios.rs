//! The rows of id-connector 12, each also with the schools of the mapping in scrambled letter case.

use idspool_tests::{SchoolKind, SchoolUser, class_dn, class_ldif};
use serde_json::{Value, json};

use crate::world::{SOON, World, each};

fn user(uid: &str, kind: SchoolKind, schools: &[&str]) -> SchoolUser {
    SchoolUser::new(uid, kind, schools)
}

/// What the server says of the password of a user is what the directory says.
fn assert_password(user: &Value, seed: &str) {
    let hashes = SchoolUser::hashes(seed);
    let [password, samba, key, version, set] = hashes.each_ref().map(|(_, value)| value.as_str());
    let number = |text: &str| text.parse::<u64>().unwrap();
    assert_eq!(
        user["kelvin_password_hashes"],
        json!({
            "user_password": [password], "samba_nt_password": samba, "krb_5_key": [key],
            "krb5_key_version_number": number(version), "samba_pwd_last_set": number(set),
        })
    );
}

#[test]
fn s1_users_appear_where_their_schools_are() {
    each(|world| {
        let [a, b, _, c] = world.schools();
        let kinds = [SchoolKind::Student, SchoolKind::Teacher, SchoolKind::Guardian];
        let classes = [(a, "1a"), (b, "2b"), (c, "3-c")];
        for (school, class) in classes {
            world.ldap().add(&class_ldif(school, class, &[]), false).unwrap();
        }
        let class_of = |school: &str| classes.iter().find(|(of, _)| *of == school).unwrap().1;
        let cases: [(&str, &[&str]); 3] = [("a", &[a]), ("ab", &[a, b]), ("ac", &[a, c])];
        for kind in kinds {
            for (suffix, schools) in cases {
                let user = user(&format!("{kind:?}-{suffix}").to_lowercase(), kind, schools);
                world.add(&user);
                if kind != SchoolKind::Guardian {
                    schools.iter().for_each(|s| world.join(&user.dn(), s, class_of(s)));
                }
            }
        }
        world.settle();
        for kind in kinds {
            let name = |suffix: &str| format!("{kind:?}-{suffix}").to_lowercase();
            let role = match kind {
                SchoolKind::Guardian => "legal_guardian",
                SchoolKind::Teacher => "teacher",
                _ => "student",
            };
            let classes = |schools: &[&str]| -> Value {
                let of = |school: &&str| ((*school).to_owned(), json!([class_of(school)]));
                let is_member = kind != SchoolKind::Guardian;
                Value::Object(schools.iter().filter(|_| is_member).map(of).collect())
            };
            let only_a = world.at_one(&name("a"));
            assert_eq!(only_a["roles"], json!([role]));
            assert_eq!((&only_a["school"], &only_a["schools"]), (&json!(a), &json!([a])));
            assert_eq!(only_a["school_classes"], classes(&[a]));
            assert_eq!(
                (&only_a["firstname"], &only_a["lastname"]),
                (&json!("First"), &json!(name("a")))
            );
            assert_eq!(only_a["birthday"], "2011-05-30");
            assert_eq!(only_a["expiration_date"], Value::Null);
            assert_eq!(only_a["disabled"], false);
            assert_eq!(only_a["record_uid"], json!(format!("rec-{}", name("a"))));
            assert_eq!(only_a["source_uid"], "sis");
            assert_eq!(only_a["email"], json!(format!("{}@example.org", name("a"))));
            assert_password(&only_a, &name("a"));

            let both = world.at_one(&name("ab"));
            assert_eq!((&both["school"], &both["schools"]), (&json!(a), &json!([a, b])));
            assert_eq!(both["school_classes"], classes(&[a, b]));
            let here = world.at_one(&name("ac"));
            assert_eq!(here["schools"], json!([a]), "the other authority's school is not sent");
            assert_eq!(here["school_classes"], classes(&[a]));
            let there = world.at_two(&name("ac"));
            assert_eq!((&there["school"], &there["schools"]), (&json!(c), &json!([c])));
            assert_eq!(there["school_classes"], classes(&[c]));
            for absent in ["a", "ab"] {
                assert_eq!(world.two.user(&name(absent)).unwrap(), None);
            }
        }
    });
}

#[test]
fn s2_who_is_deleted_disappears_from_all_servers() {
    each(|world| {
        let [a, _, _, c] = world.schools();
        let anna = user("anna", SchoolKind::Student, &[a, c]);
        world.add(&anna);
        world.settle();
        world.at_one("anna");
        world.at_two("anna");
        world.ldap().delete(&anna.dn()).unwrap();
        world.settle();
        assert_eq!(world.one.user_names().unwrap(), [""; 0]);
        assert_eq!(world.two.user_names().unwrap(), [""; 0]);
    });
}

#[test]
fn s3_changes_arrive() {
    each(|world| {
        let [a, ..] = world.schools();
        let (anna, mum) =
            (user("anna", SchoolKind::Student, &[a]), user("mum", SchoolKind::Guardian, &[a]));
        world.add(&anna);
        world.add(&mum);
        world.settle();
        let (ldap, dn) = (world.ldap(), anna.dn());
        ldap.replace(&dn, "givenName", &["Änne"]).unwrap();
        ldap.replace(&dn, "sn", &["Öz"]).unwrap();
        ldap.replace(&dn, "univentionBirthday", &["2012-02-29"]).unwrap();
        ldap.replace(&dn, "shadowExpire", &["20000"]).unwrap();
        ldap.replace(&dn, "title", &["Dr."]).unwrap();
        ldap.replace(&dn, "shadowLastChange", &["0"]).unwrap();
        ldap.replace(&dn, "ucsschoolLegalGuardian", &[&mum.dn()]).unwrap();
        ldap.replace(&mum.dn(), "ucsschoolLegalWard", &[&dn]).unwrap();
        world.set_password(&dn, "another");
        world.settle();
        let changed = world.at_one("anna");
        assert_eq!((&changed["firstname"], &changed["lastname"]), (&json!("Änne"), &json!("Öz")));
        assert_eq!(changed["birthday"], "2012-02-29");
        assert_eq!(changed["expiration_date"], "2024-10-04");
        assert_eq!(changed["udm_properties"]["title"], "Dr.");
        assert_eq!(changed["udm_properties"]["pwdChangeNextLogin"], true);
        assert_eq!(changed["legal_guardians"], json!(["mum"]));
        assert_eq!(world.at_one("mum")["legal_wards"], json!(["anna"]));
        assert_password(&changed, "another");

        // Everything that can be cleared is cleared again.
        for attribute in ["univentionBirthday", "shadowExpire", "title", "mailPrimaryAddress"] {
            ldap.replace(&dn, attribute, &[]).unwrap();
        }
        ldap.replace(&dn, "ucsschoolLegalGuardian", &[]).unwrap();
        ldap.replace(&mum.dn(), "ucsschoolLegalWard", &[]).unwrap();
        world.settle();
        let cleared = world.at_one("anna");
        for attribute in ["birthday", "expiration_date", "email"] {
            assert_eq!(cleared[attribute], Value::Null, "{attribute}");
        }
        assert!(cleared["udm_properties"]["title"].is_null(), "{cleared:#}");
        assert_eq!(cleared["legal_guardians"], json!([]));

        // Disabled, and enabled again.
        for (is_disabled, flags, bits, expiry) in
            [(true, "[UD         ]", "254", &["1"][..]), (false, "[U          ]", "126", &[])]
        {
            ldap.replace(&dn, "sambaAcctFlags", &[flags]).unwrap();
            ldap.replace(&dn, "krb5KDCFlags", &[bits]).unwrap();
            ldap.replace(&dn, "shadowExpire", expiry).unwrap();
            world.settle();
            assert_eq!(world.at_one("anna")["disabled"], json!(is_disabled));
        }
    });
}

#[test]
fn s4_classes_change_within_a_school() {
    each(|world| {
        let [a, ..] = world.schools();
        let anna = user("anna", SchoolKind::Student, &[a]);
        world.add(&anna);
        for class in ["1a", "1b", "with-hyphen"] {
            world.ldap().add(&class_ldif(a, class, &[]), false).unwrap();
        }
        world.join(&anna.dn(), a, "1a");
        world.settle();
        assert_eq!(world.at_one("anna")["school_classes"], json!({a: ["1a"]}));
        world.join(&anna.dn(), a, "1b");
        world.join(&anna.dn(), a, "with-hyphen");
        world.leave(&anna.dn(), a, "1a");
        world.settle();
        assert_eq!(world.at_one("anna")["school_classes"], json!({a: ["1b", "with-hyphen"]}));
        assert_eq!(world.one.class(a, "1a").unwrap().unwrap()["users"], json!([]));
        assert_eq!(world.one.class(a, "1b").unwrap().unwrap()["users"], json!(["anna"]));
    });
}

#[test]
fn s5_who_moves_to_another_school_is_only_there() {
    each(|world| {
        let [a, b, ..] = world.schools();
        let (anna, moved) =
            (user("anna", SchoolKind::Student, &[a]), user("anna", SchoolKind::Student, &[b]));
        world.add(&anna);
        world.ldap().add(&class_ldif(a, "1a", &[&anna]), false).unwrap();
        world.ldap().add(&class_ldif(b, "2b", &[]), false).unwrap();
        world.settle();
        world.leave(&anna.dn(), a, "1a");
        world.relocate(&anna, &moved);
        world.join(&moved.dn(), b, "2b");
        world.settle();
        let anna = world.at_one("anna");
        assert_eq!((&anna["school"], &anna["schools"]), (&json!(b), &json!([b])));
        assert_eq!(anna["school_classes"], json!({b: ["2b"]}));
    });
}

#[test]
fn s6_the_primary_school_is_the_same_when_schools_change() {
    each(|world| {
        let [a, b, d, _] = world.schools();
        for kind in [SchoolKind::Student, SchoolKind::Teacher] {
            let name = format!("{kind:?}").to_lowercase();
            let (before, after) = (user(&name, kind, &[a, b]), user(&name, kind, &[b, d]));
            world.add(&before);
            world.settle();
            assert_eq!(world.at_one(&name)["school"], a);
            world.relocate(&before, &after);
            world.settle();
            let user = world.at_one(&name);
            assert_eq!((&user["school"], &user["schools"]), (&json!(b), &json!([b, d])));
        }
    });
}

#[test]
fn s7_another_school_leaves_the_primary_one() {
    each(|world| {
        let [a, b, d, _] = world.schools();
        let (before, after) = (
            user("anna", SchoolKind::Student, &[b]),
            user("anna", SchoolKind::Student, &[b, a, d]),
        );
        world.add(&before);
        world.settle();
        world.relocate(&before, &after);
        world.settle();
        let anna = world.at_one("anna");
        // Not the first one in the alphabet.
        assert_eq!((&anna["school"], &anna["schools"]), (&json!(b), &json!([a, b, d])));
    });
}

#[test]
fn s8_classes_appear_at_their_server_alone() {
    each(|world| {
        let [a, b, _, c] = world.schools();
        let names = [("anna", a), ("bob", b), ("Carl", c)];
        for (name, school) in names {
            let user = user(name, SchoolKind::Student, &[school]);
            world.add(&user);
            world.ldap().add(&class_ldif(school, "7x", &[&user]), false).unwrap();
        }
        world.settle();
        assert_eq!(world.one.class_names().unwrap(), [format!("{a}/7x"), format!("{b}/7x")]);
        assert_eq!(world.two.class_names().unwrap(), [format!("{c}/7x")]);
        let class = world.one.class(a, "7x").unwrap().unwrap();
        assert_eq!(
            (&class["description"], &class["users"]),
            (&json!("Class 7x"), &json!(["anna"]))
        );
        assert_eq!(world.two.class(c, "7x").unwrap().unwrap()["users"], json!(["Carl"]));

        // Renamed, described otherwise, and removed.
        let ldap = world.ldap();
        ldap.replace(&class_dn(a, "7x"), "description", &[]).unwrap();
        ldap.rename(&class_dn(b, "7x"), &format!("cn={b}-8y"), None).unwrap();
        ldap.delete(&class_dn(c, "7x")).unwrap();
        world.settle();
        assert!(world.one.class(a, "7x").unwrap().unwrap()["description"].is_null());
        assert_eq!(world.one.class_names().unwrap(), [format!("{a}/7x"), format!("{b}/8y")]);
        assert_eq!(world.one.class(b, "8y").unwrap().unwrap()["users"], json!(["bob"]));
        assert_eq!(world.two.class_names().unwrap(), [""; 0]);
    });
}

#[test]
fn s12_what_is_scheduled_is_sent_although_nothing_differs() {
    each(|world| {
        let [a, ..] = world.schools();
        let anna = user("anna", SchoolKind::Student, &[a]);
        world.add(&anna);
        world.ldap().add(&class_ldif(a, "1a", &[&anna]), false).unwrap();
        world.settle();
        let daemon = world.kelvin.as_ref().unwrap();
        let class = format!("{a}-1a");
        let schedule = |what: &[&str]| {
            let (seen, before) = (daemon.lines().len(), world.one.last_call().unwrap());
            let arguments = [&["kelvin", "schedule"], what].concat();
            let output = world.idspool.run("idspool", &arguments).unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            world.settle();
            (daemon.lines().split_off(seen), world.one.calls_since(before).unwrap())
        };
        // Nothing differs: nothing is sent.
        let before = world.one.last_call().unwrap();
        world
            .idspool
            .hook(&world.ldap().entry_uuid(&anna.dn()).unwrap(), &anna.dn(), "users/user", "modify")
            .unwrap();
        world.settle();
        assert_eq!(world.one.calls_since(before).unwrap(), [""; 0]);

        let newest = |lines: &[String], name: &str| {
            let named = lines.iter().rev().find(|line| line.contains(name));
            named.unwrap_or_else(|| panic!("nothing of {name} in {lines:#?}")).clone()
        };
        let (lines, calls) = schedule(&["user", "anna"]);
        assert!(newest(&lines, "anna").contains("modified"), "{lines:#?}");
        assert!(calls.iter().any(|call| call.starts_with("PATCH ")), "{calls:?}");
        let (lines, _) = schedule(&["group", &class]);
        assert!(newest(&lines, "1a").contains("modified"), "{lines:#?}");
        let (lines, _) = schedule(&["school", a]);
        assert!(newest(&lines, "anna").contains("modified"), "{lines:#?}");
        let start =
            lines.iter().position(|line| line.contains("OutQueue(auth1): Start handling '"));
        let end =
            lines.iter().position(|line| line.contains("OutQueue(auth1): Finished handling '"));
        assert!(start < end, "{lines:#?}");
        assert!(
            lines.iter().any(|line| line.contains("' to out queue 'auth1' (active).")),
            "{lines:#?}"
        );
    });
}

#[test]
fn s15_members_that_belong_to_the_server_stay() {
    let world = World::quiet(&["A", "B", "D", "C"], &crate::world::PLAIN);
    world
        .idspool
        .authority("auth1", &world.one.api(), |document| {
            document["plugins"] = json!(["kelvin-partial-group-sync"]);
            let mut config = document["plugin_configs"]["kelvin"].take();
            config["school_classes_ignore_roles"] = json!(["teacher"]);
            let mut teachers = config["mapping"]["users"].clone();
            teachers.as_object_mut().unwrap().remove("school_classes");
            config["mapping"]["users_teacher"] = teachers;
            document["plugin_configs"] = json!({"kelvin-partial-group-sync": config});
        })
        .unwrap();
    let world = world.run();
    let names = ["anna", "bob"].map(|name| user(name, SchoolKind::Student, &["A"]));
    let [anna, bob] = &names;
    let teacher = user("teach", SchoolKind::Teacher, &["A"]);
    [anna, bob, &teacher].into_iter().for_each(|user| world.add(user));
    world.ldap().add(&class_ldif("A", "1a", &[anna, &teacher]), false).unwrap();
    world.settle();
    let members = || world.one.class("A", "1a").unwrap().unwrap()["users"].clone();
    assert_eq!(members(), json!(["anna"]), "a teacher is not added");
    // Added at the server, where teachers belong.
    world.put_member_at_one("A", "1a", &["anna", "teach"]);
    world.join(&bob.dn(), "A", "1a");
    world.leave(&anna.dn(), "A", "1a");
    world.settle();
    assert_eq!(members(), json!(["bob", "teach"]), "and is not removed");
}

#[test]
fn guardians_that_do_not_exist_are_left_out_and_follow() {
    let world = World::new();
    let (anna, mum) =
        (user("anna", SchoolKind::Student, &["A"]), user("mum", SchoolKind::Guardian, &["C"]));
    world.add(&mum);
    world.add(&anna);
    world.ldap().replace(&anna.dn(), "ucsschoolLegalGuardian", &[&mum.dn()]).unwrap();
    world.settle();
    // She is at the other server.
    assert_eq!(world.at_one("anna")["legal_guardians"], json!([]));
    let daemon = world.kelvin.as_ref().unwrap();
    daemon.wait_for("User not found, remove from connected legal-guardians: mum", SOON).unwrap();
    // When she comes, she brings the relation with her.
    let both = user("mum", SchoolKind::Guardian, &["C", "A"]);
    world.ldap().replace(&mum.dn(), "ucsschoolLegalWard", &[&anna.dn()]).unwrap();
    world.relocate(&mum, &both);
    world.settle();
    assert_eq!(world.at_one("mum")["legal_wards"], json!(["anna"]));
    assert_eq!(world.at_one("anna")["legal_guardians"], json!(["mum"]));
}
