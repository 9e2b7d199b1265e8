//! Users.

use idspool_ox_soap::{ContextId, Credentials, ModuleAccess, OxUserId, User, UserField, Value};

use super::super::difference::{Old, changes};
use super::super::journal::{Call, Change, is_provisional};
use super::tenant::Person;
use super::{Base, Overlay, check_values, refused};
use crate::ox::{OxError, Refusal, Scope, Which};

/// Fields that a change may not empty.
const MANDATORY: [UserField; 6] = [
    UserField::Name,
    UserField::DisplayName,
    UserField::GivenName,
    UserField::SurName,
    UserField::PrimaryEmail,
    UserField::Email1,
];

impl Overlay {
    pub(super) fn has_user(&self, scope: Scope<'_>, name: &str) -> Result<bool, OxError> {
        let base = self.base(scope.context)?;
        let known = self.tenant(scope.context, |tenant| {
            let is_freed = tenant.freed_users.contains(name);
            if tenant.user_names.contains_key(name) {
                Some(true)
            } else {
                is_freed.then_some(false)
            }
        });
        match (known, base) {
            (Some(known), _) => Ok(known),
            (None, Base::Server(server)) => self.heard(server.user_exists(scope, name)),
            (None, Base::Noted) => Ok(self.noted_user(scope.context, Which::Name(name)).is_some()),
            (None, Base::Nothing) => Ok(false),
        }
    }

    pub(super) fn find_user(
        &self,
        scope: Scope<'_>,
        which: Which<'_>,
    ) -> Result<Option<User>, OxError> {
        let base = self.base(scope.context)?;
        let id = match which {
            Which::Id(id) => Some(id.value()),
            Which::Name(name) => {
                let (id, is_freed) = self.tenant(scope.context, |tenant| {
                    (tenant.user_names.get(name).copied(), tenant.freed_users.contains(name))
                });
                if id.is_none() && is_freed {
                    return Ok(None);
                }
                id
            }
        };
        let known =
            id.and_then(|id| self.tenant(scope.context, |tenant| tenant.users.get(&id).cloned()));
        match (known, id) {
            (Some(None), _) => Ok(None),
            (Some(Some(person)), Some(id)) => {
                let rest = if is_provisional(id) {
                    User::new()
                } else {
                    let which = Which::Id(OxUserId::new(id));
                    self.served_user(base, scope, which)?.unwrap_or_default()
                };
                Ok(Some(person.onto(id, rest)))
            }
            _ => self.served_user(base, scope, which),
        }
    }

    /// What OX has of a user without the dry run.
    fn served_user(
        &self,
        base: Base<'_>,
        scope: Scope<'_>,
        which: Which<'_>,
    ) -> Result<Option<User>, OxError> {
        match base {
            Base::Server(server) => self.heard(server.user(scope, which)),
            Base::Noted => Ok(self.noted_user(scope.context, which)),
            Base::Nothing => Ok(None),
        }
    }

    pub(super) fn new_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError> {
        let name = user.name().unwrap_or_default();
        check_values("User.create", name, user)?;
        if self.has_user(scope, name)? {
            return Err(refused(
                Refusal::InvalidData,
                format!("User {name} already exists in context {}", scope.context),
            ));
        }
        self.check_login(name);
        check_addresses(user, user.text(UserField::DefaultSenderAddress))?;
        let id = self.provisional_id();
        self.record(
            Call::new("User.create", scope.context.value(), name, id).with(changes(Old::New, user)),
        );
        self.tenant(scope.context, |tenant| tenant.put_user(id, Person::of(user)));
        Ok(OxUserId::new(id))
    }

    pub(super) fn changed_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError> {
        let (name, id) = (user.name().unwrap_or_default(), user.id().map_or(0, OxUserId::value));
        check_values("User.change", name, user)?;
        let known = self.tenant(scope.context, |tenant| tenant.users.get(&id).cloned());
        let (old, is_whole) = match &known {
            // What was announced before is what the last state would have sent.
            Some(Some(person)) => {
                let sent = self.noted_user(scope.context, Which::Id(OxUserId::new(id)));
                let is_whole = sent.is_some();
                (Some(person.onto(id, sent.unwrap_or_default())), is_whole)
            }
            Some(None) => (None, false),
            None => (self.find_user(scope, Which::Id(OxUserId::new(id)))?, true),
        };
        let Some(old) = old else {
            return Err(refused(Refusal::NoSuchUser, format!("No such user {id}")));
        };
        let emptied: Vec<&str> = MANDATORY
            .into_iter()
            .filter(|field| user.text(*field) == Some(""))
            .map(UserField::as_str)
            .collect();
        if !emptied.is_empty() {
            let fields = emptied.join(", ");
            return Err(refused(
                Refusal::InvalidData,
                format!("user '{name}': OX refuses empty values for {fields}"),
            ));
        }
        let former_name = old.name().unwrap_or_default();
        if name != former_name {
            if self.has_user(scope, name)? {
                return Err(refused(
                    Refusal::InvalidData,
                    format!("User {name} already exists in context {}", scope.context),
                ));
            }
            self.check_login(name);
        }
        let stored = old.text(UserField::DefaultSenderAddress);
        check_addresses(user, user.text(UserField::DefaultSenderAddress).or(stored))?;
        let before = self.with_picture(scope, old.clone(), user);
        let told = changes(if is_whole { Old::Whole(&before) } else { Old::Partly(&before) }, user);
        self.record(Call::new("User.change", scope.context.value(), name, id).with(told));
        let mut now = old.clone();
        for field in [UserField::Name, UserField::PrimaryEmail, UserField::DefaultSenderAddress] {
            if let Some(value) = user.get(field) {
                now.set(field, value.clone());
            }
        }
        let rights = known.flatten().and_then(|person| person.rights);
        self.tenant(scope.context, |tenant| {
            if name != former_name {
                tenant.freed_users.insert(former_name.to_owned());
            }
            tenant.put_user(id, Person { rights, ..Person::of(&now) });
        });
        Ok(())
    }

    pub(super) fn changed_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError> {
        let known = self.tenant(scope.context, |tenant| tenant.users.get(&id.value()).cloned());
        let old = match &known {
            Some(None) => {
                return Err(refused(Refusal::NoSuchUser, format!("No such user {id}")));
            }
            Some(Some(Person { rights: Some(rights), .. })) => Some(*rights),
            _ if is_provisional(id.value()) => None,
            _ => match self.base(scope.context)? {
                Base::Server(server) => Some(self.heard(server.rights_of(scope, id))?),
                Base::Noted => self.noted_rights(),
                Base::Nothing => None,
            },
        };
        let granted = |access: &ModuleAccess| -> Vec<&'static str> {
            access.iter().filter(|(_, granted)| *granted).map(|(flag, _)| flag.as_str()).collect()
        };
        let before = old.as_ref().map(granted).unwrap_or_default();
        let after = granted(&access);
        let only = |these: &[&'static str], those: &[&'static str]| -> Vec<String> {
            these.iter().filter(|flag| !those.contains(flag)).map(|&flag| flag.to_owned()).collect()
        };
        let (added, removed) = (only(&after, &before), only(&before, &after));
        let changes = if added.is_empty() && removed.is_empty() {
            Vec::new()
        } else {
            vec![Change::List { field: "moduleAccess", added, removed }]
        };
        let person = match known.flatten() {
            Some(person) => Some(person),
            None => self.find_user(scope, Which::Id(id))?.as_ref().map(Person::of),
        };
        let Some(person) = person else {
            return Err(refused(Refusal::NoSuchUser, format!("No such user {id}")));
        };
        self.record(
            Call::new("User.changeByModuleAccess", scope.context.value(), &person.name, id.value())
                .with(changes),
        );
        self.tenant(scope.context, |tenant| {
            tenant.put_user(id.value(), Person { rights: Some(access), ..person });
        });
        Ok(())
    }

    pub(super) fn removed_user(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        name: &str,
    ) -> Result<(), OxError> {
        if self.find_user(scope, Which::Id(id))?.is_none() {
            return Err(refused(Refusal::NoSuchUser, format!("No such user {id}")));
        }
        self.record(Call::new("User.delete", scope.context.value(), name, id.value()));
        self.tenant(scope.context, |tenant| tenant.remove_user(id.value(), name));
        Ok(())
    }

    pub(super) fn copied_user(
        &self,
        id: OxUserId,
        from: ContextId,
        to: ContextId,
    ) -> Result<OxUserId, OxError> {
        let (old_admin, new_admin) = (self.admin(from)?, self.admin(to)?);
        let old_scope = Scope { context: from, admin: &old_admin };
        let new_scope = Scope { context: to, admin: &new_admin };
        let Some(user) = self.find_user(old_scope, Which::Id(id))? else {
            return Err(refused(Refusal::NoSuchUser, format!("No such user {id} in {from}")));
        };
        let name = user.name().unwrap_or_default();
        if self.has_user(new_scope, name)? {
            return Err(refused(
                Refusal::UserExists,
                format!("User {name} already exists in context {to}"),
            ));
        }
        let mut person = Person::of(&user);
        person.rights = match self.tenant(from, |tenant| tenant.users.get(&id.value()).cloned()) {
            Some(Some(known)) => known.rights,
            _ => match self.base(from)? {
                Base::Server(server) => Some(self.heard(server.rights_of(old_scope, id))?),
                Base::Noted => self.noted_rights(),
                Base::Nothing => None,
            },
        };
        let copy = self.provisional_id();
        let call = Call::new("UserCopy.copyUser", from.value(), name, id.value());
        self.record(call.with(vec![Change::Value {
            field: "context",
            old: Some(from.value().into()),
            new: to.value().into(),
        }]));
        self.tenant(to, |tenant| tenant.put_user(copy, person));
        Ok(OxUserId::new(copy))
    }

    /// OX does not answer with pictures in every version. One that the last state would have sent is
    /// taken for what it has.
    fn with_picture(&self, scope: Scope<'_>, mut old: User, new: &User) -> User {
        if old.get(UserField::Image1).is_none()
            && new.get(UserField::Image1).is_some()
            && let Some(id) = new.id()
            && let Some(sent) = self.noted_user(scope.context, Which::Id(id))
            && let Some(picture) = sent.get(UserField::Image1)
        {
            old.set(UserField::Image1, picture.clone());
        }
        old
    }

    fn admin(&self, context: ContextId) -> Result<Credentials, OxError> {
        match self.credentials.context(context) {
            Ok(Some(admin)) => Ok(admin),
            Ok(None) => Err(refused(
                Refusal::Other,
                format!("no credentials for context {context}: nothing can be foreseen there"),
            )),
            Err(error) => Err(refused(Refusal::Other, error.to_string())),
        }
    }

    /// OX can be told to accept more, so it is no fault.
    fn check_login(&self, name: &str) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "$@%.+_-".contains(c);
        if !name.chars().all(is_plain) {
            self.remark(format!(
                "OX refuses the login name '{name}' unless it is set to accept more than letters, \
                 digits and $@%.+_- (CHECK_USER_UID_REGEXP)"
            ));
        }
    }
}

/// What OX demands of addresses: primary and sender address are among the aliases.
fn check_addresses(user: &User, sender: Option<&str>) -> Result<(), OxError> {
    let Some(Value::List(aliases)) = user.get(UserField::Aliases) else { return Ok(()) };
    let is_alias = |mail: Option<&str>| {
        let mail = mail.unwrap_or_default();
        mail.is_empty() || aliases.iter().any(|alias| super::same_name(alias, mail))
    };
    if is_alias(user.text(UserField::PrimaryEmail)) && is_alias(sender) {
        return Ok(());
    }
    Err(refused(
        Refusal::InvalidData,
        format!(
            "user '{}': primary mail address and sender address must be present in set of aliases",
            user.name().unwrap_or_default()
        ),
    ))
}
