//! What each operation does: the rules of the real server, in its order of checks.

mod account;
mod context;
mod context_list;
mod copy;
mod credentials;
mod deputy;
mod group;
mod pattern;
mod resource;
mod user;
mod user_answer;
mod user_check;
mod user_list;
mod user_write;

use super::answer::Answer;
use super::fault::{Fault, FaultName};
use super::options::{ContextSpec, Options};
use super::schema::Interface;
use super::value::Object;
use super::world::{Context, World};

/// One operation. It checks credentials itself, as their kind and place in the order of checks
/// differ between operations.
pub(crate) type Handler = fn(&mut Desk<'_>) -> Result<(), Fault>;

/// Everything that an operation works with.
pub(crate) struct Desk<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) rules: &'a Options,
    pub(crate) interface: &'a Interface,
    pub(crate) arguments: &'a Object<'a>,
    pub(crate) answer: Answer<'a>,
}

impl<'a> Desk<'a> {
    /// A context that was found before.
    fn context(&self, id: i32) -> Result<&Context, Fault> {
        self.world.context(id).ok_or_else(|| no_such_context(id))
    }

    fn context_mut(&mut self, id: i32) -> Result<&mut Context, Fault> {
        self.world.context_mut(id).ok_or_else(|| no_such_context(id))
    }

    /// An argument that must be there.
    fn argument(&self, name: &str) -> Result<&'a Object<'a>, Fault> {
        self.arguments
            .object(name)
            .ok_or_else(|| Fault::invalid_data(format!("Client sent invalid {name} data object")))
    }
}

fn no_such_context(id: i32) -> Fault {
    Fault::new(FaultName::NoSuchContext, format!("Context {id} does not exist"))
}

/// What identifies an object: the id wins over the name; id 0 counts as not set.
enum Reference<'a> {
    Id(i32),
    Name(&'a str),
}

impl<'a> Reference<'a> {
    fn of(object: &'a Object<'_>) -> Option<Self> {
        match object.int("id").filter(|id| *id != 0) {
            Some(id) => Some(Self::Id(id)),
            None => object.text("name").filter(|name| !name.is_empty()).map(Self::Name),
        }
    }
}

impl std::fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The operation of a service, when this server knows how.
pub(crate) fn handler(service: &str, operation: &str) -> Option<Handler> {
    match service {
        "OXContextService" => context::handler(operation),
        "OXUserService" => user::handler(operation),
        "OXUserCopyService" => copy::handler(operation),
        "OXGroupService" => group::handler(operation),
        "OXResourceService" => resource::handler(operation),
        "OXSecondaryAccountService" => account::handler(operation),
        "OXDeputyPermissionsService" => deputy::handler(operation),
        _ => None,
    }
}

/// A context made without a call.
pub(crate) fn add_context(world: &mut World, spec: &ContextSpec) {
    context::add(world, spec);
}

/// What a call is about, for the list of calls: context, and name or id of the object.
pub(crate) fn subject(service: &str, arguments: &Object<'_>) -> (Option<i32>, String) {
    let context = ["ctx", "context", "src"]
        .iter()
        .find_map(|name| arguments.object(name))
        .and_then(|context| context.int("id"));
    let own = if service == "OXContextService" { "ctx" } else { "" };
    let object = ["usrdata", "user", "usr", "grp", "res", "accountDataOnCreate", own]
        .iter()
        .find_map(|name| arguments.object(name));
    let name = object
        .and_then(|object| {
            let name = object.text("name").filter(|_| object.text("primaryAddress").is_none());
            name.or_else(|| object.text("primaryAddress"))
                .map(str::to_owned)
                .or_else(|| object.int("id").map(|id| id.to_string()))
        })
        .or_else(|| arguments.text("primaryAddress").map(str::to_owned))
        .or_else(|| arguments.text("search_pattern").map(str::to_owned))
        .or_else(|| arguments.text("pattern").map(str::to_owned));
    (context, name.unwrap_or_default().chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ox::wsdl;

    /// A misspelt operation would never be reached.
    #[test]
    fn what_is_not_imitated_is_known() {
        let mut missing = Vec::new();
        for interface in wsdl::interfaces().unwrap() {
            for operation in &interface.operations {
                if handler(interface.name, &operation.name).is_none() {
                    missing.push(format!("{}.{}", interface.name, operation.name));
                }
            }
        }
        missing.sort();
        assert_eq!(
            missing,
            [
                "OXContextService.changeCapabilities",
                "OXContextService.changeModuleAccessByName",
                "OXContextService.changeQuota",
                "OXContextService.createModuleAccessByName",
                "OXContextService.downgrade",
                "OXContextService.getAccessCombinationName",
                "OXContextService.getContextCapabilities",
                "OXContextService.listByDatabase",
                "OXContextService.listByFilestore",
                "OXContextService.listPageByDatabase",
                "OXContextService.listPageByFilestore",
                "OXContextService.listQuota",
                "OXContextService.moveContextDatabase",
                "OXContextService.moveContextFilestore",
                "OXUserService.changeByModuleAccessName",
                "OXUserService.changeCapabilities",
                "OXUserService.changeMailAddressPersonal",
                "OXUserService.changeModuleAccessGlobal",
                "OXUserService.createByModuleAccessName",
                "OXUserService.getAccessCombinationName",
                "OXUserService.getUserCapabilities",
                "OXUserService.moveFromContextToUserFilestore",
                "OXUserService.moveFromMasterToUserFilestore",
                "OXUserService.moveFromUserFilestoreToMaster",
                "OXUserService.moveFromUserToContextFilestore",
                "OXUserService.moveUserFilestore"
            ]
        );
    }
}
