//! Certificates made by `openssl` for this run, and servers that show them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use crate::server::{After, Reply, exists};

/// `good`, `other` and `expired` are signed by the CA `ca`; the names of those that are signed by
/// themselves begin with `self`.
pub(crate) static PKI: LazyLock<Pki> = LazyLock::new(Pki::make);

const CONFIG: &str = "\
[ca]
default_ca=d
[d]
database=index.txt
new_certs_dir=.
serial=serial
default_md=sha256
policy=p
unique_subject=no
[p]
commonName=supplied
[good]
subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=CA:FALSE
[other]
subjectAltName=DNS:other.example.org
basicConstraints=CA:FALSE
[ca-good]
subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=critical,CA:TRUE
[ca-other]
subjectAltName=DNS:other.example.org
basicConstraints=critical,CA:TRUE
[ca-nameless]
basicConstraints=critical,CA:TRUE
[ca-client]
subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=critical,CA:TRUE
extendedKeyUsage=clientAuth
[ca-plain]
basicConstraints=critical,CA:TRUE
[ca-narrow]
basicConstraints=critical,CA:TRUE
nameConstraints=critical,permitted;DNS:only.example.org
[silent]
subjectAltName=DNS:localhost,IP:127.0.0.1
";

const PAST: &str = "20200101000000Z";
const YESTERDAY: &str = "20210101000000Z";
const TOMORROW: &str = "20480101000000Z";
const FUTURE: &str = "20491231000000Z";

pub(crate) struct Pki(tempfile::TempDir);

impl Pki {
    fn make() -> Self {
        let pki = Self(tempfile::tempdir().unwrap());
        std::fs::write(pki.path("ca.conf"), CONFIG).unwrap();
        std::fs::write(pki.path("index.txt"), "").unwrap();
        std::fs::write(pki.path("serial"), "01\n").unwrap();
        pki.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Test-CA \
             -keyout ca.key -out ca.crt -addext basicConstraints=critical,CA:TRUE",
        );
        std::fs::create_dir(pki.path("ca")).unwrap();
        std::fs::copy(pki.path("ca.crt"), pki.path("ca/test.pem")).unwrap();
        for (name, extensions, to) in
            [("good", "good", FUTURE), ("other", "other", FUTURE), ("expired", "good", YESTERDAY)]
        {
            pki.key(name);
            pki.sign(name, "ca", extensions, PAST, to, "");
        }
        // As the administrator makes it; an extension for CAs comes by default.
        pki.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=self -keyout self.key \
             -out self.crt -addext subjectAltName=IP:127.0.0.1",
        );
        for (name, extensions, from, to, more) in [
            ("self-again", "ca-good", PAST, FUTURE, ""),
            ("self-other", "ca-other", PAST, FUTURE, ""),
            ("self-expired", "ca-good", PAST, YESTERDAY, ""),
            ("self-early", "ca-good", TOMORROW, FUTURE, ""),
            ("self-nameless", "ca-nameless", PAST, FUTURE, ""),
            ("self-client", "ca-client", PAST, FUTURE, ""),
            ("self-leaf", "good", PAST, FUTURE, ""),
            ("self-leaf-again", "good", PAST, FUTURE, ""),
            ("self-leaf-expired", "good", PAST, YESTERDAY, ""),
            ("self-silent", "silent", PAST, FUTURE, ""),
            ("self-sha1", "ca-good", PAST, FUTURE, "-md sha1"),
        ] {
            // All with the same subject and key: only their bytes tell them apart.
            std::fs::copy(pki.path("self.key"), pki.path(&format!("{name}.key"))).unwrap();
            pki.openssl(&format!("req -new -key self.key -subj /CN=self -out {name}.csr"));
            pki.sign(name, "", extensions, from, to, more);
        }
        pki.openssl("x509 -req -in self-leaf.csr -signkey self.key -days 30 -out self-old.crt");
        std::fs::copy(pki.path("self.key"), pki.path("self-old.key")).unwrap();
        // The same CA with an older certificate, and one that may sign for few.
        for (name, extensions, to) in
            [("ca-expired", "ca-plain", YESTERDAY), ("ca-narrow", "ca-narrow", FUTURE)]
        {
            std::fs::copy(pki.path("ca.key"), pki.path(&format!("{name}.key"))).unwrap();
            pki.openssl(&format!("req -new -key ca.key -subj /CN=Test-CA -out {name}.csr"));
            pki.sign(name, "", extensions, PAST, to, "");
        }
        // What the holder of a server's key could sign for others.
        pki.key("by-leaf");
        pki.sign("by-leaf", "self-leaf", "good", PAST, FUTURE, "");
        pki
    }

    fn key(&self, name: &str) {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out \
             {name}.csr"
        ));
    }

    /// Signs with a CA, or without the name of one with the certificate's own key.
    fn sign(&self, name: &str, ca: &str, extensions: &str, from: &str, to: &str, more: &str) {
        let signer = match ca {
            "" => format!("-selfsign -keyfile {name}.key"),
            ca => format!("-cert {ca}.crt -keyfile {ca}.key"),
        };
        self.openssl(&format!(
            "ca -batch -notext -config ca.conf {signer} -extensions {extensions} -startdate {from} -enddate {to} -in \
             {name}.csr -out {name}.crt {more}"
        ));
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
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A directory with certificates as the administrator lays them there.
    pub(crate) fn directory(&self, names: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            let file = directory.path().join(format!("{name}.pem"));
            std::fs::copy(self.path(&format!("{name}.crt")), file).unwrap();
        }
        directory
    }

    fn certificates(&self, name: &str) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_file_iter(self.path(&format!("{name}.crt")))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// Starts a server with a certificate; it answers that the user exists.
    pub(crate) fn server(&self, name: &str) -> TlsServer {
        self.server_of(&Show::new(name))
    }

    pub(crate) fn server_of(&self, show: &Show<'_>) -> TlsServer {
        let chain = show.chain.iter().flat_map(|name| self.certificates(name)).collect();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{}.key", show.key))).unwrap();
        let key = ring::sign::any_supported_type(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&show.versions)
            .unwrap()
            .with_no_client_auth()
            // This one takes a key that is not the certificate's.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
        TlsServer::start(config, Reply::bytes(200, &show.answer), show.after)
    }
}

/// What a server shows and does.
#[derive(Clone)]
pub(crate) struct Show<'a> {
    /// The server's certificate and those after it.
    pub(crate) chain: Vec<&'a str>,
    /// Whose key it has.
    pub(crate) key: &'a str,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) answer: String,
    pub(crate) after: After,
}

impl<'a> Show<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        let versions = vec![&TLS12, &TLS13];
        Self { chain: vec![name], key: name, versions, answer: exists(true), after: After::Keep }
    }
}

pub(crate) struct TlsServer {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

impl TlsServer {
    fn start(config: ServerConfig, answer: Vec<u8>, after: After) -> Self {
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
                let answer = answer.clone();
                std::thread::spawn(move || while serve(&mut stream, &answer, after) {});
            }
        });
        Self { url, connections }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Answers one request; false when the connection ends, perhaps for want of trust.
fn serve(
    stream: &mut StreamOwned<ServerConnection, TcpStream>,
    answer: &[u8],
    after: After,
) -> bool {
    let (mut request, mut space) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"</soap:Envelope>") {
        match stream.read(&mut space) {
            Ok(count) if count > 0 => request.extend_from_slice(&space[..count]),
            _ => return false,
        }
    }
    match after {
        After::Keep => stream.write_all(answer).is_ok(),
        After::Close => {
            let _ = stream.write_all(&answer[..answer.len() / 2]);
            false
        }
        After::Stall => {
            let _ = stream.read(&mut space);
            false
        }
    }
}
