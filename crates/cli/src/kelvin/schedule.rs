//! `idspool kelvin schedule`: as `schedule_user`, `schedule_group` and `schedule_school` (id-connector 7.1 to 7.3).

use std::io::Write;

use anyhow::Result;
use clap::{Args, Subcommand};
use idspool_kelvin::admin::schedule::{ScheduleError, Scheduler};
use idspool_service::{Config, Exit, logging};
use serde_json::{Value, json};

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// `idspool kelvin schedule …`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Provision a school user again.
    User {
        /// Login name.
        #[arg(value_name = "USERNAME")]
        name: String,
    },
    /// Provision a school class again.
    Group {
        /// Name of the group with its school, such as School1-1a.
        #[arg(value_name = "GROUPNAME")]
        name: String,
    },
    /// Provision all users and classes of a school again.
    School {
        /// Name of the school (OU).
        #[arg(value_name = "SCHOOL")]
        name: String,
        /// How many objects to schedule at the same time. Has no effect: they are scheduled together.
        #[arg(value_parser = clap::value_parser!(u8).range(1..=32), default_value_t = 1)]
        num_tasks: u8,
    },
}

/// Carries it out. What was not found is told, and is no failure.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    logging::init("INFO")?;
    match schedule(config, &arguments.command) {
        Ok(answer) => {
            if as_json {
                writeln!(out, "{answer}")?;
            }
            Ok(Exit::Done)
        }
        Err(error) if error.is_configuration() => Err(error.into()),
        Err(error) => {
            super::complain(&error.to_string());
            Ok(Exit::Stopped)
        }
    }
}

fn schedule(config: &Config, command: &Command) -> Result<Value, ScheduleError> {
    let mut scheduler = Scheduler::new(config)?;
    Ok(match command {
        Command::User { name } => {
            let dn = scheduler.user(name)?;
            json!({"users": u8::from(dn.is_some()), "groups": 0, "dn": dn})
        }
        Command::Group { name } => {
            let dn = scheduler.group(name)?;
            json!({"users": 0, "groups": u8::from(dn.is_some()), "dn": dn})
        }
        Command::School { name, num_tasks: _ } => {
            let scheduled = scheduler.school(name)?;
            json!({"users": scheduled.users, "groups": scheduled.groups})
        }
    })
}
