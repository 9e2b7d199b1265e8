//! Adding, changing and removing school authorities.

use std::fs;

use serde_json::json;

use idspool_sandbox::kelvin::{Account, Options, Right, Server, serve};

use crate::place::{Place, URL};

#[test]
fn an_authority_comes_and_goes() {
    let place = Place::new();
    let empty = place.run(&["authorities", "list"]).done();
    assert!(empty.contains("no school authorities"), "{empty}");

    place.add("north");
    let file = place.file("north");
    assert_eq!(file["plugin_configs"]["kelvin"]["password"], "s3cret");
    assert_eq!(file["plugin_configs"]["kelvin"]["mapping"]["users"]["username"], "name");
    assert_eq!(file["active"], false);

    let shown = place.run(&["authorities", "show", "north"]).done();
    assert!(shown.contains("\"password\": \"**********\"") && !shown.contains("s3cret"), "{shown}");

    let line = place.run(&["authorities", "activate", "north"]).done();
    assert_eq!(line, "school authority 'north' is now active\n");
    let line = place.run(&["authorities", "activate", "north"]).done();
    assert_eq!(line, "school authority 'north' is already active\n");

    place.run(&["authorities", "map", "GymNord", "north"]).done();
    let listed = place.json(&["authorities", "list"]);
    assert_eq!(
        listed["authorities"],
        json!([{
            "name": "north", "active": true, "usable": true, "problem": null, "url": URL, "plugin": "kelvin",
            "schools": ["gymnord"], "waiting": 0,
        }])
    );

    let removed = place.run(&["authorities", "remove", "north"]).done();
    assert!(removed.contains("out_queues_trash/") && removed.contains("GymNord"), "{removed}");
    let gone = place.run(&["authorities", "remove", "north"]).refused();
    assert!(gone.contains("there is no school authority 'north'"), "{gone}");
}

#[test]
fn a_second_authority_is_made_like_the_first() {
    let place = Place::new();
    place.add("north");
    let path = place.path("kelvin/conf/school_authorities/north.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"mailPrimaryAddress\"", "\"ownAddress\"")).unwrap();
    let add = ["authorities", "add", "--like", "north", "--name", "south", "--username", "idc2"];
    let url = "https://kelvin.b.example/ucsschool/kelvin/v1/";

    let missing = place.run(&[&add[..], &["--url", url]].concat()).refused();
    assert!(missing.contains("Missing 'password' in Kelvin plugin configuration"), "{missing}");

    let all = [&add[..], &["--url", url, "--password-file", "-", "--active"]].concat();
    place.run_with(&all, "other\n").done();
    let file = place.file("south");
    assert_eq!(file["plugin_configs"]["kelvin"]["mapping"]["users"]["ownAddress"], "email");
    assert_eq!(file["plugin_configs"]["kelvin"]["password"], "other");
    assert_eq!(file["url"], url);
    assert_eq!(file["active"], true);
}

#[test]
fn what_was_shown_can_be_added_with_a_password() {
    let place = Place::new();
    place.add("north");
    let shown = place.run(&["authorities", "show", "north"]).done();
    place.run(&["authorities", "remove", "north"]).done();
    let masked = place.run_with(&["authorities", "add", "-"], &shown).refused();
    assert!(masked.contains("ten asterisks"), "{masked}");
    fs::write(place.path("password"), "s3cret\n").unwrap();
    let add = ["authorities", "add", "-", "--password-file", "password", "--plugin"];
    place.run_with(&[&add[..], &["kelvin-partial-group-sync"]].concat(), &shown).done();
    let file = place.file("north");
    assert_eq!(file["plugins"], json!(["kelvin-partial-group-sync"]));
    let config = &file["plugin_configs"]["kelvin-partial-group-sync"];
    assert_eq!(config["password"], "s3cret");
    assert_eq!(config["mapping"]["users"]["username"], "name");
}

#[test]
fn what_cannot_be_an_authority_is_refused() {
    let place = Place::new();
    for (name, text, expected) in [
        ("broken.json", "{\"name\": \"a\", }", "line 1"),
        ("twice.json", "{\"name\": \"a\", \"name\": \"b\"}", "the key 'name' is there twice"),
        (
            "empty.json",
            "{}",
            "name: field required; url: field required; plugin_configs: field required",
        ),
    ] {
        fs::write(place.path(name), text).unwrap();
        let refused = place.run(&["authorities", "add", name]).refused();
        assert!(refused.contains(expected), "{refused}");
    }
    let refused = place.run(&["authorities", "add", "--name", "../a"]).refused();
    assert!(refused.contains("cannot name a school authority"), "{refused}");
    let refused = place.run(&["authorities", "add"]).refused();
    assert!(refused.contains("--name is missing"), "{refused}");
    let minimal = r#"{"name": "a", "url": "https://h/", "plugins": [], "plugin_configs": {}}"#;
    let refused = place.run_with(&["authorities", "add", "-"], minimal).refused();
    assert!(refused.contains("could not be served"), "{refused}");
    let taken = place.run_with(&["authorities", "add", "-", "--incomplete"], minimal);
    assert!(taken.err.contains("warning"), "{}", taken.err);
    taken.done();
    let listed = place.run(&["authorities", "list"]).done();
    assert!(listed.contains("UNUSABLE") && listed.contains("Bad Kelvin URL"), "{listed}");
}

#[test]
fn the_password_comes_from_a_file_or_from_standard_input() {
    let place = Place::new();
    place.add("north");
    place.run_with(&["authorities", "set-password", "north"], "two words \n").done();
    assert_eq!(place.file("north")["plugin_configs"]["kelvin"]["password"], "two words ");
    fs::write(place.path("password"), "fr0m file").unwrap();
    let set = ["authorities", "set-password", "north", "--password-file", "password"];
    let answer = place.run(&set).done();
    assert!(!answer.contains("fr0m"), "{answer}");
    assert_eq!(place.file("north")["plugin_configs"]["kelvin"]["password"], "fr0m file");
    let refused = place.run_with(&["authorities", "set-password", "north"], "").refused();
    assert!(refused.contains("no password in standard input"), "{refused}");
}

#[test]
fn schools_are_given_and_taken_away() {
    let place = Place::new();
    place.add("north");
    let mapped = place.run(&["authorities", "map", "GymNord", "north"]).done();
    assert!(mapped.contains("idspool kelvin schedule school GymNord"), "{mapped}");
    let unknown = place.run(&["authorities", "map", "gymnord", "south"]);
    assert!(unknown.err.contains("there is no school authority 'south' yet"), "{}", unknown.err);
    assert!(unknown.done().contains("no longer to 'north'"));
    assert_eq!(place.json(&["authorities", "mapping"]), json!({"mapping": {"gymnord": "south"}}));
    let taken = place.run(&["authorities", "unmap", "GYMNORD"]).done();
    assert!(taken.contains("no longer belongs to 'south'"), "{taken}");
    assert_eq!(place.json(&["authorities", "mapping"]), json!({"mapping": {}}));
}

#[test]
fn nothing_was_ever_ignored() {
    let place = Place::new();
    let text = place.run(&["counters"]).done();
    assert_eq!(text, "everything was handed to a school authority\n");
    assert_eq!(place.json(&["counters"])["counters"]["school_not_mapped"], 0);
}

#[test]
fn a_test_tells_what_keeps_changes_from_being_delivered() {
    let place = Place::new();
    place.run(&["authorities", "test"]).refused();
    place.add("north");
    let path = place.path("kelvin/conf/school_authorities/north.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("https://kelvin.a.example", "http://127.0.0.1:1")).unwrap();
    fs::write(place.path("kelvin/conf/school_authorities/broken.json"), "{").unwrap();
    let tested = place.run(&["authorities", "test"]);
    assert_eq!(tested.status, 1, "{}{}", tested.out, tested.err);
    for expected in
        ["broken\n  PROBLEM", "north\n  ok", "note     it is inactive", "127.0.0.1:1", "what to do"]
    {
        assert!(tested.out.contains(expected), "{expected}: {}", tested.out);
    }
    let one = place.run(&["authorities", "test", "nobody", "--json"]);
    assert_eq!(one.status, 1);
    let answer: serde_json::Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(answer["authorities"][0]["checks"][0]["verdict"], "problem", "{answer}");
}

/// A server with one school and an account that may only read, and the authority `north` of it.
fn server(place: &Place) -> Server {
    let reader = Account { user: "reader".into(), password: "secret".into(), right: Right::Reader };
    let options =
        Options { schools: vec!["GymNord".into()], accounts: vec![reader], ..Options::default() };
    let server = serve(options).unwrap();
    let url = format!("{}/ucsschool/kelvin/v1/", server.url());
    let add = [
        "authorities",
        "add",
        "--name",
        "north",
        "--active",
        "--url",
        &url,
        "--username",
        "connector",
    ];
    place.run_with(&[&add[..], &["--password-file", "-"]].concat(), "secret\n").done();
    server
}

/// Whether a test is good, and its lines.
fn tested(place: &Place) -> (bool, String) {
    let ended = place.run(&["authorities", "test", "north"]);
    assert!(!ended.out.contains("s3cret") && !ended.err.contains("s3cret"));
    (ended.status == 0, ended.out)
}

#[test]
fn a_test_asks_the_server() {
    let place = Place::new();
    let server = server(&place);
    place.run(&["authorities", "map", "GYMNORD", "north"]).done();
    let (good, text) = tested(&place);
    assert!(good, "{text}");
    for expected in ["logged in as connector", "may change users", "schools at the server: GymNord"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(server.inspect(|world| world.users().count()), 0, "nothing was changed");

    place.run(&["authorities", "map", "RSSued", "north"]).done();
    let (good, text) = tested(&place);
    assert!(!good && text.contains("the server does not have rssued"), "{text}");

    place.run_with(&["authorities", "set-password", "north"], "s3cret\n").done();
    let (good, text) = tested(&place);
    assert!(!good && text.contains("Incorrect username or password"), "{text}");
}

#[test]
fn an_account_that_may_only_read_is_found() {
    let place = Place::new();
    let _server = server(&place);
    let path = place.path("kelvin/conf/school_authorities/north.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"connector\"", "\"reader\"")).unwrap();
    let (good, text) = tested(&place);
    assert!(!good && text.contains("the account reader may not change users"), "{text}");
}
