//! The stand-in Kelvin server as a process, and what can be asked of it.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{Daemon, poll};

/// A running `idspool-sandbox kelvin`.
#[derive(Debug)]
pub struct KelvinSandbox {
    daemon: Daemon,
    url: String,
    agent: ureq::Agent,
}

impl KelvinSandbox {
    /// The account that may do everything.
    pub const USER: &str = "connector";
    /// Its password.
    pub const PASSWORD: &str = "kelvin-secret";

    /// Starts it on a free port with these schools, and arguments besides.
    pub fn start(schools: &[&str], arguments: &[&str]) -> Result<KelvinSandbox> {
        Self::start_at("127.0.0.1:0", schools, arguments)
    }

    /// Starts it at `address`, `HOST:PORT`.
    pub fn start_at(address: &str, schools: &[&str], arguments: &[&str]) -> Result<KelvinSandbox> {
        let mut all = vec!["kelvin", "--listen", address, "--user", Self::USER];
        all.extend(["--password", Self::PASSWORD]);
        for school in schools {
            all.extend(["--school", school]);
        }
        all.extend(arguments);
        let daemon = Daemon::start("idspool-sandbox", &all)?;
        let url = poll(Duration::from_secs(60), || {
            let output = daemon.output();
            let line = output.lines().find_map(|line| line.strip_prefix("listening on "))?;
            output.contains('\n').then(|| line.to_owned())
        });
        let url =
            url.with_context(|| format!("the sandbox does not listen:\n{:?}", daemon.lines()))?;
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Ok(KelvinSandbox { daemon, url, agent })
    }

    /// Scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL as the file of a school authority has it.
    pub fn api(&self) -> String {
        format!("{}/ucsschool/kelvin/v1/", self.url)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.split_once("://").map_or(&self.url, |(_, address)| address)
    }

    /// Its process.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Answer of a GET request beside the API, as JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("GET {path} answered {text:.200}"))
    }

    /// Sends a body with POST to something beside the API and returns the status.
    pub fn post(&self, path: &str, body: &str) -> Result<u16> {
        Ok(self.agent.post(format!("{}{path}", self.url)).send(body)?.status().as_u16())
    }

    /// A user with all attributes, schools and roles as plain names.
    pub fn user(&self, name: &str) -> Result<Option<Value>> {
        let state = self.get("/state")?;
        let users = state["users"].as_array().context("no users")?;
        Ok(users.iter().find(|user| user["name"] == name).cloned())
    }

    /// Names of all users, sorted.
    pub fn user_names(&self) -> Result<Vec<String>> {
        let state = self.get("/state")?;
        let users = state["users"].as_array().context("no users")?;
        let mut names: Vec<String> =
            users.iter().filter_map(|user| Some(user["name"].as_str()?.to_owned())).collect();
        names.sort();
        Ok(names)
    }

    /// A class with all attributes, members as plain names.
    pub fn class(&self, school: &str, name: &str) -> Result<Option<Value>> {
        let state = self.get("/state")?;
        let classes = state["classes"].as_array().context("no classes")?;
        let class = classes.iter().find(|class| class["school"] == school && class["name"] == name);
        Ok(class.cloned())
    }

    /// The classes as `SCHOOL/NAME`, sorted.
    pub fn class_names(&self) -> Result<Vec<String>> {
        let state = self.get("/state")?;
        let classes = state["classes"].as_array().context("no classes")?;
        let text = |class: &Value, key: &str| class[key].as_str().unwrap_or_default().to_owned();
        let mut names: Vec<String> = classes
            .iter()
            .map(|class| format!("{}/{}", text(class, "school"), text(class, "name")))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Number of the last request.
    pub fn last_call(&self) -> Result<u64> {
        self.get("/calls?since=4294967295")?["last"].as_u64().context("no last call")
    }

    /// The requests since number `since`, in order, as `METHOD PATH` without what all paths begin with.
    pub fn calls_since(&self, since: u64) -> Result<Vec<String>> {
        let log = self.get(&format!("/calls?since={since}"))?;
        let calls = log["calls"].as_array().context("no list of calls")?;
        let line = |call: &Value| {
            let text = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
            let path = text("path");
            let path = path.trim_start_matches("/ucsschool/kelvin/").trim_start_matches("v1/");
            format!("{} {path}", text("method"))
        };
        Ok(calls.iter().map(line).collect())
    }
}
