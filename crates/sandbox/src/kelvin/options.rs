//! What a caller can choose about the stand-in server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::http::Tls;

/// Settings of the stand-in Kelvin server.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Name of the account that may do everything.
    pub user: String,
    /// Its password.
    pub password: String,
    /// More accounts.
    pub accounts: Vec<Account>,
    /// Schools that exist from the start and again after a reset.
    pub schools: Vec<String>,
    /// How long a token is valid; kelvin-api 2: 60 minutes.
    pub token_lifetime: Duration,
    /// Directory properties that `udm_properties` may have.
    pub properties: Vec<UdmProperty>,
    /// Hosted mail domains; empty: every domain is.
    pub mail_domains: Vec<String>,
    /// How long every request takes at least.
    pub latency: Duration,
    /// How long reads below `/v2/` lag behind writes.
    pub lag: Duration,
    /// Whether reads below `/v1/` lag as those below `/v2/`.
    pub lags_everywhere: bool,
    /// How long it is remembered whether a school exists (kelvin-api 6: up to 300 s).
    pub school_cache: Duration,
    /// Whether class requests remember the address of a member for ever (kelvin-api 9).
    pub remembers_addresses: bool,
    /// Requests that fail on purpose.
    pub failures: Vec<Failure>,
    /// Certificate and key, for HTTPS instead of HTTP.
    pub tls: Option<Tls>,
    /// How long a client may take to send one request, and how long a connection may idle.
    pub client_timeout: Duration,
}

// Passwords stay out of logs.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("user", &self.user)
            .field("accounts", &self.accounts)
            .field("schools", &self.schools)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            user: "connector".to_owned(),
            password: "secret".to_owned(),
            accounts: Vec::new(),
            schools: Vec::new(),
            token_lifetime: Duration::from_secs(3600),
            properties: Vec::new(),
            mail_domains: Vec::new(),
            latency: Duration::ZERO,
            lag: Duration::ZERO,
            lags_everywhere: false,
            school_cache: Duration::ZERO,
            remembers_addresses: false,
            failures: Vec::new(),
            tls: None,
            client_timeout: Duration::from_secs(30),
        }
    }
}

/// What an account may do (kelvin-api 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Everything.
    Admin,
    /// GET and HEAD.
    Reader,
    /// Nothing, but to get a token.
    None,
    /// Disabled.
    Disabled,
}

/// An account: `USER:PASSWORD:RIGHT`.
#[derive(Clone)]
pub struct Account {
    /// Login name.
    pub user: String,
    /// Password.
    pub password: String,
    /// What it may do.
    pub right: Right,
}

// The password stays out of logs.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .field("right", &self.right)
            .finish_non_exhaustive()
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "expected USER:PASSWORD:RIGHT, RIGHT one of admin, reader, none, disabled";
        let (user, rest) = text.split_once(':').ok_or(usage)?;
        let (password, right) = rest.rsplit_once(':').ok_or(usage)?;
        let right = match right {
            "admin" => Right::Admin,
            "reader" => Right::Reader,
            "none" => Right::None,
            "disabled" => Right::Disabled,
            _ => return Err(usage.to_owned()),
        };
        if user.is_empty() || password.is_empty() {
            return Err(usage.to_owned());
        }
        Ok(Self { user: user.to_owned(), password: password.to_owned(), right })
    }
}

/// Kind of object that can have directory properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PropertyOwner {
    /// Users.
    User,
    /// Schools.
    School,
    /// School classes.
    SchoolClass,
    /// Workgroups.
    Workgroup,
}

impl PropertyOwner {
    const ALL: [Self; 4] = [Self::User, Self::School, Self::SchoolClass, Self::Workgroup];

    /// Name in the server's configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::School => "school",
            Self::SchoolClass => "school_class",
            Self::Workgroup => "workgroup",
        }
    }
}

/// What a property's values look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PropertyKind {
    /// A string or null.
    #[default]
    Text,
    /// A list of strings.
    Multi,
    /// A boolean or null.
    Bool,
    /// A whole number or null.
    Int,
}

/// A directory property that the server is configured for: `RESOURCE:NAME[:multi|:bool|:int]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdmProperty {
    /// Whose it is.
    pub owner: PropertyOwner,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: PropertyKind,
}

impl FromStr for UdmProperty {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "expected RESOURCE:NAME[:multi|:bool|:int], RESOURCE one of user, school, school_class, workgroup";
        let mut parts = text.split(':');
        let owner = parts.next().unwrap_or_default();
        let owner =
            PropertyOwner::ALL.into_iter().find(|one| one.as_str() == owner).ok_or(usage)?;
        let name = parts.next().filter(|name| !name.is_empty()).ok_or(usage)?.to_owned();
        let kind = match (parts.next(), parts.next()) {
            (None, _) => PropertyKind::Text,
            (Some("multi"), None) => PropertyKind::Multi,
            (Some("bool"), None) => PropertyKind::Bool,
            (Some("int"), None) => PropertyKind::Int,
            _ => return Err(usage.to_owned()),
        };
        Ok(Self { owner, name, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_properties_are_read_from_words() {
        let account: Account = "lea:pa:ss:reader".parse().unwrap();
        assert_eq!((account.user.as_str(), account.password.as_str()), ("lea", "pa:ss"));
        assert_eq!(account.right, Right::Reader);
        for wrong in ["", "a", "a:b", "a:b:c", ":b:admin", "a::admin"] {
            assert!(wrong.parse::<Account>().is_err(), "{wrong}");
        }
        let property: UdmProperty = "school_class:mailAddress".parse().unwrap();
        assert_eq!(
            (property.owner, property.kind),
            (PropertyOwner::SchoolClass, PropertyKind::Text)
        );
        let property: UdmProperty = "user:phone:multi".parse().unwrap();
        assert_eq!((property.name.as_str(), property.kind), ("phone", PropertyKind::Multi));
        for wrong in ["", "user", "user:", "users:title", "user:title:list", "user:a:bool:x"] {
            assert!(wrong.parse::<UdmProperty>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_are_not_printed() {
        let options = Options {
            password: "hush".to_owned(),
            accounts: vec!["lea:hush:none".parse().unwrap()],
            ..Options::default()
        };
        let text = format!("{options:?}");
        assert!(text.contains("lea") && !text.contains("hush"), "{text}");
    }
}
