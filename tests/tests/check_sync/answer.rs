//! The command line and the answer.

use idspool_tests::Slapd;

use crate::world::{World, text};

#[test]
fn a_queue_that_stands_is_told_first() {
    let world = World::provisioned();
    let dn = World::dn("d.zu");
    world.slapd.cli().replace(&dn, "univentionBirthday", &["yesterday"]).unwrap();
    let (code, lines) = world.one(&dn, &[]);
    assert!(code == 1 && lines.contains("unusable (directory: "), "{lines}");
    world.idspool.hook(&world.uuid("d.zu"), &dn, "users/user", "modify").unwrap();
    assert!(world.idspool.run("idspool-converter", &["--once"]).unwrap().status.success());
    assert_eq!(world.idspool.run("idspool-ox", &["--once"]).unwrap().status.code(), Some(1));
    let (_, lines) = world.one(&World::dn("a.oehler"), &[]);
    let warning = "Warning: The OX Connector is not properly working: ";
    assert!(lines.starts_with(warning) && lines.contains("yesterday"), "{lines}");
    assert!(lines.contains("Success: "), "others are as they should be: {lines}");
}

#[test]
fn the_old_options_work_in_both_spellings() {
    let world = World::provisioned();
    let dn = World::dn("a.oehler");
    let old = [
        "--udm_admin_account",
        "administrator",
        "--udm_password_file",
        "/nonexistent/udm.secret",
        "--udm_host",
        "https://primary.example.org",
        "--udm_module",
        "users/user",
        "--ox_context",
        "10",
    ];
    let (code, lines) = world.one(&dn, &old);
    assert_eq!(code, 0, "{lines}");
    let hyphens: Vec<String> = old
        .iter()
        .map(
            |option| {
                if option.starts_with("--") { option.replace('_', "-") } else { (*option).into() }
            },
        )
        .collect();
    let hyphens: Vec<&str> = hyphens.iter().map(String::as_str).collect();
    assert_eq!(world.one(&dn, &hyphens), (code, lines));
    // An object of another kind than was said.
    let (code, lines) = world.one(&dn, &["--udm_module", "groups/group"]);
    assert!(code == 1 && lines.contains("Error: Object not found in udm. "), "{lines}");
    let (code, lines) = world.one("uid=nobody,dc=example,dc=org", &[]);
    assert!(
        code == 1 && lines.contains("Error: can't find udm module. Specify it with --udm_module"),
        "{lines}"
    );
    let (code, lines) = world.one(&World::dn("e.nicht"), &[]);
    assert!(code == 0 && lines.contains("is no OX user"), "{lines}");
    for wrong in
        [&[][..], &["--dn", &dn, "--all"], &["--dn", &dn, "--udm_module", "users/nonsense"]]
    {
        assert_eq!(world.check(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_table_for_people_tells_the_same() {
    let world = World::provisioned();
    world.change_user(
        "a.oehler",
        "<d:company>Other</d:company><d:id>ID</d:id><d:image1>AAAA</d:image1>",
    );
    let (code, table) = text(&world.check(&["--all"]));
    assert_eq!(code, 1);
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("object "), "{table}");
    assert!(table.contains(" organisation "), "{table}");
    // A picture by size and hash.
    assert!(table.contains("image of 3 bytes, SHA-256 709e80c88487a2"), "{table}");
    assert!(table.contains(" objects compared, 1 differ, 0 wait in a queue"), "{table}");
}

#[test]
fn a_directory_that_does_not_answer_is_an_error_and_no_difference() {
    let mut world = World::provisioned();
    let other = Slapd::start().unwrap();
    drop(std::mem::replace(&mut world.slapd, other));
    let output = world.check(&["--all"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("check that the LDAP server runs"), "{errors}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("not in the directory"));
}
