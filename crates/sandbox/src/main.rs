//! `idspool-sandbox`: stand-in servers, from the command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use idspool_sandbox::ox::{ContextSpec, Failure, Options, Tls, serve};
use idspool_service::{Exit, logging, shutdown};

/// Stand-in servers for trying out and testing idspool
#[derive(Parser)]
#[command(name = "idspool-sandbox", version)]
struct Arguments {
    #[command(subcommand)]
    server: ServerKind,
}

#[derive(Subcommand)]
enum ServerKind {
    /// OX App Suite administration services over SOAP; open the address in a browser to look inside
    Ox(Box<OxArguments>),
}

#[derive(Args)]
struct OxArguments {
    /// Address and port to listen on; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8912")]
    listen: SocketAddr,
    /// Login of the master administrator
    #[arg(long, value_name = "LOGIN", default_value = "oxadminmaster")]
    master_user: String,
    /// Password of the master administrator
    #[arg(long, value_name = "PASSWORD", default_value = "secret")]
    master_password: String,
    /// Context to start with, repeatable; its administrator is oxadmin with password secret unless named
    #[arg(long = "context", value_name = "ID[:ADMIN:PASSWORD]")]
    contexts: Vec<ContextSpec>,
    /// How long every call takes at least, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Make the N-th call of an operation fail (N may be *), repeatable; kinds: storage (default),
    /// remote, database-update, http502, close, late-close (work done, no answer), garbage
    #[arg(long = "fail", value_name = "OPERATION:N[:KIND]")]
    failures: Vec<Failure>,
    /// Refuse a display name that another user of the context has
    #[arg(long)]
    unique_display_names: bool,
    /// Refuse to rename users (USERNAME_CHANGEABLE=false, as OX is shipped)
    #[arg(long)]
    username_unchangeable: bool,
    /// Refuse to change primary addresses (PRIMARY_MAIL_UNCHANGEABLE=true)
    #[arg(long)]
    primary_mail_unchangeable: bool,
    /// Refuse a quota for users without a file store of their own, as OX is shipped
    #[arg(long)]
    quota_needs_filestore: bool,
    /// Let the master administrator act inside contexts (MASTER_ACCOUNT_OVERRIDE=true)
    #[arg(long)]
    master_account_override: bool,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl From<OxArguments> for Options {
    fn from(arguments: OxArguments) -> Self {
        Self {
            listen: arguments.listen,
            master_user: arguments.master_user,
            master_password: arguments.master_password,
            contexts: arguments.contexts,
            latency: Duration::from_millis(arguments.latency),
            failures: arguments.failures,
            unique_display_names: arguments.unique_display_names,
            username_changeable: !arguments.username_unchangeable,
            primary_mail_changeable: !arguments.primary_mail_unchangeable,
            quota_needs_filestore: arguments.quota_needs_filestore,
            master_account_override: arguments.master_account_override,
            tls: arguments.tls_cert.zip(arguments.tls_key).map(|(certificate, key)| Tls {
                certificate,
                key,
                client_authority: None,
            }),
            ..Self::default()
        }
    }
}

fn main() -> ExitCode {
    let ServerKind::Ox(arguments) = Arguments::parse().server;
    if let Err(error) = logging::init("info") {
        tracing::error!("{error}");
        return Exit::Usage.into();
    }
    match run((*arguments).into()) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            tracing::error!("{error:#}");
            Exit::Usage.into()
        }
    }
}

fn run(options: Options) -> anyhow::Result<()> {
    // Nothing is kept on disk, so there is nothing to finish: stopping is ending.
    let _shutdown = shutdown::install(|| std::process::exit(0)).context("catch signals")?;
    let server = serve(options)?;
    let mut out = io::stdout();
    writeln!(out, "listening on {}", server.url())
        .and_then(|()| out.flush())
        .context("print the address")?;
    server.wait();
    Ok(())
}
