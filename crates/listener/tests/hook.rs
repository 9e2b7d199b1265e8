//! `idspool-listener hook` as a process: what it writes, what it refuses, what it answers.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use idspool_spool::Spool;
use idspool_udm::ListenerItem;

const UUID: &str = "0f3c9c6a-0000-103f-8000-000000000001";

fn listener() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idspool-listener"));
    command.env_remove("IDSPOOL_CONFIG").env_remove("IDSPOOL_LISTENER_SPOOL");
    command
}

fn hook(spool: &Path) -> Command {
    let mut command = listener();
    command.arg("hook").arg("--spool").arg(spool);
    command
}

fn items(spool: &Path) -> Vec<ListenerItem> {
    let spool = Spool::open(spool).unwrap();
    let names = spool.names().unwrap();
    names
        .iter()
        .map(|name| ListenerItem::parse(&spool.read(name, 1 << 20).unwrap().bytes).unwrap())
        .collect()
}

fn change(uuid: &str, dn: &str, object_type: &str, command: &str) -> [String; 8] {
    ["--entry-uuid", uuid, "--dn", dn, "--object-type", object_type, "--command", command]
        .map(str::to_owned)
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let spool = root.path().join("spool/listener");
    (root, spool)
}

#[test]
fn one_change_becomes_one_private_file() {
    let (_root, spool) = folder();
    let dn = "cn=Vertrieb\\, Süd,cn=groups,dc=example,dc=org";
    hook(&spool)
        .args(change(UUID, dn, "groups/group", "modify"))
        .assert()
        .success()
        .stdout("")
        .stderr("");
    let found = items(&spool);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].entry_uuid.as_str(), found[0].dn.as_str()), (UUID, dn));
    assert_eq!(
        (found[0].object_type.as_str(), found[0].command.as_str()),
        ("groups/group", "modify")
    );
    assert!(!found[0].resync);
    let name = Spool::open(&spool).unwrap().names().unwrap().remove(0);
    assert!(name.is_canonical());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&spool), mode(&spool.join(name.as_str()))), (0o700, 0o600));
}

#[test]
fn what_cannot_be_right_is_refused_and_leaves_no_trace() {
    for (uuid, dn, object_type, command) in [
        ("no-uuid", "cn=a", "users/user", "add"),
        (UUID, "", "users/user", "add"),
        (UUID, "no DN", "users/user", "add"),
        (UUID, "cn=a", "users/nobody", "add"),
        (UUID, "cn=a", "users/user", "explode"),
    ] {
        let (_root, spool) = folder();
        let arguments = change(uuid, dn, object_type, command);
        let output = hook(&spool).args(arguments).assert().code(2).get_output().clone();
        assert!(!output.stderr.is_empty());
        assert!(!spool.exists());
    }
    for arguments in [
        vec!["hook"],
        vec!["hook", "--entry-uuid", UUID],
        vec!["hook", "--stdin", "--dn", "cn=a"],
        vec!["hook", "--stdin", "--config", "/nonexistent/idspool.toml"],
        vec![],
    ] {
        listener().args(arguments).write_stdin("").assert().code(2);
    }
}

#[test]
fn lines_of_standard_input_are_one_group_in_order() {
    let (_root, spool) = folder();
    let lines: String = (0..300)
        .map(|index| {
            format!(
                "{{\"entry_uuid\":\"{UUID}\",\"dn\":\"cn={index:03}\",\"object_type\":\"users/user\",\"command\":\"delete\",\"resync\":{}}}\n",
                index == 7
            )
        })
        .collect();
    hook(&spool).arg("--stdin").write_stdin(lines).assert().success().stdout("");
    let found = items(&spool);
    let dns: Vec<_> = found.iter().map(|item| item.dn.clone()).collect();
    let expected: Vec<_> = (0..300).map(|index| format!("cn={index:03}")).collect();
    assert_eq!(dns, expected);
    assert_eq!(found.iter().filter(|item| item.resync).count(), 1);
    hook(&spool).arg("--stdin").write_stdin("").assert().success();
    assert_eq!(items(&spool).len(), 300);
}

#[test]
fn one_bad_line_keeps_all_out_and_is_named() {
    let (_root, spool) = folder();
    let good = format!(
        "{{\"entry_uuid\":\"{UUID}\",\"dn\":\"cn=a\",\"object_type\":\"users/user\",\"command\":\"add\"}}\n"
    );
    let input = format!("{good}{good}{}{good}", good.replace("users/user", "users/nobody"));
    let output =
        hook(&spool).arg("--stdin").write_stdin(input).assert().code(2).get_output().clone();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("line 3") && message.contains("users/nobody"), "{message}");
    assert!(!spool.exists());
}

#[test]
fn the_spool_comes_from_the_configuration_unless_given() {
    let root = tempfile::tempdir().unwrap();
    let config = root.path().join("idspool.toml");
    std::fs::write(&config, "[listener]\nspool = 'queue'\n").unwrap();
    let arguments = change(UUID, "cn=a", "container/ou", "add");
    listener().arg("hook").arg("--config").arg(&config).args(&arguments).assert().success();
    assert_eq!(items(&root.path().join("queue")).len(), 1);
    listener().arg("hook").env("IDSPOOL_CONFIG", &config).args(&arguments).assert().success();
    assert_eq!(items(&root.path().join("queue")).len(), 2);
    let other = root.path().join("other");
    hook(&other).arg("--config").arg(&config).args(&arguments).assert().success();
    assert_eq!(items(&other).len(), 1);

    std::fs::write(&config, "[listener]\nspol = 'queue'\n").unwrap();
    let output = listener()
        .arg("hook")
        .arg("--config")
        .arg(&config)
        .args(&arguments)
        .assert()
        .code(2)
        .get_output()
        .clone();
    assert!(String::from_utf8(output.stderr).unwrap().contains("spol"));
}

#[test]
fn a_spool_that_cannot_be_written_is_a_clear_error() {
    let (root, spool) = folder();
    std::fs::create_dir_all(spool.parent().unwrap()).unwrap();
    std::fs::write(&spool, "a file where the spool should be").unwrap();
    let output = hook(&spool)
        .args(change(UUID, "cn=a", "users/user", "add"))
        .assert()
        .code(1)
        .get_output()
        .clone();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(root.path().to_str().unwrap()), "{message}");
}

#[test]
fn help_and_version_answer() {
    for arguments in [&["--help"][..], &["--version"], &["hook", "--help"]] {
        let output = listener().args(arguments).assert().success().get_output().clone();
        assert!(!output.stdout.is_empty());
    }
}
