//! OX App Suite as a recipient of the provisioner's loop.

use std::path::Path;

use idspool_ox_soap::{Client, ContextId};
use idspool_provisioner::{Access, Delivery, Facts, Fault, Indexing, Key, Outcome, Recipient};
use idspool_udm::{ConvertedItem, ItemHead, Module, dn};

use crate::client::{SoapOx, StopTime};
use crate::core::{Core, ObjectName};
use crate::halt::Halt;
use crate::names::{names_of, with_holder};
use crate::props::Props;
use crate::settings::{Identifier, Settings};
use crate::{access_profile, account, context, deputy, group, requeue, resource, user};

/// Key of all contexts together, for items that do not say which of them they touch.
const CONTEXTS: &str = "contexts";

/// OX App Suite.
pub struct OxRecipient {
    core: Core,
}

impl OxRecipient {
    /// Prepares the files in the data directory: credentials are created, completed with the master
    /// password, and taken over from older versions.
    ///
    /// # Errors
    /// Files in the data directory cannot be used.
    pub fn new(settings: Settings, client: Client) -> Result<Self, Fault> {
        Self::with_stop(settings, client, StopTime::default())
    }

    pub(crate) fn with_stop(
        settings: Settings,
        client: Client,
        stop: StopTime,
    ) -> Result<Self, Fault> {
        let core = Core::new(settings, Box::new(SoapOx::new(client, stop)))?;
        core.prepare_credentials()?;
        Ok(Self { core })
    }

    pub(crate) fn of(core: Core) -> Self {
        Self { core }
    }

    /// How the index reads snapshots.
    pub const INDEXING: Indexing =
        Indexing { facts_of: Self::facts_of, references_of: Self::references_of, names_of };

    /// DNs whose objects matter to what OX has of this one: users of a functional account, deputies of
    /// a user. Groups need none, since each user names its groups.
    fn references_of(item: &ConvertedItem) -> Vec<String> {
        let Some(props) = item.object.as_ref().map(Props) else { return Vec::new() };
        match item.module() {
            Some(Module::FunctionalAccount) => props.texts("users").map(str::to_owned).collect(),
            Some(Module::User) => deputy::deputies(props).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// What the index notes of an object when only its snapshot is known.
    #[must_use]
    pub fn facts_of(item: &ConvertedItem) -> Facts {
        let Some(object) = &item.object else { return Facts::default() };
        let props = Props(object);
        let (scope, active) = match item.module() {
            Some(Module::User) => (props.context(), props.is_on("isOxUser")),
            Some(Module::Group) => (Ok(None), props.is_on("isOxGroup")),
            Some(Module::Context) => (props.number("contextid", "a context"), true),
            _ => (props.context(), true),
        };
        Facts {
            scope: scope.ok().flatten().map(i64::from),
            remote_id: props.ox_db_id().ok().flatten().map(i64::from),
            active,
            digest: None,
            rights: None,
        }
    }
}

impl Recipient for OxRecipient {
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        // Removals of contexts come last (ox-provisioning 3.4), each judged by itself.
        match head.module()? {
            Module::Context if head.deleted => Some(6),
            Module::Context => Some(0),
            Module::AccessProfile => Some(1),
            Module::User => Some(2),
            Module::Group => Some(3),
            Module::FunctionalAccount => Some(4),
            Module::Resource => Some(5),
            Module::Ou => None,
        }
    }

    fn keys(&self, item: &ConvertedItem, previous: Option<&ConvertedItem>) -> Vec<Key> {
        let mut keys = Keys(Vec::new());
        keys.write(format!("id {}", item.id));
        for state in std::iter::once(item).chain(previous) {
            keys.write(format!("dn {}", dn::key(&state.dn)));
            let Some(props) = state.object.as_ref().map(Props) else { continue };
            match state.module() {
                Some(Module::Context) => {
                    keys.write_context(props.number("contextid", "").ok());
                    keys.write(CONTEXTS.to_owned());
                }
                Some(Module::AccessProfile) => {
                    keys.write(format!("profile {}", props.text("name").unwrap_or_default()));
                }
                Some(Module::User) => self.user_keys(&state.id, props, &mut keys),
                // The members of groups are known to the index alone.
                Some(Module::FunctionalAccount) if props.value("groups").is_some() => {
                    return Vec::new();
                }
                Some(Module::FunctionalAccount) => account_keys(props, &mut keys),
                Some(Module::Resource) => resource_keys(props, &mut keys),
                // Nothing is looked up or sent for it.
                Some(Module::Group) if !props.is_on("isOxGroup") => {}
                // It touches the contexts of all its members, which only their snapshots tell: it runs
                // alone.
                _ => return Vec::new(),
            }
        }
        keys.0
    }

    fn is_copy(&self, item: &ConvertedItem, path: &Path) -> bool {
        requeue::is_copy(&self.core, item, path)
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        let core = &self.core;
        let outcome = match delivery.item.module() {
            Some(Module::Context) => context::deliver(core, delivery),
            Some(Module::AccessProfile) => access_profile::deliver(core, delivery),
            Some(Module::User) => user::deliver(core, delivery),
            Some(Module::Group) => group::deliver(core, delivery),
            Some(Module::FunctionalAccount) => account::deliver(core, delivery),
            Some(Module::Resource) => resource::deliver(core, delivery),
            Some(Module::Ou) | None => {
                return Err(Fault::ours(format!(
                    "object type '{}' is not handled here",
                    delivery.item.udm_object_type
                )));
            }
        };
        // Only users are ever skipped, and they see to it themselves.
        outcome.map_err(|halt| {
            core.break_off(&delivery.item.id);
            let fault = with_holder(fault_of(halt), &core.settings, delivery);
            Fault { message: format!("{}: {}", ObjectName(delivery.item), fault.message), ..fault }
        })
    }
}

impl OxRecipient {
    fn user_keys(&self, id: &str, props: Props<'_>, keys: &mut Keys) {
        let context = props.context().ok().flatten();
        if let Some(context) = context {
            keys.read(format!("context {context}"));
            // Names and addresses are unique within a context: one user may wait for another's.
            let written = props.text(crate::props::OX_DB_USERNAME);
            let name = match &self.core.settings.user_identifier {
                Identifier::EntryUuid => Some(id),
                Identifier::Property(property) => props.text(property),
            };
            for name in name.into_iter().chain(written) {
                keys.write(format!("user {context} {}", name.to_lowercase()));
            }
            let aliases = props.texts("mailAlternativeAddress");
            for mail in props.text("mailPrimaryAddress").into_iter().chain(aliases) {
                keys.write(format!("mail {context} {}", mail.to_lowercase()));
            }
        }
        if let Some(profile) = props.text("oxAccess") {
            keys.read(format!("profile {profile}"));
        }
        let deputies = deputy::deputies(props).filter(|_| self.core.settings.deputy_permissions);
        for referred in props.texts("groups").chain(deputies) {
            keys.read(format!("dn {}", dn::key(referred)));
        }
    }
}

/// A functional account has no context of its own: it is in those of its users, and cleans up those of
/// former ones.
fn account_keys(props: Props<'_>, keys: &mut Keys) {
    keys.read(CONTEXTS.to_owned());
    for user in props.texts("users") {
        keys.read(format!("dn {}", dn::key(user)));
    }
    if let Some(address) = props.text("mailPrimaryAddress") {
        keys.write(format!("account {}", address.to_lowercase()));
    }
}

fn resource_keys(props: Props<'_>, keys: &mut Keys) {
    let Some(context) = props.context().ok().flatten() else { return };
    keys.read(format!("context {context}"));
    if let Some(name) = props.text("name") {
        keys.write(format!("resource {context} {}", name.to_lowercase()));
    }
    // Users and resources may not have the same address.
    if let Some(mail) = props.text("resourceMailAddress") {
        keys.write(format!("mail {context} {}", mail.to_lowercase()));
    }
}

/// Keys of one item; an object keeps the stronger claim.
struct Keys(Vec<Key>);

impl Keys {
    fn write(&mut self, name: String) {
        match self.0.iter_mut().find(|key| key.name == name) {
            Some(key) => key.access = Access::Write,
            None => self.0.push(Key { name, access: Access::Write }),
        }
    }

    fn read(&mut self, name: String) {
        if !self.0.iter().any(|key| key.name == name) {
            self.0.push(Key { name, access: Access::Read });
        }
    }

    fn write_context(&mut self, context: Option<Option<ContextId>>) {
        if let Some(context) = context.flatten() {
            self.write(format!("context {context}"));
        }
    }
}

/// A halt where nothing can be skipped.
pub(crate) fn fault_of(halt: Halt) -> Fault {
    halt.into_fault().unwrap_or_else(|skip| Fault::ours(skip.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::Fake;

    fn recipient() -> (tempfile::TempDir, OxRecipient) {
        let dir = tempfile::tempdir().unwrap();
        let config = idspool_service::Ox {
            data_dir: dir.path().to_owned(),
            ..idspool_service::Ox::default()
        };
        let core = Core::new(Settings::new(&config).unwrap(), Box::new(Fake::new())).unwrap();
        (dir, OxRecipient::of(core))
    }

    fn item(module: &str, dn: &str, object: Value) -> ConvertedItem {
        ConvertedItem {
            id: "u-1".into(),
            udm_object_type: module.into(),
            dn: dn.into(),
            object: object.as_object().cloned(),
            options: None,
            resync: false,
            old_data: None,
            user_passwords: None,
        }
    }

    #[test]
    fn s3_4_order_of_types_each_context_item_judged_by_itself() {
        let (_dir, recipient) = recipient();
        let rank = |module: &str, object: Value| {
            recipient
                .rank(&ItemHead::parse(&item(module, "cn=x", object).to_queue_bytes()).unwrap())
        };
        let ranks = [
            rank("oxmail/oxcontext", json!({})),
            rank("oxmail/accessprofile", json!({})),
            rank("users/user", json!(null)),
            rank("groups/group", json!({})),
            rank("oxmail/functional_account", json!({})),
            rank("oxresources/oxresources", json!({})),
            rank("oxmail/oxcontext", json!(null)),
        ];
        assert!(ranks.iter().all(Option::is_some) && ranks.is_sorted(), "{ranks:?}");
        assert_eq!(rank("container/ou", json!({})), None);
        assert_eq!(rank("oxmail/shared_account", json!({})), None);
    }

    fn conflict(recipient: &OxRecipient, a: &ConvertedItem, b: &ConvertedItem) -> bool {
        let (a, b) = (recipient.keys(a, None), recipient.keys(b, None));
        a.iter().any(|a| {
            b.iter().any(|b| {
                a.name == b.name && (a.access == Access::Write || b.access == Access::Write)
            })
        })
    }

    #[test]
    fn keys_tell_which_items_depend_on_each_other() {
        let (_dir, recipient) = recipient();
        let user = |id: &str, name: &str, context: i32| {
            let object = json!({
                "username": name, "oxContext": context, "oxAccess": "premium",
                "mailPrimaryAddress": format!("{name}@x"), "groups": ["cn=team,dc=x"],
            });
            ConvertedItem {
                id: id.into(),
                ..item("users/user", &format!("uid={name},dc=x"), object)
            }
        };
        let anna = user("u-1", "anna", 10);
        assert!(!conflict(&recipient, &anna, &user("u-2", "berta", 10)), "independent users");
        assert!(conflict(&recipient, &anna, &user("u-1", "annette", 10)), "the same object");
        assert!(conflict(&recipient, &anna, &user("u-2", "Anna", 10)), "the same name");
        let context = |id: i32| {
            let object = json!({"contextid": id});
            ConvertedItem { id: format!("c-{id}"), ..item("oxmail/oxcontext", "cn=c,dc=x", object) }
        };
        assert!(conflict(&recipient, &anna, &context(10)));
        assert!(!conflict(&recipient, &anna, &context(11)));
        let profile = |name: &str| {
            let object = json!({"name": name});
            ConvertedItem { id: "p".into(), ..item("oxmail/accessprofile", "cn=p,dc=x", object) }
        };
        assert!(conflict(&recipient, &anna, &profile("premium")));
        assert!(!conflict(&recipient, &anna, &profile("none")));
        let group = |flag| item("groups/group", "cn=team,dc=x", json!({ "isOxGroup": flag }));
        assert_eq!(recipient.keys(&group("OK"), None), [], "conflicts with everything");
        assert_eq!(recipient.keys(&group("Not"), Some(&group("OK"))), []);
        assert_eq!(recipient.keys(&group("Not"), None).len(), 2, "its id and its DN");
        // A renamed user keeps its claim on the old name and DN.
        let keys = recipient.keys(&user("u-1", "anne", 10), Some(&anna));
        for name in ["dn uid=anna,dc=x", "dn uid=anne,dc=x", "user 10 anna", "mail 10 anna@x"] {
            assert!(keys.iter().any(|key| key.name == name), "{name}: {keys:?}");
        }
    }

    #[test]
    fn keys_of_accounts_and_resources() {
        let (_dir, recipient) = recipient();
        let keep = |id: &str, module: &str, object: Value| ConvertedItem {
            id: id.into(),
            ..item(module, &format!("cn={id},dc=x"), object)
        };
        let user = |name: &str, mail: &str| {
            let object = json!({"username": name, "oxContext": 10, "mailPrimaryAddress": mail});
            ConvertedItem { dn: format!("uid={name},dc=x"), ..keep(name, "users/user", object) }
        };
        let account = |id: &str, mail: &str, users: Value| {
            let object = json!({"mailPrimaryAddress": mail, "users": users, "groups": []});
            keep(id, "oxmail/functional_account", object)
        };
        let info = account("f-1", "info@x", json!(["UID=anna, dc=x"]));
        assert!(conflict(&recipient, &info, &user("anna", "a@x")), "its user");
        assert!(!conflict(&recipient, &info, &user("berta", "b@x")));
        assert!(!conflict(&recipient, &info, &account("f-2", "x@x", json!(["uid=anna,dc=x"]))));
        assert!(conflict(&recipient, &info, &account("f-2", "Info@x", json!([]))), "its address");
        let context = keep("c", "oxmail/oxcontext", json!({"contextid": 12}));
        assert!(conflict(&recipient, &info, &context), "it may have users there");
        let mut with_group = info.clone();
        let object = with_group.object.as_mut().unwrap();
        object.insert("groups".into(), json!(["cn=team,dc=x"]));
        assert_eq!(recipient.keys(&with_group, None), [], "conflicts with everything");
        assert_eq!(recipient.keys(&info, Some(&with_group)), [], "and after that, too");
        let resource = |id: &str, name: &str, context: i32| {
            let object = json!({
                "name": name, "oxContext": context, "resourceMailAddress": format!("{name}@x"),
            });
            keep(id, "oxresources/oxresources", object)
        };
        let beamer = resource("r-1", "beamer", 10);
        assert!(!conflict(&recipient, &beamer, &resource("r-2", "room", 10)));
        assert!(!conflict(&recipient, &beamer, &resource("r-2", "beamer", 11)));
        assert!(conflict(&recipient, &beamer, &resource("r-2", "Beamer", 10)), "the same name");
        assert!(conflict(&recipient, &beamer, &user("anna", "beamer@x")), "the same address");
        assert!(!conflict(&recipient, &beamer, &info));
        assert!(!conflict(&recipient, &beamer, &context));
    }

    #[test]
    fn a_grantor_depends_on_its_deputies_while_they_are_provisioned() {
        for is_enabled in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let config = idspool_service::Ox {
                data_dir: dir.path().to_owned(),
                enable_deputy_permissions: is_enabled,
                ..idspool_service::Ox::default()
            };
            let core = Core::new(Settings::new(&config).unwrap(), Box::new(Fake::new())).unwrap();
            let recipient = OxRecipient::of(core);
            let entries = json!([["uid=b,dc=x", "02400", "00000", "0"]]);
            let grantor =
                item("users/user", "uid=a,dc=x", json!({"oxDeputyPermissionGivenTo": entries}));
            let keys = recipient.keys(&grantor, None);
            let expected = Key { name: "dn uid=b,dc=x".into(), access: Access::Read };
            assert_eq!(keys.contains(&expected), is_enabled);
        }
    }

    #[test]
    fn facts_of_each_type() {
        let facts = |module, object| OxRecipient::facts_of(&item(module, "cn=x", object));
        let context = facts("oxmail/oxcontext", json!({"contextid": "12"}));
        assert_eq!((context.scope, context.active), (Some(12), true));
        assert!(facts("groups/group", json!({"isOxGroup": "OK"})).active);
        assert!(!facts("groups/group", json!({"isOxGroup": "Not"})).active);
        assert!(!facts("users/user", json!({"isOxUser": null})).active);
        assert_eq!(facts("users/user", json!(null)), Facts::default());
    }
}
