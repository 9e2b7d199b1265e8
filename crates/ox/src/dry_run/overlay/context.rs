//! Contexts.

use idspool_ox_soap::{Context, ContextField, ContextId, Credentials, User};
use idspool_udm::Module;

use super::super::difference::{Old, changes};
use super::super::journal::{Call, Change};
use super::tenant::{Existence, Tenant};
use super::{Overlay, check_values, refused};
use crate::ox::{OxError, Refusal};
use crate::props::Props;

impl Overlay {
    /// What OX would have of a context; `None`: it would not exist.
    pub(super) fn context_now(
        &self,
        master: &Credentials,
        id: ContextId,
    ) -> Result<Option<Context>, OxError> {
        let existence = self.state().tenants.get(&id.value()).map(|tenant| tenant.is.clone());
        match (existence, &self.server) {
            (Some(Existence::New(context)), _) => Ok(Some(context)),
            (Some(Existence::Removed), _) => Ok(None),
            (_, Some(server)) if !self.is_offline() => self.heard(server.context_data(master, id)),
            _ => Ok(self.noted_context(id)),
        }
    }

    /// A context with credentials was created once.
    fn noted_context(&self, id: ContextId) -> Option<Context> {
        self.credentials.context(id).ok().flatten()?;
        let mut context = Context::new().with(ContextField::Id, id);
        let state = self.state();
        let previous = state.subject.previous.as_ref();
        if let Some(previous) =
            previous.filter(|previous| previous.module() == Some(Module::Context))
            && let Some(props) = previous.object.as_ref().map(Props)
        {
            if let Some(name) = props.text("name") {
                context.set(ContextField::Name, name);
            }
            let quota: Option<i64> = props.number("oxQuota", "a number").ok().flatten();
            context.set(ContextField::MaxQuota, quota.unwrap_or(-1));
        }
        Some(context)
    }

    pub(super) fn new_context(&self, context: &Context, admin: &User) -> Result<(), OxError> {
        let name = context.name().unwrap_or_default();
        check_values("Context.create", name, context)?;
        check_values("Context.create", name, admin)?;
        let Some(id) = context.id() else {
            return Err(refused(Refusal::InvalidData, "a context without a number"));
        };
        let mut told = changes(Old::New, context);
        told.push(Change::Value {
            field: "admin_user",
            old: None,
            new: admin.name().unwrap_or_default().into(),
        });
        let mut call = Call::new("Context.create", id.value(), name, id.value());
        call.changes = told;
        self.record(call);
        let tenant = Tenant { is: Existence::New(context.clone()), ..Tenant::default() };
        self.state().tenants.insert(id.value(), tenant);
        Ok(())
    }

    pub(super) fn changed_context(
        &self,
        master: &Credentials,
        context: &Context,
    ) -> Result<(), OxError> {
        let name = context.name().unwrap_or_default();
        check_values("Context.change", name, context)?;
        let Some(id) = context.id() else {
            return Err(refused(Refusal::InvalidData, "a context without a number"));
        };
        let Some(old) = self.context_now(master, id)? else {
            return Err(refused(Refusal::NotFound, format!("context {id} does not exist")));
        };
        let told = changes(Old::Whole(&old), context);
        self.record(Call::new("Context.change", id.value(), name, id.value()).with(told));
        self.tenant(id, |tenant| {
            // A context at the server is asked for again: its change leaves the rest as it was.
            if let Existence::New(known) = &mut tenant.is {
                for (field, value) in context.iter() {
                    known.set(field, value.clone());
                }
            }
        });
        Ok(())
    }

    pub(super) fn removed_context(
        &self,
        master: &Credentials,
        id: ContextId,
        name: &str,
    ) -> Result<(), OxError> {
        if self.context_now(master, id)?.is_none() {
            return Err(refused(Refusal::NotFound, format!("context {id} does not exist")));
        }
        self.record(Call::new("Context.delete", id.value(), name, id.value()));
        let tenant = Tenant { is: Existence::Removed, ..Tenant::default() };
        self.state().tenants.insert(id.value(), tenant);
        Ok(())
    }
}
