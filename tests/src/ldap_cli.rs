//! OpenLDAP's command line tools (`ldapadd`, `ldapmodify`, …), bound to one server as its administrator.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE_DN};

/// Runs the tools against one server.
#[derive(Debug, Clone)]
pub struct LdapCli {
    url: String,
}

impl LdapCli {
    /// Tools that talk to the server at `url`.
    pub fn new(url: impl Into<String>) -> LdapCli {
        LdapCli { url: url.into() }
    }

    /// Adds the entries of an LDIF text. With `relax`, operational attributes such as entryUUID may be given.
    pub fn add(&self, ldif: &str, relax: bool) -> Result<()> {
        let mut command = self.command("ldapadd");
        if relax {
            command.args(["-e", "relax"]);
        }
        run_with_input(command, ldif).map(drop)
    }

    /// Applies LDIF change records.
    pub fn modify(&self, ldif: &str) -> Result<()> {
        run_with_input(self.command("ldapmodify"), ldif).map(drop)
    }

    /// Applies LDIF change records, and goes on after those that the server refuses; returns how many
    /// these were.
    pub fn modify_on(&self, ldif: &str) -> Result<usize> {
        let mut command = self.command("ldapmodify");
        command.arg("-c");
        match run_with_input(command, ldif) {
            Ok(_) => Ok(0),
            Err(error) if !self.is_up() => Err(error),
            // One line each, such as "ldap_add: Already exists (68)".
            Err(error) => Ok(error.to_string().matches("ldap_").count()),
        }
    }

    /// Replaces all values of one attribute; no values removes it.
    pub fn replace(&self, dn: &str, attribute: &str, values: &[&str]) -> Result<()> {
        let mut ldif = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n");
        for value in values {
            ldif.push_str(&format!("{attribute}: {value}\n"));
        }
        self.modify(&ldif)
    }

    /// Deletes one entry.
    pub fn delete(&self, dn: &str) -> Result<()> {
        let mut command = self.command("ldapdelete");
        command.arg(dn);
        run_with_input(command, "").map(drop)
    }

    /// Deletes many entries over one connection.
    pub fn delete_all(&self, dns: &[String]) -> Result<()> {
        run_with_input(self.command("ldapdelete"), &(dns.join("\n") + "\n")).map(drop)
    }

    /// Renames an entry, and moves it below `new_superior` if one is given. The old RDN value goes away.
    pub fn rename(&self, dn: &str, new_rdn: &str, new_superior: Option<&str>) -> Result<()> {
        let mut command = self.command("ldapmodrdn");
        command.arg("-r");
        if let Some(superior) = new_superior {
            command.args(["-s", superior]);
        }
        command.args([dn, new_rdn]);
        run_with_input(command, "").map(drop)
    }

    /// Searches the whole tree; the LDIF text, without line wrapping and comments.
    pub fn search(&self, filter: &str, attributes: &[&str]) -> Result<String> {
        let mut command = self.command("ldapsearch");
        command.args(["-LLL", "-o", "ldif-wrap=no", "-b", BASE_DN, filter]).args(attributes);
        run_with_input(command, "")
    }

    /// The `ldapsearch` command with the connection options set, for those who need to say more.
    pub fn search_command(&self) -> Command {
        self.command("ldapsearch")
    }

    /// Whether the server answers.
    pub fn is_up(&self) -> bool {
        let mut command = Command::new("ldapsearch");
        command.args(["-x", "-H", &self.url, "-b", "", "-s", "base", "-o", "nettimeout=5", "1.1"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// The entryUUID of the entry at `dn`.
    pub fn entry_uuid(&self, dn: &str) -> Result<String> {
        let mut command = self.command("ldapsearch");
        command.args(["-LLL", "-o", "ldif-wrap=no", "-b", dn, "-s", "base", "entryUUID"]);
        let ldif = run_with_input(command, "")?;
        let value = ldif.lines().find_map(|line| line.strip_prefix("entryUUID: "));
        Ok(value.with_context(|| format!("no entryUUID at {dn}"))?.to_owned())
    }

    /// entryUUIDs of the entries that `filter` matches, in the server's order.
    pub fn entry_uuids(&self, filter: &str) -> Result<Vec<String>> {
        let ldif = self.search(filter, &["entryUUID"])?;
        Ok(ldif
            .lines()
            .filter_map(|line| line.strip_prefix("entryUUID: "))
            .map(str::to_owned)
            .collect())
    }

    /// DNs of all entries.
    pub fn dns(&self) -> Result<Vec<String>> {
        let ldif = self.search("(objectClass=*)", &["1.1"])?;
        let dn = |line: &str| {
            let encoded = line.strip_prefix("dn:: ");
            match encoded {
                Some(text) => Ok(String::from_utf8(BASE64_STANDARD.decode(text)?)?),
                None => line.strip_prefix("dn: ").map(str::to_owned).context("not a DN"),
            }
        };
        ldif.lines().filter(|line| line.starts_with("dn:")).map(dn).collect()
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        command.args(["-x", "-H", &self.url, "-D", ADMIN_DN, "-w", ADMIN_PASSWORD]);
        command
    }
}

fn run_with_input(mut command: Command, input: &str) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => bail!(
            "{name} cannot be run ({error}); install ldap-utils, or run scripts/test, which says how"
        ),
    };
    let mut stdin = child.stdin.take().context("no pipe to the tool")?;
    // Written from a second thread: the tools answer while they read, and either pipe may fill up.
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    // A tool that stops at a faulty line closes its input early; its own message says more than the broken pipe.
    let _ = writer.join();
    ensure!(
        output.status.success(),
        "{name} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
