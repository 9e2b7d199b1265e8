//! What an installation that provisions Kelvin servers has beside the rest.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::slapd::{BASE_DN, READER_DN, READER_PASSWORD};
use crate::{Installation, KelvinSandbox, poll};

impl Installation {
    /// An installation for Kelvin alone, without school authorities. `directory` is a URL.
    pub fn for_kelvin(directory: &str) -> Result<Installation> {
        let installation = Installation::empty()?;
        installation.secret("ldap", READER_PASSWORD)?;
        let text = format!(
            "[directory]\nurl = '{directory}'\nbase_dn = '{BASE_DN}'\nbind_dn = '{READER_DN}'\n\
             bind_password_file = 'secrets/ldap'\n[listener]\nspool = 'spool/listener'\n\
             [ox]\nenabled = false\n[kelvin]\nenabled = true\ndata_dir = 'spool/kelvin'\n"
        );
        fs::write(installation.path().join("idspool.toml"), text)?;
        fs::create_dir_all(installation.kelvin_conf().join("school_authorities"))?;
        Ok(installation)
    }

    /// The data directory of `idspool-kelvin`.
    pub fn kelvin_data(&self) -> PathBuf {
        self.path().join("spool/kelvin")
    }

    /// The administrator's files.
    pub fn kelvin_conf(&self) -> PathBuf {
        self.kelvin_data().join("conf")
    }

    /// The queue of what is to be distributed.
    pub fn in_queue(&self) -> PathBuf {
        self.kelvin_data().join("listener")
    }

    /// The queue of a school authority.
    pub fn out_queue(&self, authority: &str) -> PathBuf {
        self.kelvin_data().join("out_queues").join(authority)
    }

    /// The file of an authority whose server is at `url`, with everything that can be mapped; `change` may say
    /// otherwise.
    pub fn authority(&self, name: &str, url: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        let users = json!({
            "username": "name", "firstname": "firstname", "lastname": "lastname", "disabled": "disabled",
            "birthday": "birthday", "userexpiry": "expiration_date", "mailPrimaryAddress": "email",
            "school": "school", "schools": "schools", "school_classes": "school_classes",
            "roles": "roles", "ucsschoolRecordUID": "record_uid", "ucsschoolSourceUID": "source_uid",
            "ucsschoolLegalGuardian": "legal_guardians", "ucsschoolLegalWard": "legal_wards",
            "title": "title", "pwdChangeNextLogin": "pwdChangeNextLogin",
        });
        let classes = json!({
            "name": "name", "description": "description", "school": "school", "users": "users"
        });
        let mut document = json!({
            "name": name, "active": true, "url": url, "plugins": ["kelvin"],
            "plugin_configs": {"kelvin": {
                "username": KelvinSandbox::USER, "password": KelvinSandbox::PASSWORD,
                "sync_password_hashes": true, "mapping": {"users": users, "school_classes": classes},
            }},
        });
        change(&mut document);
        self.write_conf(&format!("school_authorities/{name}.json"), &document)
    }

    /// Which school belongs to which authority.
    pub fn school_mapping(&self, pairs: &[(&str, &str)]) -> Result<()> {
        let mapping: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        self.write_conf("schools_authorities_mapping.json", &json!({ "mapping": mapping }))
    }

    fn write_conf(&self, name: &str, document: &Value) -> Result<()> {
        let path = self.kelvin_conf().join(name);
        let draft = path.with_extension("new");
        fs::write(&draft, document.to_string())?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
        // As an editor does: nobody sees half a file.
        fs::rename(&draft, &path).with_context(|| format!("write {}", path.display()))
    }

    /// Waits until nothing waits on the way to these authorities.
    pub fn settle_kelvin(&self, authorities: &[&str], deadline: Duration) -> Result<()> {
        let waiting = || {
            // In the order of the way: an item is in the next queue before it leaves the one before.
            let mut queues = vec![self.listener_spool(), self.in_queue()];
            queues.extend(authorities.iter().map(|name| self.out_queue(name)));
            queues.into_iter().map(|queue| (Self::waiting(&queue), queue))
        };
        let is_empty = || waiting().all(|(names, _)| names.is_empty()).then_some(());
        poll(deadline, is_empty).with_context(|| {
            let left: Vec<_> = waiting().filter(|(names, _)| !names.is_empty()).collect();
            format!("still waiting: {left:?}")
        })
    }
}
