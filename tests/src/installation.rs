//! An installation of idspool in a temporary folder: configuration, secrets, spools, and its programs.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::slapd::{BASE_DN, READER_DN, READER_PASSWORD};
use crate::{Daemon, LdapCli, Sandbox, poll, program};

/// A folder with `idspool.toml` for one directory server and one OX server.
#[derive(Debug)]
pub struct Installation {
    folder: tempfile::TempDir,
}

impl Installation {
    /// Writes the configuration. `directory` and `ox` are URLs.
    pub fn new(directory: &str, ox: &str) -> Result<Installation> {
        let installation = Self::empty()?;
        installation.secret("ldap", READER_PASSWORD)?;
        installation.secret("ox-master", Sandbox::MASTER_PASSWORD)?;
        let text = format!(
            "[directory]\nurl = '{directory}'\nbase_dn = '{BASE_DN}'\nbind_dn = '{READER_DN}'\n\
             bind_password_file = 'secrets/ldap'\n\
             [listener]\nspool = 'spool/listener'\n\
             [ox]\ndata_dir = 'spool/ox'\nsoap_server = '{ox}'\ndomainname = 'example.org'\n\
             imap_server = 'imap://imap.example.org:143'\nsmtp_server = 'smtp://smtp.example.org:587'\n\
             master_password_file = 'secrets/ox-master'\n"
        );
        fs::write(installation.path().join("idspool.toml"), text)?;
        Ok(installation)
    }

    /// A folder without configuration.
    pub(crate) fn empty() -> Result<Installation> {
        Ok(Installation { folder: tempfile::tempdir()? })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The queue of `idspool-ox`.
    pub fn ox_queue(&self) -> PathBuf {
        self.path().join("spool/ox/listener")
    }

    /// The listener's spool.
    pub fn listener_spool(&self) -> PathBuf {
        self.path().join("spool/listener")
    }

    /// Writes `secrets/NAME`, readable by the owner alone.
    pub fn secret(&self, name: &str, text: &str) -> Result<()> {
        use std::io::Write;
        let folder = self.path().join("secrets");
        fs::create_dir_all(&folder)?;
        let mut file = fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(folder.join(name))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// A command of this installation; settings of the machine do not reach into it.
    pub fn command(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(program(name)?);
        command.args(arguments).current_dir(self.path());
        for (variable, _) in std::env::vars_os() {
            let text = variable.to_string_lossy();
            let is_ours = ["OX_", "IDSPOOL_", "DEFAULT_CONTEXT", "LOCAL_TIMEZONE", "DOMAINNAME"]
                .iter()
                .any(|prefix| text.starts_with(prefix));
            if is_ours || text == "REQUESTS_CA_BUNDLE" {
                command.env_remove(&variable);
            }
        }
        command.env("IDSPOOL_CONFIG", self.path().join("idspool.toml"));
        Ok(command)
    }

    /// Starts one of the daemons.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Result<Daemon> {
        Daemon::spawn(self.command(name, arguments)?)
    }

    /// Runs a command to its end.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(name, arguments)?.output()?)
    }

    /// Calls the hook for one change, as a directory listener does.
    pub fn hook(&self, uuid: &str, dn: &str, object_type: &str, command: &str) -> Result<()> {
        let output = self.run(
            "idspool-listener",
            &[
                "hook",
                "--entry-uuid",
                uuid,
                "--dn",
                dn,
                "--object-type",
                object_type,
                "--command",
                command,
            ],
        )?;
        ensure!(output.status.success(), "hook: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Reports every entry that matches a filter, in one group.
    pub fn hook_all(&self, ldap: &LdapCli, filter: &str, object_type: &str) -> Result<usize> {
        use std::io::Write;
        let mut lines = String::new();
        let answer = ldap.search(filter, &["entryUUID"])?;
        let mut count = 0;
        for entry in answer.split("\n\n") {
            // The DN is only for messages here, so its base64 form does as well.
            let value = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name));
            let Some(uuid) = value("entryUUID: ") else { continue };
            let dn = value("dn: ").unwrap_or("cn=encoded");
            let line = json!({
                "entry_uuid": uuid, "dn": dn, "object_type": object_type, "command": "modify"
            });
            lines.push_str(&format!("{line}\n"));
            count += 1;
        }
        let mut child = self
            .command("idspool-listener", &["hook", "--stdin"])?
            .stdin(std::process::Stdio::piped())
            .spawn()?;
        child.stdin.take().context("no standard input")?.write_all(lines.as_bytes())?;
        ensure!(child.wait()?.success(), "hook --stdin failed");
        Ok(count)
    }

    /// Answer of `idspool --json status` for one queue.
    pub fn status(&self, queue: &str) -> Result<Value> {
        let output = self.run("idspool", &["--json", "status"])?;
        let status: Value = serde_json::from_slice(&output.stdout)?;
        let queues = status["queues"].as_array().context("no queues")?;
        queues.iter().find(|entry| entry["queue"] == queue).cloned().context("no such queue")
    }

    /// Names of the items that wait in a folder.
    pub fn waiting(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".json") && !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// Waits until both queues are empty.
    pub fn settle(&self, deadline: Duration) -> Result<()> {
        let is_empty = || {
            // The listener's first: an item is in the second before it leaves the first.
            let empty = Self::waiting(&self.listener_spool()).is_empty()
                && Self::waiting(&self.ox_queue()).is_empty();
            empty.then_some(())
        };
        poll(deadline, is_empty).with_context(|| {
            format!(
                "still waiting: {:?} {:?}",
                Self::waiting(&self.listener_spool()),
                Self::waiting(&self.ox_queue())
            )
        })
    }

    /// The snapshot of an object.
    pub fn snapshot(&self, uuid: &str) -> Result<Value> {
        let path = self.ox_queue().join(format!("old/{uuid}.json"));
        let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}
