//! The service of deputy permissions.
//!
//! **Nothing in this file was checked against a real server.** OX publishes no description of the
//! service. Its name, its operations and the names of what they take are those that clients are seen
//! to use; namespaces, the order of elements, the form of `user` and all of `list` follow the pattern
//! of the sister services. Every name on the wire stands in this file, so that a correction is made
//! here and in the draft of the sandbox, `OXDeputyPermissionsService.wsdl`, alone.

use crate::answer::{FromReturn, kept_text};
use crate::client::Client;
use crate::credentials::Credentials;
use crate::deputy::{DeputyModule, DeputyPermission, GrantedDeputy, ModulePermission};
use crate::envelope::{Envelope, ValueError};
use crate::error::{Error, Target};
use crate::id::{ContextId, OxUserId};
use crate::service::{ADMIN, Operation, operation};
use crate::xml::{Namespace, Source, Xml, XmlError};

/// Last part of the service's path.
pub(crate) const SERVICE: &str = "OXDeputyPermissionsService";
/// Prefix and namespace of operations and parameters. Fields of objects have that of all data objects.
pub(crate) const NAMESPACE: (&str, &str) = ("s", ADMIN);

const GRANT: &Operation = &operation!(Deputy, "grant", writes);
const REVOKE_ALL: &Operation = &operation!(Deputy, "revokeAll", writes);
const BLOCK_MANUAL: &Operation = &operation!(Deputy, "blockManual", writes);
const UNBLOCK_MANUAL: &Operation = &operation!(Deputy, "unblockManual", writes);
const LIST: &Operation = &operation!(Deputy, "list", reads);

const USER: &str = "user";
const PERMISSION: &str = "deputyPermission";
const CONTEXT: &str = "context";

const DEPUTY_ID: &str = "deputyId";
const GRANTOR_ID: &str = "grantorId";
const USER_ID: &str = "userId";
const SEND_ON_BEHALF_OF: &str = "sendOnBehalfOf";
const MODULE_PERMISSIONS: &str = "modulePermissions";
const MODULE_ID: &str = "moduleId";
const ADMIN_FLAG: &str = "admin";
const FOLDER: &str = "folderPermission";
const READ: &str = "readPermission";
const WRITE: &str = "writePermission";
const DELETE: &str = "deletePermission";

/// Calls about the deputy permissions of one context, with the credentials of its administrator. OX
/// has them from release 8 on.
#[derive(Clone, Copy, Debug)]
pub struct DeputyService<'a> {
    client: &'a Client,
    context: ContextId,
    credentials: &'a Credentials,
}

impl<'a> DeputyService<'a> {
    pub(crate) const fn new(
        client: &'a Client,
        context: ContextId,
        credentials: &'a Credentials,
    ) -> Self {
        Self { client, context, credentials }
    }

    /// Grants a permission in the name of a user; answers what OX calls it.
    ///
    /// # Errors
    /// As for every call; grantor and deputy have to exist.
    pub fn grant(self, grantor: OxUserId, permission: &DeputyPermission) -> Result<String, Error> {
        self.client.call_one(GRANT, &self.target(grantor), |envelope| {
            envelope.key(USER, Some(grantor.value()), None)?;
            write_permission(envelope, permission)?;
            envelope.context(CONTEXT, self.context)?;
            envelope.auth(self.credentials)
        })
    }

    /// Revokes all permissions that a user granted.
    ///
    /// # Errors
    /// As for every call.
    pub fn revoke_all(self, grantor: OxUserId) -> Result<(), Error> {
        self.of_grantor(REVOKE_ALL, grantor)
    }

    /// Keeps a user from granting permissions.
    ///
    /// # Errors
    /// As for every call.
    pub fn block_manual(self, grantor: OxUserId) -> Result<(), Error> {
        self.of_grantor(BLOCK_MANUAL, grantor)
    }

    /// Lets a user grant permissions again.
    ///
    /// # Errors
    /// As for every call.
    pub fn unblock_manual(self, grantor: OxUserId) -> Result<(), Error> {
        self.of_grantor(UNBLOCK_MANUAL, grantor)
    }

    /// Reads all permissions of the context.
    ///
    /// # Errors
    /// As for every call.
    pub fn list(self) -> Result<Vec<GrantedDeputy>, Error> {
        let target = Target { context: Some(self.context), ..Target::default() };
        self.client.call_long(LIST, &target, |envelope| {
            envelope.context(CONTEXT, self.context)?;
            envelope.auth(self.credentials)
        })
    }

    fn of_grantor(self, operation: &'static Operation, grantor: OxUserId) -> Result<(), Error> {
        self.client.call_void(operation, &self.target(grantor), |envelope| {
            envelope.key(USER, Some(grantor.value()), None)?;
            envelope.context(CONTEXT, self.context)?;
            envelope.auth(self.credentials)
        })
    }

    fn target(self, grantor: OxUserId) -> Target<'static> {
        Target {
            context: Some(self.context),
            kind: "user",
            id: Some(grantor.value()),
            ..Target::default()
        }
    }
}

fn write_permission(
    envelope: &mut Envelope<'_>,
    permission: &DeputyPermission,
) -> Result<(), ValueError> {
    envelope.nested(PERMISSION, |object| {
        object.number(USER_ID, permission.user.value());
        object.flag(SEND_ON_BEHALF_OF, permission.send_on_behalf_of);
        for module in &permission.modules {
            object.nested(MODULE_PERMISSIONS, |object| {
                object.text(MODULE_ID, module.module.as_str())?;
                object.flag(ADMIN_FLAG, module.admin);
                object.number(FOLDER, module.folder);
                object.number(READ, module.read);
                object.number(WRITE, module.write);
                object.number(DELETE, module.delete);
                Ok(())
            })?;
        }
        Ok(())
    })
}

impl FromReturn for GrantedDeputy {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        let (mut id, mut grantor, mut user) = (String::new(), None, None);
        let (mut send_on_behalf_of, mut modules) = (false, Vec::new());
        while let Some(element) = xml.next_child()? {
            if element.namespace != Namespace::Data || element.is_nil {
                xml.skip()?;
                continue;
            }
            match element_name(
                xml,
                &[DEPUTY_ID, GRANTOR_ID, USER_ID, SEND_ON_BEHALF_OF, MODULE_PERMISSIONS],
            ) {
                Some(DEPUTY_ID) => id = kept_text(xml)?,
                Some(GRANTOR_ID) => grantor = Some(xml.number(GRANTOR_ID)?),
                Some(USER_ID) => user = Some(xml.number(USER_ID)?),
                Some(SEND_ON_BEHALF_OF) => send_on_behalf_of = xml.flag(SEND_ON_BEHALF_OF)?,
                Some(MODULE_PERMISSIONS) => {
                    xml.keep(size_of::<ModulePermission>())?;
                    modules.extend(read_module(xml)?);
                }
                _ => xml.skip()?,
            }
        }
        let (Some(grantor), Some(user)) = (grantor, user) else {
            let reason = format!("a deputy permission without {GRANTOR_ID} or {USER_ID}");
            return Err(XmlError::Unexpected(reason));
        };
        let user = OxUserId::new(user);
        let permission = DeputyPermission { user, send_on_behalf_of, modules };
        Ok(Self { id, grantor: OxUserId::new(grantor), permission })
    }
}

/// A module that is not known is left out, so that a newer server may have more of them.
fn read_module<R: Source>(xml: &mut Xml<R>) -> Result<Option<ModulePermission>, XmlError> {
    let mut module = None;
    let (mut admin, mut folder, mut read, mut write, mut delete) = (false, 0, 0, 0, 0);
    while let Some(element) = xml.next_child()? {
        if element.namespace != Namespace::Data || element.is_nil {
            xml.skip()?;
            continue;
        }
        match element_name(xml, &[MODULE_ID, ADMIN_FLAG, FOLDER, READ, WRITE, DELETE]) {
            Some(MODULE_ID) => module = DeputyModule::from_name(xml.text()?.trim()),
            Some(ADMIN_FLAG) => admin = xml.flag(ADMIN_FLAG)?,
            Some(FOLDER) => folder = xml.number(FOLDER)?,
            Some(READ) => read = xml.number(READ)?,
            Some(WRITE) => write = xml.number(WRITE)?,
            Some(DELETE) => delete = xml.number(DELETE)?,
            _ => xml.skip()?,
        }
    }
    Ok(module.map(|module| ModulePermission { module, admin, folder, read, write, delete }))
}

/// The constant for the name of the element that was opened last.
fn element_name<R: Source>(xml: &Xml<R>, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| name.as_bytes() == xml.name())
}
