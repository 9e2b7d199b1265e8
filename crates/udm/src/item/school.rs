//! What travels with the items of Kelvin beside the object (id-connector 1.5, 1.6).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What was last known of an object before this change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldData {
    /// Identity of a user within its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_uid: Option<String>,
    /// Schools of a user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schools: Vec<String>,
    /// Source of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_uid: Option<String>,
    /// DNs of the members of a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
}

/// The password hashes of a user: all five, or none. Does not show them when it is printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPasswords {
    /// LDAP `userPassword`, with the scheme in front.
    #[serde(rename = "userPassword")]
    pub user_password: Vec<String>,
    /// LDAP `sambaNTPassword`.
    #[serde(rename = "sambaNTPassword")]
    pub samba_nt_password: String,
    /// LDAP `krb5Key`, each value in Base64.
    #[serde(rename = "krb5Key")]
    pub krb5_key: Vec<String>,
    /// LDAP `krb5KeyVersionNumber`.
    #[serde(rename = "krb5KeyVersionNumber")]
    pub krb5_key_version_number: i64,
    /// LDAP `sambaPwdLastSet`, seconds since 1970.
    #[serde(rename = "sambaPwdLastSet")]
    pub samba_pwd_last_set: i64,
}

impl fmt::Debug for UserPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserPasswords(***)")
    }
}
