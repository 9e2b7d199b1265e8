//! A small HTTP server inside the test, that behaves as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idspool_kelvin_client::{Client, ClientBuilder, Credentials};
use serde_json::{Value, json};

/// One request as it came in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, without `/ucsschool/kelvin`.
    pub(crate) path: String,
    /// Lower-case name and value.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map_or("", |(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice in {self:?}");
        value
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn is_login(&self) -> bool {
        self.path == "/token"
    }
}

/// What the server does with a request.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) after: After,
}

#[derive(Clone, Copy)]
pub(crate) enum After {
    Keep,
    Close,
    /// Says nothing more, but keeps the connection until the client ends it.
    Stall,
}

impl Reply {
    pub(crate) fn new(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        // The answer to HEAD has none.
        let length =
            if status == 204 { String::new() } else { format!("Content-Length: {length}\r\n") };
        let bytes = format!("HTTP/1.1 {status} X\r\n{headers}{length}\r\n{body}").into_bytes();
        Self { bytes, after: After::Keep }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "Content-Type: application/json\r\n", &body.to_string())
    }

    /// The token that ends so many seconds after the time of the server.
    pub(crate) fn token(name: &str, seconds: u64) -> Self {
        const DATE: &str = "Date: Sat, 21 Nov 2026 17:35:07 GMT\r\n";
        let claims = json!({"sub": name, "exp": 1_795_282_507 + seconds}).to_string();
        let token = format!("e30.{}.{name}", URL_SAFE_NO_PAD.encode(claims));
        let body = json!({"access_token": token, "token_type": "bearer"});
        Self::new(200, DATE, &body.to_string())
    }

    pub(crate) fn nothing(after: After) -> Self {
        Self { bytes: Vec::new(), after }
    }

    pub(crate) fn then(self, after: After) -> Self {
        Self { after, ..self }
    }

    /// Without its last bytes.
    pub(crate) fn cut(mut self, count: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - count);
        self
    }
}

/// What the server has to say to a request and how many came before it, those for tokens not counted.
type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
    closed: Mutex<mpsc::Receiver<()>>,
}

impl Server {
    /// A server that gives tokens, and says to the rest what the script says.
    pub(crate) fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::bare(move |request, number| {
            if request.is_login() { Reply::token("t", 3600) } else { script(request, number) }
        })
    }

    /// A server that says what the script says, also to who wants a token.
    pub(crate) fn bare(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ucsschool/kelvin/v1/", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (closed_sender, closed) = mpsc::channel();
        let script = Arc::new(script);
        let (counter, log) = (Arc::clone(&connections), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let (script, log, closed) =
                    (Arc::clone(&script), Arc::clone(&log), closed_sender.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    while serve(&stream, &*script, &log) {}
                    let _ = stream.shutdown(Shutdown::Both);
                    let _ = closed.send(());
                });
            }
        });
        Self { url, connections, requests, closed: Mutex::new(closed) }
    }

    /// Answers every request with the same.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone())
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        builder(&self.url)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// All requests but those for tokens.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let mut requests = self.requests.lock().unwrap().clone();
        requests.retain(|request| !request.is_login());
        requests
    }

    /// The first lines of these requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }

    /// The requests for tokens.
    pub(crate) fn logins(&self) -> Vec<Request> {
        let mut requests = self.requests.lock().unwrap().clone();
        requests.retain(Request::is_login);
        requests
    }

    /// Waits until the server has closed a connection.
    pub(crate) fn wait_for_close(&self) {
        self.closed.lock().unwrap().recv().unwrap();
    }
}

pub(crate) fn builder(url: &str) -> ClientBuilder {
    Client::builder(url, Credentials::new("connector", "s3 cret&"))
}

/// Answers one request; false when the connection is to end.
fn serve(stream: &TcpStream, script: &Script, log: &Mutex<Vec<Request>>) -> bool {
    let mut source = BufReader::new(stream);
    let Some(request) = read_request(&mut source) else { return false };
    let number = {
        let mut log = log.lock().unwrap();
        let number = log.iter().filter(|request| !request.is_login()).count();
        log.push(request.clone());
        number
    };
    let reply = script(&request, number);
    let mut sink = stream;
    // The client may have gone.
    if sink.write_all(&reply.bytes).is_err() {
        return false;
    }
    match reply.after {
        After::Keep => true,
        After::Close => false,
        After::Stall => {
            let _ = source.read(&mut [0]);
            false
        }
    }
}

pub(crate) fn read_request(source: &mut impl BufRead) -> Option<Request> {
    let mut request = Request::default();
    let mut line = String::new();
    source.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    request.method = words.next()?;
    request.path = words.next()?;
    request.path = request.path.strip_prefix("/ucsschool/kelvin").unwrap().to_owned();
    assert_eq!(words.next().as_deref(), Some("HTTP/1.1"));
    loop {
        line.clear();
        source.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => request.headers.push((name.to_lowercase(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => panic!("no header: {line:?}"),
        }
    }
    let length: usize = match request.header("content-length") {
        "" => 0,
        length => length.parse().unwrap(),
    };
    let mut body = vec![0; length];
    source.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

/// A user as a server answers it.
pub(crate) fn user(name: &str) -> Value {
    json!({
        "dn": format!("uid={name},cn=schueler,cn=users,ou=DEMOSCHOOL,dc=school,dc=test"),
        "url": format!("https://kelvin.example/ucsschool/kelvin/v1/users/{name}"),
        "ucsschool_roles": ["student:school:DEMOSCHOOL"],
        "udm_properties": {"title": null, "phone": ["+49 421 1"]},
        "name": name,
        "school": "https://kelvin.example/ucsschool/kelvin/v1/schools/DEMOSCHOOL",
        "firstname": "Anna",
        "lastname": "Müller",
        "birthday": "2010-02-03",
        "disabled": false,
        "email": "anna.m@example.com",
        "expiration_date": null,
        "record_uid": "4711",
        "roles": ["https://kelvin.example/ucsschool/kelvin/v1/roles/student"],
        "schools": ["https://kelvin.example/ucsschool/kelvin/v1/schools/DEMOSCHOOL"],
        "school_classes": {"DEMOSCHOOL": ["7a"]},
        "workgroups": {},
        "source_uid": "LAND",
        "legal_guardians": ["https://kelvin.example/ucsschool/kelvin/v1/users/j%C3%B6rg"],
        "legal_wards": [],
    })
}

/// A class as a server answers it.
pub(crate) fn class(school: &str, name: &str) -> Value {
    json!({
        "dn": format!("cn={school}-{name},cn=klassen"),
        "url": format!("https://kelvin.example/ucsschool/kelvin/v1/classes/{school}/{name}"),
        "ucsschool_roles": [format!("school_class:school:{school}")],
        "udm_properties": {"mailAddress": null},
        "name": name,
        "school": format!("https://kelvin.example/ucsschool/kelvin/v1/schools/{school}"),
        "description": null,
        "users": ["https://kelvin.example/ucsschool/kelvin/v1/users/anna.m"],
        "create_share": true,
    })
}
