//! Certificates made by `openssl` for this run, and servers that show them.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use idspool_kelvin_client::ClientBuilder;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};
use serde_json::json;

use crate::server::{Reply, builder, read_request};

/// `good`, `other` and `client` are signed by the CA `ca`; `self` by itself.
pub(crate) static PKI: LazyLock<Pki> = LazyLock::new(Pki::make);

pub(crate) struct Pki(tempfile::TempDir);

impl Pki {
    fn make() -> Self {
        let pki = Self(tempfile::tempdir().unwrap());
        pki.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Test-CA \
             -keyout ca.key -out ca.crt -addext basicConstraints=critical,CA:TRUE",
        );
        std::fs::create_dir(pki.path("ca")).unwrap();
        std::fs::copy(pki.path("ca.crt"), pki.path("ca/test.pem")).unwrap();
        for (name, extensions) in [
            ("good", "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"),
            ("other", "subjectAltName=DNS:other.example.org\nbasicConstraints=CA:FALSE\n"),
            ("client", "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n"),
        ] {
            std::fs::write(pki.path(&format!("{name}.ext")), extensions).unwrap();
            pki.openssl(&format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key \
                 -out {name}.csr"
            ));
            pki.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile {name}.ext -out \
                 {name}.crt"
            ));
        }
        pki.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=self -keyout self.key \
             -out self.crt -addext subjectAltName=DNS:self.example.org",
        );
        pki.openssl("ec -in client.key -aes128 -passout pass:geheim -out locked.key");
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("these tests need the openssl command");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {errors}");
    }

    fn certificates(&self, name: &str) -> Vec<CertificateDer<'static>> {
        let file = self.path(&format!("{name}.crt"));
        CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap).collect()
    }

    /// Starts a server with a certificate, and a builder that trusts its CA.
    pub(crate) fn server(&self, name: &str) -> ClientBuilder {
        self.server_of(name, &[&TLS12, &TLS13], false)
    }

    /// A server that ends its first connection after one answer, and greets nobody on the next.
    pub(crate) fn server_of_one_answer(&self) -> ClientBuilder {
        let config = self.config("good", &[&TLS13], false);
        self.listen(move |listener| {
            let (socket, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut source = BufReader::new(StreamOwned::new(connection, socket));
            answer(&mut source);
            drop(source);
            let (mut socket, _) = listener.accept().unwrap();
            // Until the client ends it.
            let _ = std::io::copy(&mut socket, &mut std::io::sink());
        })
    }

    /// Starts one of these versions, and perhaps one that wants certificates of clients, too.
    pub(crate) fn server_of(
        &self,
        name: &str,
        versions: &[&'static SupportedProtocolVersion],
        asks_clients: bool,
    ) -> ClientBuilder {
        let config = self.config(name, versions, asks_clients);
        self.listen(move |listener| {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut source = BufReader::new(StreamOwned::new(connection, socket.unwrap()));
                std::thread::spawn(move || while answer(&mut source) {});
            }
        })
    }

    fn listen(&self, serve: impl FnOnce(TcpListener) + Send + 'static) -> ClientBuilder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/ucsschool/kelvin/v1/", listener.local_addr().unwrap());
        std::thread::spawn(move || serve(listener));
        builder(&url).ca_certificates(Some(self.path("ca")))
    }

    fn config(
        &self,
        name: &str,
        versions: &[&'static SupportedProtocolVersion],
        asks_clients: bool,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let config = if asks_clients {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(self.certificates("ca"));
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
        Arc::new(config.with_single_cert(self.certificates(name), key).unwrap())
    }
}

/// Answers one request; false when the connection ends, perhaps for want of trust.
fn answer(source: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>) -> bool {
    let Some(request) = read_request(source) else { return false };
    let reply = match request.is_login() {
        true => Reply::token("t", 3600),
        false => Reply::json(200, &json!([{"name": "student"}])),
    };
    source.get_mut().write_all(&reply.bytes).is_ok()
}
