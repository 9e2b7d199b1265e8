//! The parts of a call that take processor time, for `examples/bench_soap.rs`. No part of the interface.

use crate::answer::{self, Answer};
use crate::credentials::Credentials;
use crate::envelope::Envelope;
use crate::group::Group;
use crate::id::ContextId;
use crate::service::{Operation, operation};
use crate::user::User;

const CHANGE: &Operation = &operation!(User, "change", writes);
const CHANGE_GROUP: &Operation = &operation!(Group, "change", writes);
const GET_GROUP: &Operation = &operation!(Group, "getData", reads);
const GET_DATA: &Operation = &operation!(User, "getData", reads);

/// Writes the request of `OXUserService.change`; false when a value cannot be sent.
pub fn write_change(request: &mut String, user: &User, credentials: &Credentials) -> bool {
    let mut envelope = Envelope::begin(request, CHANGE);
    let written = envelope
        .context("ctx", ContextId::new(10))
        .and_then(|()| envelope.object("usrdata", user))
        .and_then(|()| envelope.auth(credentials));
    envelope.finish();
    written.is_ok()
}

/// Reads an answer to `OXUserService.getData`.
#[must_use]
pub fn read_get_data(answer: &[u8]) -> Option<User> {
    match answer::read(answer, GET_DATA) {
        Ok(Answer::Return(mut users)) => users.pop(),
        _ => None,
    }
}

/// Writes the request of `OXGroupService.change`; false when a value cannot be sent.
pub fn write_group(request: &mut String, group: &Group, credentials: &Credentials) -> bool {
    let mut envelope = Envelope::begin(request, CHANGE_GROUP);
    let written = envelope
        .context("ctx", ContextId::new(10))
        .and_then(|()| envelope.object("grp", group))
        .and_then(|()| envelope.auth(credentials));
    envelope.finish();
    written.is_ok()
}

/// Reads an answer to `OXGroupService.getData`.
#[must_use]
pub fn read_group(answer: &[u8]) -> Option<Group> {
    match answer::read(answer, GET_GROUP) {
        Ok(Answer::Return(mut groups)) => groups.pop(),
        _ => None,
    }
}
