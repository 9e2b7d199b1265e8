//! `update-ox-db-cache`: removing the internal ids from the snapshots, and finding them again
//! (ox-provisioning 9.1).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::{Fault, Known, Objects};
use idspool_service::{Ox, shutdown::Shutdown};
use idspool_udm::ConvertedItem;

use super::held::Held;
use super::names::Names;
use super::walk::{self, Summary};
use super::{CacheError, Line, Watcher};
use crate::client::{SoapOx, StopTime};
use crate::core::Core;
use crate::halt::{Halt, Skip};
use crate::ox::Scope;
use crate::ox_name::OxName;
use crate::props::{OX_DB_ID, OX_DB_USERNAME, Props};
use crate::settings::Settings;
use crate::user;

/// How many users are fetched with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk(pub NonZeroUsize);

/// Removes the ids of all OX users from the snapshots. OX is not called.
///
/// # Errors
/// `idspool-ox` is running, or a file cannot be read or written.
pub fn delete_ids(
    config: &Ox,
    stop: &Shutdown,
    watcher: &mut dyn Watcher,
) -> Result<Summary, CacheError> {
    let held = Held::take(config, "idspool ox cache rebuild --delete")?;
    held.finish(|objects| delete(objects, stop, watcher))
}

/// Looks up the ids of the OX users whose snapshots have none. With a chunk size the users of each context
/// are fetched together; nothing but their names and ids is kept.
///
/// # Errors
/// `idspool-ox` is running, OX does not answer, or a file cannot be read or written.
pub fn find_ids(
    config: &Ox,
    together: Option<Chunk>,
    stop: &Shutdown,
    watcher: &mut dyn Watcher,
) -> Result<Summary, CacheError> {
    let settings = Settings::new(config)?;
    let client = crate::client(config)?;
    let held = Held::take(config, "idspool ox cache rebuild")?;
    let ox = Box::new(SoapOx::new(client, StopTime::default()));
    let core = Core::new(settings, ox).map_err(CacheError::DataDirectory)?;
    held.finish(|objects| find(&core, objects, together, stop, watcher))
}

pub(super) fn delete(
    objects: &Objects,
    stop: &Shutdown,
    watcher: &mut dyn Watcher,
) -> Result<Summary, CacheError> {
    walk::users(objects, stop, watcher, |known, summary, _| {
        let Some(mut item) = objects.snapshot(&known.id)? else { return Ok(()) };
        if item.object.as_mut().and_then(|object| object.remove(OX_DB_ID)).is_some() {
            walk::store(objects, &item, summary)?;
        }
        Ok(())
    })
}

pub(super) fn find(
    core: &Core,
    objects: &Objects,
    together: Option<Chunk>,
    stop: &Shutdown,
    watcher: &mut dyn Watcher,
) -> Result<Summary, CacheError> {
    let mut search = Search { core, together, contexts: HashMap::new(), refused: HashSet::new() };
    walk::users(objects, stop, watcher, |known, summary, watcher| {
        // It is left alone, so that an interrupted run goes on where it was.
        if known.facts.remote_id.is_some() {
            return Ok(());
        }
        let Some(mut item) = objects.snapshot(&known.id)? else { return Ok(()) };
        let Some(id) = search.of_snapshot(known, &item, summary, watcher)? else { return Ok(()) };
        if let Some(object) = &mut item.object {
            object.insert(OX_DB_ID.to_owned(), id.value().into());
        }
        walk::store(objects, &item, summary)
    })
}

/// Answers of OX so far.
struct Search<'a> {
    core: &'a Core,
    together: Option<Chunk>,
    contexts: HashMap<ContextId, Names>,
    /// Contexts about which nothing can be asked.
    refused: HashSet<ContextId>,
}

impl Search<'_> {
    /// The id of a user whose snapshot has none; `None` is told and counted.
    fn of_snapshot(
        &mut self,
        known: &Known,
        item: &ConvertedItem,
        summary: &mut Summary,
        watcher: &mut dyn Watcher,
    ) -> Result<Option<OxUserId>, CacheError> {
        let Some(props) = item.object.as_ref().map(Props) else { return Ok(None) };
        let context = match props.context() {
            Ok(Some(context)) => context,
            Ok(None) => {
                summary.no_context += 1;
                return Ok(None);
            }
            Err(error) => {
                summary.unusable += 1;
                watcher.warn(&format!("{}: {error}: left out", known.path.display()));
                return Ok(None);
            }
        };
        let identifier = &self.core.settings.user_identifier;
        let name = OxName::of_old(props, &item.id, identifier, OX_DB_USERNAME, "username");
        let OxName::Is(name) = name else {
            summary.unusable += 1;
            watcher.warn(&format!(
                "{}: the user has no name, so it cannot be looked up: check OX_USER_IDENTIFIER",
                known.path.display()
            ));
            return Ok(None);
        };
        watcher.line(&Line::Searching { context, name })?;
        Ok(match self.ask(context, name, watcher)? {
            Answer::At(id) => {
                watcher.line(&Line::FoundAt(id))?;
                Some(id)
            }
            Answer::NotFound => {
                summary.not_found += 1;
                watcher.line(&Line::NotFound)?;
                None
            }
            Answer::NoPassword => {
                summary.no_password += 1;
                watcher.line(&Line::NoPassword)?;
                None
            }
            Answer::Refused(reason) => {
                summary.refused += 1;
                if self.refused.insert(context) {
                    watcher.warn(&format!("context {context} is left out: {reason}"));
                }
                None
            }
        })
    }

    fn ask(
        &mut self,
        context: ContextId,
        name: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<Answer, CacheError> {
        if self.refused.contains(&context) {
            return Ok(Answer::Refused(String::new()));
        }
        let Some(Chunk(chunk)) = self.together else {
            return match user::find(self.core, context, name) {
                Ok(found) => Ok(found.map(|found| found.id).into()),
                Err(halt) => Answer::of_halt(context, halt),
            };
        };
        let names = match self.contexts.entry(context) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let admin = match self.core.admin(context) {
                    Ok(admin) => admin,
                    Err(halt) => return Answer::of_halt(context, halt),
                };
                let scope = Scope { context, admin: &admin };
                match Names::load(&*self.core.ox, scope, chunk, watcher)? {
                    Ok(names) => entry.insert(names),
                    Err(error) => return Answer::of_halt(context, error.into()),
                }
            }
        };
        Ok(names.get(name).into())
    }
}

/// What is known of a user.
enum Answer {
    At(OxUserId),
    NotFound,
    NoPassword,
    /// OX answered, but not what was asked, and would answer the same for each user of the context.
    Refused(String),
}

impl Answer {
    /// What OX says of a user or its context is an answer; that it says nothing is an error.
    fn of_halt(context: ContextId, halt: Halt) -> Result<Self, CacheError> {
        match halt {
            Halt::Skip(Skip::NoCredentials(_)) => Ok(Self::NoPassword),
            Halt::Refused(error) if error.is_not_found() => Ok(Self::NotFound),
            // A wrong password, or a context that does not exist, which OX does not tell apart. The other
            // contexts have nothing to do with it.
            Halt::Refused(error) if error.refusal.is_some() => {
                let fault = Fault::from(error);
                let remedy = fault.remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
                Ok(Self::Refused(fault.message + &remedy))
            }
            halt => Err(CacheError::halted(context, halt)),
        }
    }
}

impl From<Option<OxUserId>> for Answer {
    fn from(id: Option<OxUserId>) -> Self {
        id.map_or(Self::NotFound, Self::At)
    }
}
