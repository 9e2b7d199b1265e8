//! What a caller can choose about the stand-in server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::http::Tls;

/// Settings of the stand-in OX server. [`Options::default`] is what the connector's manual asks of
/// a server: user names may change, display names need not be unique, a quota needs no file store.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Login of the master administrator.
    pub master_user: String,
    /// Password of the master administrator.
    pub master_password: String,
    /// Contexts that exist from the start and again after a reset.
    pub contexts: Vec<ContextSpec>,
    /// How long every SOAP call takes at least.
    pub latency: Duration,
    /// Calls that fail on purpose.
    pub failures: Vec<Failure>,
    /// Whether a display name may be used once per context only.
    pub unique_display_names: bool,
    /// Whether `change` may rename a user (`USERNAME_CHANGEABLE` of the server).
    pub username_changeable: bool,
    /// Whether `change` may replace the primary address (not `PRIMARY_MAIL_UNCHANGEABLE`).
    pub primary_mail_changeable: bool,
    /// Whether `maxQuota` of a user without a file store of its own is refused
    /// (not `ALLOW_CHANGING_QUOTA_IF_NO_FILESTORE_SET`).
    pub quota_needs_filestore: bool,
    /// Whether the master login may act inside contexts (`MASTER_ACCOUNT_OVERRIDE`).
    pub master_account_override: bool,
    /// Certificate and key, for HTTPS instead of HTTP.
    pub tls: Option<Tls>,
    /// How long a client may take to send one request, and how long a connection may idle.
    pub client_timeout: Duration,
}

// The password stays out of logs.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("master_user", &self.master_user)
            .field("contexts", &self.contexts)
            .field("latency", &self.latency)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            master_user: "oxadminmaster".to_owned(),
            master_password: "secret".to_owned(),
            contexts: Vec::new(),
            latency: Duration::ZERO,
            failures: Vec::new(),
            unique_display_names: false,
            username_changeable: true,
            primary_mail_changeable: true,
            quota_needs_filestore: false,
            master_account_override: false,
            tls: None,
            client_timeout: Duration::from_secs(30),
        }
    }
}

/// A context that exists from the start: `ID[:ADMIN:PASSWORD]`.
#[derive(Clone)]
pub struct ContextSpec {
    /// Context id.
    pub id: i32,
    /// Login of the context administrator.
    pub admin: String,
    /// Password of the context administrator.
    pub password: String,
}

impl ContextSpec {
    /// A context whose administrator is `oxadmin` with password `secret`.
    #[must_use]
    pub fn new(id: i32) -> Self {
        Self { id, admin: "oxadmin".to_owned(), password: "secret".to_owned() }
    }
}

// The password stays out of logs.
impl fmt::Debug for ContextSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextSpec")
            .field("id", &self.id)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

impl FromStr for ContextSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let id = parts.next().unwrap_or_default();
        let id: i32 = id
            .parse()
            .ok()
            .filter(|id| *id > 0)
            .ok_or_else(|| format!("\"{id}\" is no context id, expected a number from 1"))?;
        let mut spec = Self::new(id);
        match (parts.next(), parts.next()) {
            (None, _) => {}
            (Some(admin), Some(password)) if !admin.is_empty() && !password.is_empty() => {
                spec.admin = admin.to_owned();
                spec.password = password.to_owned();
            }
            _ => return Err("expected ID or ID:ADMIN:PASSWORD".to_owned()),
        }
        Ok(spec)
    }
}

/// A call that fails on purpose: `OPERATION:N[:KIND]`.
///
/// `OPERATION` is `create` (of any service) or `OXUserService.create`; N counts its calls from the
/// moment the failure is added, `*` means every one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Service, or any.
    pub service: Option<String>,
    /// Operation, or `*` for any.
    pub operation: String,
    /// Which call fails, counted from 1; `None`: every one.
    pub nth: Option<u64>,
    /// How it fails.
    pub kind: FailureKind,
}

/// How a call fails on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FailureKind {
    /// Connection closed before answering; nothing is done.
    Close,
    /// `DatabaseUpdateException` fault; nothing is done.
    DatabaseUpdate,
    /// HTTP 200 with something that is no XML; nothing is done.
    Garbage,
    /// HTTP 502 with an HTML page, as a proxy gives it; nothing is done.
    Http502,
    /// The work is done, then the connection is closed before answering.
    LateClose,
    /// `RemoteException` fault; nothing is done.
    Remote,
    /// `StorageException` fault; nothing is done.
    #[default]
    Storage,
}

impl FailureKind {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Close, "close"),
        (Self::DatabaseUpdate, "database-update"),
        (Self::Garbage, "garbage"),
        (Self::Http502, "http502"),
        (Self::LateClose, "late-close"),
        (Self::Remote, "remote"),
        (Self::Storage, "storage"),
    ];

    /// Name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

impl FromStr for FailureKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            format!("unknown kind \"{text}\", expected one of {}", names.join(", "))
        })
    }
}

impl FromStr for Failure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let target = parts.next().unwrap_or_default();
        let nth = parts.next().ok_or("expected OPERATION:N[:KIND]")?;
        let kind = parts.next().map_or(Ok(FailureKind::default()), str::parse)?;
        if parts.next().is_some() || target.is_empty() {
            return Err("expected OPERATION:N[:KIND]".to_owned());
        }
        let nth = match nth {
            "*" => None,
            number => Some(number.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                format!("\"{number}\" is no call number, expected a number from 1 or *")
            })?),
        };
        let (service, operation) = match target.split_once('.') {
            Some((service, operation)) => (Some(service.to_owned()), operation),
            None => (None, target),
        };
        Ok(Self { service, operation: operation.to_owned(), nth, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_spec_takes_id_alone_or_with_administrator() {
        let spec: ContextSpec = "10".parse().unwrap();
        assert_eq!((spec.id, spec.admin.as_str()), (10, "oxadmin"));
        let spec: ContextSpec = "11:boss:a:b".parse().unwrap();
        assert_eq!((spec.admin.as_str(), spec.password.as_str()), ("boss", "a:b"));
        for wrong in ["", "0", "-1", "x", "10:admin", "10::", "10:admin:"] {
            assert!(wrong.parse::<ContextSpec>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_are_not_printed() {
        let mut options = Options { master_password: "hush".to_owned(), ..Options::default() };
        options.contexts.push("10:admin:hush".parse().unwrap());
        let text = format!("{options:?}");
        assert!(text.contains("admin") && !text.contains("hush"), "{text}");
    }

    #[test]
    fn failure_names_operation_number_and_kind() {
        let failure: Failure = "OXUserService.create:3:late-close".parse().unwrap();
        assert_eq!(failure.service.as_deref(), Some("OXUserService"));
        assert_eq!(failure.operation, "create");
        assert_eq!(failure.nth, Some(3));
        assert_eq!(failure.kind, FailureKind::LateClose);
        let failure: Failure = "change:*".parse().unwrap();
        assert_eq!((failure.nth, failure.kind), (None, FailureKind::Storage));
        for wrong in
            ["", "create", "create:0", "create:x", "create:1:odd", "create:1:close:2", ":1"]
        {
            assert!(wrong.parse::<Failure>().is_err(), "{wrong}");
        }
    }
}
