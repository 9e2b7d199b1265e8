//! The harness itself: if these fail, look at the machine before looking at idspool.

use std::process::Command;
use std::time::Duration;

use idspool_tests::{Daemon, Loading, Population, Slapd};

#[test]
fn slapd_loads_the_sample_with_memberof_and_survives_a_kill() {
    let mut slapd = Slapd::start().unwrap();
    let dn = "uid=a.oehler,cn=users,dc=example,dc=org";
    let uuid = slapd.entry_uuid(dn).unwrap();
    let user = slapd.cli().search("(uid=a.oehler)", &["memberOf"]).unwrap();
    assert!(user.contains("memberOf: cn=Domain Users,"), "{user}");

    slapd.kill().unwrap();
    assert!(!slapd.cli().is_up());
    slapd.restart().unwrap();
    assert_eq!(slapd.entry_uuid(dn).unwrap(), uuid);

    slapd.cli().rename(dn, "uid=renamed", None).unwrap();
    assert_eq!(slapd.entry_uuid("uid=renamed,cn=users,dc=example,dc=org").unwrap(), uuid);
    slapd.cli().delete("uid=renamed,cn=users,dc=example,dc=org").unwrap();
    assert!(slapd.cli().entry_uuids(&format!("(entryUUID={uuid})")).unwrap().is_empty());
}

#[test]
fn slapadd_loads_a_population_with_known_identities() {
    let population = Population { users: 120 };
    let slapd =
        Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif()).start().unwrap();
    assert_eq!(slapd.entry_uuid(&population.dn(119)).unwrap(), population.entry_uuid(119));
    let user = slapd.cli().search("(uid=user000119)", &["memberOf"]).unwrap();
    assert!(user.contains("memberOf: cn=population-1,"), "{user}");
}

#[test]
fn tls_is_offered_with_an_authority_of_its_own() {
    let slapd = Slapd::builder().tls().start().unwrap();
    let certificates = slapd.certificates().unwrap();
    let status = Command::new("ldapsearch")
        .env("LDAPTLS_CACERT", certificates.authority())
        .args(["-x", "-H", &slapd.ldaps_url().unwrap(), "-b", "", "-s", "base", "1.1"])
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn a_daemon_is_watched_signalled_and_reaped() {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "trap 'echo stopping >&2; exit 7' TERM; echo ready >&2; while :; do sleep 0.01; done",
    ]);
    let daemon = Daemon::spawn(command).unwrap();
    daemon.wait_for("ready", Duration::from_secs(10)).unwrap();
    let ended = daemon.terminate(Duration::from_secs(10)).unwrap();
    assert_eq!(ended.code(), Some(7));
    assert_eq!(ended.lines, ["ready", "stopping"]);

    let mut command = Command::new("sh");
    command.args(["-c", "echo only this >&2"]);
    let daemon = Daemon::spawn(command).unwrap();
    let error = daemon.wait_for("something else", Duration::from_secs(10)).unwrap_err();
    assert!(error.to_string().contains("only this"), "{error}");
}
