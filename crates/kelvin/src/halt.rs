//! Why the handling of an item ends early.

use idspool_kelvin_client::{Error, RefusalKind};
use idspool_provisioner::Fault;

use crate::client;

/// The end of an item's handling.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The item is faulty.
    Fault(Fault),
    /// A request failed. Kept as it is, because some rules go on from certain refusals.
    Call(Box<Error>),
}

impl Halt {
    /// Why the server refused a request; `None`: it did not.
    pub(crate) fn refusal(&self) -> Option<&RefusalKind> {
        match self {
            Self::Call(error) => error.refusal().map(|refusal| &refusal.kind),
            Self::Fault(_) => None,
        }
    }

    /// What the loop is told, with the object in front.
    pub(crate) fn into_fault(self, object: &dyn std::fmt::Display) -> Fault {
        let fault = match self {
            Self::Fault(fault) => fault,
            Self::Call(error) => client::fault(&error),
        };
        Fault { message: format!("{object}: {}", fault.message), ..fault }
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Call(Box::new(error))
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
