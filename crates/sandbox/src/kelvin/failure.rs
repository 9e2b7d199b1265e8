//! Requests that fail on purpose.

use std::str::FromStr;

/// A request that fails on purpose: `METHOD PATH-PATTERN:N[:KIND[:SECONDS]]`.
///
/// The pattern is compared with the path behind `/ucsschool/kelvin/`, with or without its version:
/// `POST users/`, `PATCH v1/users/anna`, `* classes/*`. A `*` stands for anything, as method for every
/// one. N counts the requests that fit from the moment the failure is added, `*` means every one.
/// SECONDS is what `Retry-After` says of a 429 or 503.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Method, or `*` for any.
    pub method: String,
    /// Pattern of the path.
    pub pattern: String,
    /// Which request fails, counted from 1; `None`: every one.
    pub nth: Option<u64>,
    /// How it fails.
    pub kind: FailureKind,
    /// Seconds to wait that a 429 or 503 tells.
    pub retry_after: u32,
}

/// How a request fails on purpose. Nothing is done unless stated otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// 401 with a challenge, as for a token that has become invalid.
    Unauthorized,
    /// 429 with `Retry-After`.
    TooMany,
    /// 500.
    #[default]
    Internal,
    /// 502 with an HTML page, as a proxy gives it.
    BadGateway,
    /// 503 with `Retry-After`.
    Unavailable,
    /// 504 with an HTML page.
    GatewayTimeout,
    /// Connection closed before answering.
    Close,
    /// The work is done, then the connection is closed before answering.
    LateClose,
    /// The work is done, then the answer is 500.
    LateInternal,
    /// 200 with something that is no JSON.
    Garbage,
}

impl FailureKind {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Unauthorized, "401"),
        (Self::TooMany, "429"),
        (Self::Internal, "500"),
        (Self::BadGateway, "502"),
        (Self::Unavailable, "503"),
        (Self::GatewayTimeout, "504"),
        (Self::Close, "close"),
        (Self::LateClose, "late-close"),
        (Self::LateInternal, "late-500"),
        (Self::Garbage, "garbage"),
    ];

    /// Name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// Whether the work is done all the same.
    pub(super) fn is_late(self) -> bool {
        matches!(self, Self::LateClose | Self::LateInternal)
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
        const USAGE: &str = "expected \"METHOD PATH-PATTERN:N[:KIND[:SECONDS]]\"";
        let (method, rest) = text.trim().split_once(' ').ok_or(USAGE)?;
        let is_known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "*"].contains(&method);
        if !is_known {
            return Err(format!(
                "\"{method}\" is no method, expected GET, HEAD, POST, PUT, PATCH, DELETE or *"
            ));
        }
        let mut parts = rest.trim().split(':');
        let pattern = parts.next().unwrap_or_default();
        let pattern = pattern.strip_prefix("/ucsschool/kelvin/").unwrap_or(pattern);
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        let nth = match parts.next().ok_or(USAGE)? {
            "*" => None,
            number => Some(number.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                format!("\"{number}\" is no request number, expected a number from 1 or *")
            })?),
        };
        let kind = parts.next().map_or(Ok(FailureKind::default()), str::parse)?;
        let retry_after = match parts.next() {
            None => 1,
            Some(seconds) => {
                seconds.parse().map_err(|_| format!("\"{seconds}\" is no number of seconds"))?
            }
        };
        if parts.next().is_some() || pattern.is_empty() {
            return Err(USAGE.to_owned());
        }
        Ok(Self { method: method.to_owned(), pattern: pattern.to_owned(), nth, kind, retry_after })
    }
}

/// The failures that are still to come, with how many requests of each there were.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(Failure, u64)>);

impl Failures {
    pub(super) fn add(&mut self, failures: impl IntoIterator<Item = Failure>) {
        self.0.extend(failures.into_iter().map(|failure| (failure, 0)));
    }

    /// Counts this request against every failure that it fits; the first that is due applies.
    /// `path` begins behind the common prefix.
    pub(super) fn next(&mut self, method: &str, path: &str) -> Option<Failure> {
        let mut due = None;
        let bare = path.strip_prefix("v1/").or_else(|| path.strip_prefix("v2/")).unwrap_or(path);
        for (failure, seen) in &mut self.0 {
            let is_meant = (failure.method == "*" || failure.method == method)
                && (matches(&failure.pattern, path) || matches(&failure.pattern, bare));
            if is_meant {
                *seen += 1;
                if due.is_none() && failure.nth.is_none_or(|nth| nth == *seen) {
                    due = Some(failure.clone());
                }
            }
        }
        self.0.retain(|(failure, seen)| failure.nth.is_none_or(|nth| *seen < nth));
        due
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_method_path_number_and_kind() {
        let failure: Failure = "POST /v1/users/:3:late-close".parse().unwrap();
        assert_eq!((failure.method.as_str(), failure.pattern.as_str()), ("POST", "v1/users/"));
        assert_eq!((failure.nth, failure.kind), (Some(3), FailureKind::LateClose));
        let failure: Failure = "* users/*:*:503:7".parse().unwrap();
        assert_eq!((failure.nth, failure.retry_after), (None, 7));
        for wrong in [
            "",
            "POST",
            "POST users/",
            "FETCH users/:1",
            "GET :1",
            "GET a:0",
            "GET a:1:odd",
            "GET a:1:503:x",
        ] {
            assert!(wrong.parse::<Failure>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_nth_request_that_fits_fails() {
        let mut failures = Failures::default();
        failures.add(["GET users/:2:429", "* */anna:1"].map(|text| text.parse().unwrap()));
        assert_eq!(failures.next("GET", "v1/users/"), None);
        assert_eq!(failures.next("POST", "v1/users/"), None);
        assert_eq!(failures.next("GET", "v2/users/").unwrap().kind, FailureKind::TooMany);
        assert_eq!(failures.next("PATCH", "v1/users/anna").unwrap().kind, FailureKind::Internal);
        assert_eq!(failures.next("PATCH", "v1/users/anna"), None);
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
