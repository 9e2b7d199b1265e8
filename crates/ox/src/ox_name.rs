//! The name of an object in OX, by the configured identifier (ox-provisioning 5.3.1, 5.5.2, 10.4).

use idspool_provisioner::Fault;
use serde_json::Value;

use crate::props::Props;
use crate::settings::Identifier;

/// The name of an object in OX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OxName<'a> {
    Is(&'a str),
    /// The identifier property has no value.
    Missing,
    /// The identifier property is a list.
    List,
}

const NO_NAME: &str = "No name for this attribute. Missing or misconfigured identifier app settings\n\
    (OX_USER_IDENTIFIER or OX_GROUP_IDENTIFIER) might be the reason, see\n\
    https://docs.software-univention.de/ox-connector-app/latest/troubleshooting.html\
    #invalid-values-for-ox-user-identifier-or-ox-group-identifier\n\
    for more information.";
const NAME_IS_LIST: &str = "The String type doesn't accept collections as value";

impl<'a> OxName<'a> {
    /// The name that new data asks for.
    pub(crate) fn of_new(props: Props<'a>, id: &'a str, identifier: &Identifier) -> Self {
        match identifier {
            Identifier::EntryUuid => Self::Is(id),
            Identifier::Property(property) => Self::of(props.0.get(property)),
        }
    }

    /// The name that OX has: the one that was written (`written`), where that is known; else that of
    /// the identifier, else that of the property `usual`.
    pub(crate) fn of_old(
        props: Props<'a>,
        id: &'a str,
        identifier: &Identifier,
        written: &str,
        usual: &str,
    ) -> Self {
        let identified = || match identifier {
            Identifier::EntryUuid => Some(id),
            Identifier::Property(property) => props.text(property),
        };
        let name = props.text(written).or_else(identified).or_else(|| props.text(usual));
        name.map_or(Self::Missing, Self::Is)
    }

    fn of(value: Option<&'a Value>) -> Self {
        match value {
            Some(Value::String(text)) if !text.is_empty() => Self::Is(text),
            Some(Value::Array(_) | Value::Object(_)) => Self::List,
            _ => Self::Missing,
        }
    }

    /// The name, if there is one.
    pub(crate) fn known(self) -> Option<&'a str> {
        match self {
            Self::Is(name) => Some(name),
            Self::Missing | Self::List => None,
        }
    }

    /// The name. `setting` is the one to blame.
    ///
    /// # Errors
    /// There is none. No other property takes its place: the setting has to be corrected.
    pub(crate) fn required_by(self, setting: &str) -> Result<&'a str, Fault> {
        let message = match self {
            Self::Is(name) => return Ok(name),
            Self::Missing => NO_NAME,
            Self::List => NAME_IS_LIST,
        };
        Err(Fault::permanent(message).with_remedy(format!(
            "set {setting} to a property that always has a single value, or correct the object",
        )))
    }

    /// The name of a user.
    ///
    /// # Errors
    /// As for [`Self::required_by`].
    pub(crate) fn required(self) -> Result<&'a str, Fault> {
        self.required_by("OX_USER_IDENTIFIER")
    }
}
