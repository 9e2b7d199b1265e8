//! The SOAP library that existing connectors use, against this server.

use std::path::{Path, PathBuf};
use std::process::Command;

use idspool_sandbox::ox::{Options, serve};

/// `IDSPOOL_ZEEP_PYTHON`, or what `scripts/zeep-venv` makes.
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("IDSPOOL_ZEEP_PYTHON") {
        return python.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/zeep/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run scripts/zeep-venv, or name a Python with zeep in IDSPOOL_ZEEP_PYTHON",
        python.display()
    );
    python
}

#[test]
fn zeep_reads_the_wsdl_and_provisions() {
    let server = serve(Options::default()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ox/zeep_client.py");
    let output = Command::new(python()).arg(script).arg(server.url()).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "all checks passed");
    server.inspect(|world| {
        assert!(world.context(10).unwrap().user_named("anna").is_none());
        let moved = world.context(11).unwrap().user_named("anna").unwrap();
        assert_eq!(moved.text("title"), Some("Dr. <x> & \"ö\""));
        assert_eq!(moved.text("birthday"), Some("1980-02-29"));
    });
}
