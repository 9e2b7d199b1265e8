//! An installation of the test's own.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// A configuration, and a data directory `kelvin`.
pub(crate) struct Place(tempfile::TempDir);

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The answer of a command that succeeded.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// What a command that was refused complained of.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.status, 2, "{}{}", self.out, self.err);
        self.err
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With more lines of configuration.
    pub(crate) fn with(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[ox]\nenabled = false\n[listener]\nspool = 'listener'\n[kelvin]\nenabled = true\ndata_dir = 'kelvin'\n{lines}"
        );
        fs::write(folder.path().join("idspool.toml"), text).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `idspool kelvin …`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs it with `input` on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let output = Command::cargo_bin("idspool")
            .unwrap()
            .arg("kelvin")
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("IDSPOOL_CONFIG")
            .write_stdin(input)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended {
            status: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The answer in JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["--json"]].concat()).done();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Adds an authority of that name.
    pub(crate) fn add(&self, name: &str) {
        let arguments = ["authorities", "add", "--name", name, "--url", URL, "--username", "idc"];
        self.run_with(&[&arguments[..], &["--password-file", "-"]].concat(), "s3cret\n").done();
    }

    /// The content of an authority's file.
    pub(crate) fn file(&self, name: &str) -> Value {
        let path = self.path(format!("kelvin/conf/school_authorities/{name}.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }
}

pub(crate) const URL: &str = "https://kelvin.a.example/ucsschool/kelvin/v1/";
