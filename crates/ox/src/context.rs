//! Contexts (ox-provisioning 5.1, 7).

use idspool_ox_soap::{Context, ContextField, ContextId, Credentials, User, UserField};
use idspool_provisioner::{Delivery, Facts, Fault, Outcome};
use idspool_spool::FaultClass;
use tracing::{info, warn};

use crate::channel::{self, Done};
use crate::core::{Core, ObjectName};
use crate::digest;
use crate::halt::Halt;
use crate::ox::OxError;
use crate::password;
use crate::props::Props;
use crate::requeue;
use crate::unfinished::Unfinished;

/// What an item says of a context.
pub(crate) struct State {
    pub(crate) id: ContextId,
    name: String,
    /// In MB; -1: unlimited.
    quota: i64,
}

impl State {
    pub(crate) fn of(props: Props<'_>) -> Result<Self, Halt> {
        let id: Option<ContextId> = props.number("contextid", "the number of a context")?;
        let id = id.ok_or_else(|| {
            Fault::permanent("property 'contextid' is missing")
                .with_remedy("remove the queue file, or correct the object")
        })?;
        Ok(Self {
            id,
            name: props.text("name").map_or_else(|| format!("context{id}"), str::to_owned),
            quota: props.number("oxQuota", "a number of megabytes")?.unwrap_or(-1),
        })
    }

    /// What is sent for a change. A quota that was removed is sent as unlimited.
    pub(crate) fn payload(&self) -> Context {
        Context::new()
            .with(ContextField::Id, self.id)
            .with(ContextField::Name, self.name.as_str())
            .with(ContextField::MaxQuota, self.quota)
            .with(ContextField::Enabled, true)
    }
}

/// Brings a context to the state of its item.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    let item = delivery.item;
    let object = ObjectName(item);
    let old = match delivery.previous.and_then(|previous| previous.object.as_ref()) {
        Some(object) => Some(State::of(Props(object))?),
        None => None,
    };
    let Some(properties) = &item.object else {
        info!("Deleting {object}");
        match old {
            Some(old) => remove(core, delivery, &object, &old)?,
            None => info!("No attributes to work with. Doing nothing..."),
        }
        return Ok(Outcome::Gone);
    };
    let mut new = State::of(Props(properties))?;
    let payload = match old {
        None => {
            info!("Creating {object}");
            let master = core.master()?;
            let payload = if core.ox.context_exists(&master, new.id)? {
                info!("{object} exists. Modifying instead...");
                warn!("Found in DB but had no old attributes. Using new ones as old...");
                change(core, &master, &new)?
            } else {
                create(core, &master, &new)?
            };
            requeue::skipped(core, delivery, new.id)?;
            payload
        }
        Some(old) => {
            info!("Modifying {object}");
            // The id of a context never changes; OX would take another id for another context.
            new.id = old.id;
            let noted = delivery.facts.and_then(|facts| facts.digest.as_deref());
            let is_delivered = !delivery.forced
                && !core.is_unsettled(&item.id)
                && noted == Some(digest::of_context(&new.payload()).as_str());
            if is_delivered {
                new.payload()
            } else {
                core.begin(&item.id);
                change(core, &core.master()?, &new)?
            }
        }
    };
    core.finish(&item.id);
    let facts = Facts {
        scope: Some(new.id.into()),
        active: true,
        digest: Some(digest::of_context(&payload)),
        ..Facts::default()
    };
    Ok(Outcome::Keep { object: properties.clone(), facts })
}

fn change(core: &Core, master: &Credentials, state: &State) -> Result<Context, Halt> {
    let payload = state.payload();
    core.ox.change_context(master, &payload)?;
    channel::wrote(Done::Modified, "context", &state.name, state.id, state.id.value());
    Ok(payload)
}

/// Creates a context and its administrator.
///
/// The password is on disk before OX is asked: if the answer is lost, the context may exist all the
/// same, and nobody else knows its password.
fn create(core: &Core, master: &Credentials, state: &State) -> Result<Context, Halt> {
    let before = core.credentials.context(state.id)?;
    let admin = core.settings.admin_name(state.id);
    // A password of ours from an attempt whose answer was lost: OX may be about to use it.
    let reused = before
        .clone()
        .filter(|before| before.login == admin && password::is_generated(before.password.expose()));
    let credentials = match reused {
        Some(credentials) => credentials,
        None => Credentials::new(admin, generate_password()?),
    };
    core.credentials.set_context(state.id, &credentials)?;
    let payload = state.payload();
    let context = payload.clone().with(
        ContextField::LoginMappings,
        vec![format!("context{}", state.id), state.id.to_string()],
    );
    if let Err(error) = core.ox.create_context(master, &context, &admin_user(core, &credentials)) {
        if was_not_created(&error) {
            match before {
                Some(before) => core.credentials.set_context(state.id, &before)?,
                None => core.credentials.remove_context(state.id)?,
            }
        }
        return Err(error.into());
    }
    channel::context(format_args!("Adding secret file for context {}", state.id));
    channel::context(format_args!("Created context '{}' ({}).", state.name, state.id));
    Ok(payload)
}

fn generate_password() -> Result<String, Halt> {
    let password = password::generate()
        .map_err(|error| Fault::transient(format!("no random numbers for a password: {error}")))?;
    Ok(password.expose().to_owned())
}

/// Whether OX refused for good. After a storage fault, or without an answer, the context may exist.
fn was_not_created(error: &OxError) -> bool {
    error.refusal.is_some() && error.class == FaultClass::Permanent
}

fn admin_user(core: &Core, credentials: &Credentials) -> User {
    let mail = format!("{}@{}", credentials.login, core.settings.domain);
    User::new()
        .with(UserField::Name, credentials.login.as_str())
        .with(UserField::Password, credentials.password.expose())
        .with(UserField::DisplayName, "OX Admin")
        .with(UserField::GivenName, "OX")
        .with(UserField::SurName, "Admin")
        .with(UserField::PrimaryEmail, mail.as_str())
        .with(UserField::Email1, mail.as_str())
        .with(UserField::Timezone, core.settings.timezone.as_str())
}

fn remove(
    core: &Core,
    delivery: &Delivery<'_>,
    object: &ObjectName<'_>,
    old: &State,
) -> Result<(), Halt> {
    let id = &delivery.item.id;
    let master = core.master()?;
    let began = matches!(core.notes.get(id)?, Some(Unfinished::Credentials { .. }));
    if core.ox.context_exists(&master, old.id)? {
        core.notes.set(id, &Unfinished::Credentials { context: old.id.value() })?;
        match core.ox.delete_context(&master, old.id, &old.name) {
            Ok(()) => {
                channel::wrote(Done::Deleted, "context", &old.name, old.id, old.id.value());
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    } else if !began {
        // Removed by somebody else, who may also look after the credentials.
        info!("{object} does not exist. Doing nothing...");
        return Ok(());
    }
    channel::context(format_args!("Removing secret file for context {}", old.id));
    core.credentials.remove_context(old.id)?;
    core.notes.clear(id)?;
    Ok(())
}
