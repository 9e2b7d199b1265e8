//! Templates of login names: `OX_IMAP_LOGIN` and `OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE`
//! (ox-provisioning 10.2, 10.3).
//!
//! A plain placeholder grammar: a name in braces stands for a property, nothing else is possible
//! inside braces. A template is parsed once, at start; replaced text is never scanned again.

use serde_json::Value;

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "template '{template}': {problem}; placeholders are {{}} for the mail address and {{property}} for a UDM \
     property, a literal brace is written twice"
)]
pub struct BadTemplate {
    template: String,
    problem: String,
}

/// A template that cannot be filled in for one object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("login template needs property '{property}', but the object {problem}")]
pub struct NoValue {
    property: String,
    problem: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Mail,
    Property(String),
}

/// `OX_IMAP_LOGIN`: how the IMAP login of a user is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImapLogin(Vec<Part>);

impl Default for ImapLogin {
    /// The primary mail address.
    fn default() -> Self {
        Self(vec![Part::Mail])
    }
}

impl ImapLogin {
    /// Parses a template. An empty one means the mail address.
    ///
    /// # Errors
    /// A brace without its partner, or something between braces that is no placeholder.
    pub fn parse(template: &str) -> Result<Self, BadTemplate> {
        if template.trim().is_empty() {
            return Ok(Self::default());
        }
        let bad = |problem: String| BadTemplate { template: template.to_owned(), problem };
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = template.chars();
        while let Some(c) = rest.next() {
            match c {
                '{' if rest.as_str().starts_with('{') => {
                    rest.next();
                    literal.push('{');
                }
                '}' if rest.as_str().starts_with('}') => {
                    rest.next();
                    literal.push('}');
                }
                '}' => return Err(bad("a closing brace has no opening one".to_owned())),
                '{' => {
                    let (name, after) = rest
                        .as_str()
                        .split_once('}')
                        .ok_or_else(|| bad("an opening brace has no closing one".to_owned()))?;
                    rest = after.chars();
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    match name {
                        "" | "0" => parts.push(Part::Mail),
                        // The 2.3.2 manual prints `{*}dovecotadmin` for what earlier ones print as
                        // `{}*dovecotadmin`; both are in use.
                        "*" => {
                            parts.push(Part::Mail);
                            literal.push('*');
                        }
                        name if is_property(name) => parts.push(Part::Property(name.to_owned())),
                        name => return Err(bad(format!("'{{{name}}}' is no placeholder"))),
                    }
                }
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// Fills the template in.
    ///
    /// # Errors
    /// A property is unknown, null, or neither a text nor a number.
    pub fn render<'v>(
        &self,
        mail: &str,
        property: impl Fn(&str) -> Option<&'v Value>,
    ) -> Result<String, NoValue> {
        let mut login = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => login.push_str(text),
                Part::Mail => login.push_str(mail),
                Part::Property(name) => {
                    let missing = |problem| NoValue { property: name.clone(), problem };
                    match property(name) {
                        Some(Value::String(text)) => login.push_str(text),
                        Some(Value::Number(number)) => login.push_str(&number.to_string()),
                        Some(Value::Null) => return Err(missing("has no value for it")),
                        Some(_) => {
                            return Err(missing("has something else than a single text in it"));
                        }
                        None => return Err(missing("does not have it")),
                    }
                }
            }
        }
        Ok(login)
    }
}

/// A UDM property name: letters, digits, `_` and `-` (`e-mail`), not starting with a digit.
fn is_property(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// `OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE`: how the login at a functional account is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLogin {
    text: String,
    parts: Vec<Part>,
}

impl Default for AccountLogin {
    fn default() -> Self {
        Self::parse("{{fa_entry_uuid}}{{username}}")
    }
}

impl AccountLogin {
    /// Parses a template. Whatever is not a token `{{word}}` is literal text, so every text is one;
    /// an empty one means the default.
    #[must_use]
    pub fn parse(template: &str) -> Self {
        if template.trim().is_empty() {
            return Self::default();
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = template;
        while let Some(start) = rest.find("{{") {
            let (before, token) = rest.split_at(start);
            let word_end = token
                .char_indices()
                .skip(2)
                .find(|(_, c)| !c.is_alphanumeric() && *c != '_')
                .map_or(token.len(), |(end, _)| end);
            let word = token.get(2..word_end).unwrap_or_default();
            let after = token.get(word_end..).unwrap_or_default();
            literal.push_str(before);
            match after.strip_prefix("}}") {
                Some(after) if !word.is_empty() => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Property(word.to_owned()));
                    rest = after;
                }
                // `{{{x}}`: the token may start one brace later.
                _ => {
                    literal.push('{');
                    rest = token.get(1..).unwrap_or_default();
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self { text: template.to_owned(), parts }
    }

    /// The template as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What has to be known to fill the template in.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Property(name) => Some(name.as_str()),
            Part::Literal(_) | Part::Mail => None,
        })
    }

    /// Fills the template in; `value` answers for a token.
    ///
    /// # Errors
    /// `value` has no text for a token.
    pub fn render<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Result<String, NoValue> {
        let mut login = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => login.push_str(text),
                Part::Mail => {}
                Part::Property(name) => login.push_str(value(name).ok_or_else(|| NoValue {
                    property: name.clone(),
                    problem: "does not have it as a single text",
                })?),
            }
        }
        Ok(login)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn imap(template: &str) -> String {
        let user = json!({"username": "anna", "uidNumber": 5, "e-mail": "b@x", "list": ["a"], "null": null});
        ImapLogin::parse(template)
            .map_err(|error| error.to_string())
            .and_then(|login| {
                login.render("anna@example.org", |name| user.get(name)).map_err(|e| e.to_string())
            })
            .unwrap_or_else(|error| format!("ERROR {error}"))
    }

    #[test]
    fn s10_2_imap_login() {
        for (template, expected) in [
            ("", "anna@example.org"),
            ("{}", "anna@example.org"),
            ("{0}", "anna@example.org"),
            ("shared", "shared"),
            ("{}*dovecotadmin", "anna@example.org*dovecotadmin"),
            ("{*}dovecotadmin", "anna@example.org*dovecotadmin"),
            ("{username}", "anna"),
            ("x-{username}+{uidNumber}-y", "x-anna+5-y"),
            ("{{{username}}}", "{anna}"),
            ("{{}}", "{}"),
            ("{e-mail}", "b@x"),
        ] {
            assert_eq!(imap(template), expected, "{template}");
        }
    }

    #[test]
    fn s10_2_imap_login_errors() {
        for (template, expected) in [
            ("{unknown}", "does not have it"),
            ("{null}", "has no value"),
            ("{list}", "something else than a single text"),
            ("{", "no closing"),
            ("a}", "no opening"),
            ("{username.__class__}", "no placeholder"),
            ("{username!r}", "no placeholder"),
            ("{username:>10}", "no placeholder"),
            ("{1}", "no placeholder"),
            ("{ }", "no placeholder"),
        ] {
            let found = imap(template);
            assert!(found.starts_with("ERROR") && found.contains(expected), "{template}: {found}");
        }
    }

    fn account(template: &str) -> Result<String, NoValue> {
        AccountLogin::parse(template).render(|name| match name {
            "fa_entry_uuid" => Some("F"),
            "username" => Some("anna"),
            "tricky" => Some("{{username}}"),
            _ => None,
        })
    }

    #[test]
    fn s10_3_functional_account_login() {
        for (template, expected) in [
            ("", "Fanna"),
            ("{{fa_entry_uuid}}::{{username}}", "F::anna"),
            (".{{fa_entry_uuid}}", ".F"),
            ("fa_entry_uuid", "fa_entry_uuid"),
            ("{fa_entry_uuid}", "{fa_entry_uuid}"),
            ("{{fa_entry_uuid", "{{fa_entry_uuid"),
            ("{{fa entry}}", "{{fa entry}}"),
            ("{{}}", "{{}}"),
            ("{{{username}}}", "{anna}"),
            ("{{tricky}}", "{{username}}"),
            ("{{username}}{{username}}", "annaanna"),
        ] {
            assert_eq!(account(template).as_deref(), Ok(expected), "{template}");
        }
        assert!(account("{{nothing}}").unwrap_err().to_string().contains("'nothing'"));
        let template = AccountLogin::parse("{{dn}}-{{ x }}{{username}}");
        assert_eq!(template.tokens().collect::<Vec<_>>(), ["dn", "username"]);
        assert_eq!(template.as_str(), "{{dn}}-{{ x }}{{username}}");
    }

    proptest! {
        #[test]
        fn literal_text_survives_with_doubled_braces(text in "[^{}]{1,20}[{}]{0,4}[^{}]{0,20}") {
            prop_assume!(!text.trim().is_empty());
            let template = text.replace('{', "{{").replace('}', "}}");
            let login = ImapLogin::parse(&template).unwrap();
            prop_assert_eq!(login.render("m", |_| None).unwrap(), text);
        }

        #[test]
        fn no_template_panics(text in "[a-c{}*0 .]{0,30}") {
            if let Ok(login) = ImapLogin::parse(&text) {
                let _ = login.render("m", |_| None);
            }
            let _ = AccountLogin::parse(&text).render(|_| Some("x"));
        }

        #[test]
        fn an_account_template_without_tokens_is_literal(text in "[a-z{} .]{1,30}") {
            prop_assume!(!text.trim().is_empty());
            let rendered = AccountLogin::parse(&text).render(|_| Some("\u{1}")).unwrap();
            if !rendered.contains('\u{1}') {
                prop_assert_eq!(rendered, text);
            }
        }

        #[test]
        fn a_mail_address_is_never_scanned_again(mail in "[a-z{}@]{0,20}") {
            let login = ImapLogin::parse("{}|{}").unwrap();
            prop_assert_eq!(login.render(&mail, |_| None).unwrap(), format!("{mail}|{mail}"));
        }
    }
}
