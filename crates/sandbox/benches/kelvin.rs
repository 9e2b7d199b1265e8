//! What the stand-in Kelvin server costs per request over one kept-alive connection on loopback: processor
//! time of server and client together, and requests per second. It is the zero-latency server of other
//! benches: this is their ceiling.
//!
//! `cargo bench -p idspool-sandbox --bench kelvin`; one line per kind of request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::Context;
use idspool_sandbox::kelvin::{Options, serve};
use serde_json::{Value, json};

const REQUESTS: usize = 10_000;
const BASE: &str = "/ucsschool/kelvin/v1";

fn main() -> anyhow::Result<()> {
    let server = serve(Options { schools: vec!["DEMOSCHOOL".to_owned()], ..Options::default() })?;
    let mut client = Client::connect(server.address())?;
    let school = url("schools/DEMOSCHOOL");
    let mut report = std::io::stdout();
    let mut measure = |what: &str,
                       count: usize,
                       request: &dyn Fn(usize) -> (&'static str, String, Value)|
     -> anyhow::Result<()> {
        let (start, used) = (Instant::now(), processor_time()?);
        for number in 0..count {
            let (method, path, body) = request(number);
            client.send(method, &path, &body)?;
        }
        let (elapsed, used) = (start.elapsed(), processor_time()?.saturating_sub(used));
        let rate = count as f64 / elapsed.as_secs_f64();
        let each = used.as_secs_f64() * 1e6 / count as f64;
        writeln!(report, "{what:32} {rate:9.0} requests/s {each:8.1} µs of processor time each")?;
        Ok(())
    };
    let classes = |number: usize| json!({"DEMOSCHOOL": [format!("c{}", number % 400)]});
    measure("create user", REQUESTS, &|number| {
        let body = json!({
            "name": format!("u{number}"), "firstname": "F", "lastname": "L", "school": school,
            "roles": [url("roles/student")], "record_uid": format!("id{number}"),
            "source_uid": "LAND", "school_classes": classes(number)
        });
        ("POST", "users/".to_owned(), body)
    })?;
    measure("look up identity", REQUESTS, &|number| {
        let path = format!("users/?record_uid=id{number}&source_uid=LAND");
        ("GET", path, Value::Null)
    })?;
    measure("change one attribute", REQUESTS, &|number| {
        ("PATCH", format!("users/u{number}"), json!({"firstname": format!("F{number}")}))
    })?;
    measure("change class", REQUESTS, &|number| {
        let body = json!({"school_classes": classes(number + 1)});
        ("PATCH", format!("users/u{number}"), body)
    })?;
    let members: Vec<String> = (0..25).map(|number| url(&format!("users/u{number}"))).collect();
    measure("replace 25 members of a class", REQUESTS / 10, &|number| {
        ("PATCH", format!("classes/DEMOSCHOOL/c{}", number % 400), json!({"users": members}))
    })?;
    measure("list 400 classes", 20, &|_| {
        ("GET", "classes/?school=DEMOSCHOOL".to_owned(), Value::Null)
    })?;
    measure("search by name, no index", 20, &|number| {
        ("GET", format!("users/?name=u{number}*0"), Value::Null)
    })?;
    measure("delete user", REQUESTS, &|number| ("DELETE", format!("users/u{number}"), Value::Null))
}

fn url(path: &str) -> String {
    format!("https://kelvin.example{BASE}/{path}")
}

/// User and system time of this process, from clock ticks of 10 ms.
fn processor_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    token: String,
}

impl Client {
    fn connect(address: std::net::SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, buffer: vec![0; 4 * 1024 * 1024], token: String::new() };
        let form = "username=connector&password=secret";
        let answer = client.exchange(&format!(
            "POST /ucsschool/kelvin/token HTTP/1.1\r\nHost: a\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))?;
        let answer: Value = serde_json::from_str(&answer)?;
        let token = answer.get("access_token").and_then(Value::as_str);
        token.context("no token")?.clone_into(&mut client.token);
        Ok(client)
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<()> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {BASE}/{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.exchange(&request).map(drop)
    }

    /// The body of the answer, which must be a success.
    fn exchange(&mut self, request: &str) -> anyhow::Result<String> {
        self.stream.write_all(request.as_bytes())?;
        let mut got = 0;
        loop {
            let count = self.stream.read(self.buffer.get_mut(got..).context("large answer")?)?;
            anyhow::ensure!(count > 0, "connection closed");
            got += count;
            let text = std::str::from_utf8(self.buffer.get(..got).unwrap_or_default());
            let Some((head, body)) = text.ok().and_then(|text| text.split_once("\r\n\r\n")) else {
                continue;
            };
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() == length.map_or(Ok(0), str::parse)? {
                anyhow::ensure!(head.starts_with("HTTP/1.1 20"), "{head}\n{body}");
                return Ok(body.to_owned());
            }
        }
    }
}
