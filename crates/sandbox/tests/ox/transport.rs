//! HTTP, HTTPS and the WSDL.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use idspool_sandbox::StartError;
use idspool_sandbox::ox::{Error, Options, Tls, serve};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::{ADMIN, CTX, Client, envelope, server, server_with};

fn exists() -> String {
    envelope("exists", &format!("{CTX}<s:user><d:id>2</d:id></s:user>{ADMIN}"))
}

#[test]
fn the_wsdl_names_the_host_that_was_asked() {
    let server = server();
    let mut client = Client::new(server.address());
    for service in [
        "OXContextService",
        "OXUserService",
        "OXUserCopyService",
        "OXGroupService",
        "OXResourceService",
        "OXSecondaryAccountService",
        "OXDeputyPermissionsService",
    ] {
        let response = client.get(&format!("/webservices/{service}?wsdl"));
        assert_eq!(response.status, 200);
        assert!(response.head.contains("Content-Type: text/xml;charset=UTF-8"));
        let address =
            format!("<soap:address location=\"http://sandbox:1/webservices/{service}\"/>");
        assert!(response.body.contains(&address), "{service}");
    }
    client.send(b"GET /webservices/OXUserService?WSDL HTTP/1.1\r\nHost: \"><x>\r\n\r\n");
    let response = client.receive().unwrap();
    assert!(
        response.body.contains(&format!("location=\"{}/webservices/OXUserService\"", server.url()))
    );
}

#[test]
fn the_content_type_must_be_that_of_soap_11() {
    let server = server();
    let mut client = Client::new(server.address());
    for (content_type, status) in [
        ("text/xml; charset=utf-8", 200),
        ("text/xml", 200),
        ("TEXT/XML;charset=\"UTF-8\";action=x", 200),
        ("text/xml; charset=iso-8859-1", 415),
        ("application/json", 415),
        ("application/xml", 415),
        ("", 415),
    ] {
        let body = exists();
        client.send(
            format!(
                "POST /webservices/OXUserService HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        assert_eq!(client.receive().unwrap().status, status, "{content_type}");
    }
    client.send(b"PUT /webservices/OXUserService HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    let response = client.receive().unwrap();
    assert_eq!(response.status, 405);
    assert!(response.head.contains("Allow: POST\r\n"));
}

#[test]
fn bodies_may_be_chunked_announced_and_sent_ahead() {
    let server = server();
    let mut client = Client::new(server.address());
    let body = exists();
    let (first, second) = body.split_at(100);
    let head = "POST /webservices/OXUserService HTTP/1.1\r\nContent-Type: text/xml\r\n";
    client.send(
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};a=b\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        )
        .as_bytes(),
    );
    assert_eq!(client.receive().unwrap().status, 200);
    // Two requests in one piece.
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    client.send(request.repeat(2).as_bytes());
    assert_eq!(client.receive().unwrap().status, 200);
    assert_eq!(client.receive().unwrap().status, 200);
    client.send(
        format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
    );
    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain
        .write_all(
            format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len())
                .as_bytes(),
        )
        .unwrap();
    let mut interim = [0; 25];
    plain.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    plain.write_all(body.as_bytes()).unwrap();
    let mut start = [0; 15];
    plain.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
}

#[test]
fn slow_and_greedy_clients_are_let_go() {
    let hasty = server_with(|options| options.client_timeout = Duration::from_secs(1));
    let start = Instant::now();
    let mut slow = Client::new(hasty.address());
    slow.send(b"POST /webservices/OXUserService HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(slow.receive().unwrap().status, 408);
    let mut idle = Client::new(hasty.address());
    assert!(idle.receive().is_none());
    assert!(start.elapsed() < Duration::from_secs(20));
    // Refused by its announcement alone.
    let patient = server();
    let mut greedy = Client::new(patient.address());
    greedy.send(b"POST /webservices/OXUserService HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 67108865\r\n\r\n");
    assert_eq!(greedy.receive().unwrap().status, 413);
    assert!(greedy.receive().is_none());
}

#[test]
fn a_stopped_server_answers_no_more() {
    let server = server();
    let address = server.address();
    let mut client = Client::new(address);
    assert_eq!(client.post("OXUserService", exists().as_bytes()).unwrap().status, 200);
    server.stop();
    assert!(client.post("OXUserService", exists().as_bytes()).is_none());
}

#[test]
fn latency_is_added_to_every_call() {
    let server = server_with(|options| options.latency = Duration::from_millis(60));
    let mut client = Client::new(server.address());
    let start = Instant::now();
    assert_eq!(client.post("OXUserService", exists().as_bytes()).unwrap().status, 200);
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert!(server.calls(0)[0].milliseconds >= 60.0);
}

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

#[test]
fn https() {
    let server = server_with(|options| {
        options.tls = Some(Tls {
            certificate: data("certificate.pem"),
            key: data("key.pem"),
            client_authority: None,
        });
    });
    assert!(server.url().starts_with("https://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data("certificate.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream =
        rustls::StreamOwned::new(session, TcpStream::connect(server.address()).unwrap());
    for _ in 0..2 {
        let body = exists();
        write!(
            stream,
            "POST /webservices/OXUserService HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        while !answer.ends_with(b"</soap:Envelope>") {
            let count = stream.read(&mut chunk).unwrap();
            assert!(count > 0);
            answer.extend_from_slice(&chunk[..count]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    }
    write!(
        stream,
        "GET /webservices/OXUserService?wsdl HTTP/1.1\r\nHost: ox\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut wsdl = String::new();
    stream.read_to_string(&mut wsdl).unwrap();
    assert!(wsdl.contains("location=\"https://ox/webservices/OXUserService\""));
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let tls = |certificate: &str, key: &str| {
        serve(Options {
            tls: Some(Tls {
                certificate: data(certificate),
                key: data(key),
                client_authority: None,
            }),
            ..Options::default()
        })
    };
    for (certificate, key) in
        [("missing.pem", "key.pem"), ("key.pem", "key.pem"), ("certificate.pem", "certificate.pem")]
    {
        assert!(
            matches!(tls(certificate, key), Err(Error::Start(StartError::Tls { .. }))),
            "{certificate} {key}"
        );
    }
    let first = server();
    let second = serve(Options { listen: first.address(), ..Options::default() });
    assert!(matches!(second, Err(Error::Start(StartError::Listen { .. }))));
    let unknown =
        serve(Options { failures: vec!["crate:1".parse().unwrap()], ..Options::default() });
    assert!(matches!(unknown, Err(Error::UnknownOperation(name)) if name == "crate"));
}
