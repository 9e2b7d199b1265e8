//! A secondary mail account of a user.

/// A secondary account; one copy per user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Id in the context.
    pub id: i32,
    /// Owner.
    pub user: i32,
    /// Address by which it is found.
    pub primary_address: String,
    /// Other fields by name, as sent; passwords are not among them.
    pub fields: Vec<(String, String)>,
}

impl Account {
    /// The value of a field but `primaryAddress`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
