//! Classes (kelvin-api 9).

use std::collections::BTreeSet;

use idspool_kelvin_client::{Attributes, Class, RefusalKind};
use serde_json::{Value, json};

use super::Trouble;
use super::world::{ClassEntry, World, texts};

impl World {
    /// A class as the server shows it.
    pub(super) fn class(&self, school: &str, name: &str) -> Option<Class> {
        let class = self.classes.get(&key(school, name))?;
        let users = class.users.iter().filter_map(|user| self.accounts.get(user));
        let users: BTreeSet<String> = users.map(|user| user.text("name").to_owned()).collect();
        let attributes = json!({
            "name": class.name, "school": class.school, "description": class.description,
            "users": users, "create_share": true, "udm_properties": {},
            "ucsschool_roles": [format!("school_class:school:{}", class.school)],
            "dn": format!("cn={0}-{1},cn=klassen,ou={0},dc=target", class.school, class.name),
        });
        let attributes = attributes.as_object().cloned()?;
        Some(Class { school: class.school.clone(), name: class.name.clone(), attributes })
    }

    pub(super) fn create_class(&mut self, attributes: &Attributes) -> Result<Class, Trouble> {
        let name = required(attributes, "name")?;
        let school = required(attributes, "school")?;
        let Some(school) = self.school(school) else {
            return Err(Trouble::no_reference("school", school));
        };
        let users = self.members(attributes)?.unwrap_or_default();
        check_name(name)?;
        if self.classes.contains_key(&key(&school, name)) {
            let text = "School class exists.".to_owned();
            return Err(Trouble::Refused(409, RefusalKind::Taken, text));
        }
        let description = attributes.get("description").cloned().unwrap_or(Value::Null);
        let entry =
            ClassEntry { school: school.clone(), name: name.to_owned(), description, users };
        self.classes.insert(key(&school, name), entry);
        self.class(&school, name).ok_or_else(|| Trouble::Broken("class vanished".into()))
    }

    pub(super) fn change_class(
        &mut self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Trouble> {
        let Some(mut entry) = self.classes.get(&key(school, name)).cloned() else {
            let text = format!(
                "No object with name='{name}' and school='{school}' found or not authorized."
            );
            return Err(Trouble::Refused(404, RefusalKind::NoObject, text));
        };
        if let Some(users) = self.members(attributes)? {
            entry.users = users;
        }
        if let Some(description) = attributes.get("description") {
            entry.description = description.clone();
        }
        if let Some(new) = attributes.get("name") {
            let new =
                new.as_str().ok_or_else(|| Trouble::invalid(422, "name: str type expected"))?;
            check_name(new)?;
            if key(school, new) != key(school, name) && self.classes.contains_key(&key(school, new))
            {
                return Err(Trouble::invalid(422, "UdmError:ModifyError: object exists"));
            }
            entry.name = new.to_owned();
        }
        self.classes.remove(&key(school, name));
        let name = entry.name.clone();
        self.classes.insert(key(school, &name), entry);
        self.class(school, &name).ok_or_else(|| Trouble::Broken("class vanished".into()))
    }

    pub(super) fn delete_class(&mut self, school: &str, name: &str) -> bool {
        self.classes.remove(&key(school, name)).is_some()
    }

    /// Members that a body names; each must exist.
    fn members(&self, attributes: &Attributes) -> Result<Option<BTreeSet<String>>, Trouble> {
        match attributes.get("users") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {}
            Some(_) => return Err(Trouble::invalid(422, "users: value is not a valid list")),
        }
        let names = texts(attributes.get("users"));
        let unknown = names.iter().find(|name| !self.accounts.contains_key(&name.to_lowercase()));
        match unknown {
            Some(unknown) => Err(Trouble::no_reference("user", unknown)),
            None => Ok(Some(names.iter().map(|name| name.to_lowercase()).collect())),
        }
    }
}

fn required<'a>(attributes: &'a Attributes, name: &str) -> Result<&'a str, Trouble> {
    let value = attributes.get(name).and_then(Value::as_str);
    value.ok_or_else(|| Trouble::invalid(422, format!("{name}: field required")))
}

fn check_name(name: &str) -> Result<(), Trouble> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || ".-_ ".contains(c);
    if name.is_empty() || !name.chars().all(is_fine) {
        return Err(Trouble::invalid(422, "invalid class name"));
    }
    Ok(())
}

pub(super) fn key(school: &str, name: &str) -> (String, String) {
    (school.to_lowercase(), name.to_lowercase())
}
