//! The list of all configuration keys: where each stands in the file, and which environment variable
//! overrides it. `idspool config` prints it, and [`super::Config::load`] works through it.

/// Form of a value when it comes from the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A decimal number.
    Integer,
    /// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`, in any letter case.
    Boolean,
    /// A path; relative ones are taken from the folder of the file, in the environment from the
    /// working directory.
    Path,
}

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Table in the file.
    pub section: &'static str,
    /// Name in the table.
    pub name: &'static str,
    /// Environment variable that overrides it.
    pub variable: &'static str,
    /// Form of the value.
    pub kind: Kind,
    /// What it is for, in one line.
    pub help: &'static str,
}

macro_rules! keys {
    ($($section:literal $name:literal $variable:literal $kind:ident $help:literal;)*) => {
        /// All keys, in the order in which the documentation lists them.
        pub const KEYS: &[Key] = &[$(Key {
            section: $section, name: $name, variable: $variable, kind: Kind::$kind, help: $help,
        }),*];
    };
}

keys! {
    "directory" "url" "IDSPOOL_DIRECTORY_URL" Text "ldap:// or ldaps:// URL of the server";
    "directory" "base_dn" "IDSPOOL_DIRECTORY_BASE_DN" Text "DN below which objects are looked up";
    "directory" "bind_dn" "IDSPOOL_DIRECTORY_BIND_DN" Text "DN to bind as; empty: anonymous";
    "directory" "bind_password_file" "IDSPOOL_DIRECTORY_BIND_PASSWORD_FILE" Path "file with the bind password, mode 0600";
    "directory" "start_tls" "IDSPOOL_DIRECTORY_START_TLS" Boolean "switch an ldap:// connection to TLS";
    "directory" "ca_certificates" "IDSPOOL_DIRECTORY_CA_CERTIFICATES" Path "folder of *.pem files added to the system's certificates";
    "directory" "timeout" "IDSPOOL_DIRECTORY_TIMEOUT" Integer "seconds that one LDAP operation may take";
    "directory" "batch_size" "IDSPOOL_DIRECTORY_BATCH_SIZE" Integer "objects looked up with one search";
    "directory" "groups_from" "IDSPOOL_DIRECTORY_GROUPS_FROM" Text "where the groups of a user come from: memberof or search";
    "directory" "country_from_state" "IDSPOOL_DIRECTORY_COUNTRY_FROM_STATE" Boolean "country is stored in the attribute st (UCS before 5.1)";
    "listener" "spool" "IDSPOOL_LISTENER_SPOOL" Path "folder of the listener's files";
    "listener" "bases" "IDSPOOL_LISTENER_BASES" Text "DNs that watch follows, separated by ';'; empty: directory.base_dn";
    "listener" "filter" "IDSPOOL_LISTENER_FILTER" Text "entries that watch follows";
    "listener" "object_types" "IDSPOOL_LISTENER_OBJECT_TYPES" Text "types that watch and resync enqueue, separated by commas; empty: those that an enabled consumer wants";
    "listener" "log_level" "IDSPOOL_LISTENER_LOG_LEVEL" Text "DEBUG, INFO, WARNING, ERROR or CRITICAL";
    "converter" "group_size" "IDSPOOL_CONVERTER_GROUP_SIZE" Integer "listener files handled in one round at most";
    "converter" "log_level" "IDSPOOL_CONVERTER_LOG_LEVEL" Text "DEBUG, INFO, WARNING, ERROR or CRITICAL";
    "ox" "enabled" "IDSPOOL_OX_ENABLED" Boolean "provision OX App Suite";
    "ox" "data_dir" "IDSPOOL_OX_DATA_DIR" Path "data directory: listener/ (the queue), listener/old/, secrets/, ...";
    "ox" "soap_server" "OX_SOAP_SERVER" Text "scheme and host of the OX server";
    "ox" "imap_server" "OX_IMAP_SERVER" Text "IMAP URL of users without a mail home server";
    "ox" "smtp_server" "OX_SMTP_SERVER" Text "SMTP URL of users without a mail home server";
    "ox" "default_context" "DEFAULT_CONTEXT" Integer "context whose administrator is named oxadmin";
    "ox" "language" "OX_LANGUAGE" Text "language of new users";
    "ox" "local_timezone" "LOCAL_TIMEZONE" Text "time zone of new users and context administrators";
    "ox" "master_admin" "OX_MASTER_ADMIN" Text "login of the OX master administrator";
    "ox" "master_password_file" "IDSPOOL_OX_MASTER_PASSWORD_FILE" Path "file with the master administrator's password, mode 0600";
    "ox" "imap_login" "OX_IMAP_LOGIN" Text "template of the IMAP login; empty: the primary mail address";
    "ox" "functional_account_login_template" "OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE" Text "template of the login at a functional account";
    "ox" "user_identifier" "OX_USER_IDENTIFIER" Text "UDM property that becomes the OX login name";
    "ox" "group_identifier" "OX_GROUP_IDENTIFIER" Text "UDM property that becomes the OX group name";
    "ox" "log_level" "OX_CONNECTOR_LOG_LEVEL" Text "DEBUG, INFO, WARNING, ERROR or CRITICAL";
    "ox" "enable_deputy_permissions" "OX_ENABLE_DEPUTY_PERMISSIONS" Boolean "provision deputy permissions";
    "ox" "credentials_file" "OX_CREDENTIALS_FILE" Path "credentials of the contexts; empty: secrets/contexts.json in the data directory";
    "ox" "domainname" "DOMAINNAME" Text "mail domain of context administrators";
    "ox" "ca_certificates" "IDSPOOL_OX_CA_CERTIFICATES" Path "folder of *.pem files added to the system's; empty: conf/ca-certificates in the data directory";
    "ox" "ca_bundle" "REQUESTS_CA_BUNDLE" Path "PEM bundle added to the system's certificates";
    "ox" "connect_timeout" "IDSPOOL_OX_CONNECT_TIMEOUT" Integer "seconds until a connection must stand";
    "ox" "call_timeout" "IDSPOOL_OX_CALL_TIMEOUT" Integer "seconds that one SOAP call may take";
    "kelvin" "enabled" "IDSPOOL_KELVIN_ENABLED" Boolean "write the spool of the Kelvin provisioner";
    "kelvin" "data_dir" "IDSPOOL_KELVIN_DATA_DIR" Path "data directory: listener/ (the in queue), out_queues/, ...";
    "kelvin" "conf_dir" "IDSPOOL_KELVIN_CONF_DIR" Path "school_authorities/ and schools_authorities_mapping.json; empty: conf/ in the data directory, or beside it";
    "kelvin" "log_level" "IDSPOOL_KELVIN_LOG_LEVEL" Text "DEBUG, INFO, WARNING, ERROR or CRITICAL";
    "kelvin" "source_uid" "IDSPOOL_KELVIN_SOURCE_UID" Text "source UID of users that have none";
    "kelvin" "class_container" "ucsschool_ldap_default_container_class" Text "container of school classes";
    "kelvin" "pupils_container" "ucsschool_ldap_default_container_pupils" Text "container of pupils' groups";
    "kelvin" "password_hashes" "IDSPOOL_KELVIN_PASSWORD_HASHES" Boolean "read password hashes, for authorities that take them";
    "kelvin" "ca_certificates" "IDSPOOL_KELVIN_CA_CERTIFICATES" Path "folder of *.pem files added to the system's; empty: conf/ca-certificates in the data directory";
    "kelvin" "ca_bundle" "IDSPOOL_KELVIN_CA_BUNDLE" Path "PEM bundle added to the system's certificates";
    "kelvin" "connect_timeout" "IDSPOOL_KELVIN_CONNECT_TIMEOUT" Integer "seconds until a connection must stand";
    "kelvin" "call_timeout" "IDSPOOL_KELVIN_CALL_TIMEOUT" Integer "seconds that one request may take";
    "api" "listen" "IDSPOOL_API_LISTEN" Text "address of the management API";
}
