//! What goes back to a client.

use std::borrow::Cow;

pub(crate) const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Whole lines, each with its line end.
    pub(crate) more_headers: Cow<'static, str>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type, more_headers: Cow::Borrowed(""), body: body.into() }
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::new(status, PLAIN, format!("{text}\n"))
    }

    /// The phrase of the status as body.
    pub(crate) fn bare(status: u16) -> Self {
        Self::text(status, reason(status))
    }

    pub(crate) fn wrong_method(allow: &'static str) -> Self {
        Self { more_headers: Cow::Borrowed(allow), ..Self::bare(405) }
    }

    /// A page that loads nothing and is not kept.
    pub(crate) fn page(html: Vec<u8>) -> Self {
        let headers = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\r\n\
            X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
        Self { more_headers: Cow::Borrowed(headers), ..Self::new(200, HTML, html) }
    }

    /// Replaces what is in `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>, is_kept_alive: bool, is_head: bool) {
        out.clear();
        // Answers of some megabytes are rare; their memory is given back.
        out.shrink_to(1024 * 1024);
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        // A 204 has no body and says nothing about one.
        if self.status != 204 {
            head += &format!(
                "Content-Type: {}\r\nContent-Length: {}\r\n",
                self.content_type,
                self.body.len()
            );
        }
        head += &self.more_headers;
        head += if is_kept_alive { "\r\n" } else { "Connection: close\r\n\r\n" };
        out.extend_from_slice(head.as_bytes());
        if !is_head && self.status != 204 {
            out.extend_from_slice(&self.body);
        }
    }
}

pub(crate) enum Reaction {
    Answer(Response),
    /// The connection is closed without an answer.
    Close,
}

/// The phrase of each status that the servers give.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}
