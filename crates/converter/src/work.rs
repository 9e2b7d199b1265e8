//! The loop: take, look up, hand over for writing, remove what is done; stop at obstacles.

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use idspool_directory::Backoff;
use idspool_service::Exit;
use idspool_spool::{ItemName, Wake};

use crate::converter::{Converter, Mode, Statistics, Stop};
use crate::lookup::look_up;
use crate::obstacle::Obstacle;
use crate::round::{Taking, take};
use crate::stage::{Report, Round};

/// Rounds that are looked up and not yet written, at most: one being mapped, one being written, one
/// waiting for either.
pub(crate) const IN_FLIGHT: usize = 3;

/// How long to stand at a faulty item before looking at it again although nobody touched it.
const ITEM_PAUSE: Duration = Duration::from_secs(30);

/// A running converter.
pub(crate) struct Work {
    converter: Converter,
    stop: Stop,
    rounds: SyncSender<Round>,
    reports: Receiver<Report>,
    /// Items of the rounds that the two threads have, oldest round first.
    in_flight: VecDeque<Vec<ItemName>>,
    /// Done, but the file could not be removed. They are not taken again, which would fill the
    /// consumers' spools with repetitions.
    unremoved: Vec<ItemName>,
    generation: u64,
    items: u64,
    /// What the log said last about the obstacle we stand at.
    standing_at: Option<String>,
    backoff: Backoff,
}

/// What one step came to.
enum Step {
    /// Something was done; go on.
    Forward,
    /// Nothing waits.
    Idle,
    /// We were asked to stop, and nothing is under way.
    Stopped,
}

impl Work {
    pub(crate) fn new(
        converter: Converter,
        rounds: SyncSender<Round>,
        reports: Receiver<Report>,
    ) -> Self {
        Self {
            stop: converter.stop(),
            converter,
            rounds,
            reports,
            in_flight: VecDeque::new(),
            unremoved: Vec::new(),
            generation: 0,
            items: 0,
            standing_at: None,
            backoff: Backoff::default(),
        }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics { items: self.items, requests: self.converter.directory.requests() }
    }

    pub(crate) fn run(&mut self, mode: Mode) -> Exit {
        loop {
            match self.step() {
                Ok(Step::Forward) => {}
                Ok(Step::Stopped) => return Exit::Done,
                Ok(Step::Idle) => {
                    self.clear_fault();
                    if mode == Mode::Once {
                        return Exit::Done;
                    }
                    self.wait_for_items();
                }
                Err(_) if self.is_stopping() => {
                    // What is written and cannot be removed is converted once more by the next run.
                    while self.in_flight.pop_front().is_some() && self.reports.recv().is_ok() {}
                    return Exit::Done;
                }
                Err(obstacle) => {
                    let is_last = match obstacle {
                        Obstacle::Unsettled { .. } => false,
                        Obstacle::Ours(_) => true,
                        _ => mode == Mode::Once,
                    };
                    self.stand_at(&obstacle, is_last);
                    if is_last {
                        return Exit::Stopped;
                    }
                }
            }
        }
    }

    /// Begins one round, or finishes one.
    ///
    /// The obstacle of an item is only returned when no round is under way, so that it is the first
    /// item that waits, and everything before it is done.
    fn step(&mut self) -> Result<Step, Obstacle> {
        loop {
            match self.reports.try_recv() {
                Ok(report) => self.absorb(report)?,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(THREAD_ENDED),
            }
        }
        // What could not be removed before.
        self.remove_done()?;
        if self.is_stopping() {
            return Ok(if self.finish_one()? { Step::Forward } else { Step::Stopped });
        }
        if self.in_flight.len() >= IN_FLIGHT {
            self.finish_one()?;
            return Ok(Step::Forward);
        }
        match self.begin() {
            Ok(true) => Ok(Step::Forward),
            Ok(false) => Ok(if self.finish_one()? { Step::Forward } else { Step::Idle }),
            Err(obstacle) => {
                let was_under_way = !self.in_flight.is_empty();
                while self.finish_one()? {}
                // What was done meanwhile may have removed the obstacle.
                if was_under_way && !self.is_stopping() { Ok(Step::Forward) } else { Err(obstacle) }
            }
        }
    }

    /// Takes the next items, looks them up and hands them on. `false`: nothing waits.
    fn begin(&mut self) -> Result<bool, Obstacle> {
        let converter = &mut self.converter;
        converter
            .consumer
            .refresh()
            .map_err(|error| Obstacle::Spool { doing: "follow the listener's spool", error })?;
        let busy: BTreeSet<&ItemName> = self.in_flight.iter().flatten().collect();
        let names: Vec<ItemName> = converter
            .consumer
            .backlog()
            .iter()
            .filter(|name| !busy.contains(name))
            .take(converter.group_size)
            .cloned()
            .collect();
        if names.is_empty() {
            return Ok(false);
        }
        let Taking { taken, gone, obstacle } = take(converter.consumer.spool(), names);
        // Where the kernel reports nothing, the backlog would show them until the next slow poll.
        converter
            .consumer
            .done_group(&gone)
            .map_err(|error| Obstacle::Spool { doing: "follow the listener's spool", error })?;
        if taken.is_empty() {
            return obstacle.map_or(Ok(true), Err);
        }
        let targets = &converter.targets;
        let is_wanted = |module| targets.iter().any(|target| target.wants(module));
        let uuids = taken.iter().map(|taken| &taken.item.entry_uuid);
        let (attributes, groups_from) = (&converter.attributes, converter.groups_from);
        let found = look_up(&mut converter.directory, uuids, attributes, groups_from, is_wanted)
            .map_err(Obstacle::Directory)?;
        self.in_flight.push_back(taken.iter().map(|taken| taken.name.clone()).collect());
        let round = Round { generation: self.generation, taken, found };
        self.rounds.send(round).map_err(|_| THREAD_ENDED)?;
        Ok(true)
    }

    /// Waits until the oldest round is written. `false`: there is none.
    fn finish_one(&mut self) -> Result<bool, Obstacle> {
        if self.in_flight.is_empty() {
            return Ok(false);
        }
        let report = self.reports.recv().map_err(|_| THREAD_ENDED)?;
        self.absorb(report)?;
        Ok(true)
    }

    fn absorb(&mut self, report: Report) -> Result<(), Obstacle> {
        self.in_flight.pop_front();
        self.items += report.done.len() as u64;
        let has_progress = !report.done.is_empty();
        self.unremoved.extend(report.done);
        let removed = self.remove_done();
        let Some(obstacle) = report.obstacle else {
            if has_progress && removed.is_ok() {
                self.clear_fault();
            }
            return removed;
        };
        // Everything that was under way behind it is given back.
        while !self.in_flight.is_empty() {
            let _given_back = self.reports.recv().map_err(|_| THREAD_ENDED)?;
            self.in_flight.pop_front();
        }
        self.generation += 1;
        removed.and(Err(obstacle))
    }

    fn remove_done(&mut self) -> Result<(), Obstacle> {
        if self.unremoved.is_empty() {
            return Ok(());
        }
        self.converter
            .consumer
            .done_group(&self.unremoved)
            .map_err(|error| Obstacle::Spool { doing: "remove converted listener files", error })?;
        self.unremoved.clear();
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_requested()
    }

    /// Says once what stands in the way, and waits until it may be gone.
    fn stand_at(&mut self, obstacle: &Obstacle, is_last: bool) {
        let spool = self.converter.consumer.spool().clone();
        let message = obstacle.message(&spool);
        let pause = match obstacle {
            Obstacle::Unsettled { settles_in, .. } => {
                tracing::debug!("{message}");
                self.wait_out(*settles_in, obstacle.item());
                return;
            }
            Obstacle::Item { .. } => ITEM_PAUSE,
            _ => self.backoff.pause(),
        };
        if let Err(error) = self.converter.consumer.record_fault(&obstacle.fault(&spool, pause)) {
            tracing::debug!("Cannot record the fault: {error}");
        }
        if self.standing_at.as_deref() != Some(message.as_str()) {
            tracing::error!("{message}");
            self.standing_at = Some(message);
        }
        if !is_last {
            self.wait_out(pause, obstacle.item());
        }
    }

    fn clear_fault(&mut self) {
        self.backoff.reset();
        if self.standing_at.take().is_some() {
            tracing::info!("Going on");
        }
        if let Err(error) = self.converter.consumer.record_success() {
            tracing::warn!("Cannot record that the fault is gone: {error}");
        }
    }

    fn wait_for_items(&mut self) {
        // An error here is one of the next refresh, too.
        let _ = self.converter.consumer.wait(None);
    }

    /// Waits for `pause`, or until somebody touches the item, or a stop is asked for. That other
    /// items come in changes nothing: they are behind the obstacle.
    fn wait_out(&mut self, pause: Duration, item: Option<&ItemName>) {
        let until = Instant::now() + pause;
        while !self.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            match self.converter.consumer.wait(Some(left)) {
                Ok(Wake::Changed) => {}
                Ok(Wake::TimedOut | Wake::Woken) | Err(_) => continue,
            }
            match self.converter.consumer.refresh() {
                Ok(changes) => {
                    let touched = |name: &ItemName| item.is_some_and(|item| name <= item);
                    if changes.appeared.iter().any(touched)
                        || changes.disappeared.iter().any(touched)
                        || changes.changed.iter().any(touched)
                    {
                        return;
                    }
                }
                // The wait above takes its time before it reports a stalled spool again.
                Err(error) => tracing::debug!("{error}"),
            }
        }
    }
}

const THREAD_ENDED: Obstacle = Obstacle::Ours("a thread of the converter ended");
