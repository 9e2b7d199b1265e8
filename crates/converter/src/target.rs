//! The consumers: who wants objects of which kind, in which encoding, where.

use idspool_service::Config;
use idspool_spool::Spool;
use idspool_udm::{Encoding, Module, mapping};

/// One consumer's spool.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// As in the configuration: `ox`, `kelvin`.
    pub(crate) name: &'static str,
    pub(crate) spool: Spool,
    pub(crate) encoding: Encoding,
    /// Whether users are to carry their password hashes.
    pub(crate) hashes: bool,
    wants: fn(Module) -> bool,
}

impl Target {
    /// The spools of the consumers that are enabled, created where they are missing.
    pub(crate) fn all(config: &Config) -> Result<Vec<Self>, idspool_spool::Error> {
        let mut targets = Vec::new();
        if config.ox.enabled {
            targets.push(Self {
                name: "ox",
                spool: Spool::create(config.ox.queue())?,
                encoding: Encoding::Raw,
                hashes: false,
                wants: Module::is_for_ox,
            });
        }
        if config.kelvin.enabled {
            targets.push(Self {
                name: "kelvin",
                spool: Spool::create(config.kelvin.queue())?,
                encoding: Encoding::Typed,
                hashes: config.kelvin.password_hashes,
                wants: Module::is_for_kelvin,
            });
        }
        Ok(targets)
    }

    /// The LDAP attributes that these consumers need. Password hashes are left where they are unless somebody
    /// wants them.
    pub(crate) fn attributes(targets: &[Self]) -> Vec<&'static str> {
        let mut attributes = mapping::attributes().to_vec();
        if targets.iter().any(|target| target.hashes) {
            attributes.extend(mapping::PASSWORD_ATTRIBUTES);
            attributes.sort_unstable();
            attributes.dedup();
        }
        attributes
    }

    pub(crate) fn wants(&self, module: Module) -> bool {
        (self.wants)(module)
    }
}
