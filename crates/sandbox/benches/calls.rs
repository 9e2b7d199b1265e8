//! How many calls per second the sandbox answers over one kept-alive connection on loopback, server and
//! client together. The sandbox is the zero-latency server of other benches: this is their ceiling.
//!
//! `cargo bench -p idspool-sandbox`; one line per kind of call.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::Context;
use idspool_sandbox::ox::{ContextSpec, Options, serve};

const CALLS: u32 = 20_000;

fn main() -> anyhow::Result<()> {
    let mut options = Options::default();
    options.contexts.push(ContextSpec::new(10));
    let server = serve(options)?;
    let mut client = Client::connect(server.address())?;
    let mut report = std::io::stdout();

    let mut measure = |what: &str, calls: u32, body: &dyn Fn(u32) -> (&'static str, String)| {
        let start = Instant::now();
        let mut bytes = 0;
        for number in 0..calls {
            let (service, body) = body(number);
            bytes += client.post(service, &body)?;
        }
        print(&mut report, what, calls, start.elapsed(), bytes)
    };
    measure("create user (7 fields)", CALLS, &|n| ("OXUserService", create(n, "")))?;
    let more: String =
        (1..=20).map(|n| format!("<d:userfield{n:02}>value {n}</d:userfield{n:02}>")).collect();
    measure("create user (27 fields)", CALLS, &|n| ("OXUserService", create(n + CALLS, &more)))?;
    measure("exists by name", CALLS, &|n| ("OXUserService", by_name("exists", n)))?;
    measure("getData by name", CALLS, &|n| ("OXUserService", by_name("getData", n)))?;
    measure("change one field", CALLS, &|n| {
        let user = format!("<s:usrdata><d:id>{}</d:id><d:title>T{n}</d:title></s:usrdata>", n + 3);
        ("OXUserService", envelope("change", &user))
    })?;
    measure("listGroupsForUser, 40,000 users", 20, &|n| {
        let user = format!("<s:usr><d:id>{}</d:id></s:usr>", n + 3);
        ("OXGroupService", envelope("listGroupsForUser", &user))
    })?;
    measure("delete user", CALLS, &|n| {
        let user = format!("<s:user><d:id>{}</d:id></s:user>", n + 3);
        ("OXUserService", envelope("delete", &user))
    })?;
    Ok(())
}

fn create(number: u32, more: &str) -> String {
    envelope(
        "create",
        &format!(
            "<s:usrdata><d:display_name>User {number}</d:display_name><d:email1>u{number}@example.org</d:email1>\
             <d:given_name>G</d:given_name><d:name>u{number}</d:name><d:password>pw</d:password>\
             <d:primaryEmail>u{number}@example.org</d:primaryEmail><d:sur_name>S</d:sur_name>{more}</s:usrdata>"
        ),
    )
}

fn by_name(operation: &str, number: u32) -> String {
    envelope(operation, &format!("<s:user><d:name>u{number}</d:name></s:user>"))
}

fn envelope(operation: &str, parameters: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:s=\"http://soap.admin.openexchange.com\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">\
         <soap:Body><s:{operation}><s:ctx><d:id>10</d:id></s:ctx>{parameters}<s:auth><r:login>oxadmin</r:login>\
         <r:password>secret</r:password></s:auth></s:{operation}></soap:Body></soap:Envelope>"
    )
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: std::net::SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 1024 * 1024] })
    }

    /// Answers the size of the response, which must be a 200.
    fn post(&mut self, service: &str, body: &str) -> anyhow::Result<usize> {
        let request = format!(
            "POST /webservices/{service} HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        let mut got = self.stream.read(&mut self.buffer)?;
        let start = String::from_utf8_lossy(self.buffer.get(..got.min(400)).unwrap_or_default())
            .into_owned();
        anyhow::ensure!(start.starts_with("HTTP/1.1 200"), "{start}");
        let (head, _) = start.split_once("\r\n\r\n").context("head of the response")?;
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .context("Content-Length")?
            .parse()?;
        let total = head.len() + 4 + length;
        while got < total {
            let count = self.stream.read(&mut self.buffer)?;
            anyhow::ensure!(count > 0, "connection closed");
            got += count;
        }
        Ok(total)
    }
}

fn print(
    out: &mut impl Write,
    what: &str,
    calls: u32,
    elapsed: Duration,
    bytes: usize,
) -> anyhow::Result<()> {
    let per_second = f64::from(calls) / elapsed.as_secs_f64();
    let each = elapsed / calls;
    let size = bytes / usize::try_from(calls)?;
    writeln!(
        out,
        "{what:34} {per_second:9.0} calls/s {each:>12.1?} each, answers of {size} bytes"
    )?;
    Ok(())
}
