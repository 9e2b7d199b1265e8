//! A server to which nothing more is sent once the end is asked for.

use idspool_kelvin_client::{Attributes, Class, Error, Identity, User};

use super::stop::Stop;
use crate::kelvin::Kelvin;

/// A server; after the request to stop its calls fail before anything is sent. What was done by then is found
/// at the next attempt.
#[derive(Debug)]
pub(crate) struct Stopping<K> {
    kelvin: K,
    stop: Stop,
}

impl<K: Kelvin> Stopping<K> {
    pub(crate) fn new(kelvin: K, stop: Stop) -> Self {
        Self { kelvin, stop }
    }

    fn kelvin(&self) -> Result<&K, Error> {
        if self.stop.is_requested() {
            return Err(Error::Settings(
                "nothing more is sent, because a stop is requested".into(),
            ));
        }
        Ok(&self.kelvin)
    }
}

impl<K: Kelvin> Kelvin for Stopping<K> {
    fn roles(&self) -> Result<Vec<String>, Error> {
        self.kelvin()?.roles()
    }

    fn schools(&self) -> Result<Vec<String>, Error> {
        self.kelvin()?.schools()
    }

    fn has_school(&self, name: &str) -> Result<bool, Error> {
        self.kelvin()?.has_school(name)
    }

    fn users(&self, identity: &Identity) -> Result<Vec<User>, Error> {
        self.kelvin()?.users(identity)
    }

    fn user(&self, name: &str) -> Result<Option<User>, Error> {
        self.kelvin()?.user(name)
    }

    fn user_names(&self, school: &str) -> Result<Vec<String>, Error> {
        self.kelvin()?.user_names(school)
    }

    fn create_user(&self, attributes: &Attributes) -> Result<User, Error> {
        self.kelvin()?.create_user(attributes)
    }

    fn change_user(&self, name: &str, attributes: &Attributes) -> Result<User, Error> {
        self.kelvin()?.change_user(name, attributes)
    }

    fn delete_user(&self, name: &str) -> Result<bool, Error> {
        self.kelvin()?.delete_user(name)
    }

    fn class(&self, school: &str, name: &str) -> Result<Option<Class>, Error> {
        self.kelvin()?.class(school, name)
    }

    fn create_class(&self, attributes: &Attributes) -> Result<Class, Error> {
        self.kelvin()?.create_class(attributes)
    }

    fn change_class(
        &self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Error> {
        self.kelvin()?.change_class(school, name, attributes)
    }

    fn delete_class(&self, school: &str, name: &str) -> Result<bool, Error> {
        self.kelvin()?.delete_class(school, name)
    }
}
