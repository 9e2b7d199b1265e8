//! An LDAP entry as a search delivers it.

/// An LDAP entry: its DN and its attributes, values in the order delivered.
///
/// Attribute names compare case-insensitively; options (`;binary`, `;lang-de`) are stripped, so
/// `userCertificate;binary` is found as `userCertificate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The DN in the spelling delivered.
    pub dn: String,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// Lower case, without options.
    pub(crate) name: String,
    pub(crate) values: Vec<Vec<u8>>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), attributes: Vec::new() }
    }

    /// Adds one value. Values of one attribute need not come in one piece.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.slot(name.into()).push(value.into());
    }

    /// Adds all values of an attribute at once, without copying them.
    pub fn push_all(&mut self, name: impl Into<String>, values: Vec<Vec<u8>>) {
        let slot = self.slot(name.into());
        if slot.is_empty() {
            *slot = values;
        } else {
            slot.extend(values);
        }
    }

    /// The values of an attribute, empty when the entry does not have it.
    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
            .map_or(&[], |attribute| &attribute.values)
    }

    /// The values that are UTF-8; others are left out.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values(name).iter().filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value that is UTF-8.
    pub fn first_text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// Whether `objectClass` lists this class. Says nothing about superior classes that the entry
    /// does not list (udm-ldap.md 1.2: decide on the delivered values).
    pub fn has_class(&self, class: &str) -> bool {
        self.texts("objectclass").any(|value| value.eq_ignore_ascii_case(class))
    }

    pub(crate) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn slot(&mut self, mut name: String) -> &mut Vec<Vec<u8>> {
        if let Some(end) = name.find(';') {
            name.truncate(end);
        }
        name.make_ascii_lowercase();
        // From the end, because values of one attribute mostly follow each other.
        let at = match self.attributes.iter().rposition(|attribute| attribute.name == name) {
            Some(at) => at,
            None => {
                self.attributes.push(Attribute { name, values: Vec::new() });
                self.attributes.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "`at` was found or pushed just above")]
        &mut self.attributes[at].values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_options_and_values_keep_their_order() {
        let mut entry = Entry::new("uid=a");
        entry.push("telephoneNumber", "1");
        entry.push("userCertificate;binary", vec![0x30, 0x82]);
        entry.push("TELEPHONENUMBER", "2");
        entry.push_all("telephonenumber;lang-de", vec![b"3".to_vec()]);
        assert_eq!(entry.texts("telephonenumber").collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(entry.values("USERcertificate"), [vec![0x30, 0x82]]);
        assert!(entry.values("mail").is_empty());
    }

    #[test]
    fn undecodable_values_are_left_out_of_texts() {
        let mut entry = Entry::new("uid=a");
        entry.push("sn", vec![0xff]);
        entry.push("sn", "Meier");
        assert_eq!(entry.first_text("sn"), Some("Meier"));
    }

    #[test]
    fn classes_compare_without_case_but_exactly() {
        let mut entry = Entry::new("uid=a");
        entry.push("objectClass", "inetOrgPerson");
        assert!(entry.has_class("INETORGPERSON"));
        assert!(!entry.has_class("person"));
    }
}
