//! What a server has: its schools and roles, remembered for a while (id-connector 3.1).
//!
//! What is not on the list decides about removals, so it is not believed lightly: an empty list of schools is a
//! fault, and a school that is needed and not on the list is asked for by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use idspool_provisioner::Fault;

use crate::client;
use crate::halt::Halt;
use crate::kelvin::Kelvin;

/// How long a list counts (id-connector 13).
const FRESH: Duration = Duration::from_secs(600);
/// How long something that is not on the list is taken for absent without reading it again. A school that was
/// just created is found after this, and many items without one cost little.
const BELIEVED: Duration = Duration::from_secs(5);

/// A server, and what is remembered of it.
#[derive(Debug)]
pub struct Target {
    kelvin: Arc<dyn Kelvin>,
    schools: Mutex<Option<Names>>,
    roles: Mutex<Option<Names>>,
}

/// A list as it was read.
#[derive(Debug)]
struct Names {
    /// By name in lower case, in the spelling of the server.
    spelled: BTreeMap<String, String>,
    /// In lower case: not on the list, and the server said so when it was asked for them.
    absent: BTreeSet<String>,
    read: Instant,
}

impl Names {
    fn new(names: Vec<String>) -> Self {
        let spelled = names.into_iter().map(|name| (name.to_lowercase(), name)).collect();
        Self { spelled, absent: BTreeSet::new(), read: Instant::now() }
    }

    fn is_younger_than(&self, age: Duration) -> bool {
        self.read.elapsed() < age
    }
}

impl Target {
    /// Nothing is remembered yet.
    pub fn new(kelvin: Arc<dyn Kelvin>) -> Self {
        Self { kelvin, schools: Mutex::default(), roles: Mutex::default() }
    }

    /// The server itself.
    pub fn kelvin(&self) -> &dyn Kelvin {
        &*self.kelvin
    }

    /// Reads both lists: the server can be reached, and the account may ask it (id-connector 2.2).
    pub(crate) fn read(&self) -> Result<(), Fault> {
        let failed = |error| client::fault(&error);
        let roles = self.kelvin.roles().map_err(failed)?;
        let schools = self.kelvin.schools().map_err(failed)?;
        *lock(&self.roles) = Some(Names::new(roles));
        *lock(&self.schools) = Some(Names::new(schools));
        Ok(())
    }

    /// A school in the spelling of the server, which alone may be sent (kelvin-api 3); `None`: the server has none
    /// of that name, in whatever letter case.
    pub(crate) fn school(&self, name: &str) -> Result<Option<String>, Halt> {
        let key = name.to_lowercase();
        let mut schools = lock(&self.schools);
        let names = find(&mut schools, &key, || self.kelvin.schools())?;
        if names.spelled.is_empty() {
            *schools = None;
            return Err(Fault::transient("the server says that it has no schools at all")
                .with_remedy(
                    "check the server and the rights of its account; nobody is removed because of an empty list",
                )
                .into());
        }
        if let Some(spelled) = names.spelled.get(&key) {
            return Ok(Some(spelled.clone()));
        }
        if names.absent.contains(&key) {
            return Ok(None);
        }
        if self.kelvin.has_school(name)? {
            *schools = None;
            return Err(Fault::transient(format!(
                "the server has the school '{name}', but does not list it"
            ))
            .with_remedy(
                "wait until the server lists it; nobody is removed because of a short list",
            )
            .into());
        }
        names.absent.insert(key);
        Ok(None)
    }

    /// Whether the server has a role.
    pub(crate) fn has_role(&self, name: &str) -> Result<bool, Halt> {
        let mut roles = lock(&self.roles);
        let names = find(&mut roles, name, || self.kelvin.roles())?;
        Ok(names.spelled.contains_key(name))
    }

    /// Something went wrong: what is remembered is read again when it is needed.
    pub(crate) fn forget(&self) {
        *lock(&self.schools) = None;
        *lock(&self.roles) = None;
    }

    #[cfg(test)]
    pub(crate) fn grow_older(&self, by: Duration) {
        for names in [&self.schools, &self.roles] {
            if let Some(names) = lock(names).as_mut() {
                names.read = names.read.checked_sub(by).unwrap();
            }
        }
    }
}

/// The list, read anew if it is old, or if the name is not on it.
fn find<'a>(
    names: &'a mut Option<Names>,
    key: &str,
    read: impl FnOnce() -> Result<Vec<String>, idspool_kelvin_client::Error>,
) -> Result<&'a mut Names, Halt> {
    let counts = |names: &Names| {
        let is_there = names.spelled.contains_key(key);
        names.is_younger_than(if is_there { FRESH } else { BELIEVED })
    };
    let current = match names.take().filter(counts) {
        Some(current) => current,
        None => Names::new(read()?),
    };
    Ok(names.insert(current))
}

fn lock(names: &Mutex<Option<Names>>) -> MutexGuard<'_, Option<Names>> {
    // A list is replaced as a whole, so a panic elsewhere leaves nothing half done.
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Failure, Fake};

    fn target(fake: &Fake) -> Target {
        Target::new(Arc::new(fake.clone()))
    }

    #[test]
    fn schools_are_found_without_letter_case_in_the_spelling_of_the_server() {
        let fake = Fake::with_schools(&["GymNord", "rs-sued"]);
        let target = target(&fake);
        assert_eq!(target.school("gymnord").unwrap().as_deref(), Some("GymNord"));
        assert_eq!(target.school("RS-Sued").unwrap().as_deref(), Some("rs-sued"));
        assert!(target.has_role("student").unwrap());
        assert_eq!(fake.calls(), ["GET schools/", "GET roles/"]);
    }

    #[test]
    fn a_list_counts_for_ten_minutes() {
        let fake = Fake::with_schools(&["S1"]);
        let target = target(&fake);
        target.school("S1").unwrap();
        target.grow_older(FRESH - Duration::from_secs(60));
        target.school("S1").unwrap();
        assert_eq!(fake.calls(), ["GET schools/"]);
        target.grow_older(Duration::from_secs(60));
        target.school("S1").unwrap();
        assert_eq!(fake.calls(), ["GET schools/"]);
        target.forget();
        target.school("S1").unwrap();
        assert_eq!(fake.calls(), ["GET schools/"]);
    }

    #[test]
    fn what_is_not_on_the_list_is_asked_for_and_the_list_read_again_but_not_all_the_time() {
        let fake = Fake::with_schools(&["S1"]);
        let target = target(&fake);
        for _ in 0..3 {
            assert_eq!(target.school("S2").unwrap(), None);
            assert!(!target.has_role("janitor").unwrap());
        }
        assert_eq!(fake.calls(), ["GET schools/", "HEAD schools/S2", "GET roles/"]);
        fake.change_world(|world| world.schools.push("S2".into()));
        target.grow_older(BELIEVED);
        assert_eq!(target.school("s2").unwrap().as_deref(), Some("S2"));
        assert_eq!(fake.calls(), ["GET schools/"]);
    }

    #[test]
    fn an_empty_list_is_a_fault_that_goes_away() {
        let fake = Fake::default();
        let target = target(&fake);
        let fault = target.school("S1").unwrap_err().into_fault(&"x");
        assert_eq!(fault.class, idspool_spool::FaultClass::Transient);
        assert!(fault.message.contains("no schools at all"), "{fault:?}");
        fake.change_world(|world| world.schools.push("S1".into()));
        assert!(target.school("S1").unwrap().is_some());
    }

    #[test]
    fn a_school_that_is_there_and_not_listed_is_a_fault() {
        let fake = Fake::with_schools(&["S1", "S2"]);
        fake.hide_school("S2");
        let target = target(&fake);
        let fault = target.school("s2").unwrap_err().into_fault(&"x");
        assert_eq!(fault.class, idspool_spool::FaultClass::Transient);
        assert!(fault.message.contains("'s2'"), "{fault:?}");
        fake.heal();
        assert!(target.school("s2").unwrap().is_some());
    }

    #[test]
    fn trouble_is_not_an_answer() {
        let fake = Fake::with_schools(&["S1"]);
        let target = target(&fake);
        fake.fail_at(2, Failure::Before);
        assert!(target.school("S2").is_err());
        assert_eq!(target.school("S2").unwrap(), None);
        assert_eq!(fake.calls(), ["GET schools/", "HEAD schools/S2", "HEAD schools/S2"]);
    }
}
