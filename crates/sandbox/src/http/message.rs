//! Reads one HTTP/1.1 request.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// Request line and headers together.
const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// A group of every user of a large context is about 4 MiB.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// What is set aside for a body before any of it came.
const FIRST_RESERVATION: usize = 64 * 1024;

/// A request as far as this server cares.
#[derive(Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) host: String,
    pub(crate) content_type: String,
    pub(crate) authorization: String,
    /// `X-Request-ID`.
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
    /// Whether the client will send more on this connection.
    pub(crate) is_kept_alive: bool,
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing came any more; the connection just ends.
    Closed,
    /// Answered with this status, then the connection ends.
    Status(u16),
}

/// Bytes of a connection that were read ahead.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start >= self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
            // A large body must not keep its memory for the life of the connection.
            self.bytes.shrink_to(256 * 1024);
        }
    }

    /// Reads what is there; 0 is the end of the connection.
    fn fill(&mut self, stream: &mut impl Read) -> Result<usize, Refusal> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        let mut chunk = [0_u8; 16 * 1024];
        loop {
            return match stream.read(&mut chunk) {
                Ok(count) => {
                    self.bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    Ok(count)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    Err(Refusal::Status(408))
                }
                Err(_) => Err(Refusal::Closed),
            };
        }
    }
}

/// Waits for a request and reads it. The stream's own read timeout bounds the wait for each piece,
/// `timeout` the time from the first byte to the last.
pub(super) fn read(
    stream: &mut (impl Read + Write),
    buffer: &mut Buffer,
    timeout: Duration,
) -> Result<Request, Refusal> {
    if buffer.unread().is_empty() {
        match buffer.fill(stream) {
            // An idle connection ends without a word.
            Ok(0) | Err(_) => return Err(Refusal::Closed),
            Ok(_) => {}
        }
    }
    let deadline = Instant::now() + timeout;
    let more = |buffer: &mut Buffer, stream: &mut _| {
        if Instant::now() >= deadline {
            return Err(Refusal::Status(408));
        }
        match buffer.fill(stream)? {
            0 => Err(Refusal::Closed),
            _ => Ok(()),
        }
    };
    let mut searched = 0;
    let end = loop {
        let unread = buffer.unread();
        let from = searched;
        let found = unread
            .get(from..)
            .and_then(|rest| rest.windows(4).position(|window| window == b"\r\n\r\n"));
        if let Some(at) = found {
            break from + at;
        }
        searched = unread.len().saturating_sub(3);
        if unread.len() > MAX_HEAD {
            return Err(Refusal::Status(431));
        }
        more(buffer, stream)?;
    };
    if end > MAX_HEAD {
        return Err(Refusal::Status(431));
    }
    let head = buffer.unread().get(..end).unwrap_or_default();
    let (mut request, framing) = parse_head(head)?;
    buffer.consume(end + 4);
    if framing.expects_continue && !matches!(framing.body, Body::None) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| Refusal::Closed)?;
    }
    match framing.body {
        Body::None => {}
        Body::Length(length) => {
            if length > MAX_BODY {
                return Err(Refusal::Status(413));
            }
            request.body.reserve(length.min(FIRST_RESERVATION));
            loop {
                take(buffer, &mut request.body, length);
                if request.body.len() == length {
                    break;
                }
                more(buffer, stream)?;
            }
        }
        Body::Chunked => loop {
            let size = loop {
                if let Some(size) = chunk_size(buffer)? {
                    break size;
                }
                more(buffer, stream)?;
            };
            if request.body.len() + size > MAX_BODY {
                return Err(Refusal::Status(413));
            }
            let target = request.body.len() + size;
            loop {
                take(buffer, &mut request.body, target);
                if request.body.len() == target {
                    break;
                }
                more(buffer, stream)?;
            }
            // Trailers are not supported; the last chunk and every other end with an empty line.
            while buffer.unread().len() < 2 {
                more(buffer, stream)?;
            }
            if !buffer.unread().starts_with(b"\r\n") {
                return Err(Refusal::Status(400));
            }
            buffer.consume(2);
            if size == 0 {
                break;
            }
        },
    }
    Ok(request)
}

/// Moves bytes until `body` has `target` of them or none are left.
fn take(buffer: &mut Buffer, body: &mut Vec<u8>, target: usize) {
    let unread = buffer.unread();
    let count = unread.len().min(target.saturating_sub(body.len()));
    body.extend_from_slice(unread.get(..count).unwrap_or_default());
    buffer.consume(count);
}

/// The size line of a chunk; `None` while it is incomplete.
fn chunk_size(buffer: &mut Buffer) -> Result<Option<usize>, Refusal> {
    let unread = buffer.unread();
    let Some(end) = unread.windows(2).position(|window| window == b"\r\n") else {
        return if unread.len() > 1024 { Err(Refusal::Status(400)) } else { Ok(None) };
    };
    let line = unread.get(..end).unwrap_or_default();
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is_hex =
        !digits.is_empty() && digits.len() <= 8 && digits.iter().all(u8::is_ascii_hexdigit);
    let size = std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_hex)
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .ok_or(Refusal::Status(400))?;
    buffer.consume(end + 2);
    Ok(Some(size))
}

enum Body {
    Chunked,
    Length(usize),
    None,
}

struct Framing {
    body: Body,
    expects_continue: bool,
}

fn parse_head(head: &[u8]) -> Result<(Request, Framing), Refusal> {
    let bad = Refusal::Status(400);
    let Ok(head) = std::str::from_utf8(head) else {
        return Err(bad);
    };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad);
    };
    let is_http_11 = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err(Refusal::Status(505)),
    };
    let is_token =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token(method) || !target.starts_with('/') {
        return Err(bad);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        is_kept_alive: is_http_11,
        ..Request::default()
    };
    let mut length: Option<usize> = None;
    let mut is_chunked = false;
    let mut expects_continue = false;
    for (count, line) in lines.enumerate() {
        if count >= MAX_HEADERS {
            return Err(Refusal::Status(431));
        }
        let (name, value) = line.split_once(':').ok_or(Refusal::Status(400))?;
        if !is_token(name) {
            return Err(bad);
        }
        let value = value.trim_matches([' ', '\t']);
        if name.eq_ignore_ascii_case("content-length") {
            let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let number = value.parse().ok().filter(|_| is_number).ok_or(Refusal::Status(400))?;
            if length.is_some_and(|known| known != number) {
                return Err(bad);
            }
            length = Some(number);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(Refusal::Status(501));
            }
            is_chunked = true;
        } else if name.eq_ignore_ascii_case("content-type") {
            value.clone_into(&mut request.content_type);
        } else if name.eq_ignore_ascii_case("host") {
            value.clone_into(&mut request.host);
        } else if name.eq_ignore_ascii_case("authorization") {
            value.clone_into(&mut request.authorization);
        } else if name.eq_ignore_ascii_case("x-request-id") {
            value.clone_into(&mut request.request_id);
        } else if name.eq_ignore_ascii_case("expect") {
            expects_continue = value.eq_ignore_ascii_case("100-continue");
        } else if name.eq_ignore_ascii_case("connection") {
            for word in value.split(',').map(str::trim) {
                if word.eq_ignore_ascii_case("close") {
                    request.is_kept_alive = false;
                } else if word.eq_ignore_ascii_case("keep-alive") {
                    request.is_kept_alive = true;
                }
            }
        }
    }
    let body = match (is_chunked, length) {
        // Two framings at once are how requests are smuggled.
        (true, Some(_)) => return Err(bad),
        (true, None) => Body::Chunked,
        (false, Some(length)) => Body::Length(length),
        (false, None) => Body::None,
    };
    Ok((request, Framing { body, expects_continue }))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Gives its bytes in pieces of the given size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(target.len());
            target[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    impl Write for Pieces<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn read_all(bytes: &[u8], piece: usize) -> Vec<Result<Request, Refusal>> {
        let mut stream = Pieces(bytes, piece);
        let mut buffer = Buffer::default();
        let mut all = Vec::new();
        loop {
            let request = read(&mut stream, &mut buffer, Duration::from_secs(5));
            let is_over = request.is_err();
            all.push(request);
            if is_over {
                return all;
            }
        }
    }

    #[test]
    fn requests_follow_each_other_however_they_are_cut() {
        let bytes = b"POST /webservices/X?wsdl HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\nContent-Type: text/xml\r\n\r\nhello\
            POST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n\
            GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
        for piece in [1, 2, 3, 7, 64, 1000] {
            let all = read_all(bytes, piece);
            assert_eq!(all.len(), 4, "{piece}");
            let first = all[0].as_ref().unwrap();
            assert_eq!((first.path.as_str(), first.query.as_str()), ("/webservices/X", "wsdl"));
            assert_eq!((first.host.as_str(), first.content_type.as_str()), ("a:1", "text/xml"));
            assert_eq!(first.body, b"hello");
            assert!(first.is_kept_alive);
            assert_eq!(all[1].as_ref().unwrap().body, b"abcde");
            assert!(!all[2].as_ref().unwrap().is_kept_alive);
            assert_eq!(all[3], Err(Refusal::Closed));
        }
    }

    #[test]
    fn wrong_heads_are_refused() {
        for (bytes, status) in [
            (&b"GET /\r\n\r\n"[..], 400),
            (b"GET / HTTP/2.0\r\n\r\n", 505),
            (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", 400),
            (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        ] {
            let all = read_all(bytes, 1000);
            assert_eq!(all, [Err(Refusal::Status(status))], "{}", String::from_utf8_lossy(bytes));
        }
        let long = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &vec![b'a'; MAX_HEAD + 10]].concat();
        assert_eq!(read_all(&long, 1000), [Err(Refusal::Status(431))]);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(read_all(many.as_bytes(), 1000), [Err(Refusal::Status(431))]);
    }

    #[test]
    fn a_request_that_takes_too_long_is_refused() {
        let mut stream = Cursor::new(b"GET / HTTP/1.1\r\n".to_vec());
        let mut buffer = Buffer::default();
        let refused = read(&mut stream, &mut buffer, Duration::ZERO);
        assert_eq!(refused, Err(Refusal::Status(408)));
    }
}
