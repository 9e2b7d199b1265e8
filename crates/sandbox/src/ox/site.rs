//! Which path leads where.

use std::time::Duration;

use super::engine::{Engine, Reply};
use super::schema::Interface;
use super::view::{json, page};
use crate::http::{JSON, Reaction, Request, Response, Site};
use crate::view::escape;

const XML: &str = "text/xml;charset=UTF-8";

/// What all connections share.
pub(super) struct OxSite {
    pub(super) engine: Engine,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// Address for clients that send no usable Host header.
    pub(super) address: String,
}

impl Site for OxSite {
    fn client_timeout(&self) -> Duration {
        self.engine.options.client_timeout
    }

    fn react(&self, request: &Request) -> Reaction {
        if let Some(service) = request.path.strip_prefix("/webservices/") {
            return self.service(service, request);
        }
        Reaction::Answer(self.page(request))
    }
}

impl OxSite {
    fn service(&self, service: &str, request: &Request) -> Reaction {
        let Some(interface) = self.engine.interface(service) else {
            return Reaction::Answer(Response::bare(404));
        };
        let wants_wsdl = request
            .query
            .split('&')
            .any(|part| part.split('=').next().is_some_and(|key| key.eq_ignore_ascii_case("wsdl")));
        let response = match request.method.as_str() {
            "GET" | "HEAD" if wants_wsdl => self.wsdl(interface, &request.host),
            "POST" => {
                if let Some(refusal) = refused_type(&request.content_type) {
                    return Reaction::Answer(Response::text(415, refusal));
                }
                match self.engine.call(service, &request.body) {
                    None => Response::bare(404),
                    Some(Reply::Close) => return Reaction::Close,
                    Some(Reply::Envelope(status, text)) => Response::new(status, XML, text),
                    Some(Reply::Other(status, content_type, body)) => {
                        Response::new(status, content_type, body)
                    }
                }
            }
            _ => Response::wrong_method("Allow: POST\r\n"),
        };
        Reaction::Answer(response)
    }

    fn wsdl(&self, interface: &Interface, host: &str) -> Response {
        // Whatever the client sends as Host stands in the answer: only what a host can look like.
        let is_usable = !host.is_empty()
            && host.len() <= 255
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte));
        let host = if is_usable { host } else { &self.address };
        let address = format!("{}://{host}/webservices/{}", self.scheme, interface.name);
        let placeholder = format!("http://localhost:80/webservices/{}", interface.name);
        Response::new(200, XML, interface.wsdl.replace(&placeholder, &escape(&address)))
    }

    fn page(&self, request: &Request) -> Response {
        let is_get = matches!(request.method.as_str(), "GET" | "HEAD");
        let is_post = request.method == "POST";
        match request.path.as_str() {
            "/" | "/state" | "/calls" | "/calls/count" if !is_get => {
                Response::wrong_method("Allow: GET, HEAD\r\n")
            }
            "/reset" | "/fail" if !is_post => Response::wrong_method("Allow: POST\r\n"),
            "/" => Response::page(page::render(&self.engine, &request.query)),
            "/state" => match number(&request.query, "context") {
                Ok(context) => Response::new(200, JSON, json::state(&self.engine, context)),
                Err(text) => Response::text(400, &text),
            },
            "/calls" => match number(&request.query, "since") {
                Ok(since) => {
                    Response::new(200, JSON, json::calls(&self.engine, since.unwrap_or(0)))
                }
                Err(text) => Response::text(400, &text),
            },
            "/calls/count" => Response::new(200, JSON, json::counts(&self.engine)),
            "/reset" => {
                self.engine.reset();
                Response::text(200, "reset")
            }
            "/fail" => self.fail(&request.body),
            _ => Response::bare(404),
        }
    }

    /// All lines are read before the first takes effect.
    fn fail(&self, body: &[u8]) -> Response {
        let text = String::from_utf8_lossy(body);
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let failures: Result<Vec<_>, String> = lines
            .iter()
            .map(|line| line.parse().map_err(|error| format!("{line}: {error}")))
            .collect();
        let failures: Vec<super::Failure> = match failures {
            Ok(failures) if failures.is_empty() => {
                return Response::text(400, "expected one OPERATION:N[:KIND] per line");
            }
            Ok(failures) => failures,
            Err(error) => return Response::text(400, &error),
        };
        let count = failures.len();
        match self.engine.add_failures(failures) {
            Ok(()) => Response::text(200, &format!("{count} added")),
            Err(error) => Response::text(400, &error.to_string()),
        }
    }
}

/// SOAP 1.1 comes as `text/xml`; the SOAP 1.2 type goes on to the fault that explains it.
fn refused_type(content_type: &str) -> Option<&'static str> {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    if !["text/xml", "application/soap+xml"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
    {
        return Some("expected Content-Type: text/xml; charset=utf-8");
    }
    for parameter in parts {
        if let Some((key, value)) = parameter.split_once('=')
            && key.trim().eq_ignore_ascii_case("charset")
            && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return Some("expected charset utf-8");
        }
    }
    None
}

/// A number from the query; an absent or empty one is none.
fn number<T: std::str::FromStr>(query: &str, key: &str) -> Result<Option<T>, String> {
    let value = query
        .split('&')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| *name == key)
        .map_or("", |(_, value)| value);
    if value.is_empty() {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|_| format!("{key} must be a number"))
}
