//! Which path leads where.

use std::time::Duration;

use super::engine::Engine;
use super::failure::Failure;
use super::route::PREFIX;
use super::view::{json, page};
use crate::http::{JSON, Reaction, Request, Response, Site};
use crate::view::Query;

/// What all connections share.
pub(super) struct KelvinSite {
    pub(super) engine: Engine,
}

impl Site for KelvinSite {
    fn client_timeout(&self) -> Duration {
        self.engine.options.client_timeout
    }

    fn react(&self, request: &Request) -> Reaction {
        if request.path.starts_with(PREFIX) {
            return self.engine.react(request);
        }
        Reaction::Answer(self.beside(request))
    }
}

impl KelvinSite {
    /// What there is beside the API.
    fn beside(&self, request: &Request) -> Response {
        let is_get = matches!(request.method.as_str(), "GET" | "HEAD");
        let is_post = request.method == "POST";
        match request.path.as_str() {
            "/" | "/state" | "/calls" | "/calls/count" if !is_get => {
                Response::wrong_method("Allow: GET, HEAD\r\n")
            }
            "/reset" | "/revoke" | "/fail" | "/remove-school" if !is_post => {
                Response::wrong_method("Allow: POST\r\n")
            }
            "/" => Response::page(page::render(&self.engine, &request.query)),
            "/state" => Response::new(200, JSON, json::state(&self.engine)),
            "/calls" => {
                let query = Query::parse(&request.query);
                match (query.text("since"), query.number("since")) {
                    ("", _) => Response::new(200, JSON, json::calls(&self.engine, 0)),
                    (_, Some(since)) => Response::new(200, JSON, json::calls(&self.engine, since)),
                    (_, None) => Response::text(400, "since must be a number"),
                }
            }
            "/calls/count" => Response::new(200, JSON, json::counts(&self.engine)),
            "/reset" => {
                self.engine.reset();
                Response::text(200, "reset")
            }
            "/revoke" => {
                if self.engine.revoke() {
                    Response::text(200, "revoked")
                } else {
                    Response::text(500, "the system gives no random numbers")
                }
            }
            "/fail" => self.fail(&request.body),
            "/remove-school" => self.remove_schools(&request.body),
            _ => Response::bare(404),
        }
    }

    /// All lines are read before the first takes effect.
    fn fail(&self, body: &[u8]) -> Response {
        let text = String::from_utf8_lossy(body);
        let failures: Result<Vec<Failure>, String> = lines(&text)
            .map(|line| line.parse().map_err(|error| format!("{line}: {error}")))
            .collect();
        match failures {
            Ok(failures) if failures.is_empty() => {
                Response::text(400, "expected one METHOD PATH-PATTERN:N[:KIND[:SECONDS]] per line")
            }
            Ok(failures) => {
                let count = failures.len();
                self.engine.add_failures(failures);
                Response::text(200, &format!("{count} added"))
            }
            Err(error) => Response::text(400, &error),
        }
    }

    fn remove_schools(&self, body: &[u8]) -> Response {
        let text = String::from_utf8_lossy(body);
        let count = lines(&text).filter(|name| self.engine.remove_school(name)).count();
        Response::text(200, &format!("{count} removed"))
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}
