//! Applying the mapping to the properties of one user (ox-provisioning 6.2).

use idspool_ox_soap::{FieldKind, User, UserField};
use serde_json::Value;
use tracing::{info, warn};

use super::{Entry, Handling, Mapping};
use crate::image;
use crate::mail_server::MailServer;
use crate::props::{Props, Unusable, is_empty};

/// A value that cannot be converted for OX.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("OX property '{ox_property}' from {problem}")]
pub(crate) struct BadValue {
    ox_property: &'static str,
    problem: String,
}

/// What the mapping yields besides the fields that stand in the user already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// The primary mail address; empty when there is none.
    pub(crate) email1: String,
    /// The further addresses, in their order.
    pub(crate) aliases: Vec<String>,
}

/// The settings that conversions need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Converter<'a> {
    pub(crate) imap: &'a MailServer,
    pub(crate) smtp: &'a MailServer,
}

impl Mapping {
    /// Fills every mapped field of `user`, but for the addresses, which are handed back.
    ///
    /// # Errors
    /// A value cannot be converted.
    pub(crate) fn fill(
        &self,
        props: Props<'_>,
        converter: Converter<'_>,
        user: &mut User,
    ) -> Result<Mapped, BadValue> {
        let mut mapped = Mapped { email1: String::new(), aliases: Vec::new() };
        for entry in self.entries() {
            if entry.source.is_none() {
                info!("ox property {} unset", entry.property.name);
            }
            let fail = |problem: String| BadValue { ox_property: entry.property.name, problem };
            let value = entry.value(props);
            if entry.property.field == UserField::Aliases {
                mapped.aliases = entry.list(value).map_err(|e| fail(e.to_string()))?;
                continue;
            }
            let text = entry.text(value).map_err(|error| fail(error.to_string()))?;
            if text.is_none() && entry.required {
                warn!("Attribute {} is None.", entry.property.name);
            }
            if entry.property.field == UserField::Email1 {
                mapped.email1 = text.clone().unwrap_or_default();
            }
            entry.convert(text, converter, user).map_err(fail)?;
        }
        Ok(mapped)
    }

    /// The addresses only: primary and further ones.
    ///
    /// # Errors
    /// A value is not an address.
    pub(crate) fn addresses(&self, props: Props<'_>) -> Result<Mapped, BadValue> {
        let mut mapped = Mapped { email1: String::new(), aliases: Vec::new() };
        for entry in self.entries() {
            let fail = |error: Unusable| BadValue {
                ox_property: entry.property.name,
                problem: error.to_string(),
            };
            match entry.property.field {
                UserField::Email1 => {
                    mapped.email1 =
                        entry.text(entry.quiet_value(props)).map_err(fail)?.unwrap_or_default();
                }
                UserField::Aliases => {
                    mapped.aliases = entry.list(entry.quiet_value(props)).map_err(fail)?;
                }
                _ => {}
            }
        }
        Ok(mapped)
    }
}

impl Entry {
    /// The first non-empty value of source and alternatives.
    fn value<'a>(&self, props: Props<'a>) -> Option<&'a Value> {
        let source = self.source.as_deref()?;
        if let Some(value) = props.value(source) {
            return Some(value);
        }
        self.alternatives.iter().find_map(|alternative| {
            let value = props.value(alternative)?;
            info!(
                "Attribute {}. Using alternative ldap mapping {alternative} ...",
                self.property.name
            );
            Some(value)
        })
    }

    /// The same without log lines, for looking at an old state.
    fn quiet_value<'a>(&self, props: Props<'a>) -> Option<&'a Value> {
        let source = self.source.as_deref()?;
        std::iter::once(source)
            .chain(self.alternatives.iter().map(String::as_str))
            .find_map(|name| props.value(name))
    }

    /// The one text that is meant. A plain text is a list of one, whatever the position.
    fn text(&self, value: Option<&Value>) -> Result<Option<String>, Unusable> {
        let position = self.position.unwrap_or(0);
        let element = match value {
            Some(Value::Array(list)) => list.get(position),
            Some(_) if position > 0 => None,
            other => other,
        };
        match element.filter(|value| !is_empty(value)) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(other) => Err(self.unusable(other, "a text, a number or a list of them")),
        }
    }

    /// All texts of a list.
    fn list(&self, value: Option<&Value>) -> Result<Vec<String>, Unusable> {
        let list = match value {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        list.iter()
            .filter(|value| !is_empty(value))
            .map(|value| match value {
                Value::String(text) => Ok(text.clone()),
                other => Err(self.unusable(other, "a list of texts")),
            })
            .collect()
    }

    fn unusable(&self, found: &Value, expected: &'static str) -> Unusable {
        Unusable::new(self.source.as_deref().unwrap_or_default(), Some(found), expected)
    }

    /// Converts the value and puts it into the user.
    fn convert(
        &self,
        text: Option<String>,
        converter: Converter<'_>,
        user: &mut User,
    ) -> Result<(), String> {
        let source = self.source.as_deref().unwrap_or_default();
        let field = self.property.field;
        match self.handling {
            Handling::Default => match text {
                Some(text) => self.set(user, field, text)?,
                None => self.clear(user),
            },
            Handling::Date => match text {
                Some(text) => {
                    let date = crate::date::convert(&text)
                        .map_err(|error| format!("property '{source}': {error}"))?;
                    user.set(field, date);
                }
                None => self.clear(user),
            },
            Handling::Image => match text {
                Some(text) => match image::kind(&text) {
                    image::JPEG => {
                        // Encoded once in the directory's form already; line breaks are not sent.
                        let base64: String =
                            text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                        user.set(field, base64);
                        user.set(UserField::Image1ContentType, image::JPEG);
                    }
                    other => {
                        warn!("We only support jpeg images. Found {other}. Ignoring image...");
                    }
                },
                None => {
                    self.clear(user);
                    user.set(UserField::Image1ContentType, "");
                }
            },
            Handling::ImapUrl => {
                set_server(user, field, text, converter.imap);
                set_access(user, converter.imap, UserField::ImapPort, UserField::ImapSchema);
            }
            Handling::SmtpUrl => {
                set_server(user, field, text, converter.smtp);
                set_access(user, converter.smtp, UserField::SmtpPort, UserField::SmtpSchema);
            }
        }
        Ok(())
    }

    fn set(&self, user: &mut User, field: UserField, text: String) -> Result<(), String> {
        match field.kind() {
            FieldKind::Int | FieldKind::Long => {
                let number: i64 = text.trim().parse().map_err(|_| {
                    let source = self.source.as_deref().unwrap_or_default();
                    let shown: String = text.chars().take(40).collect();
                    format!("property '{source}': expected a number, found '{shown}'")
                })?;
                user.set(field, number);
            }
            _ => {
                user.set(field, text);
            }
        }
        Ok(())
    }

    /// OX ignores absent values, so a field is cleared with an empty text, where it can be cleared.
    fn clear(&self, user: &mut User) {
        if self.property.clears {
            user.set(self.property.field, "");
        }
    }
}

fn set_server(user: &mut User, field: UserField, text: Option<String>, default: &MailServer) {
    user.set(field, text.unwrap_or_else(|| default.host.clone()));
}

/// Port and scheme always come from the settings, also for a user with a server of their own.
fn set_access(user: &mut User, server: &MailServer, port: UserField, scheme: UserField) {
    if let Some(number) = server.port {
        user.set(port, number);
    }
    user.set(scheme, server.scheme.as_str());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn fill_with(mapping: &Mapping, object: Value) -> Result<(User, Mapped), String> {
        let object = object.as_object().unwrap().clone();
        let imap: MailServer = "imap://Mail.example.org:143".parse().unwrap();
        let smtp: MailServer = "smtp://mail.example.org".parse().unwrap();
        let mut user = User::new();
        let mapped = mapping
            .fill(Props(&object), Converter { imap: &imap, smtp: &smtp }, &mut user)
            .map_err(|error| error.to_string())?;
        Ok((user, mapped))
    }

    fn fill(object: Value) -> Result<(User, Mapped), String> {
        fill_with(&Mapping::built_in(), object)
    }

    fn with(name: &str, change: impl Fn(&mut Entry)) -> Arc<Mapping> {
        let mut entries = Mapping::built_in().entries().to_vec();
        change(entries.iter_mut().find(|entry| entry.property.name == name).unwrap());
        Arc::new(Mapping(entries))
    }

    #[test]
    fn s6_1_an_empty_user_clears_what_can_be_cleared() {
        let (user, _) = fill(json!({})).unwrap();
        assert_eq!(user.text(UserField::CityHome), Some(""));
        assert_eq!(user.text(UserField::Email1), Some(""));
        assert_eq!(user.text(UserField::Image1ContentType), Some(""));
        for field in [
            UserField::EmployeeType,
            UserField::UsedQuota,
            UserField::MaxQuota,
            UserField::Image1,
            UserField::Anniversary,
            UserField::Birthday,
            UserField::Aliases,
            UserField::SmtpPort,
        ] {
            assert_eq!(user.get(field), None, "{field}");
        }
        assert_eq!(user.text(UserField::ImapServer), Some("mail.example.org"));
        assert_eq!(user.text(UserField::ImapSchema), Some("imap://"));
        assert_eq!(user.text(UserField::SmtpSchema), Some("smtp://"));
    }

    #[test]
    fn s6_2_lists_positions_and_alternatives() {
        let (user, mapped) = fill(json!({
            "displayName": "Anna M", "oxDisplayName": "",
            "phone": ["1", "2", "3"], "homeTelephoneNumber": "4", "roomNumber": ["r1", "r2"],
            "mailPrimaryAddress": "anna@example.org",
            "mailAlternativeAddress": ["b@example.org", "", "a@example.org"],
            "oxUserQuota": "-1", "mailHomeServer": "own.example.org",
        }))
        .unwrap();
        let text = |field| user.text(field);
        assert_eq!(text(UserField::DisplayName), Some("Anna M"));
        assert_eq!(text(UserField::TelephoneBusiness1), Some("1"));
        assert_eq!(text(UserField::TelephoneBusiness2), Some("2"));
        assert_eq!(text(UserField::TelephoneHome1), Some("4"));
        assert_eq!(text(UserField::TelephoneHome2), Some(""), "a plain text is a list of one");
        assert_eq!(text(UserField::RoomNumber), Some("r1"));
        assert_eq!(text(UserField::ImapServer), Some("own.example.org"));
        assert_eq!(text(UserField::SmtpServer), Some("own.example.org"));
        assert_eq!(user.get(UserField::MaxQuota), Some(&idspool_ox_soap::Value::Number(-1)));
        assert_eq!(mapped.aliases, ["b@example.org", "a@example.org"]);
        assert_eq!(mapped.email1, "anna@example.org");
    }

    #[test]
    fn s6_2_an_unset_property_counts_as_empty() {
        let mapping = with("given_name", |entry| entry.source = None);
        let (user, _) = fill_with(&mapping, json!({"firstname": "Anna"})).unwrap();
        assert_eq!(user.text(UserField::GivenName), Some(""));
    }

    #[test]
    fn s6_2_dates() {
        let (user, _) =
            fill(json!({"birthday": "24.12.1980", "oxAnniversary": "2001-02-03"})).unwrap();
        assert_eq!(user.text(UserField::Birthday), Some("1980-12-24"));
        assert_eq!(user.text(UserField::Anniversary), Some("2001-02-03"));
        let error = fill(json!({"birthday": "soon"})).unwrap_err();
        assert!(error.contains("'birthday'") && error.contains("unknown date format"), "{error}");
    }

    #[test]
    fn s5_3_7_images() {
        let (user, _) = fill(json!({"jpegPhoto": "/9j/4AAQ\nSkZJRg=="})).unwrap();
        assert_eq!(user.text(UserField::Image1ContentType), Some("image/jpeg"));
        assert_eq!(user.get(UserField::Image1), Some(&"/9j/4AAQSkZJRg==".into()));
        let (user, _) = fill(json!({"jpegPhoto": "iVBORw0KGgoAAAA="})).unwrap();
        assert_eq!(user.get(UserField::Image1ContentType), None);
        assert_eq!(user.get(UserField::Image1), None);
    }

    #[test]
    fn values_that_cannot_be_sent_are_named() {
        for (object, expected) in [
            (json!({"oxUserQuota": "much"}), "'oxUserQuota': expected a number, found 'much'"),
            (json!({"city": [["x"]]}), "property 'city' is a list of 1"),
            (
                json!({"mailAlternativeAddress": [5]}),
                "property 'mailAlternativeAddress' is the number 5",
            ),
        ] {
            let error = fill(object).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
