//! A small HTTP client and short ways to say what a request is about. Nothing here knows idspool's own
//! Kelvin client: a mistake that both made would hide.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use idspool_sandbox::kelvin::{Options, Server, serve};
use serde_json::{Value, json};

pub(crate) const BASE: &str = "/ucsschool/kelvin";

/// A server with the schools and properties of the examples in kelvin-api 15.
pub(crate) fn server() -> Server {
    server_with(|_| {})
}

pub(crate) fn server_with(change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options {
        schools: vec!["DEMOSCHOOL".to_owned(), "DEMOSCHOOL2".to_owned()],
        properties: [
            "user:title",
            "user:displayName",
            "user:phone:multi",
            "user:e-mail:multi",
            "school:description",
            "school_class:mailAddress",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect(),
        mail_domains: vec!["example.com".to_owned()],
        ..Options::default()
    };
    change(&mut options);
    serve(options).unwrap()
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// `detail` or `message`, which must be a text.
    pub(crate) fn text(&self) -> String {
        let body = self.json();
        let text = body.get("detail").or_else(|| body.get("message"));
        text.and_then(Value::as_str).unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// `location type` of each entry of `detail`.
    pub(crate) fn items(&self) -> Vec<String> {
        let body = self.json();
        let items = body["detail"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        items
            .iter()
            .map(|item| {
                assert!(item["msg"].is_string(), "{item}");
                let loc: Vec<String> = item["loc"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                    .collect();
                format!("{} {}", loc.join("."), item["type"].as_str().unwrap())
            })
            .collect()
    }
}

/// One connection, kept alive, and a token.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    pub(crate) token: String,
    /// `v1` or `v2`.
    pub(crate) version: &'static str,
}

impl Client {
    /// Connects and gets a token as the main account.
    pub(crate) fn new(server: &Server) -> Self {
        let mut client = Self::bare(server.address());
        client.token = client.fetch_token("connector", "secret");
        client
    }

    pub(crate) fn bare(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new(), token: String::new(), version: "v1" }
    }

    pub(crate) fn fetch_token(&mut self, user: &str, password: &str) -> String {
        let response = self.form(&format!("username={user}&password={password}"));
        assert_eq!(response.status, 200, "{response:?}");
        let body = response.json();
        assert_eq!(body["token_type"], "bearer");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn form(&mut self, form: &str) -> Response {
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.send("POST", &format!("{BASE}/token"), headers, form).unwrap()
    }

    /// Sends a request as it is; `None` when the server closes the connection.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> Option<Response> {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: kelvin.example\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).ok()?;
        self.receive(method == "HEAD")
    }

    fn receive(&mut self, is_head: bool) -> Option<Response> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            self.read_more()?;
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = match length {
            _ if is_head => 0,
            Some(length) => length.parse().unwrap(),
            None => {
                assert_eq!(status, 204, "{head}");
                0
            }
        };
        while self.unread.len() < length {
            self.read_more()?;
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Some(Response { status, head, body })
    }

    fn read_more(&mut self) -> Option<()> {
        let mut chunk = [0; 65536];
        let count = self.stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        self.unread.extend_from_slice(&chunk[..count]);
        Some(())
    }

    /// A request to the API with the token; `path` begins behind the version.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let target = format!("{BASE}/{}/{path}", self.version);
        let kind = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let headers = format!("Authorization: Bearer {}\r\n{kind}", self.token);
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, &target, &headers, &body).unwrap()
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.call("GET", path, None)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Response {
        self.call("DELETE", path, None)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        self.call("POST", path, Some(body))
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Response {
        self.call("PUT", path, Some(body))
    }

    pub(crate) fn patch(&mut self, path: &str, body: &Value) -> Response {
        self.call("PATCH", path, Some(body))
    }

    /// The object of a request that must succeed.
    pub(crate) fn ok(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.call(method, path, Some(body));
        assert!(matches!(response.status, 200 | 201), "{method} {path} {body}: {response:?}");
        response.json()
    }

    /// What must be found.
    pub(crate) fn found(&mut self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    /// A student of DEMOSCHOOL in class 7a with id `id-NAME` of source LAND.
    pub(crate) fn student(&mut self, name: &str) -> Value {
        self.ok("POST", "users/", &student(name))
    }

    pub(crate) fn class(&mut self, school_name: &str, name: &str, users: &[&str]) -> Value {
        let users: Vec<String> = users.iter().map(|name| user(name)).collect();
        let body = json!({"name": name, "school": school(school_name), "users": users});
        self.ok("POST", "classes/", &body)
    }
}

pub(crate) fn school(name: &str) -> String {
    format!("https://kelvin.example{BASE}/v1/schools/{name}")
}

pub(crate) fn role(name: &str) -> String {
    format!("https://kelvin.example{BASE}/v1/roles/{name}")
}

pub(crate) fn user(name: &str) -> String {
    format!("https://kelvin.example{BASE}/v1/users/{name}")
}

/// What creates a student.
pub(crate) fn student(name: &str) -> Value {
    json!({
        "name": name, "firstname": "F", "lastname": "L", "school": school("DEMOSCHOOL"),
        "schools": [school("DEMOSCHOOL")], "roles": [role("student")],
        "record_uid": format!("id-{name}"), "source_uid": "LAND",
        "school_classes": {"DEMOSCHOOL": ["7a"]}
    })
}

/// What creates a user of DEMOSCHOOL with one role.
pub(crate) fn person(name: &str, role_name: &str) -> Value {
    let mut body = student(name);
    body["roles"] = json!([role(role_name)]);
    body["school_classes"] = json!({});
    body
}

/// A body with some fields replaced; null removes one.
pub(crate) fn with(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => body.as_object_mut().unwrap().remove(name),
            value => body.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    body
}
