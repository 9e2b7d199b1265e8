//! HTTPS: which certificates are trusted, and what is said when one is not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use idspool_ox_soap::{
    Client, ClientBuilder, ContextId, Credentials, Error, FaultClass, TlsProblem, UserKey,
};

use crate::pki::{PKI, Show};
use crate::server::{After, envelope};

pub(crate) fn look(builder: ClientBuilder) -> Result<bool, Error> {
    let admin = Credentials::new("oxadmin", "adminpw");
    builder.build()?.users(ContextId::new(10), &admin).exists(UserKey::name("anna"))
}

pub(crate) fn refused(url: &str, ca: &Path) -> (TlsProblem, String) {
    let error = look(Client::builder(url).ca_certificates(Some(ca.to_owned()))).unwrap_err();
    assert_eq!(error.fault_class(), FaultClass::Transient);
    let message = error.to_string();
    match error {
        Error::Tls { problem, .. } => (problem, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ca_of_the_directory_is_trusted() {
    let server = PKI.server("good");
    let builder = Client::builder(&server.url).ca_certificates(Some(PKI.path("ca")));
    let client = builder.build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    for _ in 0..10 {
        assert!(client.users(ContextId::new(10), &admin).exists(UserKey::name("anna")).unwrap());
    }
    assert_eq!(server.connections(), 1, "one handshake for all calls");
}

#[test]
fn a_ca_of_the_bundle_is_trusted() {
    let url = PKI.server("good").url;
    assert!(look(Client::builder(url).ca_bundle(Some(PKI.path("ca.crt")))).unwrap());
}

#[test]
fn an_unknown_ca_is_not() {
    let url = PKI.server("good").url;
    let empty = PKI.path("no-such-directory");
    let (problem, message) = refused(&url, &empty);
    assert_eq!(problem, TlsProblem::UnknownCa);
    assert!(message.contains(&format!("*.pem file into {}", empty.display())), "{message}");
    let error = look(Client::builder(url)).unwrap_err();
    assert!(error.remedy().contains("ca_certificates"), "{error}");
}

#[test]
fn a_certificate_for_another_name_is_not() {
    let (problem, message) = refused(&PKI.server("other").url, &PKI.path("ca"));
    assert_eq!(problem, TlsProblem::Name);
    assert!(message.contains("other.example.org"), "{message}");
}

#[test]
fn an_expired_certificate_is_not() {
    let (problem, message) = refused(&PKI.server("expired").url, &PKI.path("ca"));
    assert_eq!(problem, TlsProblem::Date);
    assert!(message.contains("clock"), "{message}");
}

#[test]
fn a_server_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 512]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = socket.read(&mut [0; 512]);
    });
    let (problem, message) = refused(&url, &PKI.path("ca"));
    assert_eq!(problem, TlsProblem::NotTls);
    assert!(message.contains("http://"), "{message}");
}

/// The handshake is part of making the connection, and of its time.
#[test]
fn a_handshake_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (done, end) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let _socket = listener.accept().unwrap();
        // Ends a test that would hang.
        let _ = end.recv_timeout(Duration::from_secs(20));
    });
    let limit = Duration::from_millis(200);
    let error = look(Client::builder(url).connect_timeout(limit)).unwrap_err();
    drop(done);
    let Error::Timeout { limit: told, while_connecting: true, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(told, limit);
}

#[test]
fn no_answer_after_the_handshake() {
    let server = PKI.server_of(&Show { after: After::Stall, ..Show::new("good") });
    let limit = Duration::from_millis(500);
    let builder = Client::builder(&server.url).ca_certificates(Some(PKI.path("ca")));
    let error = look(builder.call_timeout(limit)).unwrap_err();
    let Error::Timeout { limit: told, while_connecting: false, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(told, limit);
}

#[test]
fn an_answer_that_breaks_off() {
    let server = PKI.server_of(&Show { after: After::Close, ..Show::new("good") });
    let error = look(Client::builder(&server.url).ca_certificates(Some(PKI.path("ca"))));
    assert!(matches!(error, Err(Error::Disconnected { .. })), "{error:?}");
    assert_eq!(server.connections(), 2, "asking again does no harm");
}

/// Larger than any buffer on the way.
#[test]
fn a_large_answer() {
    let users: String = (1..=5_000)
        .map(|id| format!("<return><d:name>{}</d:name><d:id>{id}</d:id></return>", "x".repeat(100)))
        .collect();
    let answer = envelope(&format!(
        "<listAllResponse xmlns=\"http://soap.admin.openexchange.com\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\">{users}</listAllResponse>"
    ));
    let server = PKI.server_of(&Show { answer, ..Show::new("good") });
    let builder = Client::builder(&server.url).ca_certificates(Some(PKI.path("ca")));
    let client = builder.build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    for _ in 0..2 {
        assert_eq!(client.users(ContextId::new(10), &admin).list_all().unwrap().len(), 5_000);
    }
    assert_eq!(server.connections(), 1);
}

/// One certificate that cannot be used does not cost the others of a bundle.
#[test]
fn a_bundle_with_a_strange_certificate() {
    let file = PKI.path("mixed.crt");
    let strange = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let good = std::fs::read_to_string(PKI.path("ca.crt")).unwrap();
    std::fs::write(&file, format!("{strange}{good}")).unwrap();
    assert!(look(Client::builder(PKI.server("good").url).ca_bundle(Some(file))).unwrap());
}

#[test]
fn damaged_certificates_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broken.pem");
    for content in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        std::fs::write(&file, content).unwrap();
        let builder = Client::builder("https://ox.example.org");
        let error = builder.ca_certificates(Some(directory.path().to_owned())).build().unwrap_err();
        assert!(matches!(&error, Error::CaCertificates { path, .. } if *path == file), "{error:?}");
        assert!(error.to_string().contains("broken.pem"), "{error}");
    }
    let builder = Client::builder("https://ox.example.org");
    let error = builder.ca_bundle(Some("/nonexistent/bundle".into())).build().unwrap_err();
    assert!(error.to_string().contains("/nonexistent/bundle"), "{error}");
}
