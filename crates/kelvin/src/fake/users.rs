//! Users (kelvin-api 7).

use std::collections::BTreeSet;

use idspool_kelvin_client::{Attributes, RefusalKind, User};
use serde_json::{Map, Value, json};

use super::Trouble;
use super::classes::key;
use super::world::{Account, ClassEntry, World, same, texts};

/// Attributes that are kept as they were sent.
const PLAIN: [&str; 9] = [
    "birthday",
    "disabled",
    "email",
    "expiration_date",
    "firstname",
    "lastname",
    "record_uid",
    "source_uid",
    "ucsschool_roles",
];

impl World {
    pub(super) fn create_user(&mut self, sent: &Attributes) -> Result<User, Trouble> {
        self.validate(sent)?;
        for required in ["name", "firstname", "lastname", "roles"] {
            if sent.get(required).is_none_or(Value::is_null) {
                return Err(Trouble::invalid(422, format!("{required}: field required")));
            }
        }
        let (school, schools) = self.first_schools(sent)?;
        let (name, roles) = (text(sent, "name"), texts(sent.get("roles")));
        self.check_roles(&roles)?;
        if self.accounts.contains_key(&name.to_lowercase()) {
            let text = "School user exists.".to_owned();
            return Err(Trouble::Refused(409, RefusalKind::Taken, text));
        }
        check_length(name, &roles)?;
        let (record_uid, source_uid) = (text(sent, "record_uid"), text(sent, "source_uid"));
        let source_uid = if source_uid.is_empty() { "Kelvin" } else { source_uid };
        if record_uid.is_empty() {
            return Err(Trouble::invalid(400, "record_uid is required"));
        }
        let twin = self.users_with(record_uid, source_uid).pop();
        if let Some(twin) = &twin
            && texts(twin.attributes.get("roles")) == roles
        {
            // The refusal moves the other user (kelvin-api 7.3).
            if !schools.contains(&text(&twin.attributes, "school").to_owned()) {
                self.move_user(&twin.name.to_lowercase(), &school, &schools);
            }
            let text = format!("source_uid {source_uid} and record_uid {record_uid} are taken");
            return Err(Trouble::Refused(409, RefusalKind::Taken, text));
        }
        let key = name.to_lowercase();
        let mut plain = Map::new();
        for attribute in PLAIN {
            plain.insert(attribute.into(), Value::Null);
        }
        plain.insert("disabled".into(), false.into());
        plain.insert("name".into(), name.into());
        plain.insert("source_uid".into(), source_uid.into());
        plain.insert("school".into(), school.into());
        plain.insert("schools".into(), json!(sorted(&schools)));
        plain.insert("roles".into(), json!(sorted(&roles)));
        self.check_others(&key, sent, &schools, &roles)?;
        self.accounts.insert(key.clone(), Account { plain, password: None, hashes: None });
        self.set_others(&key, sent, &schools);
        if twin.is_some() {
            return Err(Trouble::Broken("identity taken by another role".into()));
        }
        self.user(name).ok_or_else(|| Trouble::Broken("user vanished".into()))
    }

    pub(super) fn change_user(&mut self, name: &str, sent: &Attributes) -> Result<User, Trouble> {
        let mut key = name.to_lowercase();
        let Some(before) = self.accounts.get(&key).cloned() else {
            let text = format!("No object with name='{name}' found or not authorized.");
            return Err(Trouble::Refused(404, RefusalKind::NoObject, text));
        };
        self.validate(sent)?;
        for attribute in
            ["record_uid", "source_uid", "disabled", "school_classes", "roles", "udm_properties"]
        {
            if sent.get(attribute).is_some_and(Value::is_null) {
                return Err(Trouble::invalid(422, format!("{attribute}: none is not allowed")));
            }
        }
        let (school, schools) = self.next_schools(&before, sent)?;
        // The steps are no transaction: what is done before a refusal stays done.
        self.move_user(&key, &school, &schools);
        let roles = sent.get("roles").map_or_else(|| before.texts("roles"), |r| texts(Some(r)));
        if let Some(new) = sent.get("name").and_then(Value::as_str) {
            if new.to_lowercase() != key && self.accounts.contains_key(&new.to_lowercase()) {
                return Err(Trouble::invalid(422, "UdmError:ModifyError: username is in use"));
            }
            if new != before.text("name") {
                check_length(new, &roles)?;
            }
            self.rename(&key, new);
            key = new.to_lowercase();
        }
        self.set_roles(&key, &before.texts("roles"), &roles, sent, &schools)?;
        self.check_others(&key, sent, &schools, &roles)?;
        self.set_others(&key, sent, &schools);
        self.user(&key).ok_or_else(|| Trouble::Broken("user vanished".into()))
    }

    pub(super) fn delete_user(&mut self, name: &str) -> bool {
        let key = name.to_lowercase();
        for class in self.classes.values_mut() {
            class.users.remove(&key);
        }
        self.relations.retain(|(student, guardian)| *student != key && *guardian != key);
        self.accounts.remove(&key).is_some()
    }

    /// What is refused before anything is done (422).
    fn validate(&self, sent: &Attributes) -> Result<(), Trouble> {
        let wrong = |attribute: &str, reason: &str| {
            Err(Trouble::invalid(422, format!("{attribute}: {reason}")))
        };
        for (attribute, value) in sent {
            let is_right = match attribute.as_str() {
                "name" => {
                    value.as_str().is_some_and(|name| !name.is_empty() && !name.contains(' '))
                }
                "firstname" | "lastname" | "school" | "password" => value.is_string(),
                "email" | "record_uid" | "source_uid" => value.is_string() || value.is_null(),
                "birthday" | "expiration_date" => {
                    value.is_null() || value.as_str().is_some_and(is_date)
                }
                "disabled" => value.is_boolean() || value.is_null(),
                "schools" => is_texts(value) && !texts(Some(value)).is_empty(),
                "roles" | "legal_guardians" | "legal_wards" | "ucsschool_roles" => {
                    is_texts(value) || value.is_null()
                }
                "school_classes" | "workgroups" => {
                    value.as_object().is_some_and(|map| map.values().all(is_texts))
                        || value.is_null()
                }
                "udm_properties" | "kelvin_password_hashes" => value.is_object() || value.is_null(),
                _ => panic!("{attribute} is no attribute: the server would ignore it silently"),
            };
            if !is_right {
                return wrong(attribute, "wrong value");
            }
        }
        if sent.contains_key("password") && sent.contains_key("kelvin_password_hashes") {
            return wrong("password", "not together with hashes");
        }
        if let Some(hashes) = sent.get("kelvin_password_hashes").and_then(Value::as_object) {
            for required in [
                "user_password",
                "samba_nt_password",
                "krb_5_key",
                "krb5_key_version_number",
                "samba_pwd_last_set",
            ] {
                if !hashes.contains_key(required) {
                    return wrong(required, "field required");
                }
            }
        }
        for (property, value) in
            sent.get("udm_properties").and_then(Value::as_object).into_iter().flatten()
        {
            match self.user_properties.get(property) {
                None => return wrong("udm_properties", "not configured"),
                // `null` clears a single value; a list is cleared by an empty one.
                Some(is_list) if !fits(value, *is_list) => {
                    return wrong(property, "UdmError:ModifyError: wrong type");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// School and schools of a user that is created; spelling is corrected.
    fn first_schools(&self, sent: &Attributes) -> Result<(String, Vec<String>), Trouble> {
        let find =
            |name: &str| self.school(name).ok_or_else(|| Trouble::no_reference("school", name));
        let school = sent.get("school").and_then(Value::as_str).map(find).transpose()?;
        let schools: Vec<String> =
            texts(sent.get("schools")).iter().map(|name| find(name)).collect::<Result<_, _>>()?;
        match (school, sorted(&schools).first().cloned()) {
            (None, None) => Err(Trouble::invalid(422, "one of 'school' and 'schools' must be set")),
            (Some(school), None) => Ok((school.clone(), vec![school])),
            (Some(school), Some(_)) if schools.contains(&school) => Ok((school, schools)),
            (_, Some(first)) => Ok((first, schools)),
        }
    }

    /// School and schools of a user that is changed; the spelling must be that of the server.
    fn next_schools(
        &self,
        before: &Account,
        sent: &Attributes,
    ) -> Result<(String, Vec<String>), Trouble> {
        let (school, schools) = (sent.get("school").and_then(Value::as_str), sent.get("schools"));
        for named in texts(schools).iter().map(String::as_str).chain(school) {
            if !self.schools.iter().any(|known| known == named) {
                return Err(Trouble::Broken(format!("UdmError:MoveError: {named}")));
            }
        }
        let present = before.text("school").to_owned();
        match (school, schools) {
            (None, None) => Ok((present, before.texts("schools"))),
            (Some(school), None) => Ok((school.to_owned(), vec![school.to_owned()])),
            (None, Some(schools)) => {
                let schools = sorted(&texts(Some(schools)));
                let stays = schools.contains(&present);
                let school = if stays { Some(present) } else { schools.first().cloned() };
                Ok((school.unwrap_or_default(), schools))
            }
            (Some(school), Some(schools)) => {
                let schools = texts(Some(schools));
                if !schools.iter().any(|one| one == school) {
                    return Err(Trouble::invalid(422, "New 'school' not in future 'schools'."));
                }
                Ok((school.to_owned(), schools))
            }
        }
    }

    fn move_user(&mut self, key: &str, school: &str, schools: &[String]) {
        let Some(account) = self.accounts.get_mut(key) else { return };
        let left: Vec<String> = account.texts("schools");
        account.plain.insert("school".into(), school.into());
        account.plain.insert("schools".into(), json!(sorted(schools)));
        for class in self.classes.values_mut() {
            if left.contains(&class.school) && !schools.contains(&class.school) {
                class.users.remove(key);
            }
        }
    }

    fn rename(&mut self, key: &str, new: &str) {
        let Some(mut account) = self.accounts.remove(key) else { return };
        account.plain.insert("name".into(), new.into());
        let new = new.to_lowercase();
        self.accounts.insert(new.clone(), account);
        for class in self.classes.values_mut() {
            if class.users.remove(key) {
                class.users.insert(new.clone());
            }
        }
        let renamed = |name: String| if name == key { new.clone() } else { name };
        self.relations = std::mem::take(&mut self.relations)
            .into_iter()
            .map(|(student, guardian)| (renamed(student), renamed(guardian)))
            .collect();
    }

    fn set_roles(
        &mut self,
        key: &str,
        before: &[String],
        roles: &[String],
        sent: &Attributes,
        schools: &[String],
    ) -> Result<(), Trouble> {
        self.check_roles(roles)?;
        let is = |role: &str| roles.iter().any(|one| one == role);
        if is("student") && sorted(before) != sorted(roles) {
            let sent = sent.get("school_classes").and_then(Value::as_object);
            let has_class = |school: &String| match sent {
                Some(sent) => !texts(sent.get(school)).is_empty(),
                None => self
                    .classes
                    .values()
                    .any(|class| class.school == *school && class.users.contains(key)),
            };
            if !schools.iter().all(has_class) {
                return Err(Trouble::invalid(400, "Student needs a class for each school."));
            }
        }
        if let Some(account) = self.accounts.get_mut(key) {
            account.plain.insert("roles".into(), json!(sorted(roles)));
        }
        self.relations.retain(|(student, guardian)| {
            (student != key || is("student")) && (guardian != key || is("legal_guardian"))
        });
        Ok(())
    }

    fn check_roles(&self, roles: &[String]) -> Result<(), Trouble> {
        let is_known = |role: &String| self.roles.contains(role);
        if roles.is_empty() || !roles.iter().all(is_known) {
            return Err(Trouble::Broken("unknown role, or none".into()));
        }
        Ok(())
    }

    /// What is refused when the object is written.
    fn check_others(
        &self,
        key: &str,
        sent: &Attributes,
        schools: &[String],
        roles: &[String],
    ) -> Result<(), Trouble> {
        for (school, _) in
            sent.get("school_classes").and_then(Value::as_object).into_iter().flatten()
        {
            assert!(
                !self.schools.iter().any(|known| known != school && same(known, school)),
                "{school}: a class with a wrong name would come into being"
            );
            if !schools.contains(school) {
                let text = format!("{school} in 'school_classes' is not in 'schools'");
                return Err(Trouble::invalid(400, text));
            }
        }
        if let Some(email) = sent.get("email").and_then(Value::as_str) {
            let is_taken = |(name, account): (&String, &Account)| {
                name != key && same(account.text("email"), email)
            };
            if self.accounts.iter().any(is_taken) {
                return Err(Trouble::invalid(400, "e-mail address is in use"));
            }
        }
        for (attribute, role, other, most) in [
            ("legal_guardians", "student", "legal_guardian", 4),
            ("legal_wards", "legal_guardian", "student", 10),
        ] {
            let names = texts(sent.get(attribute));
            if names.is_empty() {
                continue;
            }
            if !roles.iter().any(|one| one == role) || names.len() > most {
                let text = format!("Parameter '{attribute}' only valid for user-role '{role}'");
                return Err(Trouble::invalid(400, text));
            }
            for name in names {
                let account = self.accounts.get(&name.to_lowercase());
                if !account.is_some_and(|one| one.texts("roles").contains(&other.to_owned())) {
                    let text = format!("Couldn't find {other} {name}");
                    return Err(Trouble::Refused(400, RefusalKind::NoRelation, text));
                }
            }
        }
        Ok(())
    }

    /// Attributes, classes, relations, and in the end the password.
    fn set_others(&mut self, key: &str, sent: &Attributes, schools: &[String]) {
        let Some(account) = self.accounts.get_mut(key) else { return };
        for attribute in PLAIN {
            if let Some(value) = sent.get(attribute) {
                account.plain.insert(attribute.into(), value.clone());
            }
        }
        if let Some(properties) = sent.get("udm_properties").and_then(Value::as_object) {
            let kept = account.plain.entry("udm_properties").or_insert_with(|| json!({}));
            if let Some(kept) = kept.as_object_mut() {
                kept.extend(properties.clone());
            }
        }
        if let Some(password) = sent.get("password").and_then(Value::as_str) {
            account.password = Some(password.to_owned());
        }
        if let Some(hashes) = sent.get("kelvin_password_hashes").filter(|hashes| !hashes.is_null())
        {
            account.hashes = Some(hashes.clone());
        }
        if let Some(classes) = sent.get("school_classes").and_then(Value::as_object) {
            self.classes.values_mut().filter(|class| schools.contains(&class.school)).for_each(
                |class| {
                    class.users.remove(key);
                },
            );
            for (school, names) in classes {
                for name in texts(Some(names)) {
                    self.join(key, school, &name);
                }
            }
        }
        let key = key.to_owned();
        if let Some(guardians) = sent.get("legal_guardians") {
            self.relations.retain(|(student, _)| *student != key);
            let guardians = texts(Some(guardians)).into_iter();
            self.relations.extend(guardians.map(|name| (key.clone(), name.to_lowercase())));
        }
        if let Some(wards) = sent.get("legal_wards") {
            self.relations.retain(|(_, guardian)| *guardian != key);
            let wards = texts(Some(wards)).into_iter();
            self.relations.extend(wards.map(|name| (name.to_lowercase(), key.clone())));
        }
    }

    /// A class that is missing is created.
    fn join(&mut self, user: &str, school: &str, name: &str) {
        let class = self.classes.entry(key(school, name)).or_insert_with(|| ClassEntry {
            school: school.to_owned(),
            name: name.to_owned(),
            description: Value::Null,
            users: BTreeSet::new(),
        });
        class.users.insert(user.to_owned());
    }
}

fn check_length(name: &str, roles: &[String]) -> Result<(), Trouble> {
    let longest = if roles.iter().any(|role| role == "student") { 15 } else { 20 };
    if name.chars().count() > longest {
        return Err(Trouble::invalid(400, "username is longer than allowed."));
    }
    Ok(())
}

fn text<'a>(sent: &'a Attributes, attribute: &str) -> &'a str {
    sent.get(attribute).and_then(Value::as_str).unwrap_or_default()
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

fn fits(value: &Value, is_list: bool) -> bool {
    if is_list { is_texts(value) } else { !value.is_array() && !value.is_object() }
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10
}

fn sorted(list: &[String]) -> Vec<String> {
    let mut list = list.to_vec();
    list.sort();
    list.dedup();
    list
}
