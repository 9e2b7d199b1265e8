//! The rules for school classes (id-connector 4).
//!
//! A class is found at the server by school and name. What was delivered last is noted beside its snapshot, so
//! that a renamed class is renamed there, and one that left is removed. A snapshot is there only while the server
//! has the class from us.
//!
//! | the item | requests |
//! |---|---|
//! | would send what was sent last | none |
//! | changes a class | `GET`, and `PATCH` of what differs |
//! | re-provisions a class | `GET`, `PATCH` of all that is mapped |
//! | creates a class | `GET`, `POST` |
//! | renames it | `GET` and `PATCH` under the former name |
//! | moves it to another school | as for a new one, then `DELETE` |
//! | removes it, or takes it from the authority | `DELETE` |
//!
//! With `kelvin-partial-group-sync` only our side decides whether there is something to send: who joined or left a
//! class at the server alone is seen when the class changes here, or is re-provisioned.
//!
//! | module | job |
//! |---|---|
//! | `deliver` | what is to become of a class |
//! | `wanted`, `members`, `partial` | what it is to look like |
//! | `send`, `rename`, `unknown` | the requests |
//! | `requeue` | what follows from a user who appears |

mod address;
mod deliver;
mod members;
mod partial;
mod rename;
mod requeue;
mod send;
mod title;
mod unknown;
mod wanted;

#[cfg(test)]
mod tests;

pub(crate) use self::deliver::deliver;
pub(crate) use self::requeue::{after_user, is_copy, references_of};
