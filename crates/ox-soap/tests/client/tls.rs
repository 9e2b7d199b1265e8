//! HTTPS: which certificates are trusted, and what is said when one is not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use idspool_ox_soap::{
    Client, ClientBuilder, ContextId, Credentials, Error, FaultClass, TlsProblem, UserKey,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{Reply, exists};

/// A CA and certificates of servers, made by `openssl` for this run.
struct Pki(tempfile::TempDir);

static PKI: LazyLock<Pki> = LazyLock::new(Pki::make);

impl Pki {
    fn make() -> Self {
        let pki = Self(tempfile::tempdir().unwrap());
        std::fs::write(
            pki.path("ca.conf"),
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\npolicy=p\n\
             unique_subject=no\n[p]\ncommonName=supplied\n\
             [good]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n\
             [other]\nsubjectAltName=DNS:other.example.org\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        std::fs::write(pki.path("index.txt"), "").unwrap();
        std::fs::write(pki.path("serial"), "01\n").unwrap();
        pki.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Test-CA \
             -keyout ca.key -out ca.crt -addext basicConstraints=critical,CA:TRUE",
        );
        std::fs::create_dir(pki.path("ca")).unwrap();
        std::fs::copy(pki.path("ca.crt"), pki.path("ca/test.pem")).unwrap();
        for (name, extensions, from, to) in [
            ("good", "good", "20200101000000Z", "20491231000000Z"),
            ("other", "other", "20200101000000Z", "20491231000000Z"),
            ("expired", "good", "20200101000000Z", "20210101000000Z"),
        ] {
            pki.openssl(&format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key \
                 -out {name}.csr"
            ));
            pki.openssl(&format!(
                "ca -batch -notext -config ca.conf -cert ca.crt -keyfile ca.key -extensions {extensions} -startdate {from} \
                 -enddate {to} -in {name}.csr -out {name}.crt"
            ));
        }
        pki.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=self -keyout self.key \
             -out self.crt -addext subjectAltName=IP:127.0.0.1",
        );
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("these tests need the openssl command");
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts a server with a certificate; it answers that the user exists.
    fn server(&self, name: &str) -> TlsServer {
        let certificates: Vec<_> = CertificateDer::pem_file_iter(self.path(&format!("{name}.crt")))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, socket.unwrap());
                std::thread::spawn(move || while answer(&mut stream) {});
            }
        });
        TlsServer { url, connections }
    }
}

struct TlsServer {
    url: String,
    connections: Arc<AtomicUsize>,
}

/// Answers one request; false when the client ends the connection, perhaps for want of trust.
fn answer(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> bool {
    let (mut request, mut space) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"</soap:Envelope>") {
        match stream.read(&mut space) {
            Ok(count) if count > 0 => request.extend_from_slice(&space[..count]),
            _ => return false,
        }
    }
    stream.write_all(&Reply::bytes(200, &exists(true))).is_ok()
}

fn look(builder: ClientBuilder) -> Result<bool, Error> {
    let admin = Credentials::new("oxadmin", "adminpw");
    builder.build()?.users(ContextId::new(10), &admin).exists(UserKey::name("anna"))
}

fn refused(url: &str, ca: &Path) -> (TlsProblem, String) {
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
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "one handshake for all calls");
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

/// `openssl req -x509` makes a CA of what administrators then give to their server.
#[test]
fn a_ca_as_server_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let url = PKI.server("self").url;
    let (problem, _) = refused(&url, directory.path());
    assert_eq!(problem, TlsProblem::IsCa);
    std::fs::copy(PKI.path("self.crt"), directory.path().join("self.pem")).unwrap();
    let (problem, message) = refused(&url, directory.path());
    assert_eq!(problem, TlsProblem::IsCa);
    assert!(message.contains("CA:TRUE"), "{message}");
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
