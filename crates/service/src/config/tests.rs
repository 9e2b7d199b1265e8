use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::*;

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Config::parse(text, Some(PathBuf::from("/etc/idspool/idspool.toml")), |name| {
        variables.get(name).map(|value| (*value).to_owned())
    })
}

#[test]
fn an_empty_file_gives_the_defaults_of_the_manual() {
    let config = parse("", &[]).unwrap();
    assert_eq!(config.ox.default_context, 10);
    assert_eq!(config.ox.language, "de_DE");
    assert_eq!(config.ox.imap_server, "imap://localhost:143");
    assert_eq!(
        config.ox.credentials_file(),
        Path::new("/etc/idspool/spool/ox/secrets/contexts.json")
    );
    assert_eq!(config.listener.spool, Path::new("/etc/idspool/spool/listener"));
}

#[test]
fn paths_are_relative_to_the_file() {
    let config =
        parse("[ox]\ndata_dir = 'data'\n[directory]\nbind_password_file = '/run/pw'", &[]).unwrap();
    assert_eq!(config.ox.data_dir, Path::new("/etc/idspool/data"));
    assert_eq!(config.directory.bind_password_file.as_deref(), Some(Path::new("/run/pw")));
}

#[test]
fn the_environment_overrides_the_file() {
    let config = parse(
        "[ox]\nsoap_server = 'https://file.example.org'\ndefault_context = 3",
        &[
            ("OX_SOAP_SERVER", "https://env.example.org"),
            ("DEFAULT_CONTEXT", "12"),
            ("OX_ENABLE_DEPUTY_PERMISSIONS", "True"),
            ("IDSPOOL_LISTENER_SPOOL", "/var/spool/x"),
        ],
    )
    .unwrap();
    assert_eq!(config.ox.soap_server, "https://env.example.org");
    assert_eq!(config.ox.default_context, 12);
    assert!(config.ox.enable_deputy_permissions);
    assert_eq!(config.listener.spool, Path::new("/var/spool/x"));
}

#[test]
fn deputy_permissions_are_on_for_true_in_any_letter_case_alone() {
    for (text, expected) in [
        ("true", true),
        ("TRUE", true),
        ("yes", false),
        ("1", false),
        ("False", false),
        ("x", false),
    ] {
        let config = parse("", &[("OX_ENABLE_DEPUTY_PERMISSIONS", text)]).unwrap();
        assert_eq!(config.ox.enable_deputy_permissions, expected, "{text}");
    }
}

#[test]
fn empty_values_behave_like_absent_ones() {
    let config = parse(
        "[ox]\nimap_login = ''\nlanguage = ''",
        &[("OX_USER_IDENTIFIER", ""), ("OX_IMAP_SERVER", "")],
    )
    .unwrap();
    assert_eq!(config.ox.imap_login, None);
    assert_eq!(config.ox.language, "de_DE");
    assert_eq!(config.ox.user_identifier, None);
    assert_eq!(config.ox.imap_server, "imap://localhost:143");
}

#[test]
fn a_misspelt_key_is_named_with_its_line() {
    let error = parse("[ox]\nsoap_sever = 'x'", &[]).unwrap_err().to_string();
    assert!(error.contains("soap_sever") && error.contains("line 2"), "{error}");
}

#[test]
fn an_error_does_not_repeat_what_stands_in_the_file() {
    for (text, expected) in [
        ("[directory]\nbind_password = \"geheim\"\n", "bind_password"),
        ("[directory]\nbind_password = \"geheim\nurl=1", "line 2"),
        ("[directory]\nbind_password = geheim\n", "line 2"),
        ("[ox]\nmaster_password = [\"geheim\"\n", "master_password"),
    ] {
        let error = parse(text, &[]).unwrap_err().to_string();
        assert!(!error.contains("geheim") && error.contains(expected), "{text}: {error}");
    }
    let error = parse("[ox]\nconnect_timeout = true\n", &[]).unwrap_err().to_string();
    assert!(error.contains("line 2, connect_timeout"), "{error}");
    let error = parse("", &[("IDSPOOL_DIRECTORY_TIMEOUT", "-1")]).unwrap_err().to_string();
    assert!(error.contains("directory.timeout") && !error.contains('\n'), "{error}");
}

#[test]
fn an_endless_password_file_is_refused() {
    let error = read_secret(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(error.contains("/dev/zero: too long"), "{error}");
}

#[test]
fn a_default_context_that_is_no_number_is_refused() {
    let error = parse("", &[("DEFAULT_CONTEXT", "ten")]).unwrap_err().to_string();
    assert_eq!(error, "environment variable DEFAULT_CONTEXT is 'ten': expected a number");
}

#[test]
fn the_master_password_loses_surrounding_blanks_and_is_never_printed() {
    let config = parse("", &[("OX_MASTER_PASSWORD", " s3cret\n")]).unwrap();
    assert_eq!(config.ox.master_password().unwrap().unwrap().expose(), "s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn every_key_of_the_list_is_a_key_of_the_file_and_the_other_way_round() {
    for key in KEYS {
        let value = match key.kind {
            Kind::Text if key.name == "groups_from" => "'search'",
            Kind::Text | Kind::Path => "'x'",
            Kind::Integer => "1",
            Kind::Boolean => "true",
        };
        let text = format!("[{}]\n{} = {value}", key.section, key.name);
        parse(&text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let error = toml::from_str::<Config>("[ox]\nnone_such = 1").unwrap_err().to_string();
    let listed = KEYS.iter().filter(|key| key.section == "ox").count();
    // serde names all fields it knows, aliases included: the list must have every one of them.
    let known: Vec<_> =
        error.split('`').skip(3).step_by(2).filter(|name| !name.is_empty()).collect();
    let aliases = ["connector_log_level", "requests_ca_bundle"];
    assert_eq!(known.iter().filter(|name| !aliases.contains(name)).count(), listed, "{error}");
}

#[test]
fn problems_name_the_key_and_the_remedy() {
    let config = parse(
        "[directory]\nurl = 'ldap://ldap.example.org'\nbind_dn = 'cn=x'\n[ox]\nimap_server = 'localhost'\nlog_level = 'LOUD'",
        &[],
    )
    .unwrap();
    let problems = config.problems();
    let fatal: Vec<_> = problems.iter().filter(|p| p.is_fatal).map(|p| p.key).collect();
    assert_eq!(fatal, ["directory.bind_password_file", "ox.imap_server", "ox.log_level"]);
    assert!(problems.iter().any(|p| p.key == "directory.start_tls" && !p.is_fatal));
}

#[test]
fn the_documentation_lists_every_key_with_its_variable() {
    let page = include_str!("../../../../docs/configuration.md");
    for Key { name, variable, help, .. } in KEYS {
        assert!(page.contains(&format!("| `{name}` | `{variable}` | ")), "{name}");
        assert!(page.contains(help), "{help}");
    }
}
