//! Objects as a consumer would get them now, read without any file: for comparisons.

use chrono::Utc;
use idspool_directory::{Directory, Error, PagePlace, Settings};
use idspool_service::{Config, GroupsFrom};
use idspool_udm::mapping::{self, Mapper, Related};
use idspool_udm::{ConvertedItem, Encoding, Entry, EntryUuid, Module};

use crate::converter::StartError;
use crate::lookup::{look_up, relate};

/// Entries in one page: a page of users is some 500 kB, with photos some 10 MB.
const PAGE: u16 = 100;

/// Reads objects of the directory for one consumer.
#[derive(Debug)]
pub struct Reader {
    directory: Directory,
    /// A server keeps its place in one search per connection.
    pages: Directory,
    groups_from: GroupsFrom,
    country_from_state: bool,
    encoding: Encoding,
}

impl Reader {
    /// Prepares the connections. LDAP is not contacted yet.
    ///
    /// # Errors
    /// The directory's part of the configuration cannot be used.
    pub fn new(config: &Config, encoding: Encoding) -> Result<Self, StartError> {
        let settings = Settings::of_config(&config.directory)?;
        Ok(Self {
            directory: Directory::new(settings.clone())?,
            pages: Directory::new(settings)?,
            groups_from: config.directory.groups_from,
            country_from_state: config.directory.country_from_state,
            encoding,
        })
    }

    /// The objects with these entryUUIDs, in no particular order. One that is not among them does not
    /// exist, or is of no kind that idspool knows.
    ///
    /// # Errors
    /// No connection, or no complete answer: then nothing is known of any of them.
    pub fn by_uuid(&mut self, uuids: &[EntryUuid]) -> Result<Vec<ConvertedItem>, Error> {
        let attributes = mapping::attributes();
        let found =
            look_up(&mut self.directory, uuids.iter(), attributes, self.groups_from, |_| true)?;
        Ok(self.items(found.entries.values(), &found.related))
    }

    /// The object at a DN, in whatever spelling.
    ///
    /// # Errors
    /// As for [`Reader::by_uuid`].
    pub fn by_dn(&mut self, dn: &str) -> Result<Option<ConvertedItem>, Error> {
        let entries = self.directory.entries_by_dn(&[dn], mapping::attributes())?;
        Ok(self.related_items(&entries)?.pop())
    }

    /// One page of all objects of a kind, and where the next one begins; `None`: there is no more. The
    /// first page begins at `None`.
    ///
    /// # Errors
    /// As for [`Reader::by_uuid`].
    pub fn page(
        &mut self,
        module: Module,
        place: Option<PagePlace>,
    ) -> Result<(Vec<ConvertedItem>, Option<PagePlace>), Error> {
        let attributes = mapping::attributes_of(module);
        let (mut entries, next) =
            self.pages.entries_page(module.filter(), attributes, PAGE, place)?;
        entries.retain(|entry| Module::of(entry) == Some(module));
        Ok((self.related_items(&entries)?, next))
    }

    fn related_items(&mut self, entries: &[Entry]) -> Result<Vec<ConvertedItem>, Error> {
        let related = relate(&mut self.directory, entries.iter(), self.groups_from, |_| true)?;
        Ok(self.items(entries.iter(), &related))
    }

    fn items<'e>(
        &self,
        entries: impl Iterator<Item = &'e Entry>,
        related: &Related,
    ) -> Vec<ConvertedItem> {
        let today = Utc::now().date_naive();
        let mapper = Mapper::new(self.encoding, today).country_from_state(self.country_from_state);
        entries
            .filter_map(|entry| {
                let module = Module::of(entry)?;
                let uuid: EntryUuid = entry.first_text("entryUUID")?.parse().ok()?;
                Some(mapper.item(&uuid, module, entry, related, false))
            })
            .collect()
    }
}
