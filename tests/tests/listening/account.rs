//! As whom the hook runs, with which settings, and how the module is installed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use idspool_tests::program;
use serde_json::json;

use super::{Listener, Site, dn, modified, modify, nothing, scripts, user};

#[test]
fn the_hook_runs_as_the_owner_of_the_spool_and_the_listener_stays_who_it_is() {
    let site = Site::new();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        // What a listener that is not root can do about another user: say so, and keep the change.
        site.settings(&program("idspool-listener").unwrap(), "user = root");
        let mut listener = site.start();
        modify(&mut listener, 0);
        listener.wait_for("cannot become root without being root");
        assert_eq!(site.lines("pending.jsonl").len(), 1);
        return;
    }
    let (nobody, daemon) = (65534, 1);
    let root = site.idspool.path();
    let open =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    open(root, 0o755);
    open(&root.join("idspool.toml"), 0o644);
    let hook = root.join("idspool-listener");
    fs::copy(program("idspool-listener").unwrap(), &hook).unwrap();
    fs::create_dir_all(site.idspool.listener_spool()).unwrap();
    let own = |path: &Path, user| std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
    own(&root.join("spool"), daemon);
    own(&site.idspool.listener_spool(), daemon);
    own(&site.state(""), nobody);
    for folder in [site.idspool.listener_spool(), site.state("")] {
        open(&folder, 0o700);
    }
    site.settings(&hook, "user = daemon");
    // Not for the listener's user to read.
    let ours = root.join("etc");
    fs::create_dir(&ours).unwrap();
    open(&ours, 0o700);
    fs::rename(root.join("ucs-listener.ini"), ours.join("ucs-listener.ini")).unwrap();
    std::os::unix::fs::symlink("etc/ucs-listener.ini", root.join("ucs-listener.ini")).unwrap();
    let mut install = Command::new(scripts().join("install"));
    let installed = install.env("DESTDIR", root).env("LISTENER_USER", "nobody").output().unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    open(&root.join("usr"), 0o755);
    let stand_in = root.join("ucs_listener.py");
    fs::copy(idspool_tests::data_file("ucs_listener.py"), &stand_in).unwrap();
    let mut command = site.python();
    command.arg(&stand_in).arg(root.join("usr/local/lib/idspool-ucs/idspool.py"));
    command.arg(nobody.to_string());
    let mut listener = Listener::start(command);
    modify(&mut listener, 0);
    assert_eq!(site.items(), modified([0]));
    // A hook of another user has to be ended as well.
    let mark = root.join("spool/mark");
    let hanging = root.join("stand-in");
    let script = format!(
        "#!/bin/sh\nwhile read -r line; do echo \"$line\"; done </proc/$$/status >{}\nexec sleep 1000\n",
        mark.display()
    );
    fs::write(&hanging, script).unwrap();
    open(&hanging, 0o755);
    listener.postrun();
    site.settings(&hanging, "user = daemon\ntimeout = 3");
    modify(&mut listener, 1);
    let status = fs::read_to_string(&mark).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!Path::new(&format!("/proc/{}", field("Pid:")[0])).exists());
    assert_eq!((field("Uid:"), field("Gid:")), (vec!["1".to_owned(); 4], vec!["1".to_owned(); 4]));
    assert!(!field("Groups:").contains(&"0".to_owned()), "nothing of root's is left: {status}");
    assert_eq!(field("SigBlk:"), ["0000000000000000"], "signals reach it");
    site.settings(&hook, "user = nobody-at-all");
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    modify(&mut listener, 2);
    listener.wait_for("there is no user nobody-at-all");
    let mut wrong = user(3);
    wrong["entryUUID"] = json!(["no-uuid"]);
    listener.handler(&dn(3), &wrong, &nothing(), "a");
    site.settings(&hook, "user = daemon");
    // Root sends by hand; what is kept stays the listener's.
    let sent = site.python().arg(scripts().join("idspool.py")).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(site.lines("rejected.jsonl").len(), 1);
    modify(&mut listener, 4);
    assert_eq!(site.items(), modified([0, 1, 2, 4]));
    let owners = |folder: &Path| -> Vec<u32> {
        let entries = fs::read_dir(folder).unwrap();
        let mut found: Vec<u32> =
            entries.map(|entry| entry.unwrap().metadata().unwrap().uid()).collect();
        found.dedup();
        found
    };
    assert_eq!(owners(&site.idspool.listener_spool()), [daemon]);
    assert_eq!(owners(&site.state("")), [nobody]);
}

#[test]
fn installing_twice_changes_nothing_and_uninstalling_leaves_nothing_but_what_is_pending() {
    let root = tempfile::tempdir().unwrap();
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap();
    let run = |arguments: &[&str]| {
        let mut install = Command::new(scripts().join("install"));
        install.args(arguments).env("DESTDIR", root.path()).env("LISTENER_USER", user.trim());
        let output = install.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    assert!(run(&[]).starts_with("installed"));
    assert_eq!(run(&[]), "up to date\n");
    let link = root.path().join("usr/lib/univention-directory-listener/system/idspool.py");
    let library = Path::new("/usr/local/lib/idspool-ucs/idspool.py");
    assert_eq!(fs::read_link(&link).unwrap(), library);
    let module = root.path().join("usr/local/lib/idspool-ucs/idspool.py");
    assert_eq!(fs::read(&module).unwrap(), fs::read(scripts().join("idspool.py")).unwrap());
    let state = root.path().join("var/lib/idspool-ucs-listener");
    assert_eq!(fs::metadata(&state).unwrap().mode() & 0o777, 0o700);
    fs::write(&module, "an older version").unwrap();
    assert!(run(&[]).starts_with("installed"));
    fs::write(state.join("pending.jsonl"), "{}\n").unwrap();
    assert!(run(&["--uninstall"]).contains("not sent: 1 changes"));
    let left = Command::new("find")
        .arg(root.path())
        .args(["-type", "f", "-o", "-type", "l"])
        .output()
        .unwrap();
    let left = String::from_utf8(left.stdout).unwrap();
    assert_eq!(left.trim(), state.join("pending.jsonl").to_str().unwrap());
}

#[test]
fn wrong_settings_are_named_and_lose_nothing() {
    let site = Site::new();
    let file = site.idspool.path().join("ucs-listener.ini");
    let right = fs::read_to_string(&file).unwrap();
    let mut listener = site.start();
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    for (number, (text, problem)) in [
        ("[listener]\nprogramm = x\n", "programm"),
        ("[listener]\ntimeout = soon\n", "soon"),
        ("[hook]\nuser = x\n", "hook"),
        ("user = x\n", "no section headers"),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&file, text).unwrap();
        modify(&mut listener, number);
        listener.wait_for(problem);
    }
    fs::write(&file, right).unwrap();
    modify(&mut listener, 4);
    assert_eq!(site.items(), modified(0..5));
}

#[test]
fn a_python_of_2018_understands_it() {
    let check = "import ast, sys\nfor path in sys.argv[1:]:\n    ast.parse(open(path).read(), feature_version=(3, 7))";
    let folder = scripts().join("idspool_ucs");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    files.push(scripts().join("idspool.py"));
    assert!(files.len() > 5, "{files:?}");
    let output = Command::new("python3").args(["-c", check]).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
