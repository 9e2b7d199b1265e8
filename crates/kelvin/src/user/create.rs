//! Creating a user (id-connector 3.2, kelvin-api 7.3).

use idspool_kelvin_client::{Attributes, RefusalKind};
use idspool_provisioner::Fault;
use idspool_service::Secret;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::wanted::{Password, Wanted};
use super::{Load, Work, password, relatives};
use crate::halt::Halt;

impl Work<'_> {
    pub(super) fn create(&self, load: &Load) -> Result<(), Halt> {
        let password = self.first_password(load)?;
        self.has_begun.set(true);
        match self.post_with_relatives(load, password.as_ref()) {
            Err(halt) if halt.refusal() == Some(&RefusalKind::Taken) => {
                let name = load.wanted.attributes.get("name").and_then(Value::as_str);
                Err(self.taken(name.unwrap_or_default())?.map_or(halt, Halt::from))
            }
            Err(halt) => Err(halt),
            Ok(()) => {
                info!("User created: {}.", self.shown());
                Ok(())
            }
        }
    }

    /// Guardians and wards that are not there are left out; their own items bring the relation later.
    fn post_with_relatives(&self, load: &Load, password: Option<&Secret>) -> Result<(), Halt> {
        let refused = match self.post(&complete(&load.wanted)?, load, password) {
            Err(halt) if halt.refusal() == Some(&RefusalKind::NoRelation) => halt,
            other => return other,
        };
        let mut wanted = load.wanted.clone();
        if !relatives::drop_missing(self.kelvin(), &mut wanted)? {
            return Err(refused);
        }
        self.post(&complete(&wanted)?, load, password)
    }

    fn post(
        &self,
        attributes: &Attributes,
        load: &Load,
        password: Option<&Secret>,
    ) -> Result<(), Halt> {
        let mut attributes = attributes.clone();
        if let Some(hashes) = &load.hashes {
            attributes.insert("kelvin_password_hashes".into(), hashes.clone());
        }
        if let Some(password) = password {
            attributes.insert("password".into(), password.expose().into());
        }
        self.kelvin().create_user(&attributes)?;
        Ok(())
    }

    /// Where hashes are sent, they are the password.
    fn first_password(&self, load: &Load) -> Result<Option<Secret>, Halt> {
        let Some(wanted) = &load.wanted.password else { return Ok(None) };
        if self.site.authority.sync_password_hashes {
            warn!(
                "Not sending a 'password', because password hashes are: remove it from the mapping."
            );
            return Ok(None);
        }
        Ok(Some(match wanted {
            Password::Random => Secret::new(password::random()?),
            Password::Given(password) => password.clone(),
        }))
    }

    /// Why a user cannot get a name; `None`: nobody has it.
    pub(super) fn taken(&self, name: &str) -> Result<Option<Fault>, Halt> {
        let Some(holder) = self.kelvin().user(name)? else { return Ok(None) };
        let identity = Self::identity_of(&holder);
        if self.identities.current.as_ref() == Some(&identity) {
            return Ok(Some(Fault::transient(format!(
                "the server has the user '{name}' of this identity since a moment ago"
            ))));
        }
        let fault = Fault::permanent(format!(
                "it cannot have the name '{name}' at the server: that is {}; an account of somebody else is never \
                 taken over",
                self.described(&holder)
            ))
            .with_remedy(
                "if that one is to be renamed or removed, report it to the listener (idspool-listener hook): its item goes before \
             this one; if the two swap their names, give one of them a third name in between; else rename or remove \
             one of the two",
            );
        Ok(Some(match self.owner(&identity)? {
            Some(owner) => fault.waiting_for(owner.id),
            None => fault,
        }))
    }
}

/// The attributes of a new user. What is not there has no value, and what a server assumes is said.
fn complete(wanted: &Wanted) -> Result<Attributes, Halt> {
    let mut attributes = wanted.attributes.clone();
    attributes.retain(|_, value| !value.is_null());
    let missing = ["name", "firstname", "lastname", "roles", "record_uid"]
        .into_iter()
        .find(|attribute| !attributes.contains_key(*attribute));
    let has_school = attributes.contains_key("school") || attributes.contains_key("schools");
    if let Some(missing) = missing.or_else(|| (!has_school).then_some("school")) {
        return Err(Fault::permanent(format!(
            "it cannot be created: the mapping gives no value for '{missing}'"
        ))
        .with_remedy(format!(
            "map a property to '{missing}' in the file of the school authority, and give it a value in the directory"
        ))
        .into());
    }
    let mut properties = wanted.properties.clone();
    properties.retain(|_, value| !value.is_null());
    attributes.insert("udm_properties".into(), properties.into());
    for (attribute, nothing) in
        [("workgroups", json!({})), ("legal_guardians", json!([])), ("legal_wards", json!([]))]
    {
        attributes.entry(attribute).or_insert(nothing);
    }
    Ok(attributes)
}
