//! Two servers that both take changes (multi-provider).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::ldap_cli::LdapCli;
use crate::poll;
use crate::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE_DN, READER_DN, START, Slapd};

impl Slapd {
    /// Two servers with the sample entries that both take changes and pass them on to each other. Neither needs
    /// the other one to run.
    pub fn pair() -> Result<[Slapd; 2]> {
        let mut one = Slapd::builder().server_id(1).start()?;
        let mut other = Slapd::builder().server_id(2).without_sample().start()?;
        one.exchange_with(&other)?;
        other.exchange_with(&one)?;
        one.wait_for_exchange(&other)?;
        Ok([one, other])
    }

    /// Waits until each of a pair gets what changes at the other one. Without it a change that is made while one
    /// of them is connecting may never arrive there: so it is with slapd 2.5.13.
    pub fn wait_for_exchange(&self, other: &Slapd) -> Result<()> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        for [from, to] in [[self, other], [other, self]].map(|pair| pair.map(Slapd::cli)) {
            let arrives = || {
                let text = format!("mark {}", NUMBER.fetch_add(1, Ordering::Relaxed));
                from.replace(READER_DN, "description", &[&text]).ok()?;
                let is_there = || Some(()).filter(|()| has(&to, &text));
                poll(Duration::from_secs(1), is_there)
            };
            poll(START, arrives).context("the servers do not exchange changes")?;
        }
        Ok(())
    }

    /// Empties the database of one of a pair and has it filled anew by way of this URL.
    pub fn begin_anew(&mut self, provider: &str) -> Result<()> {
        self.stop()?;
        let path = self.configuration();
        let text = std::fs::read_to_string(&path)?;
        let (before, after) = text.split_once("provider=").context("it has no provider")?;
        let (_, after) = after.split_once(' ').context("no end of the URL")?;
        std::fs::write(&path, format!("{before}provider={provider} {after}"))?;
        for file in std::fs::read_dir(self.database())? {
            std::fs::remove_file(file?.path())?;
        }
        self.restart()
    }

    /// Gets what changes at another server, beside what is changed here, and restarts this one.
    fn exchange_with(&mut self, other: &Slapd) -> Result<()> {
        self.stop()?;
        let path = self.configuration();
        let text = std::fs::read_to_string(&path)?;
        let (before, after) = text.split_once("access to ").context("no access rules")?;
        let added = format!("{}multiprovider on\n", syncrepl(&other.url()));
        std::fs::write(&path, format!("{before}{added}access to {after}"))?;
        self.restart()
    }
}

fn has(server: &LdapCli, text: &str) -> bool {
    server.search("(cn=reader)", &["description"]).is_ok_and(|answer| answer.contains(text))
}

/// The directive with which a server gets what changes at another one.
pub(crate) fn syncrepl(provider: &str) -> String {
    format!(
        "syncrepl rid=007 provider={provider} type=refreshAndPersist retry=\"1 +\"\n\
         \x20 searchbase=\"{BASE_DN}\" bindmethod=simple binddn=\"{ADMIN_DN}\"\n\
         \x20 credentials={ADMIN_PASSWORD}\n"
    )
}
