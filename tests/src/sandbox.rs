//! A stand-in server as a process, and what can be asked of it.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{Daemon, poll};

/// A running `idspool-sandbox`.
#[derive(Debug)]
pub struct Sandbox {
    daemon: Daemon,
    url: String,
    agent: ureq::Agent,
}

impl Sandbox {
    /// Password of the master administrator `oxadminmaster`.
    pub const MASTER_PASSWORD: &str = "master-secret";

    /// Starts the OX server with these arguments besides address and master password.
    pub fn start(arguments: &[&str]) -> Result<Sandbox> {
        Self::start_at("127.0.0.1:0", arguments)
    }

    /// Starts the OX server at `address`, `HOST:PORT`.
    pub fn start_at(address: &str, arguments: &[&str]) -> Result<Sandbox> {
        let all = ["ox", "--listen", address, "--master-password", Self::MASTER_PASSWORD];
        Self::run(&[&all, arguments].concat())
    }

    /// Starts the Kelvin server with these arguments besides the address. Its account is `connector` with
    /// password `secret`.
    pub fn start_kelvin(arguments: &[&str]) -> Result<Sandbox> {
        Self::start_kelvin_at("127.0.0.1:0", arguments)
    }

    /// Starts the Kelvin server at `address`, `HOST:PORT`.
    pub fn start_kelvin_at(address: &str, arguments: &[&str]) -> Result<Sandbox> {
        Self::run(&[&["kelvin", "--listen", address], arguments].concat())
    }

    fn run(arguments: &[&str]) -> Result<Sandbox> {
        let daemon = Daemon::start("idspool-sandbox", arguments)?;
        let url = poll(Duration::from_secs(20), || {
            let output = daemon.output();
            let line = output.lines().find_map(|line| line.strip_prefix("listening on "))?;
            output.contains('\n').then(|| line.to_owned())
        });
        let url =
            url.with_context(|| format!("the sandbox does not listen:\n{:?}", daemon.lines()))?;
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Sandbox { daemon, url, agent })
    }

    /// Scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_start_matches("https://")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Answer of a GET request, as JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        // A state dump of many users is larger than ureq's default limit.
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("GET {path} answered {text:.200}"))
    }

    /// Sends a body with POST and returns the status.
    pub fn post(&self, path: &str, body: &str) -> Result<u16> {
        Ok(self.agent.post(format!("{}{path}", self.url)).send(body)?.status().as_u16())
    }

    /// Sends a SOAP envelope to a service and returns the HTTP status.
    pub fn soap(&self, service: &str, envelope: &str) -> Result<u16> {
        let request = self
            .agent
            .post(format!("{}/webservices/{service}", self.url))
            .header("Content-Type", "text/xml; charset=utf-8");
        let mut answer = request.send(envelope)?;
        // Read to the end, so that the connection can be used again.
        answer.body_mut().read_to_vec()?;
        Ok(answer.status().as_u16())
    }

    /// Names of the operations called since call number `since`, in order: `User.create`.
    pub fn calls_since(&self, since: u64) -> Result<Vec<String>> {
        let log = self.get(&format!("/calls?since={since}"))?;
        let calls = log["calls"].as_array().context("no list of calls")?;
        Ok(calls
            .iter()
            .map(|call| {
                let service = call["service"].as_str().unwrap_or_default();
                let service = service.trim_start_matches("OX").trim_end_matches("Service");
                format!("{service}.{}", call["operation"].as_str().unwrap_or_default())
            })
            .collect())
    }

    /// Number of the last call.
    pub fn last_call(&self) -> Result<u64> {
        self.get("/calls?since=4294967295")?["last"].as_u64().context("no last call")
    }

    /// The user with this login in a context, with all fields.
    pub fn user(&self, context: i64, name: &str) -> Result<Option<Value>> {
        let state = self.get("/state")?;
        let contexts = state["contexts"].as_array().context("no contexts")?;
        let context = contexts.iter().find(|c| c["id"] == context);
        let users = context.and_then(|context| context["users"].as_array());
        Ok(users.and_then(|users| users.iter().find(|user| user["name"] == name)).cloned())
    }

    /// Names of the users of a context, without its administrator, sorted.
    pub fn user_names(&self, context: i64) -> Result<Vec<String>> {
        let state = self.get("/state")?;
        let contexts = state["contexts"].as_array().context("no contexts")?;
        let users = contexts.iter().find(|c| c["id"] == context).map(|c| c["users"].clone());
        let mut names: Vec<String> = users
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|user| user["contextadmin"] == false)
            .filter_map(|user| Some(user["name"].as_str()?.to_owned()))
            .collect();
        names.sort();
        Ok(names)
    }
}
