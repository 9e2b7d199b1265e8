//! Changing `AttributeMapping.json` (ox-provisioning 8).
//!
//! The file is replaced as a whole, under a lock that makes concurrent edits take turns: a reader sees
//! the old mapping or the new one. A running `idspool-ox` reads it again before the next user.

mod document;
mod edit;
mod ucr;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use idspool_spool::durable;

pub use edit::{Alternatives, Edits, Set};
pub use ucr::{Translation, UcrError, UcrMapping};

use document::Document;

use crate::edit_lock;
use crate::mapping::{self, read_bounded};

/// Mode of a file that was not there before.
const PRIVATE: u32 = 0o600;

/// A mapping that cannot be read, changed or written. Then the file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is there but is no mapping.
    #[error(
        "attribute mapping {} cannot be used: {problem}; correct it, or write the default mapping with \
         `idspool ox mapping restore-default`",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The folder of the file.
    #[error(
        "there is no data directory {}: check ox.data_dir, or start idspool-ox once, which makes it",
        path.display()
    )]
    NoFolder {
        /// The data directory.
        path: PathBuf,
    },
    /// A required property was to lose its source.
    #[error(
        "Cannot unset non-nillable property '{property}': OX needs a value for it; `--set {property} UDM` \
         takes it from another UDM property"
    )]
    Required {
        /// The OX property.
        property: String,
    },
    /// An OX property that does not exist.
    #[error("'{property}' is no OX property of the mapping: `idspool ox mapping dump` lists them")]
    UnknownProperty {
        /// What was given.
        property: String,
    },
    /// A text that cannot be the name of a UDM property.
    #[error(
        "'{}' cannot be the name of a UDM property for '{property}'{}",
        source_name.escape_debug(),
        if source_name.is_empty() { ": `--unset` ends the synchronisation of an OX property" } else { "" }
    )]
    BadSource {
        /// The OX property.
        property: String,
        /// What was given.
        source_name: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] idspool_spool::Error),
    /// The file cannot be read or locked.
    #[error("failed to {operation} {}: {source}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// Where a mapping comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The built-in one: there is no file.
    BuiltIn,
    /// The built-in one, because the file is not JSON: `idspool-ox` does not use it either.
    BuiltInForBadFile,
    /// The file.
    File,
}

/// `AttributeMapping.json` of one data directory.
#[derive(Debug, Clone)]
pub struct MappingAdmin {
    path: PathBuf,
}

impl MappingAdmin {
    /// The mapping of the data directory `data_dir`.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join(mapping::FILE) }
    }

    /// The file, whether or not it is there.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes the mapping in force and writes it. All or nothing.
    ///
    /// # Errors
    /// An edit is not possible, or the file cannot be read or written.
    pub fn modify(&self, edits: &Edits) -> Result<Origin, Error> {
        let _turn = self.lock()?;
        let (mut document, origin) = match self.read()? {
            Found::Nothing => (Document::built_in(), Origin::BuiltIn),
            Found::Document(document) => (document, Origin::File),
            // Its content may be a good mapping with one slip of an editor: not ours to throw away.
            Found::NotJson(problem) => {
                return Err(Error::Content { path: self.path.clone(), problem });
            }
        };
        edits.apply(&mut document)?;
        self.write(&document)?;
        Ok(origin)
    }

    /// Writes the built-in mapping to the file, whatever is in it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn restore_default(&self) -> Result<(), Error> {
        let _turn = self.lock()?;
        self.write(&Document::built_in())
    }

    /// The mapping in force as the text of a mapping file, and where it comes from.
    ///
    /// # Errors
    /// The file cannot be read, or says something impossible: nothing is in force then.
    pub fn dump(&self) -> Result<(String, Origin), Error> {
        let (document, origin) = match self.read()? {
            Found::Nothing => (Document::built_in(), Origin::BuiltIn),
            Found::NotJson(_) => (Document::built_in(), Origin::BuiltInForBadFile),
            Found::Document(document) => (document, Origin::File),
        };
        Ok((document.to_text(), origin))
    }

    fn read(&self) -> Result<Found, Error> {
        let bytes = match read_bounded(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(source) => return Err(self.failed("read", source)),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Document::new(value)
                .map(Found::Document)
                .map_err(|problem| Error::Content { path: self.path.clone(), problem }),
            Err(error) => Ok(Found::NotJson(format!("not JSON: {error}"))),
        }
    }

    fn write(&self, document: &Document) -> Result<(), Error> {
        let text = document.to_text();
        // A link, say into a folder of managed configuration, stays one.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let mode = fs::metadata(&target).map_or(PRIVATE, |file| file.permissions().mode() & 0o777);
        Ok(durable::replace(&target, text.as_bytes(), mode)?)
    }

    fn lock(&self) -> Result<fs::File, Error> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if folder.try_exists().is_ok_and(|exists| !exists) {
            return Err(Error::NoFolder { path: folder.to_owned() });
        }
        edit_lock::take(&self.path).map_err(|source| self.failed("lock", source))
    }

    fn failed(&self, operation: &'static str, source: std::io::Error) -> Error {
        Error::File { operation, path: self.path.clone(), source }
    }
}

enum Found {
    Nothing,
    NotJson(String),
    Document(Document),
}

#[cfg(test)]
mod tests;
