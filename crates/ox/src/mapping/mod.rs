//! The user attribute mapping: which UDM property fills which field of an OX user (ox-provisioning 6.1,
//! 6.2, 8.1).
//!
//! `AttributeMapping.json` in the data directory replaces the built-in table when it is there.

mod apply;
mod file;
mod table;

use std::sync::Arc;

pub(crate) use apply::{BadValue, Converter};
pub(crate) use file::{MappingError, MappingFile, check, read_bounded};
use table::TABLE;

use idspool_ox_soap::UserField;

/// Name of the mapping file in the data directory.
pub(crate) const FILE: &str = "AttributeMapping.json";

/// What happens to a value on its way to OX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    /// Nothing.
    Default,
    /// Becomes `YYYY-MM-DD`.
    Date,
    /// A JPEG picture with its content type.
    Image,
    /// The IMAP server, with port and scheme from `OX_IMAP_SERVER`.
    ImapUrl,
    /// The SMTP server, with port and scheme from `OX_SMTP_SERVER`.
    SmtpUrl,
}

impl Handling {
    const ALL: [Self; 5] = [Self::Default, Self::Image, Self::Date, Self::ImapUrl, Self::SmtpUrl];

    /// Its name in the mapping file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::Image => "IMAGE",
            Self::Date => "DATE",
            Self::ImapUrl => "IMAP_URL",
            Self::SmtpUrl => "SMTP_URL",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|handling| handling.name() == name)
    }
}

/// One OX property: the fixed side of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Property {
    /// Name in the mapping file.
    pub(crate) name: &'static str,
    /// Field of the SOAP user.
    pub(crate) field: UserField,
    /// Whether an empty value is sent as an empty text, which clears the field; else it is left out.
    pub(crate) clears: bool,
}

/// One entry: an OX property and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) property: Property,
    /// UDM property; `None`: not synchronised, the field counts as empty.
    pub(crate) source: Option<String>,
    /// UDM properties that are tried in order when the first has no value.
    pub(crate) alternatives: Vec<String>,
    /// Whether a missing value is worth a warning.
    pub(crate) required: bool,
    pub(crate) multi_value: bool,
    pub(crate) handling: Handling,
    /// Which element of a list is meant; `None`: the first.
    pub(crate) position: Option<usize>,
}

/// All entries: exactly one for each OX property, in the order of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping(Vec<Entry>);

impl Mapping {
    /// The mapping that holds without a file.
    pub(crate) fn built_in() -> Arc<Self> {
        Arc::new(Self(TABLE.iter().map(table::Row::entry).collect()))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn s6_1_the_table_is_complete() {
        let mapping = Mapping::built_in();
        let entries = mapping.entries();
        assert_eq!(entries.len(), 89);
        let names: HashSet<_> = entries.iter().map(|entry| entry.property.name).collect();
        assert_eq!(names.len(), 89);
        let omitted: Vec<_> = entries
            .iter()
            .filter(|entry| !entry.property.clears)
            .map(|entry| entry.property.name)
            .collect();
        assert_eq!(
            omitted,
            [
                "employee_type",
                "used_quota",
                "max_quota",
                "image1",
                "anniversary",
                "birthday",
                "imap_server",
                "smtp_server",
                "aliases",
            ]
        );
        let required: Vec<_> =
            entries.iter().filter(|entry| entry.required).map(|e| e.property.name).collect();
        assert_eq!(required, ["email1"]);
        // Sources with an unusual spelling.
        for (name, source) in [
            ("marital_status", "oxMarialStatus"),
            ("telephone_ttytdd", "oxTelephoneTtydd"),
            ("userfield20", "oxUserfield20"),
        ] {
            let entry = entries.iter().find(|entry| entry.property.name == name).unwrap();
            assert_eq!(entry.source.as_deref(), Some(source));
        }
    }
}
