//! The public client library of Kelvin, which connectors are built on, against this server.

use std::path::{Path, PathBuf};
use std::process::Command;

use idspool_sandbox::kelvin::Tls;
use idspool_tests::Certificates;

use crate::support::server_with;

/// `IDSPOOL_KELVIN_PYTHON`, or what `scripts/kelvin-venv` makes.
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("IDSPOOL_KELVIN_PYTHON") {
        return python.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/kelvin/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run scripts/kelvin-venv, or name a Python with kelvin-rest-api-client in IDSPOOL_KELVIN_PYTHON",
        python.display()
    );
    python
}

#[test]
fn the_public_library_creates_finds_changes_renames_and_removes() {
    let directory = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(directory.path()).unwrap();
    // It speaks HTTPS only.
    let server = server_with(|options| {
        options.tls = Some(Tls {
            certificate: certificates.server(),
            key: certificates.server_key(),
            client_authority: Some(certificates.authority()),
        });
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kelvin/library_client.py");
    let output = Command::new(python())
        .arg(script)
        .arg(server.address().to_string())
        .args([certificates.authority(), certificates.client(), certificates.client_key()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let request_id = said.trim().strip_prefix("all checks passed ").unwrap();
    server.inspect(|world| assert_eq!(world.users().count(), 0));
    let calls = server.calls(0);
    assert!(calls.iter().filter(|call| call.request_id == request_id).count() > 50);
    // One token each, and nothing that was redirected: the library uses the paths as they are.
    assert_eq!(calls.iter().filter(|call| call.path == "token" && call.status == 200).count(), 2);
    assert!(calls.iter().all(|call| call.status != 307));
}
