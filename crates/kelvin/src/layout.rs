//! Where everything is.
//!
//! ```text
//! DATA/listener/                      the in queue
//! DATA/out_queues/AUTHORITY/          one out queue per school authority; its snapshots in old/
//! DATA/out_queues_trash/              queues of removed authorities
//! DATA/.routing.sqlite                the last known state of each object, and who was told of it
//! CONF/school_authorities/NAME.json   one authority
//! CONF/schools_authorities_mapping.json
//! ```
//! CONF is `conf/` in the data directory, or beside it, as the ID Connector has it (id-connector 5.1).

use std::path::PathBuf;

use idspool_service::Kelvin;

use crate::conf::AuthorityName;

/// The folders and files of the Kelvin provisioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The data directory.
    pub data: PathBuf,
    /// The folder of the administrator's files.
    pub conf: PathBuf,
}

impl Layout {
    /// The places that a configuration names. With no `kelvin.conf_dir`, `conf/` in the data directory, unless only
    /// the one beside it exists.
    pub fn new(config: &Kelvin) -> Self {
        let data = config.data_dir.clone();
        let conf = config.conf_dir.clone().unwrap_or_else(|| {
            let inside = data.join("conf");
            let beside = data.parent().map(|parent| parent.join("conf"));
            beside
                .filter(|beside| !inside.is_dir() && beside.join(AUTHORITIES).is_dir())
                .unwrap_or(inside)
        });
        Self { data, conf }
    }

    /// The in queue.
    pub fn in_queue(&self) -> PathBuf {
        self.data.join("listener")
    }

    /// The folder of all out queues.
    pub fn out_queues(&self) -> PathBuf {
        self.data.join("out_queues")
    }

    /// The out queue of one authority.
    pub fn out_queue(&self, authority: &AuthorityName) -> PathBuf {
        self.out_queues().join(authority.as_str())
    }

    /// Where the queues of removed authorities go.
    pub fn out_queues_trash(&self) -> PathBuf {
        self.data.join("out_queues_trash")
    }

    /// What routing knows of each object.
    pub fn routing_state(&self) -> PathBuf {
        self.data.join(".routing.sqlite")
    }

    /// The folder of the authorities' files.
    pub fn authorities(&self) -> PathBuf {
        self.conf.join(AUTHORITIES)
    }

    /// The file of one authority.
    pub fn authority(&self, authority: &AuthorityName) -> PathBuf {
        self.authorities().join(format!("{authority}.json"))
    }

    /// Which school belongs to which authority.
    pub fn school_mapping(&self) -> PathBuf {
        self.conf.join("schools_authorities_mapping.json")
    }
}

const AUTHORITIES: &str = "school_authorities";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_found_where_the_id_connector_has_it() {
        let app = tempfile::tempdir().unwrap();
        let data = app.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let config = Kelvin { data_dir: data.clone(), ..Kelvin::default() };
        assert_eq!(Layout::new(&config).conf, data.join("conf"));
        std::fs::create_dir_all(app.path().join("conf/school_authorities")).unwrap();
        assert_eq!(Layout::new(&config).conf, app.path().join("conf"));
        let named = Kelvin { conf_dir: Some("/else".into()), ..config };
        assert_eq!(Layout::new(&named).conf, PathBuf::from("/else"));
    }
}
