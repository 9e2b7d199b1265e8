//! Which path and method mean what.

use crate::view::decode_path;

pub(super) const PREFIX: &str = "/ucsschool/kelvin/";

/// Version of the resources; writes are the same, reads of the second lag behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

impl Version {
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Roles,
    Schools,
    Users,
    Classes,
    Workgroups,
}

impl Resource {
    const ALL: [Self; 5] =
        [Self::Roles, Self::Schools, Self::Users, Self::Classes, Self::Workgroups];

    /// Path segment.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Roles => "roles",
            Self::Schools => "schools",
            Self::Users => "users",
            Self::Classes => "classes",
            Self::Workgroups => "workgroups",
        }
    }

    fn is_in_school(self) -> bool {
        matches!(self, Self::Classes | Self::Workgroups)
    }
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Token,
    Collection(Version, Resource),
    /// Name, or school and name.
    Object(Version, Resource, String, String),
}

impl Target {
    /// Methods that it has.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Token => "POST",
            Self::Collection(_, Resource::Roles) | Self::Object(_, Resource::Roles, ..) => "GET",
            Self::Object(_, Resource::Schools, ..) => "GET, HEAD",
            Self::Collection(..) => "GET, POST",
            Self::Object(..) => "GET, PUT, PATCH, DELETE",
        }
    }

    /// `users/{name}`, for counters.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Collection(_, resource) => match resource {
                Resource::Roles => "roles/",
                Resource::Schools => "schools/",
                Resource::Users => "users/",
                Resource::Classes => "classes/",
                Resource::Workgroups => "workgroups/",
            },
            Self::Object(_, resource, ..) => match resource {
                Resource::Roles => "roles/{name}",
                Resource::Schools => "schools/{name}",
                Resource::Users => "users/{name}",
                Resource::Classes => "classes/{school}/{name}",
                Resource::Workgroups => "workgroups/{school}/{name}",
            },
        }
    }
}

pub(super) enum Route {
    Target(Target),
    /// The same path with, or without, the slash at its end.
    Redirect(String),
    Unknown,
}

/// Reads a path as it was sent.
pub(super) fn route(path: &str) -> Route {
    if let Some(target) = target(path) {
        return Route::Target(target);
    }
    let other = match path.strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{path}/"),
    };
    if target(&other).is_some() { Route::Redirect(other) } else { Route::Unknown }
}

fn target(path: &str) -> Option<Target> {
    let path = decode_path(path);
    let rest = path.strip_prefix(PREFIX)?;
    if rest == "token" {
        return Some(Target::Token);
    }
    // The server decodes a path before it splits it: an encoded slash parts as any other.
    let parts: Vec<&str> = rest.split('/').collect();
    let version = match *parts.first()? {
        "v1" => Version::V1,
        "v2" => Version::V2,
        _ => return None,
    };
    let resource = Resource::ALL.into_iter().find(|one| Some(&one.segment()) == parts.get(1))?;
    match (parts.get(2..)?, resource.is_in_school()) {
        ([""], _) => Some(Target::Collection(version, resource)),
        ([name], false) => {
            Some(Target::Object(version, resource, (*name).to_owned(), String::new()))
        }
        ([school, name], true) if !school.is_empty() && !name.is_empty() => {
            Some(Target::Object(version, resource, (*school).to_owned(), (*name).to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> String {
        match route(path) {
            Route::Target(target) => format!("{target:?}"),
            Route::Redirect(to) => format!("to {to}"),
            Route::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn paths_lead_to_collections_and_objects() {
        for (path, expected) in [
            ("/ucsschool/kelvin/token", "Token"),
            ("/ucsschool/kelvin/token/", "to /ucsschool/kelvin/token"),
            ("/ucsschool/kelvin/v1/users/", "Collection(V1, Users)"),
            ("/ucsschool/kelvin/v2/users/", "Collection(V2, Users)"),
            ("/ucsschool/kelvin/v1/users", "to /ucsschool/kelvin/v1/users/"),
            ("/ucsschool/kelvin/v1/users/a%2Bb%C3%A4", "Object(V1, Users, \"a+bä\", \"\")"),
            ("/ucsschool/kelvin/v1/users/anna/", "to /ucsschool/kelvin/v1/users/anna"),
            ("/ucsschool/kelvin/v1/users/an%2Fna", "unknown"),
            ("/ucsschool/kelvin/v1/classes/DEMO/7a", "Object(V1, Classes, \"DEMO\", \"7a\")"),
            ("/ucsschool/kelvin/v1/classes/DEMO/7a/", "to /ucsschool/kelvin/v1/classes/DEMO/7a"),
            ("/ucsschool/kelvin/v1/classes/DEMO", "unknown"),
            ("/ucsschool/kelvin/v1/classes//7a", "unknown"),
            ("/ucsschool/kelvin/v3/users/", "unknown"),
            ("/ucsschool/kelvin/v1/token", "unknown"),
            ("/v1/users/", "unknown"),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
    }
}
