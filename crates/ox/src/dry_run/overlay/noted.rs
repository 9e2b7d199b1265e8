//! What OX has according to the last delivered state of the item's own object.

use idspool_ox_soap::{
    AccessFlag, ContextId, Group, GroupField, ModuleAccess, Resource, ResourceField, User,
    UserField,
};
use idspool_udm::Module;
use tracing::dispatcher::{Dispatch, with_default};

use super::{Overlay, State, same_name};
use crate::ox::Which;
use crate::props::{OX_DB_GROUPNAME, OX_DB_USERNAME, Props};
use crate::settings::Identifier;
use crate::user::fill::Filled;

impl State {
    /// The last delivered state, when it is of this type.
    fn previous(&self, module: Module) -> Option<(&str, Props<'_>)> {
        let previous = self.subject.previous.as_ref()?;
        let object = previous.object.as_ref().filter(|_| previous.module() == Some(module))?;
        Some((&previous.id, Props(object)))
    }
}

impl Overlay {
    /// The user as the last delivery left it, if that is the one that is meant.
    pub(super) fn noted_user(&self, context: ContextId, which: Which<'_>) -> Option<User> {
        let state = self.state();
        let (entry_uuid, props) = state.previous(Module::User)?;
        if !props.is_on("isOxUser") || props.context().ok().flatten() != Some(context) {
            return None;
        }
        let id = props.ox_db_id().ok().flatten()?;
        let name = props
            .text(OX_DB_USERNAME)
            .or_else(|| named(props, entry_uuid, &self.settings.user_identifier))
            .or_else(|| props.text("username"))?;
        match which {
            Which::Id(wanted) if wanted != id => return None,
            Which::Name(wanted) if wanted != name => return None,
            _ => {}
        }
        // What there was to say about the old state was said at its delivery.
        let mut user = with_default(&Dispatch::none(), || {
            let mapping = self.mapping.current().ok()?;
            let filled = Filled::new(props, name, &self.settings, &mapping).ok()?;
            let primary = filled.primary.clone();
            Some(filled.user.with(UserField::DefaultSenderAddress, primary))
        })
        .unwrap_or_default();
        user.set(UserField::Id, id).set(UserField::Name, name);
        Some(user)
    }

    /// The rights as last delivered.
    pub(super) fn noted_rights(&self) -> Option<ModuleAccess> {
        let state = self.state();
        let note = state.subject.facts.as_ref()?.rights.as_deref()?;
        Some(ModuleAccess::named(note.split(',').filter_map(AccessFlag::from_name)))
    }

    /// The group with this name, if it is the one that is under way and was delivered here.
    pub(super) fn noted_group(&self, context: ContextId, name: &str) -> Option<Group> {
        let state = self.state();
        let (entry_uuid, props) = state.previous(Module::Group)?;
        let written = props
            .text(OX_DB_GROUPNAME)
            .or_else(|| named(props, entry_uuid, &self.settings.group_identifier))
            .or_else(|| props.text("name"))?;
        let members = state.subject.members.get(&context.value())?;
        let is_meant = props.is_on("isOxGroup") && same_name(written, name);
        is_meant.then(|| {
            Group::new()
                .with(GroupField::Name, written)
                .with(GroupField::Displayname, written)
                .with(GroupField::Members, members.clone())
        })
    }

    /// The resource with this name, if it is the one that is under way and belongs here.
    pub(super) fn noted_resource(&self, context: ContextId, name: &str) -> Option<Resource> {
        let state = self.state();
        let (_, props) = state.previous(Module::Resource)?;
        let written = props.text("name")?;
        let is_here = props.context().ok().flatten() == Some(context);
        (is_here && same_name(written, name)).then(|| {
            let text = |property| props.text(property).unwrap_or_default();
            Resource::new()
                .with(ResourceField::Name, written)
                .with(ResourceField::Displayname, text("displayname"))
                .with(ResourceField::Description, text("description"))
                .with(ResourceField::Email, text("resourceMailAddress"))
                .with(ResourceField::Available, true)
        })
    }
}

fn named<'a>(props: Props<'a>, entry_uuid: &'a str, identifier: &Identifier) -> Option<&'a str> {
    match identifier {
        Identifier::EntryUuid => Some(entry_uuid),
        Identifier::Property(property) => props.text(property),
    }
}
