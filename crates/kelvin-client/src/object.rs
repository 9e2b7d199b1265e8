//! What the API returns and takes.

use serde_json::{Map, Value};

/// Attributes of a user or class by their names in the API (kelvin-api 7.1, 9). Where the wire has URLs of
/// schools, roles and users, there are plain names here.
pub type Attributes = Map<String, Value>;

/// What a user is known by at its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Identity within the source.
    pub record_uid: String,
    /// Name of the source.
    pub source_uid: String,
}

/// A user as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Login name, in the spelling of the server.
    pub name: String,
    /// All attributes of the answer, `name` included.
    pub attributes: Attributes,
}

/// A school class as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Name of the school, in the spelling of the server.
    pub school: String,
    /// Name without the school, in the spelling of the server.
    pub name: String,
    /// All attributes of the answer; `users` are login names.
    pub attributes: Attributes,
}
