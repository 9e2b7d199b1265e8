//! A small HTTP client, envelopes, and readers for what comes back. Nothing here knows idspool's own
//! SOAP client: a mistake that both made would hide.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use idspool_sandbox::ox::{ContextSpec, Options, Server, serve};
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

pub(crate) const S: &str = "http://soap.admin.openexchange.com";
pub(crate) const MASTER: &str =
    "<s:auth><r:login>oxadminmaster</r:login><r:password>secret</r:password></s:auth>";
pub(crate) const ADMIN: &str =
    "<s:auth><r:login>oxadmin</r:login><r:password>secret</r:password></s:auth>";
pub(crate) const CTX: &str = "<s:ctx><d:id>10</d:id></s:ctx>";

/// A server with contexts 10 and 11.
pub(crate) fn server() -> Server {
    server_with(|_| {})
}

pub(crate) fn server_with(change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options {
        contexts: vec![ContextSpec::new(10), ContextSpec::new(11)],
        ..Options::default()
    };
    change(&mut options);
    serve(options).unwrap()
}

/// One connection, kept alive.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next response; `None` when the server closed the connection first.
    pub(crate) fn receive(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            self.read_more()?;
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .unwrap()
            .parse()
            .unwrap();
        while self.unread.len() < length {
            self.read_more()?;
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Response { status, head, body })
    }

    fn read_more(&mut self) -> Option<()> {
        let mut chunk = [0; 65536];
        let count = self.stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        self.unread.extend_from_slice(&chunk[..count]);
        Some(())
    }

    pub(crate) fn post(&mut self, service: &str, body: &[u8]) -> Option<Response> {
        let head = format!(
            "POST /webservices/{service} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: text/xml; charset=utf-8\r\n\
             SOAPAction: \"urn:ignored\"\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        self.receive()
    }

    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: sandbox:1\r\n\r\n").as_bytes());
        self.receive().unwrap()
    }

    /// Calls an operation with its parameters as XML.
    pub(crate) fn call(&mut self, service: &str, operation: &str, parameters: &str) -> Response {
        self.post(service, envelope(operation, parameters).as_bytes()).unwrap()
    }

    /// A call that must succeed; answers the body.
    pub(crate) fn ok(&mut self, service: &str, operation: &str, parameters: &str) -> String {
        let response = self.call(service, operation, parameters);
        assert_eq!(response.status, 200, "{operation} {parameters}: {}", response.body);
        response.body
    }

    /// A call that must end in a fault; answers name in the detail and text without exception id.
    pub(crate) fn fault(
        &mut self,
        service: &str,
        operation: &str,
        parameters: &str,
    ) -> (String, String) {
        let response = self.call(service, operation, parameters);
        assert_eq!(response.status, 500, "{operation} {parameters}: {}", response.body);
        let fault = Fault::read(&response.body);
        assert_eq!(fault.code, "soap:Server", "{}", response.body);
        let (text, id) = fault.text.split_once("; exceptionId ").unwrap();
        let (process, count) = id.rsplit_once('-').unwrap();
        assert!(process.parse::<i64>().is_ok() && count.parse::<u64>().is_ok(), "{id}");
        (fault.detail.unwrap(), text.to_owned())
    }

    /// Creates a user with the mandatory fields; answers its id.
    pub(crate) fn create_user(&mut self, name: &str) -> i32 {
        let answer = self.ok("OXUserService", "create", &format!("{CTX}{}{ADMIN}", user(name)));
        values(&answer, "id")[0].parse().unwrap()
    }

    pub(crate) fn create_group(&mut self, name: &str, members: &[i32]) -> i32 {
        let members: String =
            members.iter().map(|id| format!("<d:members>{id}</d:members>")).collect();
        let group = format!(
            "{CTX}<s:grp><d:displayname>{name}</d:displayname>{members}<d:name>{name}</d:name></s:grp>{ADMIN}"
        );
        values(&self.ok("OXGroupService", "create", &group), "id")[0].parse().unwrap()
    }
}

/// The mandatory fields of a user, as `usrdata`.
pub(crate) fn user(name: &str) -> String {
    format!(
        "<s:usrdata><d:display_name>{name}</d:display_name><d:email1>{name}@example.org</d:email1>\
         <d:given_name>G</d:given_name><d:name>{name}</d:name><d:password>pw</d:password>\
         <d:primaryEmail>{name}@example.org</d:primaryEmail><d:sur_name>S</d:sur_name></s:usrdata>"
    )
}

/// An envelope in the style of the examples.
pub(crate) fn envelope(operation: &str, parameters: &str) -> String {
    let service =
        if operation == "copyUser" { "http://soap.copy.user.admin.openexchange.com" } else { S };
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:s=\"{service}\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
         xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\"><soap:Body>\
         <s:{operation}>{parameters}</s:{operation}></soap:Body></soap:Envelope>"
    )
}

/// Every element as `{namespace}path`, with its text; nil ones are left out.
pub(crate) fn leaves(xml: &str) -> Vec<(String, String)> {
    let mut reader = NsReader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    // Name, text, whether it is nil, whether it has children.
    let mut open: Vec<(String, String, bool, bool)> = Vec::new();
    let mut found = Vec::new();
    loop {
        let (namespace, event) = reader.read_resolved_event().unwrap();
        let namespace = match namespace {
            ResolveResult::Bound(uri) => String::from_utf8_lossy(uri.as_ref()).into_owned(),
            _ => String::new(),
        };
        match event {
            Event::Start(start) => {
                if let Some(parent) = open.last_mut() {
                    parent.3 = true;
                }
                let is_nil = start.attributes().any(|attribute| {
                    let attribute = attribute.unwrap();
                    attribute.key.as_ref().ends_with(b":nil") && &*attribute.value == b"true"
                });
                let local = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                open.push((format!("{{{namespace}}}{local}"), String::new(), is_nil, false));
            }
            Event::Text(text) => append(&mut open, &text.decode().unwrap()),
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref().unwrap() {
                    Some(c) => c.to_string(),
                    None => match &*reference {
                        b"amp" => "&",
                        b"lt" => "<",
                        b"gt" => ">",
                        b"quot" => "\"",
                        _ => panic!("{reference:?}"),
                    }
                    .to_owned(),
                };
                append(&mut open, &text);
            }
            Event::End(_) => {
                let path: Vec<_> = open.iter().map(|(name, ..)| name.clone()).collect();
                let (_, text, is_nil, has_children) = open.pop().unwrap();
                if !is_nil && !has_children {
                    found.push((path.join("/"), text));
                }
            }
            Event::Eof => return found,
            Event::Comment(_) | Event::Decl(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn append(open: &mut [(String, String, bool, bool)], text: &str) {
    if let Some(last) = open.last_mut() {
        last.1.push_str(text);
    }
}

/// Texts of all elements with this local name.
pub(crate) fn values(xml: &str, local: &str) -> Vec<String> {
    leaves(xml)
        .into_iter()
        .filter(|(path, _)| path.rsplit('}').next() == Some(local))
        .map(|(_, text)| text)
        .collect()
}

#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) text: String,
    /// Name of the element in `detail`.
    pub(crate) detail: Option<String>,
}

impl Fault {
    /// Reads a fault and checks its shape: an element in `detail` that holds one of the same name.
    pub(crate) fn read(xml: &str) -> Self {
        let one = |local: &str| {
            let mut all = values(xml, local);
            assert_eq!(all.len(), 1, "{local} in {xml}");
            all.remove(0)
        };
        let detail = xml.split_once("<detail><").map(|(_, detail)| {
            let name = detail.split([' ', '>']).next().unwrap();
            let inner = detail.split_once('>').unwrap().1;
            assert!(inner.starts_with(&format!("<{name}><Exception ")), "{xml}");
            assert!(
                inner.ends_with(&format!(
                    "</{name}></{name}></detail></soap:Fault></soap:Body></soap:Envelope>"
                )),
                "{xml}"
            );
            let has = |text: &str| inner.contains(text);
            assert_eq!(has(":objectname "), name == "InvalidDataException", "{xml}");
            assert_eq!(has(":message>"), name == "RemoteException", "{xml}");
            assert!(detail.starts_with(&format!("{name} xmlns=\"")), "{xml}");
            name.to_owned()
        });
        Self { code: one("faultcode"), text: one("faultstring"), detail }
    }
}
