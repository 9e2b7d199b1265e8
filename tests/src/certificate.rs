//! A certificate authority of the test's own, and certificates that it signed: one for a server on 127.0.0.1
//! and localhost, one for a client.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Paths of PEM files made by the `openssl` command.
#[derive(Debug, Clone)]
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes a new authority, a server's and a client's certificate in `directory`, which is created.
    pub fn create(directory: &Path) -> Result<Certificates> {
        std::fs::create_dir_all(directory.join("ca"))?;
        let made = Certificates { directory: directory.to_owned() };
        openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
             -subj /CN=idspool-test-authority -addext basicConstraints=critical,CA:TRUE \
             -addext keyUsage=critical,keyCertSign,cRLSign",
            &[("-keyout", &directory.join("ca.key")), ("-out", &made.authority())],
        )?;
        made.issue_server("IP:127.0.0.1,DNS:localhost", 3650)?;
        let usage = "extendedKeyUsage=clientAuth\n";
        made.sign("/CN=idspool-test-client", usage, &made.client_key(), &made.client(), 3650)?;
        Ok(made)
    }

    /// Gives the server another certificate: for these names, valid for so many days. A server takes it
    /// at its next start.
    pub fn issue_server(&self, names: &str, days: i32) -> Result<()> {
        let extensions = format!("subjectAltName={names}\nextendedKeyUsage=serverAuth\n");
        self.sign("/CN=127.0.0.1", &extensions, &self.server_key(), &self.server(), days)
    }

    fn sign(
        &self,
        subject: &str,
        extensions: &str,
        key: &Path,
        signed: &Path,
        days: i32,
    ) -> Result<()> {
        let directory = &self.directory;
        let (request, settings) = (directory.join("request"), directory.join("extensions"));
        std::fs::write(&settings, format!("basicConstraints=CA:FALSE\n{extensions}"))?;
        openssl(
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj {subject}"
            ),
            &[("-keyout", key), ("-out", &request)],
        )?;
        openssl(
            &format!("x509 -req -days {days} -CAcreateserial"),
            &[
                ("-in", &request),
                ("-CA", &self.authority()),
                ("-CAkey", &directory.join("ca.key")),
                ("-extfile", &settings),
                ("-out", signed),
            ],
        )
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

    /// The client's certificate.
    pub fn client(&self) -> PathBuf {
        self.directory.join("client.pem")
    }

    /// The client's private key.
    pub fn client_key(&self) -> PathBuf {
        self.directory.join("client.key")
    }
}

fn openssl(words: &str, files: &[(&str, &Path)]) -> Result<()> {
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
