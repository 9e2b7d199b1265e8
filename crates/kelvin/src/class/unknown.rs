//! Finding the members that the server does not know, after it refused a class because of one of them
//! (id-connector 4.3).

use std::collections::BTreeSet;

use idspool_kelvin_client::RefusalKind;

use crate::halt::Halt;
use crate::kelvin::Kelvin;

/// From so many on the list of a school's users is read first. The server takes about as long for each user on
/// the list as for a single one, but a request less.
const MANY: usize = 50;
/// Refusals that each named one member, after which all others are asked for.
const ROUNDS: usize = 5;

/// The search for unknown members of one class.
#[derive(Debug)]
pub(super) struct Search<'a> {
    kelvin: &'a dyn Kelvin,
    school: &'a str,
    /// Names in lower case that were asked for, or that the server named.
    asked: BTreeSet<String>,
    rounds: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(kelvin: &'a dyn Kelvin, school: &'a str) -> Self {
        Self { kelvin, school, asked: BTreeSet::new(), rounds: 0 }
    }

    /// After a refusal: names among `sent` that the server does not know, in lower case. Empty: the refusal had
    /// another cause. The first time those are asked for who were never delivered.
    pub(super) fn after(
        &mut self,
        refused: &Halt,
        sent: &[String],
        is_delivered: impl Fn(&str) -> bool,
    ) -> Result<BTreeSet<String>, Halt> {
        let Some(RefusalKind::NoReference(named)) = refused.refusal() else {
            return Ok(BTreeSet::new());
        };
        let sent: Vec<String> = sent.iter().map(|name| name.to_lowercase()).collect();
        let named = named.as_ref().map(|name| name.to_lowercase());
        let mut unknown: BTreeSet<String> =
            named.into_iter().filter(|named| sent.contains(named)).collect();
        self.asked.extend(unknown.iter().cloned());
        self.rounds += 1;
        if self.rounds == 1 {
            unknown.extend(self.ask(sent.iter().filter(|name| !is_delivered(name)))?);
        }
        if unknown.is_empty() || self.rounds > ROUNDS {
            unknown.extend(self.ask(sent.iter())?);
        }
        Ok(unknown)
    }

    /// Which of these the server does not have; each is asked for once.
    fn ask<'n>(
        &mut self,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<BTreeSet<String>, Halt> {
        let mut names: Vec<&String> = names.filter(|name| !self.asked.contains(*name)).collect();
        self.asked.extend(names.iter().map(|name| (*name).clone()));
        // A school with very many users may take the server longer than a request may last.
        if names.len() >= MANY
            && let Ok(known) = self.kelvin.user_names(self.school)
        {
            let known: BTreeSet<String> = known.iter().map(|name| name.to_lowercase()).collect();
            names.retain(|name| !known.contains(*name));
        }
        let mut unknown = BTreeSet::new();
        for name in names {
            if self.kelvin.user(name)?.is_none() {
                unknown.insert(name.clone());
            }
        }
        Ok(unknown)
    }
}
