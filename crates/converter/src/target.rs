//! The consumers: who wants objects of which kind, in which encoding, where.

use idspool_service::Config;
use idspool_spool::Spool;
use idspool_udm::{Encoding, Module};

/// One consumer's spool.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// As in the configuration: `ox`, `kelvin`.
    pub(crate) name: &'static str,
    pub(crate) spool: Spool,
    pub(crate) encoding: Encoding,
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
                wants: Module::is_for_ox,
            });
        }
        if config.kelvin.enabled {
            targets.push(Self {
                name: "kelvin",
                spool: Spool::create(config.kelvin.queue())?,
                encoding: Encoding::Typed,
                wants: Module::is_for_kelvin,
            });
        }
        Ok(targets)
    }

    pub(crate) fn wants(&self, module: Module) -> bool {
        (self.wants)(module)
    }
}
