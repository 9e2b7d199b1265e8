//! One connection from its first request to its end.

use std::io::{Read, Write};

use super::message::{self, Buffer, Refusal};
use super::response::{Reaction, Response};
use super::server::Site;

/// Serves requests until the client closes, breaks the rules or the server wants to close.
pub(super) fn serve_connection(
    site: &impl Site,
    is_stopping: impl Fn() -> bool,
    stream: &mut (impl Read + Write),
) {
    let mut buffer = Buffer::default();
    let mut out = Vec::new();
    loop {
        match message::read(stream, &mut buffer, site.client_timeout()) {
            Ok(request) => {
                let is_kept_alive = request.is_kept_alive && !is_stopping();
                let is_head = request.method == "HEAD";
                let Reaction::Answer(response) = site.react(&request) else {
                    return;
                };
                response.write(&mut out, is_kept_alive, is_head);
                if stream.write_all(&out).and_then(|()| stream.flush()).is_err() || !is_kept_alive {
                    return;
                }
            }
            Err(Refusal::Closed) => return,
            Err(Refusal::Status(status)) => {
                Response::bare(status).write(&mut out, false, false);
                // The connection ends whether or not the client reads this.
                let _ = stream.write_all(&out).and_then(|()| stream.flush());
                return;
            }
        }
    }
}
