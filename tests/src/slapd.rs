//! A slapd of the test's own: a scratch directory, a port of 127.0.0.1, the schema and the entries of `tests/data`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::certificate::Certificates;
use crate::ldap_cli::LdapCli;
use crate::port::free_port;
use crate::slapd_pair::syncrepl;
use crate::{data_file, poll};

/// Suffix of the directory.
pub const BASE_DN: &str = "dc=example,dc=org";
/// Who may do everything.
pub const ADMIN_DN: &str = "cn=admin,dc=example,dc=org";
/// Password of [`ADMIN_DN`].
pub const ADMIN_PASSWORD: &str = "admin-secret";
/// Who may read everything; present when the sample entries were loaded.
pub const READER_DN: &str = "cn=reader,dc=example,dc=org";
/// Password of [`READER_DN`].
pub const READER_PASSWORD: &str = "reader-secret";

/// How long a slapd may take to come up on a busy machine.
pub(crate) const START: Duration = Duration::from_secs(60);

/// How the entries come into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loading {
    /// Over LDAP: the overlays work, so users have `memberOf`.
    LdapAdd,
    /// Straight into the database: much faster, but without `memberOf`.
    SlapAdd,
}

/// Whether and how the server offers content synchronisation (RFC 4533).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncprov {
    /// Offered.
    On(SessionLog),
    /// The module is loaded, so that the server announces the control, but this database lacks it.
    WithoutOverlay,
    /// Not offered at all.
    WithoutModule,
}

/// Whether the server remembers what was deleted since a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionLog {
    /// The last so many changes.
    Changes(u32),
    /// Nothing: every gap is a present phase.
    Without,
}

/// What a [`Slapd`] is to be like; made by [`Slapd::builder`].
#[derive(Debug, Clone)]
pub struct SlapdBuilder {
    memberof: bool,
    tls: bool,
    loading: Loading,
    sample: bool,
    extra: String,
    size_limit: Option<u32>,
    syncprov: Syncprov,
    refint: bool,
    provider: Option<String>,
    server_id: Option<u8>,
}

impl SlapdBuilder {
    /// How content synchronisation is offered (with a session log of 500 changes unless told).
    pub fn syncprov(mut self, syncprov: Syncprov) -> Self {
        self.syncprov = syncprov;
        self
    }

    /// Without the refint overlay: references to an entry that was renamed or deleted stay as they are.
    pub fn without_refint(mut self) -> Self {
        self.refint = false;
        self
    }

    /// A read-only copy of another server, by syncrepl; without entries of its own.
    pub fn replica_of(mut self, provider: &Slapd) -> Self {
        self.provider = Some(provider.url());
        self.sample = false;
        self.refint = false;
        self.memberof = false;
        self
    }

    /// Numbered, as each of several servers that all take changes has to be: its CSNs have the number.
    pub fn server_id(mut self, id: u8) -> Self {
        self.server_id = Some(id);
        self
    }

    /// Without the memberof overlay: users have no `memberOf`, only the reverse search finds their groups.
    pub fn without_memberof(mut self) -> Self {
        self.memberof = false;
        self
    }

    /// With StartTLS on the ordinary port and ldaps on a second one, signed by an authority of its own.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// How to load the entries ([`Loading::LdapAdd`] unless told).
    pub fn loading(mut self, loading: Loading) -> Self {
        self.loading = loading;
        self
    }

    /// Without the entries of `sample.ldif`; whoever leaves them out adds the base entry.
    pub fn without_sample(mut self) -> Self {
        self.sample = false;
        self
    }

    /// More entries, loaded after the sample.
    pub fn extra_ldif(mut self, ldif: &str) -> Self {
        self.extra.push('\n');
        self.extra.push_str(ldif);
        self
    }

    /// At most that many entries per search for everybody but the administrator.
    pub fn size_limit(mut self, entries: u32) -> Self {
        self.size_limit = Some(entries);
        self
    }

    /// Makes the directory, starts the server and loads the entries.
    pub fn start(self) -> Result<Slapd> {
        let directory = tempfile::Builder::new().prefix("idspool-slapd-").tempdir()?;
        let certificates = if self.tls {
            Some(Certificates::create(&directory.path().join("tls"))?)
        } else {
            None
        };
        std::fs::create_dir(directory.path().join("db"))?;
        let mut server = Slapd { directory, port: 0, tls_port: None, certificates, child: None };
        std::fs::write(server.configuration(), self.configuration(&server)?)?;

        let mut entries = if self.sample {
            std::fs::read_to_string(data_file("sample.ldif"))?
        } else {
            String::new()
        };
        entries.push_str(&self.extra);
        if self.loading == Loading::SlapAdd {
            server.slapadd(&entries)?;
        }
        server.start_on_a_free_port()?;
        if self.loading == Loading::LdapAdd && !entries.trim().is_empty() {
            server.cli().add(&entries, true).context("load the entries")?;
        }
        Ok(server)
    }

    fn configuration(&self, server: &Slapd) -> Result<String> {
        let directory = server.directory.path().display();
        let schema = data_file("ucs-test.schema");
        let mut text = String::new();
        for name in ["core", "cosine", "inetorgperson", "nis"] {
            writeln!(text, "include /etc/ldap/schema/{name}.schema")?;
        }
        write!(
            text,
            "include {}\n\
             modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload refint\nmoduleload memberof\n\
             pidfile {directory}/slapd.pid\nargsfile {directory}/slapd.args\n",
            schema.display()
        )?;
        if self.syncprov != Syncprov::WithoutModule {
            text.push_str("moduleload syncprov\n");
        }
        if let Some(id) = self.server_id {
            writeln!(text, "serverID {id}")?;
        }
        match self.size_limit {
            Some(entries) => writeln!(text, "sizelimit {entries}")?,
            None => writeln!(text, "sizelimit unlimited")?,
        }
        if let Some(certificates) = &server.certificates {
            writeln!(text, "TLSCACertificateFile {}", certificates.authority().display())?;
            writeln!(text, "TLSCertificateFile {}", certificates.server().display())?;
            writeln!(text, "TLSCertificateKeyFile {}", certificates.server_key().display())?;
        }
        // The database need not survive a power cut, only a killed slapd: no fsync.
        write!(
            text,
            "database mdb\nsuffix \"{BASE_DN}\"\nrootdn \"{ADMIN_DN}\"\nrootpw {ADMIN_PASSWORD}\n\
             directory {directory}/db\nmaxsize 17179869184\nenvflags nosync\n\
             index objectClass,univentionObjectType,entryUUID,entryCSN eq\n\
             index uid,cn,mailPrimaryAddress eq,pres\n\
             index uniqueMember,memberUid,gidNumber,uidNumber eq\n\
             index ucsschoolSchool,ucsschoolRole,oxContextIDNum,oxResourceAdmin eq\n"
        )?;
        if let Some(provider) = &self.provider {
            writeln!(text, "{}updateref {provider}", syncrepl(provider))?;
        }
        if self.size_limit.is_none() {
            writeln!(text, "limits dn.exact=\"{READER_DN}\" size=unlimited time=unlimited")?;
        }
        write!(
            text,
            "access to attrs=userPassword,sambaNTPassword,krb5Key,pwhistory\n\
             \x20 by dn.exact=\"{READER_DN}\" read\n  by anonymous auth\n  by * none\n\
             access to * by dn.exact=\"{READER_DN}\" read by * none\n"
        )?;
        if self.memberof {
            text.push_str(
                "overlay memberof\nmemberof-group-oc univentionGroup\nmemberof-member-ad uniqueMember\n\
                 memberof-memberof-ad memberOf\nmemberof-dangling ignore\nmemberof-refint false\n",
            );
        }
        if self.refint {
            text.push_str(
                "overlay refint\n\
                 refint_attributes uniqueMember secretary ucsschoolLegalGuardian ucsschoolLegalWard \
                 univentionAllowedEmailUsers univentionAllowedEmailGroups\n",
            );
        }
        if let Syncprov::On(log) = self.syncprov {
            text.push_str("overlay syncprov\nsyncprov-checkpoint 100 10\n");
            if let SessionLog::Changes(count) = log {
                writeln!(text, "syncprov-sessionlog {count}")?;
            }
        }
        Ok(text)
    }
}

/// A running (or stopped) slapd; killed and cleaned away when dropped.
#[derive(Debug)]
pub struct Slapd {
    directory: TempDir,
    port: u16,
    tls_port: Option<u16>,
    certificates: Option<Certificates>,
    child: Option<Child>,
}

impl Slapd {
    /// A server with the sample entries and `memberOf`, without TLS.
    pub fn start() -> Result<Slapd> {
        Slapd::builder().start()
    }

    /// A server with other choices.
    pub fn builder() -> SlapdBuilder {
        SlapdBuilder {
            memberof: true,
            tls: false,
            loading: Loading::LdapAdd,
            sample: true,
            extra: String::new(),
            size_limit: None,
            syncprov: Syncprov::On(SessionLog::Changes(500)),
            refint: true,
            provider: None,
            server_id: None,
        }
    }

    /// `ldap://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// `ldaps://127.0.0.1:port`, when started with TLS.
    pub fn ldaps_url(&self) -> Option<String> {
        self.tls_port.map(|port| format!("ldaps://127.0.0.1:{port}"))
    }

    /// The port of the ordinary listener.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Certificates of a server that was started with TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Command line tools bound to this server as its administrator.
    pub fn cli(&self) -> LdapCli {
        LdapCli::new(self.url())
    }

    /// The entryUUID of the entry at `dn`.
    pub fn entry_uuid(&self, dn: &str) -> Result<String> {
        self.cli().entry_uuid(dn)
    }

    /// Process id, while running.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops the server in the orderly way and waits until it is gone.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        child.wait()?;
        Ok(())
    }

    /// Kills the server (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Stops the process (SIGSTOP): connections stay open, nothing is answered.
    pub fn freeze(&self) -> Result<()> {
        self.signal(rustix::process::Signal::STOP)?;
        // The signal is on its way when kill returns; a thread that runs may still answer.
        let tasks = format!("/proc/{}/task", self.pid().context("slapd is not running")?);
        poll(START, || are_stopped(&tasks).ok().filter(|stopped| *stopped))
            .map(drop)
            .context("slapd did not stop")
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) -> Result<()> {
        self.signal(rustix::process::Signal::CONT)
    }

    /// Starts a stopped server again, on the same port with the same entries.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.run()?;
        ensure!(self.wait_until_up()?, "slapd could not listen on port {} again", self.port);
        Ok(())
    }

    /// Takes from the reader the right to see an attribute (`entry`: the entries themselves) and
    /// restarts the server.
    pub fn hide(&mut self, attribute: &str) -> Result<()> {
        self.stop()?;
        let path = self.configuration();
        let text = std::fs::read_to_string(&path)?;
        // The first rule that names an attribute counts; one of an earlier call goes away.
        let rule = format!("access to attrs={attribute} by * none");
        let is_earlier =
            |line: &str| line.starts_with("access to attrs=") && line.ends_with(" by * none");
        let mut lines: Vec<&str> = text.lines().filter(|line| !is_earlier(line)).collect();
        let first = lines.iter().position(|line| line.starts_with("access to "));
        lines.insert(first.context("no access rules")?, &rule);
        std::fs::write(&path, lines.join("\n") + "\n")?;
        self.restart()
    }

    /// The folder of the database, to be copied while the server is stopped.
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("db")
    }

    fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let child = self.child.as_ref().context("slapd is not running")?;
        Ok(rustix::process::kill_process(rustix::process::Pid::from_child(child), signal)?)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.directory.path().join("slapd.conf")
    }

    fn start_on_a_free_port(&mut self) -> Result<()> {
        for _ in 0..10 {
            self.port = free_port()?;
            self.tls_port = if self.certificates.is_some() { Some(free_port()?) } else { None };
            self.run()?;
            if self.wait_until_up()? {
                return Ok(());
            }
        }
        bail!("slapd did not start; its messages: {}", self.messages())
    }

    fn run(&mut self) -> Result<()> {
        let mut listeners = format!("ldap://127.0.0.1:{}", self.port);
        if let Some(port) = self.tls_port {
            write!(listeners, " ldaps://127.0.0.1:{port}")?;
        }
        let log = std::fs::File::create(self.directory.path().join("slapd.log"))?;
        let mut command = Command::new(find_slapd()?);
        command.args(["-d", "0", "-h", &listeners, "-f"]).arg(self.configuration());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().context("start slapd")?);
        Ok(())
    }

    /// False when the process ended by itself, as it does when its port is taken.
    fn wait_until_up(&mut self) -> Result<bool> {
        let cli = self.cli();
        let Some(child) = self.child.as_mut() else { return Ok(false) };
        let up = poll(START, || match child.try_wait() {
            Ok(None) => cli.is_up().then_some(true),
            _ => Some(false),
        });
        match up {
            Some(true) => Ok(true),
            Some(false) => {
                self.child = None;
                Ok(false)
            }
            None => {
                bail!("slapd did not answer within {START:?}; its messages: {}", self.messages())
            }
        }
    }

    fn messages(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("slapd.log")).unwrap_or_default()
    }

    fn slapadd(&self, entries: &str) -> Result<()> {
        let file = self.directory.path().join("entries.ldif");
        std::fs::write(&file, entries)?;
        let tool = find_slapd()?.with_file_name("slapadd");
        let output = Command::new(tool)
            .args(["-q", "-w", "-f"])
            .arg(self.configuration())
            .arg("-l")
            .arg(&file)
            .output()
            .context("run slapadd")?;
        ensure!(output.status.success(), "slapadd: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::remove_file(file)?;
        Ok(())
    }
}

/// Whether all threads of this `/proc/PID/task` are stopped.
fn are_stopped(tasks: &str) -> Result<bool> {
    for task in std::fs::read_dir(tasks)? {
        let stat = std::fs::read_to_string(task?.path().join("stat"))?;
        // The state follows the name, which is in brackets and may have some itself.
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes().first() == Some(&b'T'));
        if state != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn find_slapd() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs slapd where ordinary users' PATH does not lead.
    let folders = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    for folder in folders {
        let candidate = folder.join("slapd");
        if Path::new(&candidate).is_file() {
            return Ok(candidate);
        }
    }
    bail!(
        "slapd is not installed; the tests run against a real one: install slapd and ldap-utils, or run scripts/test"
    )
}
