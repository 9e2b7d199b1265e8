//! What the converter makes of the sample directory is what the rules read.

use chrono::NaiveDate;
use idspool_ox_soap::{AccountDataOnCreateField, ResourceField};
use idspool_service::Ox as Config;
use idspool_udm::mapping::{Mapper, Needs, Related};
use idspool_udm::{ConvertedItem, Encoding, Entry, Module, dn};
use serde_json::json;

use super::stage::Stage;
use crate::fake::Fake;

const SAMPLE: &str = include_str!("../../../../tests/data/sample.ldif");

/// The entries of the sample. Values that are no plain text do not matter here.
fn directory() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let unfolded = SAMPLE.replace("\n ", "");
    let lines = unfolded.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name {
            "dn" => entries.push(Entry::new(value)),
            name => {
                let (name, value) = name.strip_suffix(':').map_or((name, value), |n| (n, "any"));
                entries.last_mut().unwrap().push(name, value);
            }
        }
    }
    entries
}

/// The item that the converter writes for the entry whose DN begins so.
fn converted(entries: &[Entry], rdn: &str) -> ConvertedItem {
    let entry = entries.iter().find(|entry| entry.dn.starts_with(&format!("{rdn},"))).unwrap();
    let module = Module::of(entry).unwrap();
    let mut needs = Needs::default();
    needs.add(module, entry);
    let mut related = Related::default();
    for entry in entries.iter().filter(|entry| needs.members.contains_key(&*dn::key(&entry.dn))) {
        related.add_member(entry);
    }
    let mapper = Mapper::new(Encoding::Raw, NaiveDate::from_ymd_opt(2026, 11, 21).unwrap());
    ConvertedItem {
        id: format!("id-{}", rdn.replace(['=', '.'], "-")),
        udm_object_type: module.to_string(),
        dn: entry.dn.clone(),
        object: Some(mapper.object(module, entry, &related)),
        options: Some(Vec::new()),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

#[test]
fn accounts_resources_and_permissions_of_the_sample_directory() {
    let mut entries = directory();
    let grantor = entries.iter_mut().find(|entry| entry.dn.starts_with("uid=b.meier,")).unwrap();
    grantor.push(
        "oxDeputyPermissionGivenTo",
        "UID=a.oehler, cn=users, dc=example, dc=org |:$:| 02400 |:$:| 08444 |:$:| 1",
    );
    let config = Config { enable_deputy_permissions: true, ..Config::default() };
    let stage = Stage::with_config(Fake::new().with_context(10), config);
    for rdn in ["uid=a.oehler", "uid=b.meier"] {
        stage.deliver(&converted(&entries, rdn)).unwrap();
    }

    let account = converted(&entries, "cn=info");
    let object = account.object.as_ref().unwrap();
    assert_eq!(object["users"].as_array().unwrap().len(), 2);
    assert_eq!(object["groups"], json!(["cn=ox-vertrieb,cn=groups,dc=example,dc=org"]));
    stage.deliver(&account).unwrap();
    let resource = converted(&entries, "cn=beamer");
    assert_eq!(resource.object.as_ref().unwrap()["oxContext"], json!(10));
    stage.deliver(&resource).unwrap();

    let world = stage.ox.world();
    let tenant = &world.contexts[&10];
    let given: Vec<_> = tenant
        .accounts
        .iter()
        .map(|(user, account)| {
            let text = |field| account.text(field).unwrap_or_default();
            (
                *user,
                text(AccountDataOnCreateField::Name),
                text(AccountDataOnCreateField::PrimaryAddress),
                text(AccountDataOnCreateField::Personal),
                text(AccountDataOnCreateField::Login),
            )
        })
        .collect();
    let of = |id, login| (id, "info", "info@example.org", "Info-Postfach", login);
    assert_eq!(given, [of(3, "id-cn-infoa.oehler"), of(4, "id-cn-infob.meier")]);

    assert_eq!(tenant.resources.len(), 1);
    let resource = tenant.resources.values().next().unwrap();
    let texts = [
        ResourceField::Name,
        ResourceField::Displayname,
        ResourceField::Description,
        ResourceField::Email,
    ]
    .map(|field| resource.text(field).unwrap());
    let expected = ["beamer", "Beamer Raum 1", "Beamer im Sitzungsraum", "beamer@example.org"];
    assert_eq!(texts, expected);

    let granted: Vec<_> = tenant
        .deputies
        .iter()
        .map(|granted| (granted.grantor.value(), granted.permission.user.value()))
        .collect();
    assert_eq!(granted, [(4, 3)]);
    assert!(tenant.deputies[0].permission.send_on_behalf_of);
}
