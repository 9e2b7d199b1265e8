//! Certificates of servers that no CA signed: laid into the directory of trusted certificates they
//! are trusted, for exactly what they are.

use idspool_ox_soap::{Client, ContextId, Credentials, TlsProblem, UserKey};
use rustls::version::{TLS12, TLS13};

use crate::pki::{PKI, Show};
use crate::tls::{look, refused};

/// Whether a server that shows one certificate is trusted when the directory holds another.
fn check(shown: &str, listed: &[&str]) -> Result<(), (TlsProblem, String)> {
    check_server(&Show::new(shown), listed)
}

fn check_server(show: &Show<'_>, listed: &[&str]) -> Result<(), (TlsProblem, String)> {
    let directory = PKI.directory(listed);
    let server = PKI.server_of(show);
    let builder = Client::builder(&server.url).ca_certificates(Some(directory.path().to_owned()));
    match look(builder) {
        Ok(exists) => {
            assert!(exists);
            Ok(())
        }
        Err(_) => Err(refused(&server.url, directory.path())),
    }
}

fn problem(result: Result<(), (TlsProblem, String)>) -> TlsProblem {
    result.unwrap_err().0
}

/// `openssl req -x509` makes a CA of what administrators then give to their server.
#[test]
fn of_the_directory_it_is_trusted() {
    for name in ["self", "self-again", "self-leaf", "self-silent", "self-sha1"] {
        assert_eq!(check(name, &[name]), Ok(()), "{name}");
        assert_eq!(check(name, &["ca", name, "self-other"]), Ok(()), "{name} among others");
    }
}

#[test]
fn of_the_bundle_it_is_trusted() {
    for name in ["self", "self-leaf"] {
        let file = Some(PKI.path(&format!("{name}.crt")));
        assert!(look(Client::builder(PKI.server(name).url).ca_bundle(file)).unwrap(), "{name}");
    }
}

#[test]
fn its_connections_are_kept() {
    let directory = PKI.directory(&["self"]);
    let server = PKI.server("self");
    let builder = Client::builder(&server.url).ca_certificates(Some(directory.path().to_owned()));
    let client = builder.build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    for _ in 0..10 {
        assert!(client.users(ContextId::new(10), &admin).exists(UserKey::name("anna")).unwrap());
    }
    assert_eq!(server.connections(), 1, "one handshake for all calls");
}

#[test]
fn outside_the_directory_it_is_not() {
    for name in ["self", "self-leaf", "self-silent"] {
        let (problem, message) = check(name, &["ca"]).unwrap_err();
        assert_eq!(problem, TlsProblem::SelfSigned, "{name}");
        assert!(message.contains("signed by itself"), "{message}");
        assert!(message.contains("has now as a *.pem file into /"), "{message}");
        let error = look(Client::builder(PKI.server(name).url)).unwrap_err();
        assert!(error.remedy().contains("ca_certificates"), "{error}");
    }
}

/// Nothing but the bytes tells them apart; so a renewed certificate is one that nobody has checked.
#[test]
fn another_one_with_the_same_subject_and_key_is_not() {
    for (shown, listed) in [
        ("self-again", "self"),
        ("self", "self-leaf"),
        ("self-leaf-again", "self-leaf"),
        ("self-leaf", "self-silent"),
    ] {
        assert_eq!(problem(check(shown, &[listed])), TlsProblem::SelfSigned, "{shown}, {listed}");
    }
}

#[test]
fn for_another_name_it_is_not() {
    let (problem, message) = check("self-other", &["self-other"]).unwrap_err();
    assert_eq!(problem, TlsProblem::Name);
    assert!(message.contains("127.0.0.1") && message.contains("other.example.org"), "{message}");
}

/// As the program before this one: names count in subjectAltName alone.
#[test]
fn without_names_it_is_not() {
    for name in ["self-nameless", "self-old"] {
        let (problem, message) = check(name, &[name]).unwrap_err();
        assert_eq!(problem, TlsProblem::NoName, "{name}");
        assert!(message.contains("subjectAltName") && message.contains("(CN)"), "{message}");
    }
}

#[test]
fn out_of_its_time_it_is_not() {
    for name in ["self-expired", "self-leaf-expired", "self-early"] {
        let (problem, message) = check(name, &[name]).unwrap_err();
        assert_eq!(problem, TlsProblem::Date, "{name}");
        assert!(message.contains("clock"), "{message}");
    }
}

#[test]
fn for_clients_it_is_not() {
    let (problem, message) = check("self-client", &["self-client"]).unwrap_err();
    assert_eq!(problem, TlsProblem::Other);
    assert!(message.contains("serverAuth"), "{message}");
}

/// Everybody can show a certificate; the handshake proves whose it is.
#[test]
fn without_its_key_it_is_not() {
    for version in [&TLS12, &TLS13] {
        let show = Show { versions: vec![version], ..Show::new("self") };
        assert_eq!(check_server(&show, &["self"]), Ok(()));
        let show = Show { key: "good", ..show };
        let (problem, message) = check_server(&show, &["self"]).unwrap_err();
        assert_eq!(problem, TlsProblem::Other);
        assert!(message.contains("does not have the key"), "{message}");
    }
}

/// The server's own certificate is the first one; those after it prove nothing.
#[test]
fn after_another_one_it_counts_for_nothing() {
    let show = Show { chain: vec!["good", "self"], ..Show::new("good") };
    assert_eq!(problem(check_server(&show, &["self"])), TlsProblem::UnknownCa);
    let show = Show { chain: vec!["by-leaf", "self-leaf"], ..Show::new("by-leaf") };
    let (problem, message) = check_server(&show, &["self-leaf"]).unwrap_err();
    assert_eq!(problem, TlsProblem::Other);
    assert!(message.contains("EndEntityUsedAsCa"), "{message}");
}

/// Whoever trusts a server does not trust it to vouch for others.
#[test]
fn it_cannot_sign_others() {
    for listed in ["self-leaf", "self-silent"] {
        assert_eq!(problem(check("by-leaf", &[listed])), TlsProblem::UnknownCa, "{listed}");
    }
}

/// A CA that is not known may have signed it; what follows it does not matter.
#[test]
fn so_is_one_of_an_unknown_ca() {
    assert_eq!(check("good", &["good"]), Ok(()));
    let show = Show { chain: vec!["good", "ca-expired"], ..Show::new("good") };
    assert_eq!(check_server(&show, &["good"]), Ok(()));
    assert_eq!(problem(check("good", &["other"])), TlsProblem::UnknownCa);
    assert_eq!(problem(check("other", &["other"])), TlsProblem::Name);
    assert_eq!(problem(check("expired", &["expired"])), TlsProblem::Date);
}

/// It is forgiven that nobody known signed it; what a known CA may not sign, that is not.
#[test]
fn against_the_limits_of_its_ca_it_is_not() {
    let (problem, message) = check("good", &["good", "ca-narrow"]).unwrap_err();
    assert_eq!(problem, TlsProblem::Other);
    assert!(message.contains("NameConstraintViolation"), "{message}");
}

/// The certificate of a CA as a server's: trusted as that only in its own right.
#[test]
fn a_ca_as_server() {
    assert_eq!(problem(check("ca", &["ca"])), TlsProblem::NoName);
    assert_eq!(problem(check("ca", &["self"])), TlsProblem::SelfSigned);
}
