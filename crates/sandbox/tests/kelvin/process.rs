//! The program itself, and TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use idspool_sandbox::StartError;
use idspool_sandbox::kelvin::{Error, Options, Tls, serve};
use idspool_tests::Certificates;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::support::{BASE, Client, school, student, with};

/// Ends the program also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_takes_its_options_prints_its_address_and_stops_at_once() {
    let child = Command::new(env!("CARGO_BIN_EXE_idspool-sandbox"))
        .args(["kelvin", "--listen", "127.0.0.1:0", "--user", "boss", "--password", "pa:ss"])
        .args(["--account", "lea:hush:reader", "--school", "gym1", "--school", "gym2"])
        .args(["--udm-property", "user:phone:multi", "--udm-property", "school_class:mailAddress"])
        .args(["--mail-domain", "example.org", "--token-lifetime", "18446744073709551615"])
        .args(["--fail", "POST users/:2:503:7", "--lag", "3600000", "--school-cache", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap();
    let mut client = Client::bare(address.parse().unwrap());
    client.token = client.fetch_token("boss", "pa:ss");
    let place =
        json!({"school": school("gym1"), "schools": [school("gym1")], "school_classes": {}});
    let more = json!({"email": "anna@example.org", "udm_properties": {"phone": ["1"]}});
    client.ok("POST", "users/", &with(with(student("anna"), place), more));
    let failed = client.post("users/", &student("ben"));
    assert_eq!((failed.status, failed.header("Retry-After")), (503, Some("7")));
    let elsewhere = client.patch("users/anna", &json!({"email": "anna@example.com"}));
    assert_eq!(elsewhere.status, 422);
    client.version = "v2";
    assert_eq!(client.get("users/anna").status, 404);
    client.token = client.fetch_token("lea", "hush");
    assert_eq!(client.delete("users/anna").status, 401);

    // The connection stays open: stopping does not wait for clients.
    let start = Instant::now();
    let killed = Command::new("kill").arg(running.0.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(30));
    let mut log = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains("pa:ss") && !log.contains("hush"), "{log}");
}

/// Answers the status of a request over TLS, or what went wrong.
fn ask(address: std::net::SocketAddr, tls: &Certificates, shows: bool) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(tls.authority()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = if shows {
        let certificate = CertificateDer::from_pem_file(tls.client()).unwrap();
        let key = PrivateKeyDer::from_pem_file(tls.client_key()).unwrap();
        builder.with_client_auth_cert(vec![certificate], key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    let name = "127.0.0.1".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    let request = format!("GET {BASE}/v1/users/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn a_client_certificate_is_asked_for_when_an_authority_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(directory.path()).unwrap();
    let tls = |client_authority| Tls {
        certificate: certificates.server(),
        key: certificates.server_key(),
        client_authority,
    };
    let options = |tls| Options { tls: Some(tls), ..Options::default() };
    let plain = serve(options(tls(None))).unwrap();
    assert!(plain.url().starts_with("https://127.0.0.1:"));
    for shows in [false, true] {
        let answer = ask(plain.address(), &certificates, shows).unwrap();
        assert_eq!(answer, "HTTP/1.1 401 Unauthorized");
    }
    let strict = serve(options(tls(Some(certificates.authority())))).unwrap();
    let answer = ask(strict.address(), &certificates, true).unwrap();
    assert_eq!(answer, "HTTP/1.1 401 Unauthorized");
    assert!(ask(strict.address(), &certificates, false).is_err());
    let wrong = serve(options(tls(Some(certificates.server_key()))));
    assert!(matches!(wrong, Err(Error::Start(StartError::Tls { .. }))));
    assert!(strict.calls(0).len() == 1);
}
