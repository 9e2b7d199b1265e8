//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use idspool_spool::durable;

use crate::{explain, kelvin, ox};

/// Looks after the queues of idspool.
///
/// Exit status: 0 done; 1 a queue stands at a faulty item, or a check found something; 2 wrong usage or
/// configuration.
#[derive(Debug, Parser)]
#[command(name = "idspool", version, max_term_width = 100)]
pub struct Arguments {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the operator wants.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell of each queue how many items wait, for how long, and whether it stands and why.
    Status,
    /// Print the error at which a queue stands, as `get_current_error` does: `{"errors": "0"}` is
    /// healthy.
    CurrentError {
        /// The queue: listener, ox, kelvin or kelvin/AUTHORITY [default: ox; without OX, kelvin].
        #[arg(long)]
        queue: Option<String>,
    },
    /// Look at, remove and restore waiting items.
    Queue {
        /// What to do with them.
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// The data directory of OX: attribute mapping, cache of ids, consistency, take-over.
    Ox {
        /// What to do with it.
        #[command(subcommand)]
        command: ox::Command,
    },
    /// UCS@school Kelvin servers: school authorities, and what is handed to them.
    Kelvin {
        /// What to do about them.
        #[command(subcommand)]
        command: kelvin::Command,
    },
    /// Tell in words why a queue stands, what its cause is and what to do.
    Explain(explain::Arguments),
    /// Print versions, settings, queues and faults for a report, as JSON; no passwords.
    SupportInfo,
    /// The configuration.
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the completion script of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages of this command into a folder.
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

/// `idspool queue …`.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List waiting items in the order of their names, a line each.
    List {
        /// Only this queue: listener, ox, kelvin or kelvin/AUTHORITY.
        #[arg(long)]
        queue: Option<String>,
        /// At most so many of each queue.
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// The removed ones, which `restore` can bring back.
        #[arg(long)]
        removed: bool,
    },
    /// Show one item: its content, and the fault if the queue stands at it.
    Show {
        /// File name or path of the item.
        item: String,
        /// Look only in this queue.
        #[arg(long)]
        queue: Option<String>,
    },
    /// Take items out of their queue. They are kept aside; `restore` brings them back.
    Remove {
        /// File names or paths of the items.
        #[arg(required = true)]
        items: Vec<String>,
        /// Look only in this queue.
        #[arg(long)]
        queue: Option<String>,
    },
    /// Put removed items back under their old names, and so into their old places.
    Restore {
        /// File names or paths of the items.
        #[arg(required = true)]
        items: Vec<String>,
        /// Look only in this queue.
        #[arg(long)]
        queue: Option<String>,
    },
}

/// `idspool config …`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration, and that the folders it names can be used.
    Check,
    /// List all keys with their environment variables.
    Keys,
}

/// Prints the completion script of `shell`.
pub(crate) fn completions(shell: Shell, mut out: &mut dyn Write) {
    clap_complete::generate(shell, &mut Arguments::command(), "idspool", &mut out);
}

/// Writes `idspool.1` and a page for each sub-command.
pub(crate) fn man_pages(folder: &Path) -> Result<()> {
    durable::create_dirs(folder)?;
    // The programs `idspool-ox` and `idspool-kelvin` have pages of these names.
    let command = Arguments::command()
        .mut_subcommand("ox", |ox| ox.name("ox-commands").bin_name("idspool ox"))
        .mut_subcommand("kelvin", |own| own.name("kelvin-commands").bin_name("idspool kelvin"));
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("failed to write manual pages to {}", folder.display()))
}
