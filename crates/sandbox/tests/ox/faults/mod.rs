//! Every fault that the operations can end in: its name in the detail, and its text.

mod account;
mod context;
mod copy;
mod credentials;
mod deputy;
mod group;
mod resource;
mod user;

use crate::support::Client;

/// Expects a fault of an operation.
#[track_caller]
fn expect(client: &mut Client, service: &str, call: (&str, &str), name: &str, text: &str) {
    let (operation, parameters) = call;
    let (actual, actual_text) = client.fault(service, operation, parameters);
    assert_eq!((actual.as_str(), actual_text.as_str()), (name, text), "{operation} {parameters}");
}

const CONTEXT: &str = "OXContextService";
const USER: &str = "OXUserService";
const GROUP: &str = "OXGroupService";
const RESOURCE: &str = "OXResourceService";
const ACCOUNT: &str = "OXSecondaryAccountService";
const DEPUTY: &str = "OXDeputyPermissionsService";
const COPY: &str = "OXUserCopyService";

const INVALID: &str = "InvalidDataException";
const CREDENTIALS: &str = "InvalidCredentialsException";
const NO_CONTEXT: &str = "NoSuchContextException";
const NO_USER: &str = "NoSuchUserException";
const RESOLVING: &str = "com.openexchange.admin.rmi.exceptions.NoSuchObjectException: com.openexchange.admin.rmi.exceptions.";

fn auth(login: &str, password: &str) -> String {
    format!("<s:auth><r:login>{login}</r:login><r:password>{password}</r:password></s:auth>")
}
