//! What is told while the cache is worked on: the lines of `update-ox-db-cache` and `rebuild-old.db`
//! (ox-provisioning 9.1, 9.3).

use std::{fmt, io};

use idspool_ox_soap::{ContextId, OxUserId};

use crate::admin::Progress;

/// One line on standard output; prints as the OX Connector's commands print it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line<'a> {
    /// So many snapshots are there.
    Found(usize),
    /// So many of them were looked at.
    Processing(usize),
    /// A user is looked up.
    Searching {
        /// In which context.
        context: ContextId,
        /// Under which name.
        name: &'a str,
    },
    /// The user is there.
    FoundAt(OxUserId),
    /// The user is not there.
    NotFound,
    /// Nothing is known about the context's administrator.
    NoPassword,
    /// All users of a context are fetched.
    Building(ContextId),
    /// So many users does the context have.
    Retrieved(usize),
    /// The names of so many of them are known.
    Loaded(usize),
    /// All are known.
    Built,
    /// So many snapshots were changed.
    Updated(usize),
    /// So many snapshots were read.
    Read(usize),
    /// All snapshots were read.
    ReadAll(usize),
    /// A DN without snapshot is removed.
    NoSuchFile {
        /// The DN.
        dn: &'a str,
        /// Where its snapshot was.
        path: &'a std::path::Path,
    },
    /// So many DNs were removed.
    Writing(usize),
    /// There was nothing to remove.
    NoErrors,
    /// All is done.
    Done,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(count) => write!(f, "Found {count} files."),
            Self::Processing(number) => write!(f, "Processing file #{number}"),
            Self::Searching { context, name } => write!(f, "Searching in {context} for {name}"),
            Self::FoundAt(id) => write!(f, "... found it at {id}"),
            Self::NotFound => f.write_str("... not found!"),
            Self::NoPassword => f.write_str("... no password configured for context!"),
            Self::Building(context) => write!(f, "Building cache for {context}"),
            Self::Retrieved(count) => write!(f, "Retrieved {count} ids"),
            Self::Loaded(count) => write!(f, "Loaded {count}"),
            Self::Built => f.write_str("... built cache"),
            Self::Updated(count) => write!(f, "{count} files updated."),
            Self::Read(count) => write!(f, "Read {count} files..."),
            Self::ReadAll(count) => write!(f, "Read {count} files. Writing everything now..."),
            Self::NoSuchFile { dn, path } => write!(
                f,
                "{dn} references {}, but this file does not exist. Removing DN",
                path.display()
            ),
            Self::Writing(count) => write!(f, "Writing {count} changes"),
            Self::NoErrors => f.write_str("No errors found. Leaving DB untouched"),
            Self::Done => f.write_str("Done"),
        }
    }
}

/// Is told what happens.
pub trait Watcher: Progress {
    /// A line for standard output.
    ///
    /// # Errors
    /// It cannot be written; then the work ends.
    fn line(&mut self, line: &Line<'_>) -> io::Result<()>;

    /// Something that a person should look at; the work goes on.
    fn warn(&mut self, text: &str);
}
