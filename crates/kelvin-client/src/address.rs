//! The addresses of a Kelvin server: what requests go to, and how objects are referred to.

use idspool_http::{AddressError, BaseUrl};

use crate::client::ApiVersion;
use crate::segment::push_encoded;

/// Where the API is on every server (kelvin-api 1).
const ROOT: &str = "/ucsschool/kelvin";

/// A server's addresses.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// Scheme, host and port.
    pub(crate) server: String,
    pub(crate) is_https: bool,
    /// Path of the resources, with a slash at the end.
    resources: String,
    /// What references begin with.
    references: String,
}

/// What references are made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Role,
    School,
    User,
}

impl Resource {
    const fn collection(self) -> &'static str {
        match self {
            Self::Role => "roles/",
            Self::School => "schools/",
            Self::User => "users/",
        }
    }
}

impl Addresses {
    /// Takes a URL as an authority's file has it; what follows `/ucsschool/kelvin` does not count
    /// (id-connector 3.1).
    pub(crate) fn parse(url: &str, version: ApiVersion) -> Result<Self, AddressError> {
        let base = BaseUrl::parse(url)?;
        let path = base.url.strip_prefix(&base.server).unwrap_or_default();
        let is_kelvin = path
            .strip_prefix(ROOT)
            .is_some_and(|rest| rest.is_empty() || rest == "/token" || rest.starts_with("/v"));
        if !is_kelvin {
            let reason = "its path does not begin with /ucsschool/kelvin/v1/";
            return Err(AddressError::new(url, reason));
        }
        let version = match version {
            ApiVersion::V1 => "v1",
            ApiVersion::V2 => "v2",
        };
        let resources = format!("{ROOT}/{version}/");
        let references = format!("{}{resources}", known_as(&base));
        Ok(Self { server: base.server, is_https: base.is_https, resources, references })
    }

    /// The path where tokens are given out.
    pub(crate) fn token(&self) -> String {
        format!("{ROOT}/token")
    }

    /// The path of a collection such as `users/`, for more to be added.
    pub(crate) fn collection(&self, collection: &str) -> String {
        format!("{}{collection}", self.resources)
    }

    /// How a request refers to an object.
    pub(crate) fn reference(&self, resource: Resource, name: &str) -> String {
        let mut url = format!("{}{}", self.references, resource.collection());
        push_encoded(&mut url, name);
        url
    }
}

/// Scheme, host and port as references have them. Only their path counts, but the server takes no URL whose host
/// has no dot (kelvin-api 3).
fn known_as(base: &BaseUrl) -> String {
    let Some((scheme, authority)) = base.server.split_once("://") else {
        return base.server.clone();
    };
    if authority.contains('.') || authority.starts_with('[') {
        return base.server.clone();
    }
    match authority.split_once(':') {
        Some((host, port)) => format!("{scheme}://{host}.invalid:{port}"),
        None => format!("{scheme}://{authority}.invalid"),
    }
}

/// The name of an object, by the last segment of the path of its URL. What is no URL is a name already.
pub(crate) fn name_of(reference: &str) -> &str {
    let Some((_, rest)) = reference.split_once("://") else { return reference };
    let path = rest.split(['?', '#']).next().unwrap_or(rest);
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Addresses {
        Addresses::parse(url, ApiVersion::V1).unwrap()
    }

    #[test]
    fn the_version_of_the_url_does_not_count() {
        for url in [
            "https://k.example.org/ucsschool/kelvin/v1/",
            "https://k.example.org/ucsschool/kelvin/v1",
            "https://k.example.org/ucsschool/kelvin/v2/users/",
            "https://k.example.org/ucsschool/kelvin/",
            "https://k.example.org/ucsschool/kelvin/token",
        ] {
            let addresses = parse(url);
            assert_eq!(addresses.server, "https://k.example.org");
            assert_eq!(addresses.token(), "/ucsschool/kelvin/token");
            assert_eq!(addresses.collection("users/"), "/ucsschool/kelvin/v1/users/");
        }
        let second = Addresses::parse("http://10.0.0.1:81/ucsschool/kelvin/v1/", ApiVersion::V2);
        let second = second.unwrap();
        assert_eq!(second.collection("roles/"), "/ucsschool/kelvin/v2/roles/");
        assert_eq!(
            second.reference(Resource::School, "Süd 1"),
            "http://10.0.0.1:81/ucsschool/kelvin/v2/schools/S%C3%BCd%201"
        );
    }

    #[test]
    fn what_does_not_lead_to_kelvin() {
        for url in [
            "https://k.example.org/",
            "https://k.example.org/univention/udm/",
            "https://k.example.org/ucsschool/kelvinx/v1/",
            "https://k.example.org/ucsschool/kelvin/doc",
            "ftp://k.example.org/ucsschool/kelvin/v1/",
        ] {
            assert!(Addresses::parse(url, ApiVersion::V1).is_err(), "{url}");
        }
    }

    #[test]
    fn references_have_a_host_that_the_server_takes() {
        for (url, reference) in [
            ("https://kelvin", "https://kelvin.invalid"),
            ("http://localhost:8912", "http://localhost.invalid:8912"),
            ("https://k.example.org:8443", "https://k.example.org:8443"),
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
            ("http://[::1]:80", "http://[::1]:80"),
        ] {
            let addresses = parse(&format!("{url}/ucsschool/kelvin/v1/"));
            assert_eq!(addresses.server, url);
            assert_eq!(
                addresses.reference(Resource::User, "anna"),
                format!("{reference}/ucsschool/kelvin/v1/users/anna")
            );
        }
    }

    #[test]
    fn names_of_references() {
        for (reference, name) in [
            ("https://k/ucsschool/kelvin/v1/users/anna.m", "anna.m"),
            ("https://k/ucsschool/kelvin/v1/users/anna.m/?a=b#c", "anna.m"),
            ("http://k/v1/schools/S%20d", "S%20d"),
            ("anna", "anna"),
            ("uid=anna,cn=users", "uid=anna,cn=users"),
            ("", ""),
        ] {
            assert_eq!(name_of(reference), name);
        }
    }
}
