//! What OX has, asked with few calls.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use idspool_ox_soap::{
    Account, Context, ContextId, Credentials, Group, ModuleAccess, OxGroupId, OxUserId, Resource,
    User, Whom,
};

use super::error::Error;
use crate::credentials::CredentialsFile;
use crate::halt::Halt;
use crate::ox::{Ox, Scope, Which};

/// Users read with one call: 1.5 MB of XML.
const CHUNK: usize = 100;
/// Contexts in which a missing user is looked for. It costs a call for each.
const SEARCHED: usize = 200;
/// Groups that OX makes itself: everybody, the standard group, the guests.
const BUILT_IN_GROUPS: [OxGroupId; 3] =
    [OxGroupId::new(0), OxGroupId::new(1), OxGroupId::new(i32::MAX)];
/// The administrator of a context is its first user.
const ADMIN: OxUserId = OxUserId::new(2);

/// How objects are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One by one: for single objects.
    Single,
    /// In lists that are kept: for all of them.
    Lists,
}

/// The OX server.
pub(crate) struct Remote {
    ox: Box<dyn Ox>,
    credentials: CredentialsFile,
    mode: Mode,
    kept: HashMap<ContextId, Kept>,
    /// Contexts that were asked at all; with what OX said when it let nobody in.
    probed: RefCell<BTreeMap<ContextId, Option<String>>>,
}

/// Lists of one context, each read when first needed.
#[derive(Default)]
struct Kept {
    /// In ascending order.
    users: Option<Vec<OxUserId>>,
    /// By name in lower case.
    groups: Option<HashMap<String, Group>>,
    resources: Option<HashMap<String, Resource>>,
    accounts: Option<Vec<Account>>,
}

/// A user in OX that is of interest by name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) context: ContextId,
    pub(crate) id: i32,
    pub(crate) name: String,
}

impl Remote {
    pub(crate) fn new(ox: Box<dyn Ox>, credentials: CredentialsFile, mode: Mode) -> Self {
        Self { ox, credentials, mode, kept: HashMap::new(), probed: RefCell::default() }
    }

    /// Whether single objects are asked for.
    pub(crate) fn is_single(&self) -> bool {
        self.mode == Mode::Single
    }

    /// Forgets all lists, so that they are read again.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }

    /// The contexts with credentials, in ascending order.
    pub(crate) fn contexts(&self) -> Result<Vec<ContextId>, Error> {
        Ok(self.credentials.contexts().map_err(Halt::from)?)
    }

    /// The administrator of a context; `None`: it is none of our business, or OX lets nobody in.
    ///
    /// An entry of the credentials file can outlive its context, and then OX refuses the credentials.
    /// That must not keep the other contexts from being compared; so each is tried once beforehand.
    pub(crate) fn admin(&self, context: ContextId) -> Result<Option<Credentials>, Error> {
        let Some(admin) = self.credentials.context(context).map_err(Halt::from)? else {
            return Ok(None);
        };
        if let Some(trouble) = self.probed.borrow().get(&context) {
            return Ok(Some(admin).filter(|_| trouble.is_none()));
        }
        let scope = Scope { context, admin: &admin };
        let trouble = match self.ox.user_exists(scope, &admin.login) {
            Ok(_) => None,
            Err(error) if error.refusal.is_some() => Some(error.message),
            Err(error) => return Err(error.into()),
        };
        let is_fine = trouble.is_none();
        self.probed.borrow_mut().insert(context, trouble);
        Ok(Some(admin).filter(|_| is_fine))
    }

    /// What OX said of a context that it lets nobody in.
    pub(crate) fn trouble(&self, context: ContextId) -> Option<String> {
        self.probed.borrow().get(&context).cloned().flatten()
    }

    /// All contexts that OX lets nobody in.
    pub(crate) fn troubles(&self) -> Vec<(ContextId, String)> {
        let probed = self.probed.borrow();
        let troubles = probed.iter().filter_map(|(id, trouble)| Some((*id, trouble.clone()?)));
        troubles.collect()
    }

    /// Calls OX in a context; `None` when there are no credentials for it.
    fn call<T>(
        &self,
        context: ContextId,
        call: impl FnOnce(&dyn Ox, Scope<'_>) -> Result<T, crate::ox::OxError>,
    ) -> Result<Option<T>, Error> {
        let Some(admin) = self.admin(context)? else { return Ok(None) };
        Ok(Some(call(self.ox.as_ref(), Scope { context, admin: &admin })?))
    }

    /// A context; `None` when it does not exist, `Err(())` when there are no master credentials.
    pub(crate) fn context(&self, id: ContextId) -> Result<Result<Option<Context>, ()>, Error> {
        match self.credentials.master().map_err(Halt::from)? {
            Some(master) => Ok(Ok(self.ox.context_data(&master, id)?)),
            None => Ok(Err(())),
        }
    }

    /// Those of these users that exist.
    pub(crate) fn users(
        &mut self,
        context: ContextId,
        ids: &[OxUserId],
    ) -> Result<Vec<User>, Error> {
        let wanted: Vec<OxUserId> = match self.mode {
            Mode::Single => ids.to_vec(),
            Mode::Lists => {
                let known = self.user_ids(context)?;
                ids.iter().filter(|id| known.binary_search(id).is_ok()).copied().collect()
            }
        };
        let mut found = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(CHUNK) {
            let answer = self.call(context, |ox, scope| match ox.users_data(scope, chunk) {
                // One of them was removed a moment ago, and nobody knows which.
                Err(error) if error.is_not_found() => {
                    let each = chunk.iter().map(|id| ox.user(scope, Which::Id(*id)));
                    each.filter_map(Result::transpose).collect()
                }
                other => other,
            })?;
            found.extend(answer.into_iter().flatten());
        }
        Ok(found)
    }

    /// A user by name. It is asked whether it exists first: a read of what is not there leaves an error
    /// in the log of OX.
    pub(crate) fn user_named(&self, context: ContextId, name: &str) -> Result<Option<User>, Error> {
        let found = self.call(context, |ox, scope| {
            if ox.user_exists(scope, name)? { ox.user(scope, Which::Name(name)) } else { Ok(None) }
        })?;
        Ok(found.flatten())
    }

    /// The other contexts that have a user of this name; `None`: there are too many to look.
    pub(crate) fn elsewhere(
        &self,
        context: ContextId,
        name: &str,
    ) -> Result<Option<Vec<ContextId>>, Error> {
        let contexts = self.contexts()?;
        if contexts.len() > SEARCHED && self.mode == Mode::Lists {
            return Ok(None);
        }
        let mut found = Vec::new();
        for other in contexts.into_iter().filter(|other| *other != context) {
            if self.call(other, |ox, scope| ox.user_exists(scope, name))? == Some(true) {
                found.push(other);
            }
        }
        Ok(Some(found))
    }

    pub(crate) fn rights(
        &self,
        context: ContextId,
        id: OxUserId,
    ) -> Result<Option<ModuleAccess>, Error> {
        self.call(context, |ox, scope| ox.rights_of(scope, id))
    }

    /// Ids of all users of a context that are no guests, in ascending order.
    pub(crate) fn user_ids(&mut self, context: ContextId) -> Result<&[OxUserId], Error> {
        if self.kept.entry(context).or_default().users.is_none() {
            let mut ids = self
                .call(context, |ox, scope| ox.user_ids_without_guests(scope))?
                .unwrap_or_default();
            ids.sort_unstable();
            self.kept.entry(context).or_default().users = Some(ids);
        }
        Ok(self.kept.get(&context).and_then(|kept| kept.users.as_deref()).unwrap_or_default())
    }

    /// Names of these users, without the administrator of the context.
    pub(crate) fn names(&self, context: ContextId, ids: &[OxUserId]) -> Result<Vec<Named>, Error> {
        let Some(admin) = self.admin(context)? else { return Ok(Vec::new()) };
        let mut named = Vec::new();
        let ids: Vec<OxUserId> = ids.iter().filter(|id| **id != ADMIN).copied().collect();
        for chunk in ids.chunks(CHUNK) {
            let scope = Scope { context, admin: &admin };
            let users = match self.ox.user_names(scope, chunk) {
                Err(error) if error.is_not_found() => chunk
                    .iter()
                    .filter_map(|id| self.ox.user(scope, Which::Id(*id)).transpose())
                    .map(|user| {
                        let user = user?;
                        let id = user.id().unwrap_or(OxUserId::new(0));
                        let name = user.name().unwrap_or_default().to_owned();
                        Ok(idspool_ox_soap::UserName { id, name })
                    })
                    .collect::<Result<Vec<_>, Error>>()?,
                other => other?,
            };
            let others = users.into_iter().filter(|user| user.name != admin.login);
            named.extend(others.map(|user| Named {
                context,
                id: user.id.value(),
                name: user.name,
            }));
        }
        Ok(named)
    }

    pub(crate) fn group_named(
        &mut self,
        context: ContextId,
        name: &str,
    ) -> Result<Option<Group>, Error> {
        match self.mode {
            Mode::Single => {
                let found = self.call(context, |ox, scope| ox.group_named(scope, name))?;
                Ok(found.flatten())
            }
            Mode::Lists => Ok(self.groups(context)?.get(&name.to_lowercase()).cloned()),
        }
    }

    /// All groups of a context but those that OX makes itself.
    pub(crate) fn groups(&mut self, context: ContextId) -> Result<&HashMap<String, Group>, Error> {
        if self.kept.entry(context).or_default().groups.is_none() {
            let groups = self.call(context, |ox, scope| ox.groups(scope))?.unwrap_or_default();
            let own = groups.into_iter().filter(|group| {
                !group.id().is_some_and(|id| BUILT_IN_GROUPS.contains(&id))
                    && !group.name().is_some_and(|name| name.eq_ignore_ascii_case("users"))
            });
            let named = own.filter_map(|group| Some((group.name()?.to_lowercase(), group)));
            self.kept.entry(context).or_default().groups = Some(named.collect());
        }
        Ok(self.kept.entry(context).or_default().groups.get_or_insert_default())
    }

    pub(crate) fn resource_named(
        &mut self,
        context: ContextId,
        name: &str,
    ) -> Result<Option<Resource>, Error> {
        match self.mode {
            Mode::Single => {
                let found = self.call(context, |ox, scope| ox.resource_named(scope, name))?;
                Ok(found.flatten())
            }
            Mode::Lists => Ok(self.resources(context)?.get(&name.to_lowercase()).cloned()),
        }
    }

    /// All resources of a context.
    pub(crate) fn resources(
        &mut self,
        context: ContextId,
    ) -> Result<&HashMap<String, Resource>, Error> {
        if self.kept.entry(context).or_default().resources.is_none() {
            let all = self.call(context, |ox, scope| ox.resources(scope))?.unwrap_or_default();
            let named =
                all.into_iter().filter_map(|found| Some((found.name()?.to_lowercase(), found)));
            self.kept.entry(context).or_default().resources = Some(named.collect());
        }
        Ok(self.kept.entry(context).or_default().resources.get_or_insert_default())
    }

    /// The accounts of a context with this address.
    pub(crate) fn accounts(
        &mut self,
        context: ContextId,
        address: &str,
    ) -> Result<Vec<Account>, Error> {
        if self.kept.entry(context).or_default().accounts.is_none() {
            let all = self.call(context, |ox, scope| ox.accounts(scope, Whom::Everybody))?;
            let all = all.unwrap_or_default();
            self.kept.entry(context).or_default().accounts = Some(all);
        }
        let accounts = self.kept.get(&context).and_then(|kept| kept.accounts.as_deref());
        let has_address = |account: &&Account| {
            let found = account.primary_address().unwrap_or_default();
            found.to_lowercase() == address.to_lowercase()
        };
        Ok(accounts.unwrap_or_default().iter().filter(has_address).cloned().collect())
    }
}
