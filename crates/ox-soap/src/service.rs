//! The OX services and what one operation is. One module per service below; a new service is a
//! variant of [`Service`], a table of its objects' fields, and a module with its operations.

pub(crate) mod context;
pub(crate) mod deputy;
pub(crate) mod group;
pub(crate) mod resource;
pub(crate) mod secondary_account;
pub(crate) mod user;
pub(crate) mod user_copy;

use crate::id::{ContextId, OxGroupId, OxResourceId, OxUserId};

/// Namespace of operations and parameters of all services but the user copy.
pub(crate) const ADMIN: &str = "http://soap.admin.openexchange.com";
/// The same for the user copy.
pub(crate) const COPY: &str = "http://soap.copy.user.admin.openexchange.com";

/// A SOAP service of OX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Context,
    User,
    UserCopy,
    Group,
    Resource,
    SecondaryAccount,
    Deputy,
}

impl Service {
    /// In the order of the variants.
    pub(crate) const ALL: [Self; 7] = [
        Self::Context,
        Self::User,
        Self::UserCopy,
        Self::Group,
        Self::Resource,
        Self::SecondaryAccount,
        Self::Deputy,
    ];

    /// Last part of the service's path.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "OXContextService",
            Self::User => "OXUserService",
            Self::UserCopy => "OXUserCopyService",
            Self::Group => "OXGroupService",
            Self::Resource => "OXResourceService",
            Self::SecondaryAccount => "OXSecondaryAccountService",
            Self::Deputy => deputy::SERVICE,
        }
    }

    /// Prefix and namespace of operations and parameters.
    pub(crate) const fn namespace(self) -> (&'static str, &'static str) {
        match self {
            Self::UserCopy => ("c", COPY),
            Self::Deputy => deputy::NAMESPACE,
            Self::Context | Self::User | Self::Group | Self::Resource | Self::SecondaryAccount => {
                ("s", ADMIN)
            }
        }
    }

    /// Whether its calls carry the master credentials.
    pub(crate) const fn is_master(self) -> bool {
        matches!(self, Self::Context | Self::UserCopy)
    }
}

/// One operation of a service.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) service: Service,
    pub(crate) name: &'static str,
    /// Value of the header of that name. OX does not read it; proxies may.
    pub(crate) soap_action: &'static str,
    /// It changes nothing, so repeating it when the connection broke does no harm.
    pub(crate) reads_only: bool,
}

/// Makes an [`Operation`]: `operation!(User, "getData", reads)` or `…, writes)`.
macro_rules! operation {
    ($service:ident, $name:literal, reads) => {
        operation!(@ $service, $name, true)
    };
    ($service:ident, $name:literal, writes) => {
        operation!(@ $service, $name, false)
    };
    (@ $service:ident, $name:literal, $reads_only:literal) => {
        $crate::service::Operation {
            service: $crate::service::Service::$service,
            name: $name,
            soap_action: concat!("\"urn:", $name, "\""),
            reads_only: $reads_only,
        }
    };
}
pub(crate) use operation;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident, $id:ty, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a> {
            id: Option<$id>,
            name: Option<&'a str>,
        }

        impl<'a> $name<'a> {
            /// By its id.
            #[must_use]
            pub const fn id(id: $id) -> Self {
                Self { id: Some(id), name: None }
            }

            /// By its name.
            #[must_use]
            pub const fn name(name: &'a str) -> Self {
                Self { id: None, name: Some(name) }
            }

            /// Adds the name. The id decides; OX logs the name.
            #[must_use]
            pub const fn and_name(self, name: &'a str) -> Self {
                Self { id: self.id, name: Some(name) }
            }

            pub(crate) fn parts(self) -> (Option<i32>, Option<&'a str>) {
                (self.id.map(i32::from), self.name)
            }

            pub(crate) fn target(self, context: ContextId) -> crate::error::Target<'a> {
                let (id, name) = self.parts();
                crate::error::Target {
                    context: Some(context),
                    kind: $kind,
                    id,
                    name,
                    ..crate::error::Target::default()
                }
            }
        }

        impl From<$id> for $name<'_> {
            fn from(id: $id) -> Self {
                Self::id(id)
            }
        }
    };
}

key!(
    /// Which user a call is about. The id wins over the name; names are compared byte by byte.
    UserKey,
    OxUserId,
    "user"
);
key!(
    /// Which group a call is about. The id wins over the name; names are compared without letter
    /// case.
    GroupKey,
    OxGroupId,
    "group"
);
key!(
    /// Which resource a call is about. The id wins over the name; names are compared without letter
    /// case.
    ResourceKey,
    OxResourceId,
    "resource"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_stand_in_the_order_of_their_variants() {
        for (place, service) in Service::ALL.into_iter().enumerate() {
            assert_eq!(service as usize, place);
        }
    }
}
