//! The body of a user.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Fields, Mode, Names, Sent, missing};
use crate::kelvin::check;
use crate::kelvin::options::{PropertyOwner, UdmProperty};
use crate::kelvin::refusal::Refusal;
use crate::kelvin::world::Hashes;

/// A user as it was sent; references are still URLs.
#[derive(Debug)]
pub(in crate::kelvin) struct UserBody {
    pub(in crate::kelvin) name: Option<String>,
    pub(in crate::kelvin) firstname: Option<String>,
    pub(in crate::kelvin) lastname: Option<String>,
    pub(in crate::kelvin) school: Option<String>,
    pub(in crate::kelvin) schools: Option<Vec<String>>,
    pub(in crate::kelvin) roles: Option<Vec<String>>,
    pub(in crate::kelvin) record_uid: Sent<String>,
    pub(in crate::kelvin) source_uid: Sent<String>,
    pub(in crate::kelvin) email: Sent<String>,
    pub(in crate::kelvin) birthday: Sent<String>,
    pub(in crate::kelvin) expiration_date: Sent<String>,
    pub(in crate::kelvin) disabled: Option<bool>,
    pub(in crate::kelvin) school_classes: Option<Names>,
    pub(in crate::kelvin) workgroups: Option<Names>,
    pub(in crate::kelvin) legal_guardians: Option<Vec<String>>,
    pub(in crate::kelvin) legal_wards: Option<Vec<String>>,
    pub(in crate::kelvin) more_roles: Option<BTreeSet<String>>,
    pub(in crate::kelvin) properties: BTreeMap<String, Value>,
    pub(in crate::kelvin) password: Option<String>,
    pub(in crate::kelvin) hashes: Option<Hashes>,
}

impl UserBody {
    pub(in crate::kelvin) fn read(
        object: &Map<String, Value>,
        mode: Mode,
        configured: &[UdmProperty],
    ) -> Result<Self, Refusal> {
        let mut fields = Fields::new(object);
        let is_whole = mode != Mode::Patch;
        // The order is that in which the server reports problems.
        let name = fields.text("name", is_whole).value();
        check_name(&mut fields, name.as_deref());
        let more_roles = fields.more_roles();
        let properties = fields.properties(PropertyOwner::User, configured, is_whole);
        let school = fields.url("school", is_whole).value();
        let required = |fields: &mut Fields<'_>, name: &str| {
            if is_whole {
                fields.require(name);
            }
            fields.text(name, false).value()
        };
        let firstname = required(&mut fields, "firstname");
        let lastname = required(&mut fields, "lastname");
        let birthday = fields.date("birthday");
        let disabled = fields.boolean("disabled").value();
        let email = fields.text("email", true);
        let expiration_date = fields.date("expiration_date");
        if let Sent::Value(date) = &expiration_date
            && !check::year(date).is_some_and(|year| (1961..=2099).contains(&year))
        {
            let msg = "The year of an expiration date must be from 1961 to 2099.";
            fields.wrong(&["expiration_date"], msg, "value_error");
        }
        let record_uid = fields.text("record_uid", true);
        if is_whole {
            fields.require("roles");
        }
        let roles = fields.urls("roles", false).value();
        let schools = fields.urls("schools", is_whole).value();
        if mode == Mode::Patch {
            for (name, list) in [("roles", &roles), ("schools", &schools)] {
                // A list of the wrong type was reported already.
                if list.as_ref().is_some_and(Vec::is_empty)
                    && object.get(name).is_some_and(Value::is_array)
                {
                    let msg = "ensure this value has at least 1 items";
                    fields.wrong(&[name], msg, "value_error.list.min_items");
                }
            }
        }
        let school_classes = fields.names("school_classes").value();
        let workgroups = fields.names("workgroups").value();
        let source_uid = fields.text("source_uid", true);
        let legal_guardians = fields.texts("legal_guardians", false).value();
        let legal_wards = fields.texts("legal_wards", false).value();
        let hashes = hashes(&mut fields, is_whole);
        let password = fields.text("password", is_whole).value();
        if password.is_some() && hashes.is_some() {
            let msg = "Only one of 'password' and 'kelvin_password_hashes' may be set.";
            fields.wrong(&["__root__"], msg, "value_error");
        }
        if is_whole && school.is_none() && schools.as_ref().is_none_or(Vec::is_empty) {
            let msg = "At least one of 'school' and 'schools' must be set.";
            fields.wrong(&["__root__"], msg, "value_error");
        }
        fields.finish(Self {
            name,
            firstname,
            lastname,
            school,
            schools,
            roles,
            record_uid,
            source_uid,
            email,
            birthday,
            expiration_date,
            disabled,
            school_classes,
            workgroups,
            legal_guardians,
            legal_wards,
            more_roles,
            properties,
            password,
            hashes,
        })
    }
}

fn check_name(fields: &mut Fields<'_>, name: Option<&str>) {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return;
    };
    if name.contains(' ') {
        fields.wrong(&["name"], "Spaces are not allowed in the username!", "value_error");
    } else if check::is_device(name) {
        let msg = format!("The username '{name}' is a name of a Windows device.");
        fields.wrong(&["name"], msg, "value_error");
    }
}

/// All five or none (kelvin-api 8).
fn hashes(fields: &mut Fields<'_>, may_be_null: bool) -> Option<Hashes> {
    const NAME: &str = "kelvin_password_hashes";
    const KEYS: [&str; 5] = [
        "user_password",
        "samba_nt_password",
        "krb_5_key",
        "krb5_key_version_number",
        "samba_pwd_last_set",
    ];
    let value = fields.field(NAME, may_be_null).value()?;
    let Some(object) = value.as_object() else {
        fields.wrong(&[NAME], "value is not a valid dict", "type_error.dict");
        return None;
    };
    let mut all = Vec::with_capacity(KEYS.len());
    for key in KEYS {
        match object.get(key) {
            None => fields.items.push(missing(super::body(&[NAME, key]))),
            Some(Value::Null) => fields.wrong(
                &[NAME, key],
                "none is not an allowed value",
                "type_error.none.not_allowed",
            ),
            Some(value) => all.push(value),
        }
    }
    let [user_password, nt, krb, version, last_set] = all.try_into().ok()?;
    let before = fields.items.len();
    let user_password = fields.text_list(&[NAME, KEYS[0]], user_password);
    let samba_nt_password = nt.as_str().unwrap_or_else(|| {
        fields.wrong(&[NAME, KEYS[1]], "str type expected", "type_error.str");
        ""
    });
    let krb_5_key = fields.text_list(&[NAME, KEYS[2]], krb);
    if krb_5_key.iter().any(|key| STANDARD.decode(key).is_err()) {
        fields.wrong(&[NAME, KEYS[2]], "A value is not valid Base64.", "value_error");
    }
    let hashes = Hashes {
        user_password,
        samba_nt_password: samba_nt_password.to_owned(),
        krb_5_key,
        krb5_key_version_number: fields.integer(&[NAME, KEYS[3]], version),
        samba_pwd_last_set: fields.integer(&[NAME, KEYS[4]], last_set),
    };
    (fields.items.len() == before).then_some(hashes)
}
