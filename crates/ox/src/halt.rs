//! Why the handling of an item ends early: it is skipped, or it is faulty.

use idspool_ox_soap::ContextId;
use idspool_provisioner::Fault;

use crate::credentials::CredentialsError;
use crate::ox::OxError;
use crate::props::Unusable;

/// Outcomes that count as success without anything being done (ox-provisioning 5.0).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Skip {
    #[error("Skipping: Object has no oxContext attribute!")]
    NoContext,
    #[error("Skipping: Not touching {name} in context {context}: Is context admin!")]
    ContextAdmin { name: String, context: ContextId },
    #[error("Could not find admin password for context {0}. Ignoring this task")]
    NoCredentials(ContextId),
}

/// The end of an item's handling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Halt {
    Skip(Skip),
    Fault(Fault),
    /// A call to OX failed. Kept as it is, because some rules go on from certain refusals.
    Refused(OxError),
}

impl Halt {
    /// The fault; `None` for a skip.
    pub(crate) fn into_fault(self) -> Result<Fault, Skip> {
        match self {
            Self::Skip(skip) => Err(skip),
            Self::Fault(fault) => Ok(fault),
            Self::Refused(error) => Ok(error.into()),
        }
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Skip> for Halt {
    fn from(skip: Skip) -> Self {
        Self::Skip(skip)
    }
}

impl From<OxError> for Halt {
    fn from(error: OxError) -> Self {
        Self::Refused(error)
    }
}

impl From<CredentialsError> for Halt {
    /// Every item needs the file: none of them is to blame, so it is not held against this one.
    fn from(error: CredentialsError) -> Self {
        Self::Fault(Fault::transient(error.to_string()).with_remedy(
            "restore the file, or make it readable and writable for this process; the queue goes on by itself",
        ))
    }
}

impl From<Unusable> for Halt {
    fn from(error: Unusable) -> Self {
        Self::Fault(
            Fault::permanent(error.to_string())
                .with_remedy("correct the object in the directory, or remove the queue file"),
        )
    }
}

impl From<crate::mapping::BadValue> for Halt {
    fn from(error: crate::mapping::BadValue) -> Self {
        Self::Fault(
            Fault::permanent(error.to_string())
                .with_remedy("correct the value in the directory, or change the attribute mapping"),
        )
    }
}

impl From<crate::mapping::MappingError> for Halt {
    fn from(error: crate::mapping::MappingError) -> Self {
        Self::Fault(Fault::transient(error.to_string()).with_remedy(
            "correct the file, or remove it to return to the default mapping; the queue goes on by itself",
        ))
    }
}

impl From<crate::profile::ProfileError> for Halt {
    fn from(error: crate::profile::ProfileError) -> Self {
        Self::Fault(
            Fault::transient(error.to_string())
                .with_remedy("make the file readable and writable for this process"),
        )
    }
}

impl From<crate::template::NoValue> for Halt {
    fn from(error: crate::template::NoValue) -> Self {
        Self::Fault(
            Fault::permanent(error.to_string())
                .with_remedy("set the property in the directory, or change OX_IMAP_LOGIN"),
        )
    }
}

impl From<idspool_provisioner::Error> for Halt {
    fn from(error: idspool_provisioner::Error) -> Self {
        Self::Fault(error.to_fault())
    }
}

impl From<idspool_spool::Error> for Halt {
    fn from(error: idspool_spool::Error) -> Self {
        Self::Fault(Fault::from(&error))
    }
}
