//! Schools (kelvin-api 6).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, Desk, properties};
use crate::kelvin::answer::Shown;
use crate::kelvin::body::SchoolBody;
use crate::kelvin::failure::matches;
use crate::kelvin::options::PropertyOwner;
use crate::kelvin::refusal::Refusal;
use crate::kelvin::world::School;
use crate::view::Query;

/// Server that has what no other one has.
const SERVER: &str = "primary";

/// A school with nothing but its name.
pub(in crate::kelvin) fn new_school(name: &str) -> School {
    School {
        name: name.to_owned(),
        display_name: name.to_owned(),
        educational_servers: Vec::new(),
        administrative_servers: Vec::new(),
        class_share_file_server: SERVER.to_owned(),
        home_share_file_server: SERVER.to_owned(),
        properties: BTreeMap::new(),
    }
}

pub(super) fn list(shown: Shown<'_>, query: &Query) -> Answer {
    let pattern = query.text("name").to_lowercase();
    let is_meant = |name: &str| pattern.is_empty() || matches(&pattern, &name.to_lowercase());
    let schools = shown.world.schools().filter(|school| is_meant(&school.name));
    Answer::list(schools.map(|school| shown.school(school)))
}

pub(super) fn get(shown: Shown<'_>, name: &str, is_head: bool) -> Result<Answer, Refusal> {
    let school = shown.world.school(name).ok_or_else(|| Refusal::no_school(name))?;
    Ok(if is_head { Answer::empty(200) } else { Answer::json(200, &shown.school(school)) })
}

pub(super) fn create(desk: &mut Desk<'_>, body: &Map<String, Value>) -> Result<Answer, Refusal> {
    let sent = SchoolBody::read(body, &desk.options.properties)?;
    if desk.world.school(&sent.name).is_some() {
        return Err(Refusal::detail(409, "School exists."));
    }
    let mut properties = BTreeMap::new();
    properties::apply(
        &mut properties,
        sent.properties,
        PropertyOwner::School,
        desk.options,
        properties::Step::Create,
    )?;
    let plain = new_school(&sent.name);
    let name = sent.name;
    desk.world.add_school(School {
        display_name: sent.display_name.unwrap_or(plain.display_name),
        educational_servers: sent.educational_servers,
        administrative_servers: sent.administrative_servers,
        class_share_file_server: sent
            .class_share_file_server
            .unwrap_or(plain.class_share_file_server),
        home_share_file_server: sent.home_share_file_server.unwrap_or(plain.home_share_file_server),
        properties,
        name: plain.name,
    });
    let shown = desk.shown();
    let school = shown.world.school(&name).ok_or_else(|| Refusal::no_school(&name))?;
    Ok(Answer::json(201, &shown.school(school)))
}
