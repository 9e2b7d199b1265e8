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
\"resync\": true. All lines are enqueued together or not at all.

With --stream the lines are the same. Each is answered on standard output, in order, once it is safe on disk or known \
to be wrong: {\"enqueued\":true}, {\"refused\":\"why\"} or {\"failed\":\"why\"}. Lines that wait together are made durable \
together. The end of the input ends the program, with 0.")]
    Hook(Hook),
    /// Follow the directory and enqueue what changes
    #[command(after_help = "\
Exit status: 0 done, or asked to stop; 1 the directory, the spool or the index cannot be used; 2 wrong arguments or \
configuration; 3 another watch is at work on this spool.")]
    Watch(Watch),
    /// Enqueue what is there, to be provisioned again
    #[command(after_help = "\
What is named several ways must fit all of them; nothing outside listener.bases and listener.filter is enqueued. The items say that they are a re-provisioning: recipients are called \
even where nothing differs. Contexts come first, then access profiles, schools, users, groups, functional accounts, resources.

Exit status: 0 enqueued and safe on disk; 1 nothing there fits, or the directory or the spool cannot be used or it was \
interrupted (what was enqueued until then stays); 2 wrong arguments or configuration.")]
    Resync(Resync),
}

/// Arguments of `idspool-listener watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Catch up with what has changed, then exit
    #[arg(long)]
    pub once: bool,

    /// At the first run, take what is there as known to the consumers, and enqueue only what changes later
    #[arg(long)]
    pub adopt: bool,
}

/// Arguments of `idspool-listener resync`.
#[derive(Debug, Args)]
pub struct Resync {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Objects of this type, such as users/user; may be given several times [default: all that are wanted]
    #[arg(long = "object-type", value_name = "TYPE")]
    pub object_types: Vec<String>,

    /// The object with this DN
    #[arg(long, value_name = "DN")]
    pub dn: Option<String>,

    /// Objects that this LDAP filter matches
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
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

    /// Stay, and answer each line of standard input once it is safe on disk
    #[arg(long, conflicts_with_all = ["stdin", "entry_uuid", "dn", "object_type", "command"])]
    pub stream: bool,

    /// entryUUID of the entry that changed
    #[arg(long, value_name = "UUID", required_unless_present_any = ["stdin", "stream"])]
    pub entry_uuid: Option<String>,

    /// DN of the entry; of a deleted one the last known DN
    #[arg(long, value_name = "DN", required_unless_present_any = ["stdin", "stream"])]
    pub dn: Option<String>,

    /// UDM module of the entry, such as users/user
    #[arg(long, value_name = "TYPE", required_unless_present_any = ["stdin", "stream"])]
    pub object_type: Option<String>,

    /// What happened: add, modify or delete
    #[arg(long, value_name = "COMMAND", required_unless_present_any = ["stdin", "stream"])]
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
