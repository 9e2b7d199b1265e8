//! The command line of `idspool-listener`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Enqueue directory changes for idspool.
#[derive(Debug, Parser)]
#[command(name = "idspool-listener", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Enqueue one change, or with --stdin one per line
    #[command(after_help = "\
Exit status: 0 enqueued and safe on disk; 1 the spool could not be written; 2 wrong arguments, input or configuration, \
nothing was written.

With --stdin each line is a JSON object with the keys entry_uuid, dn, object_type and command, and optionally \
\"resync\": true. All lines are enqueued together or not at all.")]
    Hook(Hook),
}

/// Arguments of `idspool-listener hook`.
#[derive(Debug, Args)]
pub struct Hook {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Spool directory, instead of listener.spool of the configuration
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,

    /// Read changes from standard input, one JSON object per line
    #[arg(long, conflicts_with_all = ["entry_uuid", "dn", "object_type", "command"])]
    pub stdin: bool,

    /// entryUUID of the entry that changed
    #[arg(long, value_name = "UUID", required_unless_present = "stdin")]
    pub entry_uuid: Option<String>,

    /// DN of the entry; of a deleted one the last known DN
    #[arg(long, value_name = "DN", required_unless_present = "stdin")]
    pub dn: Option<String>,

    /// UDM module of the entry, such as users/user
    #[arg(long, value_name = "TYPE", required_unless_present = "stdin")]
    pub object_type: Option<String>,

    /// What happened: add, modify or delete
    #[arg(long, value_name = "COMMAND", required_unless_present = "stdin")]
    pub command: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
