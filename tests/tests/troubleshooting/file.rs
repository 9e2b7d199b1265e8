//! Files of the data directory, and the disk below them.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::world::{SOON, World, text, user, with};

#[test]
fn an_item_that_is_not_json() {
    let world = World::new(&[]);
    let item = world.write(1, "{\"id\": \"anna\", ");
    world.enqueue(2, "berta", "users/user", user("berta"));
    let fault = world.stops("not-understood", "not valid JSON");
    assert_eq!(fault["behind"], 1);
    // Manual 6.4.1: the log names the file, and the queue goes on when it is removed.
    fs::remove_file(item).unwrap();
    world.provision();
    assert_eq!(world.sandbox.user_names(10).unwrap(), ["berta"]);
}

#[test]
fn an_item_whose_id_cannot_name_a_file() {
    let world = World::new(&[]);
    world.enqueue(1, "o'neil", "users/user", user("oneil"));
    world.stops("not-understood", "is no usable object id");
}

#[test]
fn an_item_of_a_foreign_type() {
    let world = World::new(&[]);
    world.enqueue(1, "s", "oxmail/shared_account", json!({}));
    world.stops("unknown-type", "oxmail/shared_account");
}

#[test]
fn a_damaged_snapshot() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.provision();
    fs::write(world.snapshot_path("anna"), "{\"dn\": \"uid=").unwrap();
    world.enqueue(2, "anna", "users/user", with(user("anna"), "phone", json!(["1"])));
    world.stops("damaged-snapshot", "is damaged");
    // Without it OX is asked by name.
    fs::remove_file(world.snapshot_path("anna")).unwrap();
    world.provision();
    let anna = world.sandbox.user(10, "anna").unwrap().unwrap();
    assert_eq!(anna["telephone_business1"], "1");
}

#[test]
fn an_impossible_mapping() {
    let world = World::new(&[]);
    fs::write(world.data().join("AttributeMapping.json"), r#"{"given_nam": {}}"#).unwrap();
    world.enqueue(1, "anna", "users/user", user("anna"));
    let fault = world.stops("mapping", "given_nam");
    let command = fault["steps"][1].as_str().unwrap().trim_start_matches("$ idspool ");
    let arguments: Vec<&str> = command.split(' ').collect();
    let output = world.run("idspool", &arguments);
    assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output.stderr));
    world.provision();
}

#[test]
fn credentials_that_somebody_broke() {
    let world = World::new(&[]);
    let daemon = world.idspool.start("idspool-ox", &[]).unwrap();
    daemon.wait_for("Provisioning", SOON).unwrap();
    fs::write(world.data().join("secrets/contexts.json"), "{\"10\": {\"adminpass\": \"s3cr3t\"")
        .unwrap();
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.wait_for_fault("ox");
    let fault = world.explained("ox", "credentials-file", "not JSON at line 1");
    assert!(!fault.to_string().contains("s3cr3t"), "{fault}");
    assert_eq!(fault["running"], true);
    world.credentials(&json!({"10": {"adminuser": "oxadmin", "adminpass": "secret"}}));
    world.idspool.settle(SOON).unwrap();
}

/// Runs `idspool-ox` with another file system in the place of the snapshots.
fn over_snapshots(world: &World, mount: &str) -> Command {
    let old = world.idspool.ox_queue().join("old");
    fs::create_dir_all(&old).unwrap();
    let program = idspool_tests::program("idspool-ox").unwrap();
    let ready = world.idspool.command("idspool-ox", &[]).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &format!("set -e; {mount}; exec \"$2\" --once"), "sh"]);
    command.arg(old).arg(program).current_dir(world.idspool.path());
    for (variable, value) in ready.get_envs() {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    command
}

#[test]
fn a_full_disk() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    let full = "mount -t tmpfs -o size=64k,mode=700 none \"$1\"; \
                dd if=/dev/zero of=\"$1/filling\" 2>/dev/null || true";
    world.stop_with(over_snapshots(&world, full));
    world.explained("ox", "disk-full", "No space left on device");
    world.provision();
    assert_eq!(world.sandbox.user_names(10).unwrap(), ["anna"]);
}

#[test]
fn a_disk_that_cannot_be_written() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.stop_with(over_snapshots(&world, "mount -t tmpfs -o ro none \"$1\""));
    world.explained("ox", "permission", "Read-only file system");
    world.provision();
}
