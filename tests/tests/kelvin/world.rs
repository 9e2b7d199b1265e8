//! The set-up of id-connector 12: schools A, B, D at the server of auth1, school C at that of auth2.

use std::time::Duration;

use idspool_tests::{
    Daemon, Installation, KelvinSandbox, LdapCli, SchoolKind, SchoolUser, Slapd, class_dn, poll,
    school_ldif,
};
use serde_json::{Value, json};

/// Far more than a loaded test machine needs.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// Schools as they are spelled in the mapping.
pub(crate) const PLAIN: [(&str, &str); 4] =
    [("A", "auth1"), ("B", "auth1"), ("D", "auth1"), ("C", "auth2")];
/// The same in scrambled case.
pub(crate) const SCRAMBLED: [(&str, &str); 4] =
    [("school-a", "auth1"), ("SCHOOL-B", "auth1"), ("sChOOL-d", "auth1"), ("School-C", "auth2")];

pub(crate) struct World {
    pub(crate) slapd: Slapd,
    pub(crate) one: KelvinSandbox,
    pub(crate) two: KelvinSandbox,
    pub(crate) idspool: Installation,
    pub(crate) converter: Option<Daemon>,
    pub(crate) kelvin: Option<Daemon>,
    schools: [String; 4],
}

pub(crate) const PROPERTIES: [&str; 4] =
    ["--udm-property", "user:title", "--udm-property", "user:pwdChangeNextLogin:bool"];

/// Runs a test with schools as they are spelled in the mapping, and with others.
pub(crate) fn each(test: impl Fn(&World)) {
    test(&World::new());
    let schools = ["School-A", "School-B", "School-D", "School-C"];
    test(&World::quiet(&schools, &SCRAMBLED).run());
}

impl World {
    /// Everything runs; nobody was provisioned yet.
    pub(crate) fn new() -> Self {
        Self::quiet(&["A", "B", "D", "C"], &PLAIN).run()
    }

    /// Starts the programs.
    pub(crate) fn run(mut self) -> Self {
        self.converter = Some(self.idspool.start("idspool-converter", &[]).unwrap());
        self.kelvin = Some(self.idspool.start("idspool-kelvin", &[]).unwrap());
        self
    }

    /// No program runs. With these names of the schools in the directory and at the servers; the last one is at the
    /// second server.
    pub(crate) fn quiet(schools: &[&str; 4], mapping: &[(&str, &str)]) -> Self {
        let ldif: String = schools.iter().map(|school| school_ldif(school)).collect();
        let slapd = Slapd::builder().extra_ldif(&ldif).start().unwrap();
        let [a, b, d, c] = *schools;
        let one = KelvinSandbox::start(&[a, b, d], &PROPERTIES).unwrap();
        let two = KelvinSandbox::start(&[c], &PROPERTIES).unwrap();
        let idspool = Installation::for_kelvin(&slapd.url()).unwrap();
        idspool.authority("auth1", &one.api(), |_| ()).unwrap();
        idspool.authority("auth2", &two.api(), |_| ()).unwrap();
        idspool.school_mapping(mapping).unwrap();
        // What is in the sample is known, and of no interest here.
        let output = idspool.run("idspool-listener", &["watch", "--once", "--adopt"]).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let schools = schools.map(str::to_owned);
        Self { slapd, one, two, idspool, converter: None, kelvin: None, schools }
    }

    /// Three schools of the first server and that of the second, as the directory spells them.
    pub(crate) fn schools(&self) -> [&str; 4] {
        self.schools.each_ref().map(String::as_str)
    }

    pub(crate) fn ldap(&self) -> LdapCli {
        self.slapd.cli()
    }

    pub(crate) fn add(&self, user: &SchoolUser) {
        self.ldap().add(&user.ldif(), false).unwrap();
    }

    /// Makes a user a member of a class.
    pub(crate) fn join(&self, user: &str, school: &str, class: &str) {
        let change = format!(
            "dn: {}\nchangetype: modify\nadd: uniqueMember\nuniqueMember: {user}\n",
            class_dn(school, class)
        );
        self.ldap().modify(&change).unwrap();
    }

    /// Takes a user out of a class.
    pub(crate) fn leave(&self, user: &str, school: &str, class: &str) {
        let change = format!(
            "dn: {}\nchangetype: modify\ndelete: uniqueMember\nuniqueMember: {user}\n",
            class_dn(school, class)
        );
        self.ldap().modify(&change).unwrap();
    }

    /// Gives a user other schools, and so maybe another DN.
    pub(crate) fn relocate(&self, before: &SchoolUser, after: &SchoolUser) {
        let ldap = self.ldap();
        if before.dn() != after.dn() {
            let place = SchoolUser::container(after.kind, &after.schools[0]);
            ldap.rename(&before.dn(), &format!("uid={}", after.uid), Some(&place)).unwrap();
        }
        let schools: Vec<&str> = after.schools.iter().map(String::as_str).collect();
        let roles = SchoolUser::roles(after.kind, &schools);
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        ldap.replace(&after.dn(), "ucsschoolSchool", &schools).unwrap();
        ldap.replace(&after.dn(), "ucsschoolRole", &roles).unwrap();
    }

    /// Gives a user the password that is made of `seed`.
    pub(crate) fn set_password(&self, dn: &str, seed: &str) {
        let mut change = format!("dn: {dn}\nchangetype: modify\n");
        for (attribute, value) in SchoolUser::hashes(seed) {
            let name = attribute.trim_end_matches(':');
            change.push_str(&format!("replace: {name}\n{attribute}: {value}\n-\n"));
        }
        self.ldap().modify(&change).unwrap();
    }

    /// Sets the members of a class at the first server, as somebody there would.
    pub(crate) fn put_member_at_one(&self, school: &str, class: &str, members: &[&str]) {
        let user = |name: &&str| format!("{}users/{name}", self.one.api());
        let users: Vec<String> = members.iter().map(user).collect();
        let path = format!("{}classes/{school}/{class}", self.one.api());
        let request = ureq::patch(path).header("Authorization", token(&self.one));
        let request = request.header("Content-Type", "application/json");
        request.send(json!({ "users": users }).to_string()).unwrap();
    }

    /// Creates a user at the first server, as somebody there would.
    pub(crate) fn put_user_at_one(&self, user: &Value) {
        post(&self.one, "users/", user);
    }

    /// Creates a school at the second server.
    pub(crate) fn add_school_at_two(&self, name: &str) {
        post(&self.two, "schools/", &json!({ "name": name, "display_name": name }));
    }

    /// Tells the listener what has changed.
    pub(crate) fn report(&self) {
        let output = self.idspool.run("idspool-listener", &["watch", "--once"]).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until everything that has changed was delivered.
    pub(crate) fn settle(&self) {
        self.report();
        if let Err(error) = self.idspool.settle_kelvin(&["auth1", "auth2"], SOON) {
            panic!("{error:#}\n{}", self.log());
        }
    }

    pub(crate) fn log(&self) -> String {
        self.kelvin.as_ref().map(|daemon| daemon.lines().join("\n")).unwrap_or_default()
    }

    /// The user at the first server.
    pub(crate) fn at_one(&self, name: &str) -> Value {
        let user = self.one.user(name).unwrap();
        user.unwrap_or_else(|| panic!("no {name} at the first server\n{}", self.log()))
    }

    /// The user at the second server.
    pub(crate) fn at_two(&self, name: &str) -> Value {
        let user = self.two.user(name).unwrap();
        user.unwrap_or_else(|| panic!("no {name} at the second server\n{}", self.log()))
    }
}

fn token(server: &KelvinSandbox) -> String {
    let form = [("username", KelvinSandbox::USER), ("password", KelvinSandbox::PASSWORD)];
    let path = format!("{}/ucsschool/kelvin/token", server.url());
    let answer = ureq::post(path).send_form(form).unwrap().body_mut().read_to_string().unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    format!("Bearer {}", answer["access_token"].as_str().unwrap())
}

fn post(server: &KelvinSandbox, collection: &str, body: &Value) {
    let request = ureq::post(format!("{}{collection}", server.api()))
        .header("Authorization", token(server))
        .header("Content-Type", "application/json");
    request.send(body.to_string()).unwrap();
}

pub(crate) fn student(uid: &str, schools: &[&str]) -> SchoolUser {
    SchoolUser::new(uid, SchoolKind::Student, schools)
}

/// How a queue stands.
pub(crate) fn status(world: &World, queue: &str) -> Value {
    world.idspool.status(queue).unwrap()
}

/// Waits for something that is told in no other way.
pub(crate) fn eventually(world: &World, what: &str, mut is: impl FnMut() -> bool) {
    let seen = poll(SOON, || is().then_some(()));
    assert!(seen.is_some(), "{what}\n{}", world.log());
}
