//! HTTPS: which servers are trusted, and what they are shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use idspool_kelvin_client::{Attributes, ClientBuilder, Error, Obstacle, TlsProblem};
use rustls::version::{TLS12, TLS13};

use crate::pki::PKI;
use crate::server::builder;

fn ask(builder: ClientBuilder) -> Result<Vec<String>, Error> {
    builder.build()?.roles()
}

fn refused(builder: ClientBuilder) -> (TlsProblem, Error) {
    let error = ask(builder).unwrap_err();
    match &error {
        Error::NoAnswer { obstacle: Obstacle::Tls { problem, .. }, is_open: false, .. } => {
            (*problem, error)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ca_of_the_folder_or_the_bundle_is_trusted() {
    assert_eq!(ask(PKI.server("good")).unwrap(), ["student"]);
    let builder = PKI.server("good").ca_certificates(None).ca_bundle(Some(PKI.path("ca.crt")));
    assert_eq!(ask(builder).unwrap(), ["student"]);
}

#[test]
fn an_unknown_ca_is_not() {
    let empty = PKI.path("no-such-folder");
    let (problem, error) = refused(PKI.server("good").ca_certificates(Some(empty.clone())));
    assert_eq!(problem, TlsProblem::UnknownCa);
    assert!(error.remedy().contains(&format!("*.pem file into {}", empty.display())), "{error}");
    let (problem, error) = refused(PKI.server("self"));
    assert_eq!(problem, TlsProblem::SelfSigned);
    assert!(error.remedy().contains(&PKI.path("ca").display().to_string()), "{error}");
    let (_, error) = refused(PKI.server("self").ca_certificates(None));
    assert!(error.remedy().contains("kelvin.ca_certificates"), "{error}");
}

#[test]
fn the_name_can_be_left_out() {
    let (problem, error) = refused(PKI.server("other"));
    assert_eq!(problem, TlsProblem::Name);
    assert!(error.remedy().contains("check_hostname"), "{error}");
    for versions in [&TLS12, &TLS13] {
        let builder = PKI.server_of("other", &[versions], false).check_hostname(false);
        assert_eq!(ask(builder).unwrap(), ["student"]);
    }
    // But not the rest.
    let (problem, _) = refused(PKI.server("self").check_hostname(false));
    assert_eq!(problem, TlsProblem::SelfSigned);
    let without = PKI.server("other").ca_certificates(None).check_hostname(false);
    assert_eq!(refused(without).0, TlsProblem::UnknownCa);
}

#[test]
fn all_can_be_left_out() {
    for versions in [&TLS12, &TLS13] {
        for name in ["self", "other", "good"] {
            let builder = PKI.server_of(name, &[versions], false).verify(false);
            assert_eq!(ask(builder.ca_certificates(None)).unwrap(), ["student"], "{name}");
        }
    }
}

fn own(certificate: &str, key: &str) -> (PathBuf, PathBuf) {
    (PKI.path(certificate), PKI.path(key))
}

#[test]
fn a_server_that_wants_to_see_a_certificate() {
    // Both in one file, as many tools leave them.
    let both = PKI.path("both.pem");
    let text = |name: &str| std::fs::read_to_string(PKI.path(name)).unwrap();
    std::fs::write(&both, text("client.key") + &text("client.crt")).unwrap();
    for versions in [&TLS12, &TLS13] {
        let server = || PKI.server_of("good", &[versions], true);
        for (certificate, key) in [own("client.crt", "client.key"), (both.clone(), both.clone())] {
            assert_eq!(ask(server().client_certificate(certificate, key)).unwrap(), ["student"]);
        }
        // Its refusal may be lost when it ends the connection before it has read the request.
        match ask(server()).unwrap_err() {
            Error::NoAnswer { obstacle: Obstacle::Lost, .. } => {}
            error @ Error::NoAnswer {
                obstacle: Obstacle::Tls { problem: TlsProblem::ClientCertificate, .. },
                ..
            } => assert!(error.remedy().contains("ssl_context"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    let (certificate, key) = own("client.crt", "client.key");
    let unasked = PKI.server("good").client_certificate(certificate, key);
    assert_eq!(ask(unasked).unwrap(), ["student"]);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    std::fs::write(PKI.path("empty.pem"), "nothing").unwrap();
    for (certificate, key, named, reason) in [
        ("none.crt", "client.key", "none.crt", "No such file"),
        ("empty.pem", "client.key", "empty.pem", "no certificate"),
        ("client.crt", "none.key", "none.key", "No such file"),
        ("client.crt", "empty.pem", "empty.pem", "no private key"),
        ("client.crt", "client.crt", "client.crt", "no private key"),
        ("client.crt", "good.key", "good.key", "not the key of the certificate"),
    ] {
        let (certificate, key) = own(certificate, key);
        let error = ask(PKI.server("good").client_certificate(certificate, key)).unwrap_err();
        assert!(matches!(error, Error::Settings(_)), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(named) && message.contains(reason), "{message}");
    }
    let (certificate, key) = own("client.crt", "locked.key");
    let error = ask(PKI.server("good").client_certificate(certificate, key)).unwrap_err();
    assert!(matches!(&error, Error::Settings(text) if text.contains("locked.key")), "{error}");
    let error = ask(PKI.server("good").ca_bundle(Some(PKI.path("empty.pem")))).unwrap_err();
    assert!(error.to_string().contains("empty.pem"), "{error}");
}

/// The handshake is part of making the connection, and nothing was asked before it.
#[test]
fn a_handshake_without_end() {
    let limit = Duration::from_secs(3);
    let client = PKI.server_of_one_answer().connect_timeout(limit).build().unwrap();
    let error = client.create_user(&Attributes::new()).unwrap_err();
    assert_eq!(error.call().unwrap().path, "/ucsschool/kelvin/v1/users/", "it has a token");
    let expected = Obstacle::Time { limit, while_connecting: true };
    assert!(matches!(&error, Error::NoAnswer { obstacle, .. } if *obstacle == expected), "{error}");
    assert!(!error.is_open());
}

/// Administrators look for these words.
#[test]
fn what_is_not_checked_is_logged() {
    let log = |builder: ClientBuilder| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(Arc::new(file.reopen().unwrap()))
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || drop(builder.build().unwrap()));
        std::fs::read_to_string(file.path()).unwrap()
    };
    let builder = || builder("https://kelvin.example.org/ucsschool/kelvin/v1/");
    assert_eq!(log(builder()), "");
    let lines = log(builder().check_hostname(false).verify(false));
    assert!(lines.contains("INFO") && lines.lines().count() == 2, "{lines}");
    assert!(lines.contains("Applying to SSL context: 'check_hostname'=False"), "{lines}");
    assert!(lines.contains("Applying to SSL context: 'verify_mode'=0"), "{lines}");
}
