//! One connection from its first request to its end.

use std::io::{Read, Write};

use super::message::{self, Buffer, Refusal};
use super::route::{Reaction, Response, Site};

/// Serves requests until the client closes, breaks the rules or the server wants to close.
pub(crate) fn serve_connection(site: &Site, stream: &mut (impl Read + Write)) {
    let mut buffer = Buffer::default();
    let mut out = Vec::new();
    loop {
        match message::read(stream, &mut buffer, site.client_timeout()) {
            Ok(request) => {
                let is_kept_alive = request.is_kept_alive && !site.is_stopping();
                let is_head = request.method == "HEAD";
                let Reaction::Answer(response) = site.react(&request) else {
                    return;
                };
                write_response(&mut out, &response, is_kept_alive, is_head);
                if stream.write_all(&out).and_then(|()| stream.flush()).is_err() || !is_kept_alive {
                    return;
                }
            }
            Err(Refusal::Closed) => return,
            Err(Refusal::Status(status)) => {
                let response = Response::text(status, reason(status));
                write_response(&mut out, &response, false, false);
                // The connection ends whether or not the client reads this.
                let _ = stream.write_all(&out).and_then(|()| stream.flush());
                return;
            }
        }
    }
}

fn write_response(out: &mut Vec<u8>, response: &Response, is_kept_alive: bool, is_head: bool) {
    out.clear();
    // Answers of some megabytes are rare; their memory is given back.
    out.shrink_to(1024 * 1024);
    let head = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}\r\n",
        response.status,
        reason(response.status),
        response.content_type,
        response.body.len(),
        response.more_headers,
        if is_kept_alive { "" } else { "Connection: close\r\n" },
    );
    out.extend_from_slice(head.as_bytes());
    if !is_head {
        out.extend_from_slice(&response.body);
    }
}

/// The phrase of each status that this server gives.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}
