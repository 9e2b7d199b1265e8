//! Password hashes travel with school users to the Kelvin provisioner, and nowhere else.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod common;

use common::{OEHLER, SOON, Site, items};
use idspool_service::Exit;
use idspool_tests::Slapd;
use idspool_udm::ConvertedItem;

const KELVIN: &str = "[kelvin]\nenabled = true\ndata_dir = 'kelvin'";
const SCHMIDT: &str = "uid=a.schmidt,cn=schueler,cn=users,ou=gymnord,dc=example,dc=org";
const ADMIN: &str = "uid=g.admin,cn=admins,cn=users,ou=gymnord,dc=example,dc=org";
const NT_HASH: &str = "15ECCE558036383E928264A64CC0C7AD";

fn converted(site: &Site, dn: &str) -> ConvertedItem {
    let before = site.kelvin().names().unwrap().len();
    site.change(dn, "users/user", "modify");
    assert_eq!(site.once().exit, Exit::Done);
    let mut items = items(&site.kelvin());
    assert_eq!(items.len(), before + 1);
    items.pop().unwrap()
}

#[test]
fn a_school_user_comes_with_all_five_and_others_with_none() {
    let site = Site::with(Slapd::start().unwrap(), KELVIN);
    let passwords = converted(&site, SCHMIDT).user_passwords.unwrap();
    assert!(passwords.user_password[0].starts_with("{crypt}$6$saltsalt$"));
    assert_eq!(passwords.samba_nt_password, NT_HASH);
    // As in the LDIF: encoded once, in the order of the server.
    assert_eq!(passwords.krb5_key.len(), 3);
    assert!(
        passwords.krb5_key[0].starts_with("ME6hKzApoAMCARKhIgQgrI8eT"),
        "{:?}",
        passwords.krb5_key[0]
    );
    assert!(passwords.krb5_key[2].ends_with("Lk9SR2Euc2NobWlkdA=="));
    assert_eq!(
        (passwords.krb5_key_version_number, passwords.samba_pwd_last_set),
        (1, 1_700_002_100)
    );
    for other in [OEHLER, ADMIN] {
        assert_eq!(converted(&site, other).user_passwords, None, "{other}");
    }
    for item in items(&site.ox()) {
        let text = String::from_utf8(item.to_queue_bytes()).unwrap();
        assert!(!text.contains("user_passwords") && !text.contains(NT_HASH), "{text}");
    }
}

#[test]
fn where_nobody_wants_hashes_none_are_written() {
    let text = format!("{KELVIN}\npassword_hashes = false");
    let site = Site::with(Slapd::start().unwrap(), &text);
    let item = converted(&site, SCHMIDT);
    assert_eq!(item.user_passwords, None);
    assert!(!String::from_utf8(item.to_queue_bytes()).unwrap().contains(NT_HASH));
}

#[test]
fn a_user_without_one_of_the_five_travels_without_any_and_the_log_says_so() {
    let site = Site::with(Slapd::start().unwrap(), KELVIN);
    let ldif = format!("dn: {SCHMIDT}\nchangetype: modify\ndelete: sambaPwdLastSet\n");
    site.slapd.cli().modify(&ldif).unwrap();
    site.change(SCHMIDT, "users/user", "modify");
    let ended = site.program(&["--once"]).wait(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    let lines = ended.log().matches("Could not get password hashes of 'a.schmidt'.").count();
    assert_eq!(lines, 1, "{}", ended.log());
    let item = items(&site.kelvin()).pop().unwrap();
    assert_eq!(item.user_passwords, None);
    assert_eq!(item.property("username").unwrap(), "a.schmidt");
    assert!(!ended.log().contains(NT_HASH));
}
