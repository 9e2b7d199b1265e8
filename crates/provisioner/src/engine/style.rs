//! The words of the log lines about one item. They are interfaces: scripts and documented recipes look for
//! them.

use std::path::Path;

use tracing::{debug, info};

/// The program whose words the loop uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// The OX Connector (ox-provisioning 3.5, 3.7).
    #[default]
    OxConnector,
    /// The UCS@school ID Connector (id-connector 7.7).
    IdConnector,
}

impl Style {
    pub(super) fn begin(self, item: &Path) {
        match self {
            // Python's way of writing a path; the word and the full path are looked for (3.5 step 1).
            Self::OxConnector => info!("Handling PosixPath('{}')", item.display()),
            Self::IdConnector => info!("Start handling '{}'.", file_name(item)),
        }
    }

    pub(super) fn compare_with(self, snapshot: &Path) {
        match self {
            Self::OxConnector => info!("Loading old object from {}", snapshot.display()),
            Self::IdConnector => debug!("Comparing with {}", snapshot.display()),
        }
    }

    pub(super) fn forget(self, item: &Path) {
        match self {
            Self::OxConnector => info!("Object was deleted. Deleting {}", item.display()),
            Self::IdConnector => {}
        }
    }

    pub(super) fn keep(self, item: &Path, snapshot: &Path, is_rewritten: bool) {
        if self == Self::OxConnector {
            info!("mv {} -> {}", item.display(), snapshot.display());
            if is_rewritten {
                info!("... not done yet; enriching object by rewriting JSON file...");
            }
        }
    }

    pub(super) fn end(self, item: &Path) {
        match self {
            Self::OxConnector => {}
            Self::IdConnector => info!("Finished handling '{}'.", file_name(item)),
        }
    }
}

fn file_name(path: &Path) -> impl std::fmt::Display {
    path.file_name().unwrap_or(path.as_os_str()).display()
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;

    use super::*;

    fn lines(style: Style) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(file.reopen().unwrap())
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .finish();
        let (item, snapshot) = (Path::new("/q/1.json"), Path::new("/q/old/a.json"));
        with_default(subscriber, || {
            style.begin(item);
            style.compare_with(snapshot);
            style.keep(item, snapshot, true);
            style.forget(item);
            style.end(item);
        });
        let log = std::fs::read_to_string(file.path()).unwrap();
        log.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn each_program_finds_its_own_words() {
        assert_eq!(
            lines(Style::OxConnector),
            [
                "INFO Handling PosixPath('/q/1.json')",
                "INFO Loading old object from /q/old/a.json",
                "INFO mv /q/1.json -> /q/old/a.json",
                "INFO ... not done yet; enriching object by rewriting JSON file...",
                "INFO Object was deleted. Deleting /q/1.json",
            ]
        );
        assert_eq!(
            lines(Style::IdConnector),
            ["INFO Start handling '1.json'.", "INFO Finished handling '1.json'."]
        );
    }
}
