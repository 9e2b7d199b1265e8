//! A certificate authority of the test's own, and a server certificate for 127.0.0.1 and localhost signed by it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Paths of PEM files made by the `openssl` command.
#[derive(Debug, Clone)]
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes a new authority and a server certificate in `directory`, which is created.
    pub fn create(directory: &Path) -> Result<Certificates> {
        std::fs::create_dir_all(directory.join("ca"))?;
        let made = Certificates { directory: directory.to_owned() };
        let extensions = directory.join("extensions");
        std::fs::write(
            &extensions,
            "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n",
        )?;
        let request = directory.join("server.csr");
        openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
             -subj /CN=idspool-test-authority -addext basicConstraints=critical,CA:TRUE \
             -addext keyUsage=critical,keyCertSign,cRLSign",
            &[("-keyout", &directory.join("ca.key")), ("-out", &made.authority())],
        )?;
        openssl(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1",
            &[("-keyout", &made.server_key()), ("-out", &request)],
        )?;
        openssl(
            "x509 -req -days 3650 -CAcreateserial",
            &[
                ("-in", &request),
                ("-CA", &made.authority()),
                ("-CAkey", &directory.join("ca.key")),
                ("-extfile", &extensions),
                ("-out", &made.server()),
            ],
        )?;
        Ok(made)
    }

    /// A directory that holds nothing but the authority's certificate, as `ca_certificates` wants it.
    pub fn authority_directory(&self) -> PathBuf {
        self.directory.join("ca")
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("ca/authority.pem")
    }

    /// The server's certificate.
    pub fn server(&self) -> PathBuf {
        self.directory.join("server.pem")
    }

    /// The server's private key.
    pub fn server_key(&self) -> PathBuf {
        self.directory.join("server.key")
    }
}

fn openssl(words: &str, files: &[(&str, &PathBuf)]) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace());
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    let output = command
        .output()
        .context("run the openssl command; scripts/test installs what the tests need")?;
    ensure!(
        output.status.success(),
        "openssl {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
