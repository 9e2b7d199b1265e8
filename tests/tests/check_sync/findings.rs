//! What is told when the sides differ.

use std::fs;

use idspool_tests::BASE_DN;
use serde_json::{Value, json};

use crate::world::{World, brief};

#[test]
fn a_consistent_installation_is_consistent() {
    let world = World::provisioned();
    world.assert_consistent();
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert_eq!(code, 0, "{lines}");
    assert_eq!(
        lines,
        format!(
            "Search object with dn: {}\n\
             Success: Data of the object is consistent between OX, UDM and listener files.\n",
            World::dn("a.oehler")
        )
    );
    for dn in [
        "UID=A.OEHLER, cn=Users, dc=example,dc=org",
        "cn=context10,cn=open-xchange,dc=example,dc=org",
        "cn=webmail,cn=accessprofiles,cn=open-xchange,dc=example,dc=org",
        "cn=beamer,cn=oxresources,cn=open-xchange,dc=example,dc=org",
        "cn=info,cn=functional_accounts,cn=open-xchange,dc=example,dc=org",
        "cn=ox-vertrieb,cn=groups,dc=example,dc=org",
    ] {
        let (code, lines) = world.one(dn, &[]);
        assert!(code == 0 && lines.contains("Success: "), "{dn}: {code} {lines}");
    }
}

#[test]
fn each_side_that_was_altered_by_hand_is_told() {
    let world = World::provisioned();
    let ldap = world.slapd.cli();
    // The directory, without anybody being told.
    ldap.replace(&World::dn("b.meier"), "telephoneNumber", &["+49 77"]).unwrap();
    // OX.
    world.change_user("d.zu", "<d:company>Other</d:company><d:id>ID</d:id>");
    // A snapshot.
    world.edit_snapshot(&world.uuid("F.Gross-Klein"), |object| object["title"] = json!("Prof."));
    // OX: gone.
    world.delete_user("a.oehler");
    // OX: a resource, a member, an account.
    let beamer = world.state(10, "resources", "beamer")["id"].clone();
    world.soap(
        10,
        "OXResourceService",
        &format!(
            "<s:change><s:ctx><d:id>10</d:id></s:ctx><s:res><d:description>x</d:description>\
             <d:id>{beamer}</d:id></s:res>AUTH</s:change>"
        ),
    );
    let (findings, summary) = world.all(&[]);
    let of = |name: &str| -> Vec<Value> {
        findings.iter().filter(|found| found["object"] == name).map(brief).collect()
    };
    let row = |field: &str, snapshot: Value, ox: Value, directory: Value| {
        json!([{"kind": "different", "context": null, "field": field, "snapshot": snapshot,
                "ox": ox, "directory": directory}])
    };
    let old_phone = &world.idspool.snapshot(&world.uuid("b.meier")).unwrap()["object"]["phone"][0];
    assert_eq!(
        json!(of(&World::dn("b.meier"))),
        row("phone", old_phone.clone(), old_phone.clone(), json!("+49 77"))
    );
    assert_eq!(
        json!(of(&World::dn("d.zu"))),
        row("organisation", json!(null), json!("Other"), json!(null))
    );
    let title = of(&World::dn("F.Gross-Klein"));
    assert_eq!(title[0]["field"], "title");
    assert_eq!(title[0]["snapshot"], "Prof.");
    assert_eq!(title[0]["ox"], title[0]["directory"]);
    let gone = of(&World::dn("a.oehler"));
    assert_eq!(
        json!(gone),
        json!([{"kind": "not_in_ox", "context": 10, "field": null, "snapshot": null, "ox": null,
                "directory": null}])
    );
    let resource = of("cn=beamer,cn=oxresources,cn=open-xchange,dc=example,dc=org");
    assert_eq!((&resource[0]["field"], &resource[0]["ox"]), (&json!("description"), &json!("x")));
    // Whoever was deleted is missing where others list them.
    let group = of(&format!("cn=ox-vertrieb,cn=groups,{BASE_DN}"));
    assert_eq!(
        json!(group),
        json!([{"kind": "different", "context": 10, "field": "users",
                "snapshot": ["a.oehler", "b.meier", "d.zu"], "ox": ["b.meier", "d.zu"],
                "directory": ["a.oehler", "b.meier", "d.zu"]}])
    );
    let account = of("cn=info,cn=functional_accounts,cn=open-xchange,dc=example,dc=org");
    assert_eq!((&account[0]["field"], &account[0]["ox"]), (&json!("users"), &json!(["b.meier"])));
    assert_eq!(summary["inconsistent"], 7, "{findings:#?}");
    // The same for one object.
    let (code, lines) = world.one(&World::dn("d.zu"), &[]);
    assert_eq!(code, 1);
    let expected = "DIFF(organisation): old listener value: None, ox value: Other, udm value: None\n\
                    Warning: Data inconsistencies detected. ";
    assert!(lines.contains(expected), "{lines}");
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert!(code == 1 && lines.contains("Object not found in ox database (context 10)"), "{lines}");

    let (_, summary) = world.all(&["--resync"]);
    assert_eq!(summary["requeued"], 7);
    let snapshot = world.idspool.snapshot(&world.uuid("d.zu")).unwrap();
    assert_eq!(snapshot["object"].get("oxDbId"), None, "it is looked up again");
    world.once();
    // Groups and accounts were delivered before OX had the new id of the user that was gone: they are
    // put into the queue by the user's own delivery.
    world.assert_consistent();
    assert!(world.sandbox.user(10, "a.oehler").unwrap().is_some());
}

#[test]
fn what_only_one_side_has_is_told() {
    let world = World::provisioned();
    let ldap = world.slapd.cli();
    // Never provisioned: OX has no e.nicht, and now the directory wants her there.
    let nicht = World::dn("e.nicht");
    ldap.replace(&nicht, "isOxUser", &["OK"]).unwrap();
    ldap.replace(&nicht, "oxContextIDNum", &["10"]).unwrap();
    ldap.replace(&nicht, "mailPrimaryAddress", &["e.nicht@example.org"]).unwrap();
    fs::remove_file(world.snapshot_path(&world.uuid("e.nicht"))).unwrap();
    // Gone from the directory, and nobody was told.
    let meier = world.uuid("b.meier");
    ldap.delete(&World::dn("b.meier")).unwrap();
    // Only in OX.
    let create = |name: &str| {
        format!(
            "<s:create><s:ctx><d:id>10</d:id></s:ctx><s:usrdata><d:display_name>{name}</d:display_name>\
             <d:email1>{name}@example.org</d:email1><d:given_name>x</d:given_name><d:name>{name}</d:name>\
             <d:password>x</d:password><d:primaryEmail>{name}@example.org</d:primaryEmail>\
             <d:sur_name>x</d:sur_name></s:usrdata>AUTH</s:create>"
        )
    };
    world.soap(10, "OXUserService", &create("stranger"));
    world.soap(
        10,
        "OXGroupService",
        "<s:create><s:ctx><d:id>10</d:id></s:ctx><s:grp><d:displayname>strangers</d:displayname>\
         <d:name>strangers</d:name></s:grp>AUTH</s:create>",
    );
    world.soap(
        20,
        "OXResourceService",
        "<s:create><s:ctx><d:id>20</d:id></s:ctx><s:res><d:displayname>room</d:displayname>\
         <d:email>room@example.org</d:email><d:name>room</d:name></s:res>AUTH</s:create>",
    );
    let (findings, summary) = world.all(&[]);
    let kinds = |name: &str| -> Vec<(Value, Value)> {
        let of = findings.iter().filter(|found| found["object"] == name);
        of.map(|found| (found["kind"].clone(), found["context"].clone())).collect()
    };
    assert_eq!(kinds(&nicht), [(json!("never_provisioned"), json!(null))]);
    assert_eq!(kinds(&World::dn("b.meier")), [(json!("not_in_directory"), json!(null))]);
    assert_eq!(kinds("stranger"), [(json!("only_in_ox"), json!(10))]);
    assert_eq!(kinds("strangers"), [(json!("only_in_ox"), json!(10))]);
    assert_eq!(kinds("room"), [(json!("only_in_ox"), json!(20))]);
    assert_eq!(summary["findings"]["only_in_ox"], 3, "no administrator: {findings:#?}");

    let (code, lines) = world.one(&nicht, &[]);
    assert_eq!(code, 1);
    assert!(lines.contains("Object not found in /old directory."), "{lines}");
    assert!(lines.contains("Object not found in ox database."), "{lines}");
    let command = format!("idspool-listener hook --entry-uuid {} ", world.uuid("e.nicht"));
    assert!(lines.contains(&command), "{lines}");
    let (code, lines) = world.one(&World::dn("b.meier"), &[]);
    assert!(code == 1 && lines.contains("Error: Object not found in udm. "), "{lines}");

    // Deletions are never put into the queue by the hundred.
    let (findings, _) = world.all(&["--resync"]);
    let meier_line = findings.iter().find(|found| found["id"] == json!(meier)).unwrap();
    assert!(meier_line["resync"].as_str().unwrap().contains("deletion"), "{meier_line}");
    let (code, lines) = world.one(&World::dn("b.meier"), &["--resync"]);
    assert!(code == 1 && lines.contains("has been scheduled to be resynced with file"), "{lines}");
    world.once();
    assert!(world.sandbox.user(10, "e.nicht").unwrap().is_some());
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap(), None);
    let (findings, _) = world.all(&[]);
    let kinds: Vec<&Value> = findings.iter().map(|found| &found["kind"]).collect();
    assert_eq!(kinds, ["only_in_ox"; 3], "{findings:#?}");
}

#[test]
fn contexts_profiles_and_accounts_are_compared_field_by_field() {
    let world = World::provisioned();
    world.soap_as(
        "master",
        "OXContextService",
        "<s:change><s:ctx><d:id>20</d:id><d:maxQuota>7</d:maxQuota></s:ctx>AUTH</s:change>",
    );
    let profiles = world.idspool.path().join("spool/ox/ModuleAccessDefinitions.properties");
    let text = fs::read_to_string(&profiles).unwrap();
    fs::write(&profiles, text.replace("webmail=collectemailaddresses,", "webmail=")).unwrap();
    // The administrator of OX gave the account another name, and took it from one user.
    let anna = world.sandbox.user(10, "a.oehler").unwrap().unwrap()["id"].clone();
    let berta = world.sandbox.user(10, "b.meier").unwrap().unwrap()["id"].clone();
    world.soap(
        10,
        "OXSecondaryAccountService",
        &format!(
            "<s:update><s:primaryAddress>info@example.org</s:primaryAddress><s:accountDataUpdate>\
             <d:name>other</d:name></s:accountDataUpdate><s:context><d:id>10</d:id></s:context>\
             <s:users><d:id>{anna}</d:id></s:users>AUTH</s:update>"
        ),
    );
    world.soap(
        10,
        "OXSecondaryAccountService",
        &format!(
            "<s:delete><s:primaryAddress>info@example.org</s:primaryAddress><s:context><d:id>10</d:id>\
             </s:context><s:users><d:id>{berta}</d:id></s:users>AUTH</s:delete>"
        ),
    );
    let (findings, _) = world.all(&["--resync"]);
    let told: Vec<[&Value; 5]> = findings
        .iter()
        .map(|found| ["type", "context", "field", "snapshot", "ox"].map(|key| &found[key]))
        .collect();
    let expected = [
        [json!("oxmail/oxcontext"), json!(20), json!("oxQuota"), json!("5000"), json!("7")],
        [
            json!("oxmail/accessprofile"),
            json!(null),
            json!("collectemailaddresses"),
            json!("TRUE"),
            json!("FALSE"),
        ],
        [
            json!("oxmail/functional_account"),
            json!(10),
            json!("users"),
            json!(["a.oehler", "b.meier"]),
            json!(["a.oehler"]),
        ],
        [
            json!("oxmail/functional_account"),
            json!(10),
            json!("name"),
            json!("info"),
            json!("other"),
        ],
    ];
    assert_eq!(told.len(), expected.len(), "{findings:#?}");
    for row in &expected {
        assert!(told.iter().any(|told| told.iter().copied().eq(row)), "{row:?} in {told:#?}");
    }
    world.once();
    world.assert_consistent();
}

#[test]
fn rights_that_were_changed_in_ox_are_told() {
    let world = World::provisioned();
    let id = world.sandbox.user(10, "a.oehler").unwrap().unwrap()["id"].clone();
    world.soap(
        10,
        "OXUserService",
        &format!(
            "<s:changeByModuleAccess><s:ctx><d:id>10</d:id></s:ctx><s:user><d:id>{id}</d:id></s:user>\
             <s:moduleAccess><d:webmail>false</d:webmail></s:moduleAccess>AUTH</s:changeByModuleAccess>"
        ),
    );
    let (code, lines) = world.one(&World::dn("a.oehler"), &["--resync"]);
    assert!(code == 1 && lines.contains("DIFF(oxAccess): old listener value: ["), "{lines}");
    world.once();
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert_eq!(code, 0, "{lines}");
}

#[test]
fn settings_that_are_not_the_default_are_right() {
    let world = World::configured(
        "user_identifier = 'univentionObjectIdentifier'\ngroup_identifier = 'entryUUID'\n\
         imap_login = '{username}*admin'\nfunctional_account_login_template = '{{entry_uuid}}/{{username}}'\n",
    );
    world.assert_consistent();
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert_eq!(code, 0, "{lines}");
    // The setting changes; what would be sent now is not what OX has.
    let file = world.idspool.path().join("idspool.toml");
    let text = fs::read_to_string(&file).unwrap().replace("*admin", "*other");
    fs::write(file, text).unwrap();
    let (_, lines) = world.one(&World::dn("a.oehler"), &[]);
    let expected = "DIFF(imapLogin): old listener value: a.oehler*other, ox value: a.oehler*admin, \
                    udm value: a.oehler*other";
    assert!(lines.contains(expected), "{lines}");
}
