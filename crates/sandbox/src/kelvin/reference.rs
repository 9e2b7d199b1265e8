//! References to other objects: URLs of which the path counts (kelvin-api 3).

use super::refusal::{Refusal, quoted};
use super::route::{PREFIX, Resource, Version};
use crate::view::decode_path;

/// The name in a reference whose syntax was checked before.
pub(super) fn name(version: Version, resource: Resource, url: &str) -> Result<String, Refusal> {
    path(url)
        .and_then(|path| path.strip_prefix(PREFIX))
        .and_then(|rest| rest.strip_prefix(version.segment()))
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.strip_prefix(resource.segment()))
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|name| !name.is_empty() && !name.contains('/'))
        .map(decode_path)
        .ok_or_else(|| unknown(resource, url))
}

/// Nothing is found at a reference. The server sees its own scheme, which is not the proxy's.
pub(super) fn unknown(resource: Resource, url: &str) -> Refusal {
    let kind = match resource {
        Resource::Roles => "role",
        Resource::Schools => "school",
        Resource::Users => "user",
        Resource::Classes => "school_class",
        Resource::Workgroups => "workgroup",
    };
    let seen =
        url.split_once("://").map_or_else(|| url.to_owned(), |(_, rest)| format!("http://{rest}"));
    let text = format!("Could not find object of type '{kind}' with URL {}.", quoted(&seen));
    Refusal::message(404, text)
}

fn path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = rest.get(rest.find('/')?..)?;
    path.split(['?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_reference_counts() {
        let of = |url| name(Version::V1, Resource::Users, url).map_err(|refusal| refusal.text);
        for url in [
            "https://kelvin.example/ucsschool/kelvin/v1/users/b%C3%A4r",
            "http://other.example:81/ucsschool/kelvin/v1/users/b%C3%A4r?x",
        ] {
            assert_eq!(of(url).unwrap(), "bär");
        }
        for url in [
            "https://kelvin.example/ucsschool/kelvin/v2/users/anna",
            "https://kelvin.example/ucsschool/kelvin/v1/schools/anna",
            "https://kelvin.example/ucsschool/kelvin/v1/users/",
            "https://kelvin.example/ucsschool/kelvin/v1/users/anna/",
            "https://kelvin.example",
        ] {
            let text = of(url).unwrap_err();
            assert!(
                text.starts_with("Could not find object of type 'user' with URL 'http://kel"),
                "{text}"
            );
        }
    }
}
