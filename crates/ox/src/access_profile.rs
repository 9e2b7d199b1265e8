//! Access profiles (ox-provisioning 5.2): no call to OX, only the profile file is rewritten.

use std::collections::BTreeSet;

use idspool_provisioner::{Delivery, Facts, Fault, Outcome};
use tracing::info;

use crate::core::Core;
use crate::halt::Halt;
use crate::profile;
use crate::props::Props;

/// Brings the profile file to the state of a profile's item.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    let item = delivery.item;
    let Some(object) = &item.object else {
        info!("Removing accessprofile {}", item.dn);
        if let Some(old) = delivery.previous.and_then(|previous| previous.object.as_ref()) {
            let name = Props(old).required_text("name")?;
            core.profiles.update(|profiles| profiles.remove(name.trim()))?;
        }
        return Ok(Outcome::Gone);
    };
    if delivery.previous.is_none() {
        info!("Adding an accessprofile is like modifying it...");
    }
    info!("Changing accessprofile {}", item.dn);
    let props = Props(object);
    let name = props.required_text("name")?.trim();
    if name.is_empty() || name.contains(['\n', '\r']) {
        return Err(Fault::permanent("the name of an access profile has to be one line of text")
            .with_remedy("rename the profile in the directory")
            .into());
    }
    let flags: BTreeSet<String> =
        profile::flag_names().filter(|flag| props.is_granted(flag)).collect();
    core.profiles.update(|profiles| profiles.set(name, flags))?;
    Ok(Outcome::Keep { object: object.clone(), facts: Facts { active: true, ..Facts::default() } })
}
