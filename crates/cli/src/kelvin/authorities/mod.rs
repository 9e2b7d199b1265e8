//! `idspool kelvin authorities`: the administrator's files and queues of school authorities.

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use idspool_kelvin::Layout;
use idspool_kelvin::admin::authorities::Authorities;
use idspool_kelvin::conf::AuthorityName;
use idspool_service::{Config, Exit, Secret};
use serde_json::json;

use crate::format;

mod add;
mod list;
mod schools;
mod trial;

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// `idspool kelvin authorities …`.
#[derive(Debug, Subcommand)]
enum Command {
    /// List school authorities, their schools and how many changes wait.
    List,
    /// Print the file of a school authority as JSON; asterisks stand for passwords.
    Show {
        /// Its name.
        name: AuthorityName,
    },
    /// Add a school authority: from a file, like another one, or with the mapping of the documentation.
    Add(add::Arguments),
    /// Check whether school authorities fit their servers: account and rights, certificates, schools, roles, mapping.
    /// Changes nothing. Exit status 1: there is a problem.
    Test {
        /// Their names; without any, all.
        names: Vec<AuthorityName>,
    },
    /// Remove a school authority. Its queue goes to out_queues_trash; what its server has stays there.
    Remove {
        /// Its name.
        name: AuthorityName,
    },
    /// Begin to work on the queue of a school authority.
    Activate {
        /// Its name.
        name: AuthorityName,
    },
    /// Stop the work on the queue of a school authority. Changes go on to be put into it.
    Deactivate {
        /// Its name.
        name: AuthorityName,
    },
    /// Set the password of the Kelvin account, taken from standard input.
    SetPassword {
        /// Name of the school authority.
        name: AuthorityName,
        /// Take the password from this file.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Print which school belongs to which school authority.
    Mapping,
    /// Give a school to a school authority, in place of the one that has it.
    Map {
        /// The school (OU).
        school: String,
        /// Name of the school authority.
        authority: AuthorityName,
    },
    /// Give a school to no school authority.
    Unmap {
        /// The school (OU).
        school: String,
    },
}

/// Carries it out.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let authorities = Authorities::new(Layout::new(&config.kelvin));
    match &arguments.command {
        Command::List => list::print(&authorities, as_json, out),
        Command::Show { name } => list::show(&authorities, name, out),
        Command::Add(arguments) => add::run(&authorities, arguments, as_json, out),
        Command::Test { names } => trial::run(config, names, as_json, out),
        Command::Remove { name } => remove(&authorities, name, as_json, out),
        Command::Activate { name } => set_active(&authorities, name, true, as_json, out),
        Command::Deactivate { name } => set_active(&authorities, name, false, as_json, out),
        Command::SetPassword { name, password_file } => {
            let password = password(password_file.as_deref())?;
            authorities.set_password(name, &password)?;
            let line = format!("school authority '{name}' has another password");
            answer(out, as_json, &json!({"done": "password set", "name": name.as_str()}), &line)
        }
        Command::Mapping => schools::print(&authorities, as_json, out),
        Command::Map { school, authority } => {
            schools::map(&authorities, school, Some(authority), as_json, out)
        }
        Command::Unmap { school } => schools::map(&authorities, school, None, as_json, out),
    }
}

fn set_active(
    authorities: &Authorities,
    name: &AuthorityName,
    active: bool,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let changed = authorities.set_active(name, active)?;
    let word = if active { "active" } else { "inactive" };
    let again = if changed { "now" } else { "already" };
    let line = format!("school authority '{name}' is {again} {word}");
    let json = json!({"done": word, "name": name.as_str(), "changed": changed});
    answer(out, as_json, &json, &line)
}

fn remove(
    authorities: &Authorities,
    name: &AuthorityName,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let removed = authorities.remove(name)?;
    if as_json {
        let answer = json!({
            "done": "removed", "name": name.as_str(), "queue": removed.queue, "waiting": removed.waiting,
            "schools": removed.schools,
        });
        writeln!(out, "{answer}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "school authority '{name}' is removed")?;
    if let Some(queue) = &removed.queue {
        let place = format::line(&queue.display().to_string());
        writeln!(
            out,
            "its queue is now {place}, with {} changes that were not delivered",
            removed.waiting
        )?;
    }
    if !removed.schools.is_empty() {
        let schools = format::line(&removed.schools.join(", "));
        writeln!(out, "these schools are still given to it: {schools}")?;
    }
    Ok(Exit::Done)
}

fn answer(
    out: &mut dyn Write,
    as_json: bool,
    json: &serde_json::Value,
    line: &str,
) -> Result<Exit> {
    if as_json {
        writeln!(out, "{json}")?;
    } else {
        writeln!(out, "{}", format::line(line))?;
    }
    Ok(Exit::Done)
}

/// The first line of a file, or of standard input.
fn password(file: Option<&Path>) -> Result<Secret> {
    /// Bytes of the longest password.
    const LONGEST: u64 = 64 << 10;
    let mut text = String::new();
    let (place, read) = match file {
        Some(path) => {
            let file = std::fs::File::open(path)
                .with_context(|| format!("failed to open {}", path.display()))?;
            (path.display().to_string(), file.take(LONGEST).read_to_string(&mut text))
        }
        None => {
            let input = std::io::stdin().lock();
            ("standard input".to_owned(), input.take(LONGEST).read_to_string(&mut text))
        }
    };
    read.with_context(|| format!("failed to read the password from {place}"))?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        bail!("there is no password in {place}: its first line is expected to be it");
    }
    Ok(Secret::new(password))
}

/// Tells what is odd, a line each.
fn warn<'w>(warnings: impl IntoIterator<Item = &'w String>) {
    for warning in warnings {
        super::complain(&format!("warning: {warning}"));
    }
}
