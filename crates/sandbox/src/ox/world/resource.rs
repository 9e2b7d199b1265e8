//! A resource (room, car) of one context.

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Id in the context.
    pub id: i32,
    /// Name, unique in the context without regard to case.
    pub name: String,
    /// Name shown to users.
    pub display_name: String,
    /// Address, unique among resources and primary addresses of users.
    pub email: String,
    /// Whether it can be booked.
    pub is_available: bool,
    /// Free text.
    pub description: Option<String>,
    /// Who may book it.
    pub permissions: Vec<Permission>,
}

/// A right on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// User or group.
    pub entity: i32,
    /// Whether the entity is a group.
    pub is_group: bool,
    /// `ask_to_book`, `book_directly`, `delegate` or `none`.
    pub privilege: String,
}
