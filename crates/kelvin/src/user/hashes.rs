//! Password hashes (id-connector 3.7).

use idspool_udm::UserPasswords;
use serde_json::{Value, json};

/// Password hashes as the API takes them: all of them.
pub(super) fn to_send(passwords: &UserPasswords) -> Value {
    json!({
        "user_password": passwords.user_password,
        "samba_nt_password": passwords.samba_nt_password,
        "krb_5_key": passwords.krb5_key,
        "krb5_key_version_number": passwords.krb5_key_version_number,
        "samba_pwd_last_set": passwords.samba_pwd_last_set,
    })
}
