//! Whose files are in the data directory.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use idspool_service::Config;

/// The lock that `idspool-ox` makes when it starts for the first time.
const LOCK: &str = ".lock";

/// Goes on as the user that `idspool-ox` runs as, when root calls: what root writes, nobody else could
/// read, and the next item would be a fault.
///
/// The user is the owner of the queue's lock; before the first start, that of the queue or of the data
/// directory.
pub(super) fn adopt(config: &Config) -> Result<()> {
    let queue = config.ox.queue();
    let places = [queue.join(LOCK), queue, config.ox.data_dir.clone()];
    let owner = places.iter().find_map(|place| fs::metadata(place).ok());
    let Some(owner) = owner.filter(|owner| owner.uid() != 0) else { return Ok(()) };
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let program = std::env::current_exe().context("failed to find the program itself")?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).uid(owner.uid()).gid(owner.gid());
    if let Some(source) = config.source.as_deref() {
        // The same file, also where the other user cannot see the working directory.
        command.env("IDSPOOL_CONFIG", std::path::absolute(source).unwrap_or(source.into()));
    }
    // Comes back only when it failed.
    let error = command.exec();
    Err(anyhow!(error)).with_context(|| {
        format!(
            "failed to go on as user {uid}, to whom the files in {} belong: run the command as this user \
             (sudo -u '#{uid}' …)",
            config.ox.data_dir.display(),
            uid = owner.uid()
        )
    })
}
