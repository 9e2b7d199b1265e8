use proptest::prelude::*;
use serde_json::json;

use super::*;

fn refused(status: u16, body: &serde_json::Value, creates: bool) -> Refusal {
    match judge(status, body.to_string().as_bytes(), creates) {
        Verdict::Refused(refusal) => {
            assert_eq!(refusal.status, status);
            refusal
        }
        other => panic!("{body}: {other:?}"),
    }
}

/// What the server says, and what it means.
#[test]
fn kinds_of_refusals() {
    use RefusalKind::{Invalid, NoObject, NoReference, NoRelation, Taken};
    let reference = |name: &str| NoReference(Some(name.to_owned()));
    let detail = |text: &str| json!({"detail": text});
    let message = |text: &str| json!({"message": text});
    let entry = |loc: &str, text: &str, kind: &str| json!({"detail": [{"loc": [loc], "msg": text, "type": kind}]});
    for (status, body, creates, kind) in [
        (404, detail("No object with name='nobody' found or not authorized."), false, NoObject),
        (404, detail("No school with name='GymX' found."), true, reference("GymX")),
        (404, detail("No school with name='GymX' found."), false, reference("GymX")),
        (
            404,
            message(
                "Could not find object of type 'user' with URL 'http://k.example/ucsschool/kelvin/v1/users/J%C3%B6rg'.",
            ),
            false,
            reference("Jörg"),
        ),
        (
            404,
            message(
                "Could not find object of type 'role' with URL 'https://k/ucsschool/kelvin/v1/roles/king'.",
            ),
            true,
            reference("king"),
        ),
        (404, detail(r#"No school with name="o'n" found."#), true, reference("o'n")),
        (404, detail(r#"No school with name='o\'n"' found."#), true, reference("o'n\"")),
        (404, detail("No school with name='unended"), true, NoReference(None)),
        (404, message("Something is not there."), false, NoReference(None)),
        (404, detail("Something is not there."), true, NoReference(None)),
        (404, detail("Something is not there."), false, NoObject),
        (409, detail("School user exists."), true, Taken),
        (409, detail("School class exists."), true, Taken),
        (400, detail("Couldn't find legal guardian anna for student ben"), true, NoRelation),
        (400, detail("Couldn't find student ben for legal guardian anna"), false, NoRelation),
        (400, detail("The following legal guardians do not exist: ['anna']"), false, NoRelation),
        (400, detail("The following students do not exist: ['ben']"), false, NoRelation),
        (
            400,
            message("{'legal_wards': ['The following students do not exist: x']}"),
            false,
            NoRelation,
        ),
        (
            400,
            detail("Parameter 'legal_guardians' only valid for user-role 'student'"),
            false,
            Invalid,
        ),
        (400, detail("A student can have at most 4 legal guardians."), false, Invalid),
        (400, detail("Couldn't find workgroup chor for student anna"), false, Invalid),
        (400, detail("student anna needs a class at each school"), false, Invalid),
        (
            400,
            detail("{'email': ['The email address is already taken by another user.']}"),
            true,
            Invalid,
        ),
        (422, entry("password", "x", "UdmError:ModifyError"), false, Invalid),
        (422, detail("Moving of class to other school is not allowed."), false, Invalid),
        (413, detail("too large"), false, Invalid),
    ] {
        assert_eq!(refused(status, &body, creates).kind, kind, "{status} {body}");
    }
}

#[test]
fn texts_name_the_fields_and_no_values() {
    let body = json!({"detail": [
        {"loc": ["body", "name"], "msg": "Spaces are not allowed in the username!", "type": "value_error"},
        {"loc": ["body", "roles", 0], "msg": "invalid or missing URL scheme", "type": "value_error.url.scheme"},
        {"loc": ["body", "__root__"], "msg": "At least one of 'school' and 'schools' must be set.", "type": "value_error"},
        {"loc": [], "msg": "no\nspace", "type": "UdmError:CreateError"},
        {"loc": ["body", "kelvin_password_hashes"], "msg": "no Base64", "input": "s3cret", "ctx": {"given": "s3cret"}},
        {"loc": "x"},
        7,
    ]});
    assert_eq!(
        refused(422, &body, true).text,
        "name: Spaces are not allowed in the username!; roles.0: invalid or missing URL scheme; At least one of \
         'school' and 'schools' must be set.; no space (UdmError:CreateError); kelvin_password_hashes: no Base64; ; "
    );
    let many: Vec<_> = (0..50).map(|n| json!({"loc": ["body", n], "msg": "m"})).collect();
    let text = refused(422, &json!({"detail": many}), true).text;
    assert!(text.ends_with("; 9: m; and 40 more"), "{text}");
    let long = json!({"message": format!("a\n{}", "ä".repeat(9000))});
    let text = refused(400, &long, true).text;
    assert!(text.starts_with("a ä") && text.chars().count() == TEXT_LIMIT + 1);
}

#[test]
fn what_is_not_kelvin() {
    let page = b"<html><head><title>404 Not Found</title></head>\n<body>no such page";
    for status in [302, 400, 403, 404, 405, 409, 422] {
        let verdict = judge(status, page, false);
        assert_eq!(
            verdict,
            Verdict::Malformed(format!("status {status}: 404 Not Found no such page"))
        );
    }
    // A wrong path is not a missing object.
    for body in [r#"{"detail":"Not Found"}"#, "", "null", "[]", r#"{"detail":7}"#, r#"{"a":"b"}"#] {
        assert!(matches!(judge(404, body.as_bytes(), false), Verdict::Malformed(_)), "{body}");
    }
    let verdict = judge(405, br#"{"detail":"Method Not Allowed"}"#, false);
    assert_eq!(verdict, Verdict::Malformed("status 405: Method Not Allowed".into()));
}

#[test]
fn what_the_server_cannot_do_now() {
    for status in [408, 429, 500, 502, 503, 504, 599] {
        let verdict = judge(status, br#"{"detail":"busy"}"#, false);
        assert_eq!(verdict, Verdict::Trouble("busy".into()), "{status}");
        assert_eq!(judge(status, b"", false), Verdict::Trouble("no text".into()), "{status}");
    }
    let verdict = judge(401, br#"{"detail":"Unauthorized"}"#, false);
    assert_eq!(verdict, Verdict::Unauthorized("Unauthorized".into()));
}

proptest! {
    #[test]
    fn any_bytes_are_judged(status in 200_u16..600, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = judge(status, &body, true);
    }

    /// Texts stay of one line and bounded, whatever the server writes where.
    #[test]
    fn texts_are_bounded(status in prop_oneof![Just(400_u16), Just(404), Just(409), Just(422), Just(500)],
                         text in "(?s).{0,2000}", place in "(?s).{0,50}", shape in 0..3) {
        let body = match shape {
            0 => json!({"detail": text}),
            1 => json!({"detail": [{"loc": [place], "msg": text, "type": place}]}),
            _ => json!({"message": text}),
        };
        let text = match judge(status, body.to_string().as_bytes(), false) {
            Verdict::Refused(refusal) => refusal.text,
            Verdict::Unauthorized(text) | Verdict::Trouble(text) | Verdict::Malformed(text) => text,
        };
        prop_assert!(text.chars().count() <= TEXT_LIMIT + 20, "{}", text.len());
        prop_assert!(!text.chars().any(char::is_control));
    }
}
