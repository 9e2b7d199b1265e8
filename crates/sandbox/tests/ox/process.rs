//! The program itself.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{CTX, Client};

/// Ends the program also when the test fails.
struct Running {
    child: Child,
    pub(crate) address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_idspool-sandbox"))
            .args(["ox", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("listening on http://") else {
            panic!("{line}");
        };
        let address = address.to_owned();
        Self { child, address }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_its_address_serves_and_stops_at_once() {
    let mut running = Running::start(&[
        "--context",
        "10:boss:pa:ss",
        "--context",
        "11",
        "--master-user",
        "m",
        "--master-password",
        "p",
        "--fail",
        "OXUserService.exists:2:remote",
        "--username-unchangeable",
        "--unique-display-names",
    ]);
    let mut client = Client::new(running.address.parse().unwrap());
    let auth = "<s:auth><r:login>boss</r:login><r:password>pa:ss</r:password></s:auth>";
    let exists = format!("{CTX}<s:user><d:name>boss</d:name></s:user>{auth}");
    client.ok("OXUserService", "exists", &exists);
    assert_eq!(client.fault("OXUserService", "exists", &exists).0, "RemoteException");
    let rename = format!("{CTX}<s:usrdata><d:id>2</d:id><d:name>b</d:name></s:usrdata>{auth}");
    assert_eq!(
        client.fault("OXUserService", "change", &rename).1,
        "Changing username is disabled!"
    );
    let master = "<s:auth><r:login>m</r:login><r:password>p</r:password></s:auth>";
    client.ok("OXContextService", "getData", &format!("<s:ctx><d:id>11</d:id></s:ctx>{master}"));

    // The connection stays open: stopping does not wait for clients.
    let start = Instant::now();
    let killed = Command::new("kill").arg(running.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let status = running.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
    let mut log = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains("pa:ss"), "{log}");
}

#[test]
fn wrong_usage_is_told() {
    for (arguments, text) in [
        (&["ox", "--fail", "create"][..], "expected OPERATION:N[:KIND]"),
        (
            &["ox", "--listen", "127.0.0.1:0", "--fail", "crate:1"],
            "no service has an operation crate",
        ),
        (&["ox", "--context", "ten"], "no context id"),
        (&["ox", "--tls-cert", "x"], "--tls-key"),
        (
            &[
                "ox",
                "--listen",
                "127.0.0.1:0",
                "--tls-cert",
                "/nonexistent",
                "--tls-key",
                "/nonexistent",
            ],
            "use /nonexistent for TLS",
        ),
        (&["smtp"], "unrecognized subcommand"),
        (&["kelvin", "--fail", "GET"], "expected \"METHOD PATH-PATTERN:N"),
        (
            &["kelvin", "--listen", "127.0.0.1:0", "--school", "a b"],
            "cannot be the name of a school",
        ),
        (&["kelvin", "--udm-property", "user"], "expected RESOURCE:NAME"),
        (&["kelvin", "--tls-client-ca", "x"], "--tls-cert"),
        (&[], "Usage"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_idspool-sandbox")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.contains(text), "{arguments:?}: {log}");
        assert!(output.stdout.is_empty());
    }
}
