//! The second half of a round: mapping, then writing to the consumers.
//!
//! Each has a thread of its own, so that LDAP, the mapping and the disk do not wait for each other.

use std::fmt::Write as _;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use chrono::Utc;
use idspool_spool::{ItemName, Spool};
use idspool_udm::Reading;
use idspool_udm::dn::Dn;
use idspool_udm::mapping::Mapper;

use crate::convert::{Means, Piece, convert_all};
use crate::lookup::Found;
use crate::obstacle::Obstacle;
use crate::readings::{self, Readings};
use crate::round::Taken;
use crate::target::Target;

/// A round that was looked up.
#[derive(Debug)]
pub(crate) struct Round {
    /// Rounds that were under way when one failed have its generation: they are given back.
    pub(crate) generation: u64,
    pub(crate) taken: Vec<Taken>,
    pub(crate) found: Found,
}

/// A round that can be written.
#[derive(Debug)]
pub(crate) struct Mapped {
    generation: u64,
    taken: Vec<Taken>,
    /// One for each item, up to the obstacle.
    pieces: Vec<Vec<Piece>>,
    /// Why the next item could not be mapped.
    obstacle: Option<Obstacle>,
}

/// What became of a round.
#[derive(Debug)]
pub(crate) struct Report {
    /// These are safe on disk at every consumer that wants them: the first ones of the round.
    pub(crate) done: Vec<ItemName>,
    /// Why the others are not.
    pub(crate) obstacle: Option<Obstacle>,
}

/// Maps rounds until no more come.
#[derive(Debug)]
pub(crate) struct MappingStage {
    pub(crate) listener: Spool,
    pub(crate) targets: Vec<Target>,
    /// Below what entries are looked for; `None`: LDAP will say what is wrong with it.
    pub(crate) base: Option<Dn>,
    pub(crate) country_from_state: bool,
}

impl MappingStage {
    pub(crate) fn run(&self, rounds: &Receiver<Round>, mapped: &SyncSender<Mapped>) {
        for Round { generation, taken, found } in rounds {
            let today = Utc::now().date_naive();
            let mapper = |target: &Target| {
                Mapper::new(target.encoding, today)
                    .country_from_state(self.country_from_state)
                    .with_hashes(target.hashes)
            };
            let mappers: Vec<Mapper> = self.targets.iter().map(mapper).collect();
            let means = Means {
                found: &found,
                targets: &self.targets,
                mappers: &mappers,
                base: self.base.as_ref(),
                readings: readings::are_wanted(&self.listener),
            };
            let (pieces, obstacle) = convert_all(&taken, means);
            if mapped.send(Mapped { generation, taken, pieces, obstacle }).is_err() {
                return;
            }
        }
    }
}

/// Writes rounds until no more come.
#[derive(Debug)]
pub(crate) struct WritingStage {
    pub(crate) targets: Vec<Target>,
    pub(crate) readings: Readings,
}

impl WritingStage {
    pub(crate) fn run(mut self, mapped: &Receiver<Mapped>, reports: &Sender<Report>) {
        let mut failed = None;
        for round in mapped {
            // Nothing may overtake what failed (S4).
            let report = if failed == Some(round.generation) {
                Report { done: Vec::new(), obstacle: None }
            } else {
                let generation = round.generation;
                let report = self.write(round);
                if report.obstacle.is_some() {
                    failed = Some(generation);
                }
                report
            };
            if reports.send(report).is_err() {
                return;
            }
        }
    }

    fn write(&mut self, round: Mapped) -> Report {
        let faulty = |doing, error| {
            let obstacle = Some(Obstacle::Spool { doing, error });
            Report { done: Vec::new(), obstacle }
        };
        let readings: Vec<Reading> =
            round.pieces.iter().flatten().filter_map(|piece| piece.reading.clone()).collect();
        if let Some(first) = round.taken.first()
            && let Err(error) = self.readings.write(&first.name, &readings)
        {
            return faulty("write down what was read", error);
        }
        match self.enqueue(&round.pieces) {
            Ok(written) => log(&self.targets, &round, &written),
            Err(error) => return faulty("write for a consumer", error),
        }
        let Mapped { taken, pieces, obstacle, .. } = round;
        let done = taken.into_iter().zip(&pieces).map(|(taken, _)| taken.name).collect();
        Report { done, obstacle }
    }

    /// Returns the names given, per consumer in the order of its pieces. They are safe on disk.
    fn enqueue(&self, pieces: &[Vec<Piece>]) -> Result<Vec<Vec<ItemName>>, idspool_spool::Error> {
        self.targets
            .iter()
            .enumerate()
            .map(|(index, target)| {
                let contents: Vec<&[u8]> = pieces
                    .iter()
                    .flatten()
                    .filter(|piece| piece.target == index)
                    .map(|piece| piece.content.as_slice())
                    .collect();
                target.spool.enqueue_group(&contents)
            })
            .collect()
    }
}

/// One line per change.
fn log(targets: &[Target], round: &Mapped, written: &[Vec<ItemName>]) {
    let mut names: Vec<_> = written.iter().map(|names| names.iter()).collect();
    let mut line = String::new();
    for (taken, pieces) in round.taken.iter().zip(&round.pieces) {
        let (name, dn) = (&taken.name, &taken.item.dn);
        if pieces.is_empty() {
            tracing::debug!("{name}: {} {dn} is wanted by no consumer", taken.item.object_type);
            continue;
        }
        line.clear();
        for piece in pieces {
            let target = targets.get(piece.target).map_or("", |target| target.name);
            let new = names.get_mut(piece.target).and_then(Iterator::next);
            let separator = if line.is_empty() { "" } else { ", " };
            let deletion = if piece.is_deletion { " (deleted)" } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(line, "{separator}{}{deletion} {dn} -> {target}", piece.module);
            if let Some(new) = new {
                let _ = write!(line, " ({new})");
            }
        }
        tracing::info!("{name}: {line}");
    }
}
