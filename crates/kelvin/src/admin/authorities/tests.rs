use idspool_service::Kelvin;
use idspool_spool::Spool;
use serde_json::json;

use super::*;
use std::time::Duration;

/// A data directory with its configuration.
struct Place {
    folder: tempfile::TempDir,
    authorities: Authorities,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Kelvin { data_dir: folder.path().into(), ..Kelvin::default() };
        Self { authorities: Authorities::new(Layout::new(&config)), folder }
    }

    fn add(&self, name: &str) -> AuthorityName {
        self.authorities.add(&example(name), Standard::Servable).unwrap().0
    }

    fn text(&self, name: &AuthorityName) -> String {
        fs::read_to_string(self.authorities.layout.authority(name)).unwrap()
    }
}

fn example(name: &str) -> Map<String, Value> {
    let document = json!({
        "name": name, "active": true, "url": "https://k.example/ucsschool/kelvin/v1/",
        "plugins": ["kelvin"],
        "plugin_configs": {
            "kelvin": {"username": "idc", "password": "s3cret", "mapping": {"users": {"username": "name"}}},
            "other": {"token": "t0ken"}},
        "later": {"kept": [1]},
    });
    document.as_object().unwrap().clone()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn s12_9_an_added_authority_is_on_disk_at_once_with_its_queue() {
    let place = Place::new();
    let name = place.add("a b");
    let layout = place.authorities.layout();
    assert_eq!(mode(&layout.authority(&name)), 0o600);
    assert_eq!(mode(&layout.authorities()), 0o750);
    assert!(layout.out_queue(&name).is_dir());
    let text = place.text(&name);
    assert!(
        text.starts_with("{\n    \"active\": true,\n    \"later\": {\n        \"kept\""),
        "{text}"
    );
    assert!(text.contains("\"password\": \"s3cret\"") && text.ends_with("}\n"), "{text}");
    let error = place.authorities.add(&example("a b"), Standard::Servable).unwrap_err().to_string();
    assert!(error.contains("already exists"), "{error}");
}

#[test]
fn what_is_refused_is_not_written() {
    let place = Place::new();
    let with = |key: &str, value: Value| {
        let mut document = example("a");
        document.insert(key.to_owned(), value);
        document
    };
    let masked = conf::masked(&example("a"));
    for (document, expected) in [
        (with("name", json!("../a")), "'../a' cannot name a school authority"),
        (with("url", json!("k.example")), "url: invalid or missing URL scheme"),
        (with("plugins", json!([])), "plugins: none is named"),
        (masked, "ten asterisks"),
    ] {
        let error = place.authorities.add(&document, Standard::Servable).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("s3cret"));
    }
    assert!(!place.authorities.layout().authorities().exists());
    let incomplete = with("plugins", json!([]));
    let (_, odd) = place.authorities.add(&incomplete, Standard::WellFormed).unwrap();
    assert!(odd[0].contains("none is named"), "{odd:?}");
}

#[test]
fn edits_leave_everything_else_as_it_is() {
    let place = Place::new();
    let name = place.add("a");
    assert!(place.authorities.set_active(&name, false).unwrap());
    assert!(!place.authorities.set_active(&name, false).unwrap());
    place.authorities.set_password(&name, &Secret::new("n3w")).unwrap();
    let mut expected = example("a");
    expected["active"] = json!(false);
    expected["plugin_configs"]["kelvin"]["password"] = json!("n3w");
    assert_eq!(place.authorities.document(&name).unwrap(), expected);
    for password in ["", "**********"] {
        assert!(place.authorities.set_password(&name, &Secret::new(password)).is_err());
    }
    let unknown = place.authorities.set_active(&"b".parse().unwrap(), true).unwrap_err();
    assert!(unknown.to_string().contains("no school authority 'b'"), "{unknown}");
}

#[test]
fn a_file_that_others_can_read_is_closed_and_a_link_stays_one() {
    let place = Place::new();
    let name = place.add("a");
    let path = place.authorities.layout().authority(&name);
    let managed = place.folder.path().join("managed.json");
    fs::rename(&path, &managed).unwrap();
    std::os::unix::fs::symlink(&managed, &path).unwrap();
    fs::set_permissions(&managed, Permissions::from_mode(0o644)).unwrap();
    place.authorities.set_active(&name, false).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(mode(&managed), 0o640);
}

#[test]
fn s5_4_secrets_are_masked_on_their_level() {
    let mut document = example("a");
    document["plugin_configs"]["kelvin"]["mapping"]["users"]["password"] = json!("password");
    let masked = conf::masked(&document);
    assert_eq!(masked["plugin_configs"]["kelvin"]["password"], "**********");
    assert_eq!(masked["plugin_configs"]["other"]["token"], "**********");
    assert_eq!(masked["plugin_configs"]["kelvin"]["mapping"]["users"]["password"], "password");
}

#[test]
fn s5_5_schools_are_given_and_taken_away() {
    let place = Place::new();
    let name: AuthorityName = "a".parse().unwrap();
    let other: AuthorityName = "b".parse().unwrap();
    let map = |school: &str, to| place.authorities.map(school, to).unwrap();
    assert_eq!(map("GymNord", Some(&name)), None);
    assert_eq!(map("gymnord", Some(&other)), Some("a".into()), "another spelling of the same");
    assert_eq!(map("RSSued", Some(&name)), None);
    let path = place.authorities.layout().school_mapping();
    let text = fs::read_to_string(&path).unwrap();
    let expected =
        "{\n    \"mapping\": {\n        \"RSSued\": \"a\",\n        \"gymnord\": \"b\"\n    }\n}\n";
    assert_eq!(text, expected);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(map("GYMNORD", None), Some("b".into()));
    assert_eq!(map("GYMNORD", None), None);
    assert_eq!(place.authorities.mapping().unwrap().len(), 1);
    assert!(place.authorities.map(" ", Some(&name)).is_err());
    fs::write(&path, "{").unwrap();
    assert!(place.authorities.map("x", Some(&name)).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "{", "a slip of an editor is not thrown away");
}

#[test]
fn s2_5_a_removed_authority_leaves_its_queue_in_the_trash() {
    let place = Place::new();
    let name = place.add("a");
    place.authorities.map("GymNord", Some(&name)).unwrap();
    let layout = place.authorities.layout();
    let queue = Spool::open(layout.out_queue(&name)).unwrap();
    queue.enqueue(b"{}").unwrap();

    let removed = place.authorities.remove(&name).unwrap();
    assert!(removed.file && !layout.authority(&name).exists());
    assert_eq!((removed.waiting, removed.schools), (1, vec!["GymNord".to_owned()]));
    let trash = removed.queue.unwrap();
    let file_name = trash.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(trash.parent(), Some(layout.out_queues_trash().as_path()));
    assert!(
        file_name.ends_with(".a") && file_name.len() == "20261121_173507.a".len(),
        "{file_name}"
    );
    assert_eq!(Spool::open(trash).unwrap().names().unwrap().len(), 1);
    assert!(!layout.out_queue(&name).exists());

    assert!(place.authorities.remove(&name).is_err(), "there is nothing left");
    place.add("a");
    let again = place.authorities.remove(&name).unwrap();
    assert_ne!(again.queue.unwrap().file_name().unwrap().to_str(), Some(file_name.as_str()));
}

#[test]
fn a_queue_that_is_worked_on_is_not_moved() {
    let place = Place::new();
    let name = place.add("a");
    let queue = place.authorities.layout().out_queue(&name);
    let consumer = Spool::open(&queue).unwrap().consumer("tester").unwrap();
    let error = place.authorities.remove_within(&name, Duration::ZERO).unwrap_err().to_string();
    assert!(error.contains("tester") && error.contains("repeat"), "{error}");
    assert!(queue.is_dir());
    assert_eq!(place.authorities.abandoned().unwrap(), ["a"]);
    drop(consumer);
    assert!(!place.authorities.remove(&name).unwrap().file, "the file was removed the first time");
    assert!(place.authorities.abandoned().unwrap().is_empty());
}

#[test]
fn no_edit_is_lost_when_many_edit_at_once() {
    let place = Place::new();
    let name: AuthorityName = "a".parse().unwrap();
    std::thread::scope(|scope| {
        for number in 0..20 {
            let (authorities, name) = (&place.authorities, &name);
            scope.spawn(move || authorities.map(&format!("school{number}"), Some(name)).unwrap());
        }
    });
    assert_eq!(place.authorities.mapping().unwrap().len(), 20);
}
