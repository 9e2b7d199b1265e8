//! The same rules with the real client and the stand-in server over HTTP.

use std::sync::Arc;

use idspool_kelvin_client::{Attributes, Client, Credentials};
use idspool_sandbox::kelvin::{self as sandbox, Call};
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{Server, Stage, anna, authority, class_dn, gone, hashes, person, with};
use crate::fake::Failure;
use crate::kelvin::Kelvin;

/// A stand-in server and a client of it.
pub(super) struct Wire {
    server: sandbox::Server,
    client: Client,
}

impl Wire {
    pub(super) fn new(schools: &[&str]) -> Self {
        let properties = ["user:title", "user:phone:multi", "user:displayName"];
        let options = sandbox::Options {
            schools: schools.iter().map(|&school| school.to_owned()).collect(),
            properties: properties.map(|text| text.parse().unwrap()).to_vec(),
            ..sandbox::Options::default()
        };
        let server = sandbox::serve(options).unwrap();
        let url = format!("{}/ucsschool/kelvin/v1/", server.url());
        let client =
            Client::builder(&url, Credentials::new("connector", "secret")).build().unwrap();
        Self { server, client }
    }

    /// Method, resource and status of the requests behind a number.
    fn calls(&self, since: u64) -> Vec<String> {
        let shown = |call: &Call| {
            let path = call.path.strip_prefix("v1/").unwrap_or(&call.path);
            format!("{} {path} {}", call.method, call.status)
        };
        self.server.calls(since).iter().map(shown).collect()
    }

    fn last_call(&self) -> u64 {
        self.server.calls(0).last().map_or(0, |call| call.number)
    }
}

impl Server for Wire {
    fn kelvin(&self) -> Arc<dyn Kelvin> {
        Arc::new(self.client.clone())
    }

    fn fail_at(&self, call: usize, failure: Failure) {
        let kind = match failure {
            Failure::Before => "close",
            Failure::After => "late-close",
            Failure::Broken => "late-500",
        };
        self.server.fail(format!("* *:{call}:{kind}").parse().unwrap());
    }

    fn users(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.server.inspect(|world| world.users().map(|user| user.name.clone()).collect());
        names.sort();
        names
    }

    fn shown(&self, name: &str) -> Option<Attributes> {
        // Failures on purpose may still be to come.
        (0..20).find_map(|_| self.client.user(name).ok()).unwrap().map(|user| user.attributes)
    }
}

fn stage() -> Stage<Wire> {
    Stage::over(Wire::new(&["S1", "S2", "S3"]), authority(), &["s1", "s2", "s3"])
}

/// Delivers an item; the requests that it took.
fn calls(stage: &Stage<Wire>, item: &ConvertedItem) -> Vec<String> {
    let since = stage.fake.last_call();
    stage.deliver(item).unwrap();
    stage.fake.calls(since)
}

#[test]
fn no_item_takes_more_requests_than_it_needs() {
    let stage = stage();
    let item =
        ConvertedItem { user_passwords: hashes("5C453F1961837BA114A045684F12FCF1"), ..anna() };
    assert_eq!(calls(&stage, &item), ["GET users/ 200", "POST users/ 201"]);
    assert_eq!(calls(&stage, &item), [""; 0]);
    let changed = with(&item, json!({"firstname": "Anne"}));
    assert_eq!(calls(&stage, &changed), ["GET users/ 200", "PATCH users/anna 200"]);
    assert_eq!(calls(&stage, &gone(&changed)), ["GET users/ 200", "DELETE users/anna 204"]);
    // The first of all: token, roles and schools.
    let first = stage.fake.calls(0);
    assert_eq!(first[..3], ["POST token 200", "GET roles/ 200", "GET schools/ 200"]);
    assert_eq!(first.len(), 9);
}

#[test]
fn hashes_arrive_as_they_were_sent() {
    let stage = stage();
    let nt = "5C453F1961837BA114A045684F12FCF1";
    stage.deliver(&ConvertedItem { user_passwords: hashes(nt), ..anna() }).unwrap();
    let kept = stage.fake.server.inspect(|world| world.user_named("anna").unwrap().hashes.clone());
    let kept = kept.unwrap();
    assert_eq!((kept.samba_nt_password.as_str(), kept.samba_pwd_last_set), (nt, 1_700_000_000));
    assert_eq!(kept.user_password, ["{crypt}$6$x"]);
}

#[test]
fn a_life() {
    let stage = stage();
    let mum = "0b0c7f1e-0000-1040-8000-3f0a1f5f0011";
    let ward = json!({"ucsschoolLegalWard": ["uid=anna,cn=users,ou=S1,dc=x"]});
    let guarded = with(
        &anna(),
        json!({
            "ucsschoolLegalGuardian": ["uid=mum,cn=users,ou=S1,dc=x"], "title": "x",
            "mailPrimaryAddress": "a@example.org", "userexpiry": "2031-07-31",
        }),
    );
    // The guardian comes later, and brings the relation.
    assert_eq!(
        calls(&stage, &guarded),
        ["GET users/ 200", "POST users/ 400", "GET users/mum 404", "POST users/ 201"]
    );
    stage.deliver(&person(mum, "mum", "m", "LegalGuardian", ward)).unwrap();
    assert_eq!(stage.shown("anna", "legal_guardians"), json!(["mum"]));
    // Another name, identity, school and class at once; some values are cleared.
    let moved = ConvertedItem {
        dn: "uid=anne,cn=users,ou=S2,dc=x".into(),
        ..with(
            &guarded,
            json!({
                "username": "anne", "ucsschoolRecordUID": "2", "school": ["s2", "S3"], "title": null,
                "groups": [class_dn("S2", "2b"), class_dn("s3", "3-c")], "mailPrimaryAddress": null,
                "phone": [], "birthday": null, "userexpiry": null,
            }),
        )
    };
    assert_eq!(calls(&stage, &moved), ["GET users/ 200", "GET users/ 200", "PATCH users/anna 200"]);
    for (attribute, expected) in [
        ("name", json!("anne")),
        ("record_uid", json!("2")),
        ("school", json!("S2")),
        ("schools", json!(["S2", "S3"])),
        ("school_classes", json!({"S2": ["2b"], "S3": ["3-c"]})),
        ("legal_guardians", json!(["mum"])),
        ("email", Value::Null),
        ("birthday", Value::Null),
        ("expiration_date", Value::Null),
        ("udm_properties", json!({"displayName": null, "phone": [], "title": null})),
    ] {
        assert_eq!(stage.shown("anne", attribute), expected, "{attribute}");
    }
    // Student to teacher and member of staff, and back.
    let teacher = ConvertedItem {
        options: Some(vec!["ucsschoolTeacher".into(), "ucsschoolStaff".into()]),
        ..moved.clone()
    };
    stage.deliver(&teacher).unwrap();
    assert_eq!(stage.shown("anne", "roles"), json!(["staff", "teacher"]));
    stage.deliver(&moved).unwrap();
    assert_eq!(stage.shown("anne", "roles"), json!(["student"]));
    assert_eq!(stage.shown("anne", "legal_guardians"), json!(["mum"]));
    // Nothing differs, and it is sent all the same.
    let mut stage = stage;
    stage.forced = true;
    assert_eq!(calls(&stage, &moved), ["GET users/ 200", "PATCH users/anne 200"]);
    stage.deliver(&gone(&moved)).unwrap();
    assert_eq!(stage.users(), ["mum"]);
}

#[test]
fn faults_say_what_the_server_said() {
    let stage = stage();
    stage.deliver(&person("u-2", "ben", "2", "Student", json!({}))).unwrap();
    for (item, text) in [
        (with(&anna(), json!({"username": "ben"})), "the name 'ben' at the server"),
        (with(&anna(), json!({"username": "a234567890123456"})), "longer than allowed"),
        (with(&anna(), json!({"username": "an na"})), "Spaces"),
        (with(&anna(), json!({"phone": "one"})), "phone"),
    ] {
        let fault = stage.fault(&item);
        assert_eq!(fault.class, idspool_spool::FaultClass::Permanent, "{fault:?}");
        assert!(fault.message.contains(text), "{text}: {}", fault.message);
        assert!(fault.remedy.is_some());
    }
    let mut stage = stage;
    stage.reconfigure(|authority| {
        let mapping = authority.mappings.users.as_mut().unwrap();
        mapping.insert("shoe".into(), "shoeSize".into());
    });
    let fault = stage.fault(&with(&anna(), json!({"shoe": "44"})));
    assert!(fault.message.contains("shoeSize"), "{}", fault.message);
    assert_eq!(stage.users(), ["ben"]);
}

#[test]
fn a_token_that_has_become_invalid_is_no_fault() {
    let stage = stage();
    stage.deliver(&anna()).unwrap();
    stage.fake.server.revoke_tokens();
    stage.deliver(&with(&anna(), json!({"firstname": "Anne"}))).unwrap();
    assert_eq!(stage.shown("anna", "firstname"), "Anne");
}
