//! The objects as the API shows them. Fields are in the order of the real server.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::options::{PropertyKind, PropertyOwner, UdmProperty};
use super::route::{PREFIX, Resource, Version};
use super::world::{Group, GroupKind, Role, School, User, World};
use crate::view::encode;

/// What objects are shown with.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) world: &'a World,
    /// `https://kelvin.example`
    pub(super) origin: &'a str,
    pub(super) version: Version,
    pub(super) properties: &'a [UdmProperty],
}

impl<'a> Shown<'a> {
    fn url(self, resource: Resource, names: &[&str]) -> String {
        let mut url =
            format!("{}{PREFIX}{}/{}", self.origin, self.version.segment(), resource.segment());
        for name in names {
            url.push('/');
            encode(&mut url, name);
        }
        url
    }

    fn urls<'n>(self, resource: Resource, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        names.into_iter().map(|name| self.url(resource, &[name])).collect()
    }

    fn udm(self, owner: PropertyOwner, values: &'a BTreeMap<String, Value>) -> Properties<'a> {
        Properties { owner, configured: self.properties, values }
    }

    pub(super) fn role(self, role: Role) -> impl Serialize {
        let name = role.as_str();
        RoleBody { name, display_name: name, url: self.url(Resource::Roles, &[name]) }
    }

    pub(super) fn school(self, school: &'a School) -> impl Serialize + 'a {
        SchoolBody {
            dn: format!("ou={},{}", school.name, super::world::BASE),
            url: self.url(Resource::Schools, &[&school.name]),
            ucsschool_roles: [format!("school:school:{}", school.name)],
            udm_properties: self.udm(PropertyOwner::School, &school.properties),
            name: &school.name,
            display_name: &school.display_name,
            educational_servers: &school.educational_servers,
            administrative_servers: &school.administrative_servers,
            class_share_file_server: &school.class_share_file_server,
            home_share_file_server: &school.home_share_file_server,
        }
    }

    pub(super) fn user(self, user: &'a User) -> impl Serialize + 'a {
        UserBody {
            dn: user.dn(),
            url: self.url(Resource::Users, &[&user.name]),
            ucsschool_roles: user.ucsschool_roles(),
            udm_properties: self.udm(PropertyOwner::User, &user.properties),
            name: &user.name,
            school: self.url(Resource::Schools, &[&user.school]),
            firstname: &user.firstname,
            lastname: &user.lastname,
            birthday: user.birthday.as_deref(),
            disabled: user.disabled,
            email: user.email.as_deref(),
            expiration_date: user.expiration_date.as_deref(),
            record_uid: &user.record_uid,
            roles: self.urls(Resource::Roles, user.roles.iter().map(|role| role.as_str())),
            schools: self.urls(Resource::Schools, user.schools.iter().map(String::as_str)),
            school_classes: self.world.group_names(user, GroupKind::Class),
            workgroups: self.world.group_names(user, GroupKind::Workgroup),
            source_uid: &user.source_uid,
            legal_guardians: self.urls(Resource::Users, self.world.names(&user.guardians)),
            legal_wards: self.urls(Resource::Users, self.world.names(&user.wards)),
        }
    }

    pub(super) fn group(self, group: &'a Group) -> impl Serialize + 'a {
        let (resource, owner) = match group.kind {
            GroupKind::Class => (Resource::Classes, PropertyOwner::SchoolClass),
            GroupKind::Workgroup => (Resource::Workgroups, PropertyOwner::Workgroup),
        };
        let is_workgroup = group.kind == GroupKind::Workgroup;
        GroupBody {
            dn: group.dn(),
            url: self.url(resource, &[&group.school, &group.name]),
            ucsschool_roles: group.ucsschool_roles(),
            udm_properties: self.udm(owner, &group.properties),
            name: &group.name,
            school: self.url(Resource::Schools, &[&group.school]),
            description: group.description.as_deref(),
            users: self.urls(Resource::Users, self.world.members(group)),
            create_share: true,
            email: is_workgroup.then_some(group.email.as_deref()),
            allowed_email_senders_users: is_workgroup.then_some(&group.email_senders_users),
            allowed_email_senders_groups: is_workgroup.then_some(&group.email_senders_groups),
        }
    }
}

/// Every configured property, in the order of the configuration.
struct Properties<'a> {
    owner: PropertyOwner,
    configured: &'a [UdmProperty],
    values: &'a BTreeMap<String, Value>,
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for property in self.configured.iter().filter(|property| property.owner == self.owner) {
            match (self.values.get(&property.name), property.kind) {
                (Some(value), _) => map.serialize_entry(&property.name, value)?,
                (None, PropertyKind::Multi) => map.serialize_entry(&property.name, &[(); 0])?,
                (None, _) => map.serialize_entry(&property.name, &())?,
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct RoleBody {
    name: &'static str,
    display_name: &'static str,
    url: String,
}

#[derive(Serialize)]
struct SchoolBody<'a> {
    dn: String,
    url: String,
    ucsschool_roles: [String; 1],
    udm_properties: Properties<'a>,
    name: &'a str,
    display_name: &'a str,
    educational_servers: &'a [String],
    administrative_servers: &'a [String],
    class_share_file_server: &'a str,
    home_share_file_server: &'a str,
}

#[derive(Serialize)]
struct UserBody<'a> {
    dn: String,
    url: String,
    ucsschool_roles: Vec<String>,
    udm_properties: Properties<'a>,
    name: &'a str,
    school: String,
    firstname: &'a str,
    lastname: &'a str,
    birthday: Option<&'a str>,
    disabled: bool,
    email: Option<&'a str>,
    expiration_date: Option<&'a str>,
    record_uid: &'a str,
    roles: Vec<String>,
    schools: Vec<String>,
    school_classes: BTreeMap<&'a str, Vec<&'a str>>,
    workgroups: BTreeMap<&'a str, Vec<&'a str>>,
    source_uid: &'a str,
    legal_guardians: Vec<String>,
    legal_wards: Vec<String>,
}

#[derive(Serialize)]
struct GroupBody<'a> {
    dn: String,
    url: String,
    ucsschool_roles: Vec<String>,
    udm_properties: Properties<'a>,
    name: &'a str,
    school: String,
    description: Option<&'a str>,
    users: Vec<String>,
    create_share: bool,
    // Of workgroups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_email_senders_users: Option<&'a Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_email_senders_groups: Option<&'a Vec<String>>,
}
