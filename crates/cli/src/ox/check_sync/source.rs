//! The directory, read as the converter reads it for OX.

use idspool_converter::{Reader, StartError};
use idspool_ox::admin::check::{Error, Source};
use idspool_service::Config;
use idspool_udm::{ConvertedItem, Encoding, EntryUuid, Module};

/// The directory, read as the converter reads it for OX.
pub(super) struct Directory(Reader);

impl Directory {
    pub(super) fn new(config: &Config) -> Result<Self, StartError> {
        Reader::new(config, Encoding::Raw).map(Self)
    }
}

impl Source for Directory {
    fn by_dn(&mut self, dn: &str) -> Result<Option<ConvertedItem>, Error> {
        self.0.by_dn(dn).map_err(Error::directory)
    }

    fn by_ids(&mut self, ids: &[String]) -> Result<Vec<ConvertedItem>, Error> {
        // What has another form than an entryUUID is in no directory.
        let uuids: Vec<EntryUuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        self.0.by_uuid(&uuids).map_err(Error::directory)
    }

    fn each(
        &mut self,
        module: Module,
        visit: &mut dyn FnMut(Vec<ConvertedItem>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut place = None;
        loop {
            let (items, next) = self.0.page(module, place).map_err(Error::directory)?;
            visit(items)?;
            place = next;
            if place.is_none() {
                return Ok(());
            }
        }
    }
}
