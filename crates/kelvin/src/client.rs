//! The requests of the rules over HTTP.

use idspool_kelvin_client::{Attributes, Class, Client, Error, FaultClass, Identity, User};
use idspool_provisioner::Fault;

use crate::kelvin::Kelvin;

impl Kelvin for Client {
    fn roles(&self) -> Result<Vec<String>, Error> {
        self.roles()
    }

    fn schools(&self) -> Result<Vec<String>, Error> {
        self.schools()
    }

    fn has_school(&self, name: &str) -> Result<bool, Error> {
        self.has_school(name)
    }

    fn users(&self, identity: &Identity) -> Result<Vec<User>, Error> {
        self.users(identity)
    }

    fn user(&self, name: &str) -> Result<Option<User>, Error> {
        self.user(name)
    }

    fn create_user(&self, attributes: &Attributes) -> Result<User, Error> {
        self.create_user(attributes)
    }

    fn change_user(&self, name: &str, attributes: &Attributes) -> Result<User, Error> {
        self.change_user(name, attributes)
    }

    fn delete_user(&self, name: &str) -> Result<bool, Error> {
        self.delete_user(name)
    }

    fn class(&self, school: &str, name: &str) -> Result<Option<Class>, Error> {
        self.class(school, name)
    }

    fn create_class(&self, attributes: &Attributes) -> Result<Class, Error> {
        self.create_class(attributes)
    }

    fn change_class(
        &self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Error> {
        self.change_class(school, name, attributes)
    }

    fn delete_class(&self, school: &str, name: &str) -> Result<bool, Error> {
        self.delete_class(school, name)
    }
}

/// A failed call as the fault of an item, with the client's class, words and remedy.
pub fn fault(error: &Error) -> Fault {
    let fault = match error.class() {
        FaultClass::Transient => Fault::transient(error.problem()),
        FaultClass::Permanent => Fault::permanent(error.problem()),
        FaultClass::Ours => Fault::ours(error.problem()),
    };
    fault.with_remedy(error.remedy())
}
