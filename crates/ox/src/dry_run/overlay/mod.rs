//! OX as it would be: what the server answers, changed by the calls that were not made.
//!
//! Reads go to the server and are corrected by what was announced before; writes are noted. New objects
//! get provisional ids, which never reach the server. Of a user only what later items ask for is kept,
//! so that an import of 100,000 users fits into memory.
//!
//! Without a server, what the snapshots tell counts as what OX has.

mod account;
mod calls;
mod context;
mod group;
mod noted;
mod resource;
mod tenant;
mod user;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use idspool_ox_soap::{ContextId, DataObject, Field};
use idspool_provisioner::Facts;
use idspool_spool::FaultClass;
use idspool_udm::ConvertedItem;

use self::tenant::{Existence, Tenant};
use super::journal::{Call, FIRST_PROVISIONAL};
use crate::credentials::CredentialsFile;
use crate::mapping::MappingFile;
use crate::ox::{Ox, OxError, Refusal};
use crate::settings::Settings;

/// OX as it would be.
pub(crate) struct Overlay {
    /// `None`: nothing is asked.
    server: Option<Box<dyn Ox>>,
    /// The server did not answer; it is not asked again.
    is_lost: AtomicBool,
    credentials: Arc<CredentialsFile>,
    settings: Settings,
    mapping: MappingFile,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tenants: HashMap<i32, Tenant>,
    /// How many provisional ids were given.
    given: i32,
    subject: Subject,
    calls: Vec<Call>,
    remarks: Vec<String>,
}

/// What is known of the object whose item is under way.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    /// Its last delivered state.
    pub(crate) previous: Option<ConvertedItem>,
    /// What was noted then.
    pub(crate) facts: Option<Facts>,
    /// Ids of the users that it listed, by context. Only filled when nothing is asked.
    pub(crate) members: HashMap<i32, Vec<i32>>,
}

/// Whom to ask for what the dry run did not change.
enum Base<'a> {
    /// The server.
    Server(&'a dyn Ox),
    /// The snapshots.
    Noted,
    /// Nobody: the context is new, so there is nothing.
    Nothing,
}

impl Overlay {
    pub(crate) fn new(
        server: Option<Box<dyn Ox>>,
        credentials: Arc<CredentialsFile>,
        settings: Settings,
        mapping: MappingFile,
    ) -> Self {
        Self {
            server,
            is_lost: AtomicBool::new(false),
            credentials,
            settings,
            mapping,
            state: Mutex::default(),
        }
    }

    /// Whether what is noted has to stand for what OX has.
    pub(crate) fn is_offline(&self) -> bool {
        self.server.is_none() || self.is_lost.load(Ordering::Relaxed)
    }

    /// Another item begins.
    pub(crate) fn begin(&self, subject: Subject) {
        self.state().subject = subject;
    }

    /// The name of a user of which the dry run knows.
    pub(crate) fn name_of(&self, context: ContextId, id: i32) -> Option<String> {
        let state = self.state();
        let person = state.tenants.get(&context.value())?.users.get(&id)?.as_ref()?;
        Some(person.name.to_string())
    }

    /// The calls since this was last asked, and what there is to say about them.
    pub(crate) fn take(&self) -> (Vec<Call>, Vec<String>) {
        let mut state = self.state();
        (std::mem::take(&mut state.calls), std::mem::take(&mut state.remarks))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        crate::lock(&self.state)
    }

    fn base(&self, context: ContextId) -> Result<Base<'_>, OxError> {
        let existence = self.state().tenants.get(&context.value()).map(|tenant| tenant.is.clone());
        Ok(match (existence, &self.server) {
            (Some(Existence::Removed), _) => {
                return Err(refused(
                    Refusal::NotFound,
                    format!("context {context} would be removed before this item"),
                ));
            }
            (Some(Existence::New(_)), _) => Base::Nothing,
            (_, Some(server)) if !self.is_offline() => Base::Server(server.as_ref()),
            _ => Base::Noted,
        })
    }

    /// Takes an answer of the server. When there is none, nothing more is asked: each further item would
    /// wait for a time limit.
    fn heard<T>(&self, answer: Result<T, OxError>) -> Result<T, OxError> {
        if let Err(error) = &answer
            && error.refusal.is_none()
            && error.class == FaultClass::Transient
            && !self.is_lost.swap(true, Ordering::Relaxed)
        {
            self.remark(
                "the OX server does not answer: from here on what is noted counts as what OX has"
                    .to_owned(),
            );
        }
        answer
    }

    fn remark(&self, remark: String) {
        self.state().remarks.push(remark);
    }

    fn record(&self, call: Call) {
        self.state().calls.push(call);
    }

    /// Changes what is known of a context.
    fn tenant<T>(&self, context: ContextId, work: impl FnOnce(&mut Tenant) -> T) -> T {
        work(self.state().tenants.entry(context.value()).or_default())
    }

    fn provisional_id(&self) -> i32 {
        let mut state = self.state();
        state.given += 1;
        FIRST_PROVISIONAL.saturating_add(state.given)
    }
}

/// An object of OX as it would be, of which the dry run knows everything; `None`: it is gone.
type Known<T> = HashMap<i32, Option<T>>;

/// A refusal of OX that is foreseen.
fn refused(refusal: Refusal, message: impl Into<String>) -> OxError {
    OxError {
        refusal: Some(refusal),
        class: FaultClass::Permanent,
        message: message.into(),
        remedy: Some("correct the object in the directory, or remove the queue file".to_owned()),
    }
}

/// Refuses what cannot be sent, as the client would.
fn check_values<F: Field>(
    operation: &str,
    name: &str,
    object: &DataObject<F>,
) -> Result<(), OxError> {
    match object.unsendable() {
        None => Ok(()),
        Some((field, problem)) => Err(OxError {
            remedy: Some("correct the value in the directory".to_owned()),
            ..refused(
                Refusal::Other,
                format!("{operation} of '{name}': field {}: {problem}", field.spec().name),
            )
        }),
    }
}

fn same_name(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
