//! The attribute mapping of the App Center's OX App Suite, which stood in two UCR variables, as edits
//! of ours (ox-provisioning 8.2).

use super::{Edits, Set};
use crate::mapping::Mapping;

/// The variables, and how `ucr dump` and `ucr search` write them.
const SINGLE: &str = "ox/listener/user/ldap/attributes/mapping/ldap2ox";
const MULTI: &str = "ox/listener/user/ldap/attributes/mapping/ldap2oxmulti";
const UNSET: &str = "<empty>";

/// OX properties that had other names.
const RENAMED: [(&str, &[&str]); 7] = [
    ("displayname", &["display_name"]),
    ("givenname", &["given_name"]),
    ("surname", &["sur_name"]),
    ("categories", &["employee_type"]),
    ("quota", &["max_quota"]),
    ("telephone_business", &["telephone_business1", "telephone_business2"]),
    ("telephone_home", &["telephone_home1", "telephone_home2"]),
];

/// The values of the two variables: pairs `udm:ox`, parted by blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UcrMapping {
    /// `…/mapping/ldap2ox`.
    pub ldap2ox: String,
    /// `…/mapping/ldap2oxmulti`.
    pub ldap2oxmulti: String,
}

/// What the variables mean today.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Translation {
    /// The edits.
    pub edits: Edits,
    /// Pairs whose OX property does not exist any more. They are not among the edits.
    pub unknown: Vec<String>,
}

/// A value that is no list of pairs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' in the UCR variable {variable} is no pair: expected udm_property:ox_property", pair.escape_debug())]
pub struct UcrError {
    variable: &'static str,
    pair: String,
}

impl UcrMapping {
    /// Reads the output of `ucr dump` or `ucr search`; lines about anything else are passed over.
    #[must_use]
    pub fn from_dump(text: &str) -> Self {
        let value = |variable: &str| {
            let mut values = text.lines().filter_map(|line| {
                let rest = line.trim_start().strip_prefix(variable)?;
                // `ucr search --verbose` names the layer that a value comes from.
                let rest = match rest.strip_prefix(" (") {
                    Some(layer) => layer.split_once(')')?.1,
                    None => rest,
                };
                let value = rest.strip_prefix(':')?.trim();
                Some(if value == UNSET { "" } else { value })
            });
            values.next_back().unwrap_or_default().to_owned()
        };
        Self { ldap2ox: value(SINGLE), ldap2oxmulti: value(MULTI) }
    }

    /// Says the same with the names of today. A pair without UDM property unsets its OX property.
    ///
    /// # Errors
    /// A value is not made of pairs.
    pub fn translate(&self) -> Result<Translation, UcrError> {
        let built_in = Mapping::built_in();
        let exists = |name: &str| built_in.entries().iter().any(|e| e.property.name == name);
        let mut translation = Translation::default();
        for (variable, value) in [(SINGLE, &self.ldap2ox), (MULTI, &self.ldap2oxmulti)] {
            for pair in value.split_whitespace() {
                let (source, property) = pair
                    .split_once(':')
                    .filter(|(_, property)| !property.is_empty())
                    .ok_or_else(|| UcrError { variable, pair: pair.chars().take(80).collect() })?;
                let renamed = RENAMED.iter().find(|(old, _)| *old == property);
                let names = renamed.map_or(std::slice::from_ref(&property), |(_, names)| names);
                for &name in names {
                    if !exists(name) {
                        translation.unknown.push(pair.to_owned());
                    } else if source.is_empty() {
                        translation.edits.unset.push(name.to_owned());
                    } else {
                        let (property, source) = (name.to_owned(), source.to_owned());
                        translation.edits.set.push(Set { property, source });
                    }
                }
            }
        }
        Ok(translation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(single: &str, multi: &str) -> String {
        let ucr = UcrMapping { ldap2ox: single.into(), ldap2oxmulti: multi.into() };
        ucr.translate().unwrap().edits.to_arguments().join(" ")
    }

    #[test]
    fn s8_2_old_names_become_those_of_today() {
        assert_eq!(
            arguments(
                "a:displayname b:givenname c:surname d:categories e:quota description:userfield01",
                "phone:telephone_business homeTelephoneNumber:telephone_home mail2:aliases"
            ),
            "--set display_name a --set given_name b --set sur_name c --set employee_type d --set max_quota e \
             --set userfield01 description --set telephone_business1 phone --set telephone_business2 phone \
             --set telephone_home1 homeTelephoneNumber --set telephone_home2 homeTelephoneNumber \
             --set aliases mail2"
        );
        assert_eq!(
            arguments(" :note\t:telephone_home ", ""),
            "--unset note --unset telephone_home1 --unset telephone_home2"
        );
        assert_eq!(arguments("", " "), "");
    }

    #[test]
    fn s8_2_what_cannot_be_translated_is_named() {
        let translate = |value: &str| {
            UcrMapping { ldap2ox: value.into(), ldap2oxmulti: String::new() }.translate()
        };
        let error = translate("a:note nonsense").unwrap_err().to_string();
        assert!(error.contains("'nonsense'") && error.contains("mapping/ldap2ox"), "{error}");
        assert!(translate("a:").is_err());
        let translation = translate("a:note b:assistant").unwrap();
        assert_eq!(translation.unknown, ["b:assistant"]);
        assert_eq!(translation.edits.to_arguments(), ["--set", "note", "a"]);
    }

    #[test]
    fn the_output_of_ucr_is_understood() {
        let dump = "ox/context/id: 10\n\
            ox/listener/user/ldap/attributes/mapping/ldap2ox: x:note\n\
            ox/listener/user/ldap/attributes/mapping/ldap2oxmulti: y:aliases z:telephone_home\n";
        let expected = UcrMapping {
            ldap2ox: "x:note".into(),
            ldap2oxmulti: "y:aliases z:telephone_home".into(),
        };
        assert_eq!(UcrMapping::from_dump(dump), expected);
        let verbose =
            "ox/listener/user/ldap/attributes/mapping/ldap2ox (forced): x:note\n The mapping.\n";
        assert_eq!(UcrMapping::from_dump(verbose).ldap2ox, "x:note");
        let empty = "ox/listener/user/ldap/attributes/mapping/ldap2oxmulti: <empty>\n";
        assert_eq!(UcrMapping::from_dump(empty), UcrMapping::default());
    }
}
