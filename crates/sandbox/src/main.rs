//! `idspool-sandbox`: stand-in servers, from the command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use idspool_sandbox::{kelvin, ox};
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
    /// UCS@school Kelvin REST API; open the address in a browser to look inside
    Kelvin(Box<KelvinArguments>),
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
    contexts: Vec<ox::ContextSpec>,
    /// How long every call takes at least, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Make the N-th call of an operation fail (N may be *), repeatable; kinds: storage (default),
    /// remote, database-update, http502, close, late-close (work done, no answer), garbage
    #[arg(long = "fail", value_name = "OPERATION:N[:KIND]")]
    failures: Vec<ox::Failure>,
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

impl From<OxArguments> for ox::Options {
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
            tls: arguments.tls_cert.zip(arguments.tls_key).map(|(certificate, key)| ox::Tls {
                certificate,
                key,
                client_authority: None,
            }),
            ..Self::default()
        }
    }
}

#[derive(Args)]
struct KelvinArguments {
    /// Address and port to listen on; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8913")]
    listen: SocketAddr,
    /// Account that may do everything
    #[arg(long, value_name = "LOGIN", default_value = "connector")]
    user: String,
    /// Its password
    #[arg(long, value_name = "PASSWORD", default_value = "secret")]
    password: String,
    /// One more account, repeatable; RIGHT is admin, reader, none or disabled
    #[arg(long = "account", value_name = "LOGIN:PASSWORD:RIGHT")]
    accounts: Vec<kelvin::Account>,
    /// School to start with, repeatable
    #[arg(long = "school", value_name = "NAME")]
    schools: Vec<String>,
    /// How long a token is valid, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u64,
    /// Directory property that udm_properties may have, repeatable; RESOURCE is user, school, school_class
    /// or workgroup; a string unless TYPE is multi (list of strings), bool or int
    #[arg(long = "udm-property", value_name = "RESOURCE:NAME[:TYPE]")]
    properties: Vec<kelvin::UdmProperty>,
    /// Hosted mail domain, repeatable; without it every domain is
    #[arg(long = "mail-domain", value_name = "DOMAIN")]
    mail_domains: Vec<String>,
    /// How long every request takes at least, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// How long reads below /v2/ lag behind writes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    lag: u64,
    /// Let reads below /v1/ lag, too
    #[arg(long)]
    lag_everywhere: bool,
    /// How long writes remember whether a school exists, in seconds; a real server does for 300
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    school_cache: u64,
    /// Refuse class members that were moved after a class named them, as a real server may
    #[arg(long)]
    stale_members: bool,
    /// Make the N-th fitting request fail (N may be *), repeatable; * in the path stands for anything;
    /// kinds: 500 (default), 401, 429, 502, 503, 504, close, late-close and late-500 (work done), garbage;
    /// SECONDS is Retry-After of 429 and 503
    #[arg(long = "fail", value_name = "METHOD PATH:N[:KIND[:SECONDS]]")]
    failures: Vec<kelvin::Failure>,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Ask clients for a certificate that this authority signed (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
}

impl From<KelvinArguments> for kelvin::Options {
    fn from(arguments: KelvinArguments) -> Self {
        let client_authority = arguments.tls_client_ca;
        Self {
            listen: arguments.listen,
            user: arguments.user,
            password: arguments.password,
            accounts: arguments.accounts,
            schools: arguments.schools,
            token_lifetime: Duration::from_secs(arguments.token_lifetime),
            properties: arguments.properties,
            mail_domains: arguments.mail_domains,
            latency: Duration::from_millis(arguments.latency),
            lag: Duration::from_millis(arguments.lag),
            lags_everywhere: arguments.lag_everywhere,
            school_cache: Duration::from_secs(arguments.school_cache),
            remembers_addresses: arguments.stale_members,
            failures: arguments.failures,
            tls: arguments.tls_cert.zip(arguments.tls_key).map(|(certificate, key)| kelvin::Tls {
                certificate,
                key,
                client_authority,
            }),
            ..Self::default()
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = logging::init("info") {
        tracing::error!("{error}");
        return Exit::Usage.into();
    }
    match run(arguments.server) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            tracing::error!("{error:#}");
            Exit::Usage.into()
        }
    }
}

fn run(server: ServerKind) -> anyhow::Result<()> {
    // Nothing is kept on disk, so there is nothing to finish: stopping is ending.
    let _shutdown = shutdown::install(|| std::process::exit(0)).context("catch signals")?;
    match server {
        ServerKind::Ox(arguments) => {
            let server = ox::serve((*arguments).into())?;
            announce(&server.url())?;
            server.wait();
        }
        ServerKind::Kelvin(arguments) => {
            let server = kelvin::serve((*arguments).into())?;
            announce(&server.url())?;
            server.wait();
        }
    }
    Ok(())
}

fn announce(url: &str) -> anyhow::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "listening on {url}").and_then(|()| out.flush()).context("print the address")
}
