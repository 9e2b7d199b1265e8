//! Comparisons with a server in memory and a directory that answers what it is told.

use std::fs;
use std::path::PathBuf;

use idspool_service::{Config, Listener, Ox as Settings};
use idspool_udm::{ConvertedItem, ItemHead, Module};
use serde_json::{Value, json};

use super::{CheckSync, Error, Event, Kind, Mode, Report, Resynced, Source, Summary};
use crate::fake::Fake;

pub(super) const ANNA: &str = "0f3c9c6a-0000-103f-8000-000000000001";
const TEAM: &str = "0f3c9c6a-0000-103f-8000-000000000002";

/// A directory in memory.
#[derive(Default)]
pub(super) struct Directory {
    /// What a listing answers.
    listed: Vec<ConvertedItem>,
    /// What is there when it is looked at a second time; `None`: the same.
    later: Option<Vec<ConvertedItem>>,
}

impl Source for Directory {
    fn by_dn(&mut self, dn: &str) -> Result<Option<ConvertedItem>, Error> {
        Ok(self.listed.iter().find(|item| item.dn == dn).cloned())
    }

    fn by_ids(&mut self, ids: &[String]) -> Result<Vec<ConvertedItem>, Error> {
        let now = self.later.as_ref().unwrap_or(&self.listed);
        Ok(now.iter().filter(|item| ids.contains(&item.id)).cloned().collect())
    }

    fn each(
        &mut self,
        module: Module,
        visit: &mut dyn FnMut(Vec<ConvertedItem>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        visit(self.listed.iter().filter(|item| item.module() == Some(module)).cloned().collect())
    }
}

/// A data directory.
pub(super) struct Stage {
    dir: tempfile::TempDir,
    pub(super) config: Config,
    pub(super) ox: Fake,
    pub(super) directory: Directory,
}

impl Stage {
    pub(super) fn new(ox: Fake) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            ox: Settings { data_dir: dir.path().join("ox"), ..Settings::default() },
            listener: Listener { spool: dir.path().join("listener"), ..Listener::default() },
            ..Config::default()
        };
        fs::create_dir_all(dir.path().join("ox/secrets")).unwrap();
        fs::create_dir_all(config.ox.queue().join("old")).unwrap();
        let entry = json!({"adminuser": "oxadmin", "adminpass": "p"});
        let secrets = json!({"10": entry, "11": entry}).to_string();
        fs::write(dir.path().join("ox/secrets/contexts.json"), secrets).unwrap();
        Self { dir, config, ox, directory: Directory::default() }
    }

    /// An object that directory and snapshot have alike.
    pub(super) fn both(&mut self, item: &ConvertedItem) {
        self.snapshot(item);
        self.directory.listed.push(item.clone());
    }

    pub(super) fn snapshot_path(&self, id: &str) -> PathBuf {
        self.config.ox.queue().join(format!("old/{id}.json"))
    }

    pub(super) fn snapshot(&self, item: &ConvertedItem) {
        fs::write(self.snapshot_path(&item.id), item.to_snapshot_bytes()).unwrap();
    }

    pub(super) fn check(&self, mode: Mode) -> CheckSync {
        CheckSync::with_ox(&self.config, mode, None, Box::new(self.ox.clone())).unwrap()
    }

    fn all(&mut self) -> (Vec<Report>, Summary) {
        let mut reports = Vec::new();
        let summary = self
            .check(Mode::Lists)
            .all(&mut self.directory, false, &mut |event| {
                if let Event::Report(report, None) = event {
                    reports.push(*report);
                }
                Ok(())
            })
            .unwrap();
        (reports, summary)
    }

    /// Queue files and listener files.
    pub(super) fn queued(&self) -> (Vec<Value>, Vec<Value>) {
        let read = |folder: PathBuf| {
            let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
            let items = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
            items.map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
        };
        (read(self.config.ox.queue()), read(self.dir.path().join("listener")))
    }
}

pub(super) fn user(id: &str, name: &str, object: Value) -> ConvertedItem {
    let mut all = json!({
        "isOxUser": "OK", "oxContext": 10, "username": name, "firstname": "A", "lastname": "M",
        "oxDisplayName": "A M", "mailPrimaryAddress": format!("{name}@example.org"), "oxDbId": 3,
    });
    for (key, value) in object.as_object().unwrap() {
        all[key] = value.clone();
    }
    item(id, "users/user", &format!("uid={name},dc=x"), all)
}

fn item(id: &str, module: &str, dn: &str, object: Value) -> ConvertedItem {
    ConvertedItem {
        id: id.into(),
        udm_object_type: module.into(),
        dn: dn.into(),
        object: object.as_object().cloned(),
        options: Some(vec!["default".into()]),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

fn kinds(reports: &[Report]) -> Vec<(Kind, Option<i32>)> {
    let findings = reports.iter().flat_map(|report| &report.findings);
    findings.map(|finding| (finding.kind, finding.context)).collect()
}

#[test]
fn what_provisioning_leaves_alone_is_left_alone() {
    let mut stage = Stage::new(Fake::new().with_context(10).with_context(11));
    stage.both(&user(ANNA, "oxadmin", json!({})));
    stage.both(&user("outside", "berta", json!({"oxContext": 99})));
    stage.both(&user("nowhere", "carla", json!({"oxContext": null, "oxDbId": null})));
    stage.both(&user("off", "dora", json!({"isOxUser": "Not"})));
    let group = json!({"name": "Users", "isOxGroup": "OK", "users": ["uid=berta,dc=x"]});
    stage.both(&item(TEAM, "groups/group", "cn=users,dc=x", group));
    let (reports, summary) = stage.all();
    assert_eq!(reports, []);
    assert_eq!((summary.compared, summary.not_compared_with_ox), (5, 1));
    let calls = stage.ox.calls();
    let is_list = |call: &String| call.contains(".list") || call.ends_with(" oxadmin");
    assert!(calls.iter().all(is_list), "{calls:?}");
}

#[test]
fn a_user_who_is_missing_is_looked_for_without_an_error_in_the_log_of_ox() {
    let mut stage = Stage::new(Fake::new().with_context(10).with_context(11));
    stage.both(&user(ANNA, "anna", json!({})));
    assert_eq!(kinds(&stage.all().0), [(Kind::NotInOx, Some(10))]);
    let calls = stage.ox.calls();
    assert!(calls.iter().any(|call| call == "User.exists 11 anna"), "{calls:?}");
    assert!(!calls.iter().any(|call| call.starts_with("User.get")), "{calls:?}");
    stage.ox = stage.ox.with_user(11, 9, "anna");
    let (reports, _) = stage.all();
    // There it belongs to nobody.
    assert_eq!(kinds(&reports), [(Kind::InOtherContext, Some(10)), (Kind::OnlyInOx, Some(11))]);
}

#[test]
fn a_group_is_compared_in_every_context() {
    let ox = Fake::new().with_context(10).with_context(11);
    let ox = ox.with_group(10, 7, "team", &[3]).with_group(11, 8, "team", &[5]);
    let mut stage = Stage::new(ox);
    for (id, name, context, ox_id) in [("u3", "anna", 10, 3), ("u4", "berta", 11, 4)] {
        // They are no matter here, only their places are.
        stage.snapshot(&user(id, name, json!({"oxContext": context, "oxDbId": ox_id})));
    }
    let group = json!({
        "name": "team", "isOxGroup": "OK",
        "users": ["UID=anna, dc=x", "uid=berta,dc=x", "uid=nobody,dc=x"],
    });
    let team = item(TEAM, "groups/group", "cn=team,dc=x", group);
    stage.both(&team);
    let mut check = stage.check(Mode::Single);
    let found = check.single(&mut stage.directory, &team.dn, None).unwrap();
    assert_eq!(kinds(std::slice::from_ref(&found.report)), [(Kind::Different, Some(11))]);
    let row = found.report.findings[0].row.clone().unwrap();
    let texts = [row.snapshot, row.ox, row.directory].map(|side| side.to_string());
    assert_eq!(texts, ["[berta]", "[id 5]", "[berta]"]);
    stage.ox.change_world(|world| drop(world.contexts.get_mut(&11).unwrap().groups.remove(&8)));
    let found = check.single(&mut stage.directory, &team.dn, None).unwrap();
    assert_eq!(kinds(&[found.report]), [(Kind::NotInOx, Some(11))]);
}

#[test]
fn what_is_delivered_while_we_look_is_no_difference() {
    let mut stage = Stage::new(Fake::new().with_context(10).with_context(11));
    let old = item("p", "oxmail/accessprofile", "cn=p,dc=x", json!({"name": "p", "usm": "TRUE"}));
    let new = item("p", "oxmail/accessprofile", "cn=p,dc=x", json!({"name": "p", "usm": null}));
    fs::write(stage.dir.path().join("ox/ModuleAccessDefinitions.properties"), "p=\n\n").unwrap();
    stage.snapshot(&new);
    stage.directory.listed.push(old);
    assert_eq!(kinds(&stage.all().0), [(Kind::Different, None); 1]);
    stage.directory.later = Some(vec![new]);
    assert_eq!(kinds(&stage.all().0), []);
}

#[test]
fn a_user_whom_ox_has_under_another_name_keeps_the_id() {
    let mut stage = Stage::new(Fake::new().with_context(10).with_user(10, 3, "renamed"));
    let anna = user(ANNA, "anna", json!({}));
    stage.both(&anna);
    let mut check = stage.check(Mode::Single);
    let found = check.single(&mut stage.directory, &anna.dn, None).unwrap();
    let fields: Vec<_> = found.report.findings.iter().filter_map(|f| f.row.as_ref()).collect();
    assert!(fields.iter().any(|row| row.property == "username"), "{fields:?}");
    let done = check.resync(&[found.report]).unwrap();
    assert!(matches!(done[..], [Resynced::Enqueued(_)]), "{done:?}");
    let (queued, listed) = stage.queued();
    assert_eq!((queued.len(), listed.len()), (1, 0));
    assert_eq!((&queued[0]["object"]["oxDbId"], &queued[0]["resync"]), (&json!(3), &json!(true)));
    let head = ItemHead::parse(queued[0].to_string().as_bytes()).unwrap();
    assert!(head.resync && head.id == ANNA);
    // Once is enough.
    let found = check.single(&mut stage.directory, &anna.dn, None).unwrap();
    assert!(matches!(&check.resync(&[found.report]).unwrap()[..], [Resynced::Refused(_)]));
    assert_eq!(stage.queued().0.len(), 1);
}

#[test]
fn a_context_that_ox_does_not_let_us_in_is_told_once_and_the_others_are_compared() {
    // There is an entry for context 11 in the credentials file, and no such context in OX.
    let mut stage = Stage::new(Fake::new().with_context(10));
    let anna = user(ANNA, "anna", json!({}));
    stage.both(&anna);
    let berta = user("berta", "berta", json!({"oxContext": 11}));
    stage.both(&berta);
    let (reports, summary) = stage.all();
    assert_eq!(kinds(&reports), [(Kind::NotInOx, Some(10)), (Kind::Unusable, Some(11))]);
    assert_eq!((summary.inconsistent, summary.not_compared_with_ox), (2, 1));
    let found = stage.check(Mode::Single).single(&mut stage.directory, &berta.dn, None).unwrap();
    assert_eq!(kinds(&[found.report]), [(Kind::Unusable, Some(11))]);
}

#[test]
fn a_former_dn_is_told() {
    let mut stage = Stage::new(Fake::new().with_context(10).with_context(11));
    let group = |dn| item(TEAM, "groups/group", dn, json!({"name": "team", "isOxGroup": "OK"}));
    stage.snapshot(&group("cn=team,ou=old,dc=x"));
    stage.directory.listed.push(group("CN=team, ou=new,dc=x"));
    let (reports, _) = stage.all();
    let row = reports[0].findings[0].row.clone().unwrap();
    assert_eq!(
        (row.property.as_str(), row.snapshot.to_string()),
        ("dn", "cn=team,ou=old,dc=x".into())
    );
    assert!(reports[0].remedy().read_directory);
    // Another spelling is the same DN.
    stage.snapshot(&group("cn=TEAM,ou=new,dc=x"));
    assert_eq!(stage.all().0, []);
}

#[test]
fn a_damaged_snapshot_is_told_and_does_not_end_the_comparison() {
    let mut stage = Stage::new(Fake::new().with_context(10).with_user(10, 3, "anna"));
    let anna = user(ANNA, "anna", json!({}));
    stage.directory.listed.push(anna.clone());
    fs::write(stage.snapshot_path(ANNA), "{").unwrap();
    let (reports, _) = stage.all();
    assert_eq!(kinds(&reports)[0], (Kind::Unusable, None));
    let note = reports[0].findings[0].note.as_deref().unwrap();
    assert!(note.contains(ANNA) && note.contains("damaged"), "{note}");
    let found = stage.check(Mode::Single).single(&mut stage.directory, &anna.dn, None).unwrap();
    assert_eq!(found.report.findings[0].kind, Kind::Unusable);
}
