//! A small HTTP server inside the test, that behaves as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// One request as it came in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// `POST /webservices/OXUserService HTTP/1.1`
    pub(crate) line: String,
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
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Answers and waits for the next request on the connection.
    Answer(u16, String),
    /// Sends bytes as they are, then does the second.
    Raw(Vec<u8>, After),
}

#[derive(Clone, Copy)]
pub(crate) enum After {
    Keep,
    Close,
    /// Says nothing more, but keeps the connection until the client ends it.
    Stall,
}

impl Reply {
    pub(crate) fn ok(xml: impl Into<String>) -> Self {
        Self::Answer(200, xml.into())
    }

    /// The bytes of an answer.
    pub(crate) fn bytes(status: u16, body: &str) -> Vec<u8> {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/xml;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
    closed: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Server {
    /// Starts a server; the script gets each request with its number from 0.
    pub(crate) fn start(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (closed_sender, closed) = std::sync::mpsc::channel();
        let script = Arc::new(script);
        let (counter, log) = (Arc::clone(&connections), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let (script, log, closed) =
                    (Arc::clone(&script), Arc::clone(&log), closed_sender.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    serve(&stream, &*script, &log);
                    let _ = stream.shutdown(Shutdown::Both);
                    let _ = closed.send(());
                });
            }
        });
        Self { url, connections, requests, closed: Mutex::new(closed) }
    }

    /// Answers every request with the same.
    pub(crate) fn always(status: u16, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::start(move |_, _| Reply::Answer(status, body.clone()))
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until the server has closed a connection.
    pub(crate) fn wait_for_close(&self) {
        self.closed.lock().unwrap().recv().unwrap();
    }
}

fn serve(
    stream: &TcpStream,
    script: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
    log: &Mutex<Vec<Request>>,
) {
    let mut source = BufReader::new(stream);
    while let Some(request) = read_request(&mut source) {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let (bytes, after) = match script(number, &request) {
            Reply::Answer(status, body) => (Reply::bytes(status, &body), After::Keep),
            Reply::Raw(bytes, after) => (bytes, after),
        };
        let mut sink = stream;
        // The client may have gone.
        if sink.write_all(&bytes).is_err() {
            return;
        }
        match after {
            After::Keep => {}
            After::Close => return,
            After::Stall => {
                let _ = source.read(&mut [0]);
                return;
            }
        }
    }
}

fn read_request(source: &mut impl BufRead) -> Option<Request> {
    let mut request = Request::default();
    let mut line = String::new();
    source.read_line(&mut line).ok()?;
    request.line = line.trim_end().to_owned();
    loop {
        line.clear();
        source.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => {
                request.headers.push((name.to_lowercase(), value.to_owned()));
            }
            None if line.trim_end().is_empty() => break,
            None => panic!("no header: {line:?}"),
        }
    }
    if request.line.is_empty() {
        return None;
    }
    let length: usize = request.header("content-length").parse().ok()?;
    let mut body = vec![0; length];
    source.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

/// An envelope around the content of its body.
pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>{body}</soap:Body>\
         </soap:Envelope>"
    )
}

/// The answer of `exists`.
pub(crate) fn exists(found: bool) -> String {
    envelope(&format!(
        "<existsResponse xmlns=\"http://soap.admin.openexchange.com\"><return>{found}</return></existsResponse>"
    ))
}

/// A fault with a typed detail.
pub(crate) fn fault(name: &str, text: &str) -> String {
    envelope(&format!(
        "<soap:Fault><faultcode>soap:Server</faultcode><faultstring>{text}; exceptionId -225208343-74</faultstring>\
         <detail><{name} xmlns=\"http://soap.admin.openexchange.com\"><{name}><Exception \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/></{name}></{name}></detail>\
         </soap:Fault>"
    ))
}
