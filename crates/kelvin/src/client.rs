//! The requests of the rules over HTTP.

use std::time::Duration;

use idspool_kelvin_client::{
    Attributes, Class, Client, Credentials, Error, FaultClass, Identity, User,
};
use idspool_provisioner::Fault;

use crate::conf::Authority;
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

    fn user_names(&self, school: &str) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        self.each_user_of(school, &mut |user| {
            names.push(user.name);
            true
        })?;
        Ok(names)
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

/// The client of an authority's server. Makes no connection.
///
/// # Errors
/// Address, certificates or keys cannot be used.
pub fn client(config: &idspool_service::Kelvin, authority: &Authority) -> Result<Client, Error> {
    let credentials = Credentials::new(&authority.username, authority.password.expose());
    let ssl = &authority.ssl_context;
    let mut builder = Client::builder(&authority.url, credentials)
        .connect_timeout(Duration::from_secs(config.connect_timeout))
        .call_timeout(Duration::from_secs(config.call_timeout))
        .ca_certificates(Some(config.ca_certificates()))
        .ca_bundle(ssl.ca_file.clone().or_else(|| config.ca_bundle.clone()))
        .check_hostname(ssl.check_hostname)
        .verify(ssl.verify);
    if let Some(own) = &ssl.client {
        builder = builder.client_certificate(own.certificate.clone(), own.key.clone());
    }
    builder.build()
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
