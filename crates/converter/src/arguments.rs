//! The command line of `idspool-converter`.

use std::path::PathBuf;

use clap::Parser;

/// Look changed entries up in LDAP and write their state for each consumer.
#[derive(Debug, Parser)]
#[command(
    name = "idspool-converter",
    version,
    after_help = "Exit status: 0 done, or asked to stop; 1 stopped at a faulty item, or at an LDAP server or spool that \
                  cannot be used; 2 wrong usage or configuration; 3 another converter works on this spool."
)]
pub struct Arguments {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Take what is there, then exit
    #[arg(long)]
    pub once: bool,

    /// Say nothing but warnings and faults, for cron; not even that another one is at work
    #[arg(long, requires = "once")]
    pub quiet: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
