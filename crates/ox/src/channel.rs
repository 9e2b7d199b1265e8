//! The log lines of the SOAP channel, which carry the name of a logger in front (ox-provisioning 3.7).

use idspool_ox_soap::ContextId;
use tracing::info;

const PREFIX: &str = "univention.ox.soap.backend_base.Soap";

/// What was done to an object of OX.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Done {
    Created,
    Modified,
    Deleted,
}

impl Done {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Modified => "Modified",
            Self::Deleted => "Deleted",
        }
    }
}

/// `Created user 'anna' in context 10 (id=3).`
pub(crate) fn wrote(done: Done, kind: &str, name: &str, context: ContextId, id: i32) {
    let mut logger = match kind {
        "secondaryaccount" => "secondaryAccount".to_owned(),
        _ => kind.to_owned(),
    };
    if let Some(first) = logger.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    info!("{PREFIX}{logger}: {} {kind} '{name}' in context {context} (id={id}).", done.as_str());
}

/// Lines about contexts.
pub(crate) fn context(line: std::fmt::Arguments<'_>) {
    info!("{PREFIX}Context: {line}");
}
