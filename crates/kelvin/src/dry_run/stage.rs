//! The real rules over a server that is only played: for each item, what would come of it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use idspool_kelvin_client::Identity;
use idspool_provisioner::{Delivery, Fault, Key, Notices, Outcome, Recipient};
use idspool_udm::school::{Class, Containers};
use idspool_udm::{ConvertedItem, ItemHead, Module, value};

use super::journal::Request;
use super::overlay::{Delivered, Overlay};
use crate::recipient::KelvinRecipient;

/// What would come of one item.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    pub(crate) requests: Vec<Request>,
    pub(crate) warnings: Vec<String>,
}

/// A recipient that changes nothing.
#[derive(Debug)]
pub(crate) struct Stage {
    recipient: KelvinRecipient,
    overlay: Arc<Overlay>,
    containers: Containers,
    source_uid: String,
    notices: Notices,
    foreseen: Mutex<Foreseen>,
}

impl Stage {
    /// `recipient` works on `overlay`.
    pub(crate) fn new(
        recipient: KelvinRecipient,
        overlay: Arc<Overlay>,
        settings: &crate::Settings,
    ) -> Self {
        Self {
            recipient,
            overlay,
            containers: settings.containers.clone(),
            source_uid: settings.source_uid.clone(),
            notices: Notices::default(),
            foreseen: Mutex::default(),
        }
    }

    /// What would come of the item that was last delivered.
    pub(crate) fn take(&self) -> Foreseen {
        std::mem::take(&mut self.foreseen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Under which names an object was last delivered, where nothing else says it.
    fn delivered(&self, state: &ConvertedItem) -> Option<Delivered> {
        let property = |name| value::first_text(state.property(name)).map(str::to_owned);
        match state.module()? {
            Module::User => Some(Delivered::User {
                name: property("username")?,
                identity: Identity {
                    record_uid: property("ucsschoolRecordUID").unwrap_or_default(),
                    source_uid: property("ucsschoolSourceUID")
                        .filter(|uid| !uid.is_empty())
                        .unwrap_or_else(|| self.source_uid.clone()),
                },
            }),
            Module::Group => {
                let Class { school, name } = Class::of_group(&state.dn, &self.containers)?;
                Some(Delivered::Class { school, name })
            }
            _ => None,
        }
    }
}

impl Recipient for Stage {
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        self.recipient.rank(head)
    }

    fn keys(&self, item: &ConvertedItem, previous: Option<&ConvertedItem>) -> Vec<Key> {
        self.recipient.keys(item, previous)
    }

    fn is_copy(&self, item: &ConvertedItem, path: &Path) -> bool {
        self.recipient.is_copy(item, path)
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        self.overlay.begin(delivery.previous.and_then(|state| self.delivered(state)));
        let (outcome, warnings) = self.notices.of(|| self.recipient.deliver(delivery));
        let requests = self.overlay.take();
        *self.foreseen.lock().unwrap_or_else(PoisonError::into_inner) =
            Foreseen { requests, warnings };
        outcome
    }
}
