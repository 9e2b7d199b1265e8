//! What a call becomes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use idspool_tests::{Installation, Slapd};
use serde_json::{Value, json};

use super::{Site, dn, entry, modified, modify, nothing, pair, user, uuid};

#[test]
fn each_call_for_a_wanted_object_is_one_item_when_it_returns() {
    let site = Site::new();
    let mut listener = site.start();
    let types = listener.ask(&json!({"get": "idspool_ucs.kind.OBJECT_TYPES"}))["value"].clone();
    let types: Vec<String> = serde_json::from_value(types).unwrap();
    for (number, object_type) in types.iter().enumerate() {
        let entry = entry(number, object_type);
        for (new, old, call, command) in [
            (&entry, &nothing(), "a", "add"),
            (&entry, &entry, "m", "modify"),
            // Gone by the time the listener looked.
            (&nothing(), &entry, "m", "delete"),
            (&Value::Null, &entry, "d", "delete"),
            (&entry, &Value::Null, "m", "add"),
        ] {
            listener.handler(&dn(number), new, old, call);
            let last = site.files().pop().unwrap();
            let expected = json!({"entry_uuid": uuid(number), "dn": dn(number), "object_type": object_type,
                                  "command": command});
            assert_eq!(last, expected);
        }
    }
    assert_eq!(site.files().len(), 5 * types.len());
    assert_eq!(site.lines("pending.jsonl").len() + site.lines("rejected.jsonl").len(), 0);
}

#[test]
fn the_types_are_those_of_the_hook() {
    let site = Site::new();
    let output =
        site.idspool.command("idspool-listener", &["hook", "--entry-uuid", &uuid(1)]).unwrap();
    let mut output = output;
    output.args(["--dn", "cn=a", "--object-type", "no/type", "--command", "add"]);
    let message = String::from_utf8(output.output().unwrap().stderr).unwrap();
    let known = message.trim().split("give one of ").nth(1).unwrap();
    let types = site.start().ask(&json!({"get": "idspool_ucs.kind.OBJECT_TYPES"}))["value"].clone();
    let types: Vec<String> = serde_json::from_value(types).unwrap();
    assert_eq!(types.join(", "), known);
}

#[test]
fn what_idspool_does_not_handle_leads_to_nothing() {
    let site = Site::new();
    let mut listener = site.start();
    let schema = json!({"objectClass": ["top", "subentry", "subschema"], "entryUUID": [uuid(1)]});
    listener.handler("cn=Subschema", &schema, &nothing(), "n");
    for object_type in ["computers/windows", "users/ldap", "USERS/USER", "groups/group "] {
        let entry = entry(2, object_type);
        for (new, old, command) in [
            (&entry, &nothing(), "a"),
            (&entry, &entry, "m"),
            (&nothing(), &entry, "d"),
            (&nothing(), &entry, "r"),
        ] {
            listener.handler(&dn(2), new, old, command);
        }
    }
    // The listener makes this one up when it may not read a container.
    let fake = json!({"objectClass": ["organizationalUnit"], "ou": ["x"],
                      "entryUUID": ["00000000-0000-0000-0000-000000000000"]});
    listener.handler("ou=x,dc=example,dc=org", &fake, &nothing(), "n");
    listener.handler(&dn(3), &nothing(), &nothing(), "d");
    listener.handler(&dn(3), &Value::Null, &Value::Null, "d");
    listener.call(&json!({"call": "setdata", "key": "bindpw", "value": "secret"}));
    listener.call(&json!({"call": "clean"}));
    listener.postrun();
    assert!(site.files().is_empty() && listener.log().is_empty(), "{}", listener.log());
    // Nothing to report is no reason to start anything.
    assert!(!site.idspool.listener_spool().exists());
    assert!(fs::read_dir(site.state("")).unwrap().next().is_none());
}

#[test]
fn entries_without_a_type_are_told_apart_by_their_classes() {
    let user = [
        "posixAccount",
        "SHADOWACCOUNT",
        "sambaSamAccount",
        "person",
        "krb5Principal",
        "krb5KDCEntry",
    ];
    let mut computer = user.to_vec();
    computer.push("univentionHost");
    let site = Site::new();
    let mut listener = site.start();
    for (classes, more, expected) in [
        (user.to_vec(), json!({"uid": ["anna"]}), "users/user"),
        (user.to_vec(), json!({"uid": ["anna$"]}), ""),
        (user.to_vec(), json!({"uidNumber": ["0"]}), ""),
        (user.to_vec(), json!({"univentionObjectFlag": ["functional"]}), ""),
        (user[..5].to_vec(), json!({}), ""),
        (computer, json!({}), ""),
        (vec!["univentionGroup"], json!({"cn": ["a"]}), "groups/group"),
        (vec!["sambaGroupMapping"], json!({"cn": ["a"]}), "groups/group"),
        (vec!["univentionGroup"], json!({}), ""),
        (vec!["oxContext"], json!({}), "oxmail/oxcontext"),
        (vec!["oxAccessProfile"], json!({}), "oxmail/accessprofile"),
        (vec!["oxFunctionalAccount"], json!({}), "oxmail/functional_account"),
        (vec!["oxResourceObject"], json!({}), "oxresources/oxresources"),
        (vec!["organizationalUnit"], json!({}), "container/ou"),
        (vec!["organizationalUnit", "univentionBase"], json!({}), ""),
        (vec!["top"], json!({}), ""),
    ] {
        let mut entry = json!({"OBJECTCLASS": classes, "entryUUID": [uuid(1)]});
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        let before = site.files().len();
        listener.handler(&dn(1), &nothing(), &entry, "d");
        let found = site.files();
        let found = found.get(before).map_or("", |item| item["object_type"].as_str().unwrap());
        assert_eq!(found, expected, "{entry}");
    }
}

#[test]
fn names_of_any_kind_arrive_as_they_are() {
    let site = Site::new();
    let mut listener = site.start();
    let long = format!("cn={},dc=example,dc=org", "ä".repeat(100_000));
    let names = [
        "uid=jörg müller,cn=users,dc=example,dc=org",
        "cn=\\\"a\\\" 'b' $(touch x) `id` rm -rf *,dc=example,dc=org",
        "cn=two\\0Alines,dc=example,dc=org",
        "cn=--stdin,dc=example,dc=org",
        "cn=\u{1f600}\\,\\+,dc=example,dc=org",
        long.as_str(),
    ];
    for name in names {
        listener.handler(name, &user(1), &user(1), "m");
    }
    let found: Vec<String> = site.items().into_iter().map(|(dn, _)| dn).collect();
    assert_eq!(found.len(), names.len());
    for (found, name) in found.iter().zip(names) {
        assert!(found == name, "{:.80} {name:.80}", found);
    }
}

#[test]
fn a_rename_is_one_change_under_the_new_name() {
    let site = Site::new();
    let mut listener = site.start();
    listener.handler("uid=old,dc=x", &nothing(), &user(1), "r");
    assert!(site.files().is_empty(), "half a rename is no change");
    assert_eq!(fs::metadata(site.state("renamed.json")).unwrap().mode() & 0o777, 0o600);
    listener.handler("uid=new,dc=x", &user(1), &nothing(), "a");
    assert_eq!(site.items(), [pair("uid=new,dc=x", "modify")]);
    listener.postrun();
    assert_eq!(site.files().len(), 1, "the old name is forgotten");
    assert!(!site.state("renamed.json").exists());
    // The container that it moves to comes in between, when the listener did not know it.
    listener.handler("uid=old,dc=x", &nothing(), &user(2), "r");
    listener.handler("ou=new,dc=x", &entry(3, "container/ou"), &nothing(), "n");
    listener.handler("uid=old,ou=new,dc=x", &user(2), &nothing(), "a");
    listener.postrun();
    let rest = site.items().split_off(1);
    assert_eq!(rest, [pair("ou=new,dc=x", "add"), pair("uid=old,ou=new,dc=x", "modify")]);
}

#[test]
fn a_rename_survives_a_kill_between_its_calls() {
    let site = Site::new();
    let mut listener = site.start();
    listener.handler("uid=old,dc=x", &nothing(), &user(1), "r");
    listener.kill();
    let mut listener = site.start();
    // Something else is first, and the time that counts is that of this process.
    modify(&mut listener, 2);
    listener.handler("uid=new,dc=x", &user(1), &nothing(), "a");
    listener.postrun();
    assert_eq!(site.items(), [pair(&dn(2), "modify"), pair("uid=new,dc=x", "modify")]);
}

#[test]
fn a_rename_to_nowhere_ends_as_a_deletion_but_not_at_once() {
    let site = Site::new();
    let mut listener = site.start();
    listener.handler("uid=old,dc=x", &nothing(), &user(1), "r");
    modify(&mut listener, 2);
    assert_eq!(site.items(), modified([2]));
    // Nothing happens for 15 seconds.
    listener.postrun();
    assert_eq!(site.items()[1..], [pair("uid=old,dc=x", "delete")]);
    // The changes never pause, and the listener was restarted.
    listener.handler("uid=old3,dc=x", &nothing(), &user(3), "r");
    listener.stop();
    let mut listener = site.start();
    modify(&mut listener, 4);
    assert_eq!(site.files().len(), 3);
    listener.set("RENAME_SECONDS", 0.0);
    // Also a change that is none of ours shows that time goes by.
    listener.handler("cn=x", &entry(5, "computers/windows"), &nothing(), "a");
    assert_eq!(site.items()[3..], [pair("uid=old3,dc=x", "delete")]);
    // A deletion in place of the second call.
    listener.set("RENAME_SECONDS", 3600.0);
    listener.handler("uid=old6,dc=x", &nothing(), &user(6), "r");
    listener.handler("uid=new6,dc=x", &nothing(), &user(6), "d");
    listener.postrun();
    assert_eq!(site.items()[4..], [pair("uid=new6,dc=x", "delete")]);
    assert_eq!(listener.log(), "");
}

#[test]
fn an_object_that_changes_its_type_is_told_as_what_it_was() {
    let site = Site::new();
    let mut listener = site.start();
    let computer = |number| entry(number, "computers/windows");
    listener.handler("cn=1", &computer(1), &user(1), "m");
    listener.handler("cn=2", &entry(2, "oxmail/functional_account"), &user(2), "m");
    listener.handler("cn=3", &user(3), &computer(3), "m");
    listener.handler("cn=4", &nothing(), &user(4), "r");
    listener.handler("cn=4b", &computer(4), &nothing(), "a");
    let found: Vec<_> = site
        .files()
        .iter()
        .map(|item| {
            ["dn", "object_type", "command"].map(|key| item[key].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ["cn=1", "users/user", "delete"],
        ["cn=2", "users/user", "modify"],
        ["cn=3", "users/user", "add"],
        ["cn=4b", "users/user", "delete"],
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_second_listing_of_all_objects_is_a_resync() {
    let site = Site::new();
    for (round, resync) in [(0, Value::Null), (1, json!(true))] {
        let mut listener = site.start();
        listener.call(&json!({"call": "clean"}));
        listener.call(&json!({"call": "initialize"}));
        for number in 0..3 {
            listener.handler(&dn(number), &user(number), &nothing(), "n");
        }
        modify(&mut listener, 3);
        listener.postrun();
        let found = site.files().split_off(4 * round);
        for item in &found[..3] {
            assert_eq!((&item["command"], &item["resync"]), (&json!("add"), &resync));
        }
        assert_eq!(found[3]["resync"], Value::Null);
    }
    // Started again for another reason: no resync.
    let mut listener = site.start();
    listener.handler(&dn(9), &user(9), &nothing(), "n");
    assert_eq!(site.files()[8]["resync"], Value::Null);
}

#[test]
fn a_rename_in_the_directory_reaches_the_queue_of_ox_as_one_item() {
    let slapd = Slapd::start().unwrap();
    let site = Site::of(Installation::new(&slapd.url(), "http://127.0.0.1:9").unwrap());
    let old = "uid=a.oehler,cn=users,dc=example,dc=org";
    let uuid = slapd.entry_uuid(old).unwrap();
    let mut entry = user(0);
    entry["entryUUID"] = json!([uuid]);
    let renamed = Command::new("ldapmodrdn")
        .args([
            "-x",
            "-r",
            "-H",
            &slapd.url(),
            "-D",
            idspool_tests::ADMIN_DN,
            "-w",
            idspool_tests::ADMIN_PASSWORD,
        ])
        .args([old, "uid=a.meier"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(renamed.success());
    let new = "uid=a.meier,cn=users,dc=example,dc=org";
    let mut listener = site.start();
    listener.handler(old, &nothing(), &entry, "r");
    listener.handler(new, &entry, &nothing(), "a");
    let output = site.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queue = site.idspool.ox_queue();
    let waiting = Installation::waiting(&queue);
    assert_eq!(waiting.len(), 1);
    let item: Value = serde_json::from_slice(&fs::read(queue.join(&waiting[0])).unwrap()).unwrap();
    assert_eq!((item["id"].as_str(), item["dn"].as_str()), (Some(uuid.as_str()), Some(new)));
    assert_eq!(item["object"]["username"], "a.meier");
}
