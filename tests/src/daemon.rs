//! One of idspool's programs as a child process: its log lines, signals to it, its end.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

/// Path of a program of this workspace, as built in the profile of the running test.
pub fn program(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    // target/<profile>/deps/test-… or target/<profile>/examples/…
    let profile = test
        .parent()
        .and_then(|folder| folder.parent())
        .context("the test has no target directory")?;
    let path = profile.join(name);
    ensure!(
        path.is_file(),
        "{} is not built; run scripts/test, or cargo build for the package that holds it",
        path.display()
    );
    Ok(path)
}

/// A running program; killed and reaped when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Log {
    state: Mutex<LogState>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    lines: Vec<String>,
    output: String,
    ended: bool,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Daemon {
    /// Starts a program of this workspace with these arguments.
    pub fn start(name: &str, arguments: &[&str]) -> Result<Daemon> {
        let mut command = Command::new(program(name)?);
        command.args(arguments);
        Daemon::spawn(command)
    }

    /// Starts any command; its standard error is collected line by line, its standard output as a whole.
    pub fn spawn(mut command: Command) -> Result<Daemon> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("start {:?}", command.get_program()))?;
        let log = Arc::new(Log::default());
        let stderr = child.stderr.take().context("no pipe for standard error")?;
        let mut stdout = child.stdout.take().context("no pipe for standard output")?;
        let lines = Arc::clone(&log);
        let line_reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n') {
                let Ok(line) = line else { break };
                lines.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
                lines.grown.notify_all();
            }
            lines.lock().ended = true;
            lines.grown.notify_all();
        });
        let output = Arc::clone(&log);
        let output_reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Piece by piece: a server says where it listens long before it ends.
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
                output.lock().output.push_str(&text);
                output.grown.notify_all();
            }
        });
        Ok(Daemon { child, log, readers: vec![line_reader, output_reader] })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().lines.clone()
    }

    /// Everything it has printed on standard output so far.
    pub fn output(&self) -> String {
        self.log.lock().output.clone()
    }

    /// The first log line that contains `phrase`, waiting for it up to `deadline`.
    pub fn wait_for(&self, phrase: &str, deadline: Duration) -> Result<String> {
        self.wait_for_after(0, phrase, deadline).map(|(_, line)| line)
    }

    /// Like [`Daemon::wait_for`], looking only at lines from number `first` on; also returns the line's number.
    pub fn wait_for_after(
        &self,
        first: usize,
        phrase: &str,
        deadline: Duration,
    ) -> Result<(usize, String)> {
        let until = Instant::now() + deadline;
        let mut state = self.log.lock();
        let mut next = first;
        loop {
            while let Some(line) = state.lines.get(next) {
                if line.contains(phrase) {
                    return Ok((next, line.clone()));
                }
                next += 1;
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                let why = if state.ended { "it ended" } else { "the time is up" };
                bail!(
                    "no log line contains {phrase:?} and {why}; the log:\n{}",
                    state.lines.join("\n")
                );
            }
            state =
                self.log.grown.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)?)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub fn terminate(self, deadline: Duration) -> Result<Ended> {
        self.signal(Signal::TERM)?;
        self.wait(deadline)
    }

    /// Kills it (SIGKILL) and waits for its end.
    pub fn kill(mut self) -> Result<Ended> {
        self.child.kill()?;
        self.wait(Duration::from_secs(60))
    }

    /// Waits for its end up to `deadline`; after that it is killed and the wait fails.
    pub fn wait(mut self, deadline: Duration) -> Result<Ended> {
        let Some(status) = crate::poll(deadline, || self.child.try_wait().transpose()) else {
            bail!("it did not end within {deadline:?}; the log:\n{}", self.lines().join("\n"));
        };
        let status = status?;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        let state = self.log.lock();
        Ok(Ended { status, lines: state.lines.clone(), output: state.output.clone() })
    }
}

/// How a program ended and what it said.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Exit status.
    pub status: ExitStatus,
    /// Lines of standard error.
    pub lines: Vec<String>,
    /// Standard output.
    pub output: String,
}

impl Ended {
    /// Exit code, if it was not ended by a signal.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard error as one text.
    pub fn log(&self) -> String {
        self.lines.join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
