//! One listener file and what LDAP says, turned into what each consumer gets: the table in the
//! crate's introduction.

use idspool_udm::dn::Dn;
use idspool_udm::mapping::Mapper;
use idspool_udm::{ConvertedItem, Module, Reading, Ties};

use crate::lookup::Found;
use crate::obstacle::Obstacle;
use crate::round::Taken;
use crate::target::Target;

/// What one consumer gets because of one change.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Index of the consumer.
    pub(crate) target: usize,
    pub(crate) module: Module,
    pub(crate) is_deletion: bool,
    pub(crate) content: Vec<u8>,
    /// What it depends on, if somebody wants to know.
    pub(crate) reading: Option<Reading>,
}

/// Why a change cannot be converted, and what can be done.
struct Unconvertible {
    problem: String,
    remedy: &'static str,
}

/// What every conversion of a round is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) found: &'a Found,
    pub(crate) targets: &'a [Target],
    pub(crate) mappers: &'a [Mapper],
    pub(crate) base: Option<&'a Dn>,
    /// Somebody wants to know what was read.
    pub(crate) readings: bool,
}

/// Converts items in order, up to the first one that cannot be.
pub(crate) fn convert_all(
    taken: &[Taken],
    means: Means<'_>,
) -> (Vec<Vec<Piece>>, Option<Obstacle>) {
    let mut pieces = Vec::with_capacity(taken.len());
    for taken in taken {
        match convert(taken, means) {
            Ok(converted) => pieces.push(converted),
            Err(Unconvertible { problem, remedy }) => {
                let name = taken.name.clone();
                return (pieces, Some(Obstacle::Item { name, problem, remedy }));
            }
        }
    }
    (pieces, None)
}

/// Nothing at all: nobody wants it.
fn convert(taken: &Taken, means: Means<'_>) -> Result<Vec<Piece>, Unconvertible> {
    let Means { found, targets, mappers, base, readings } = means;
    let item = &taken.item;
    let reported = item.module();
    let Some(entry) = found.entries.get(&item.entry_uuid) else {
        if is_outside(&item.dn, base) {
            // We look below the base only. With a wrong base everything would seem deleted.
            return Err(Unconvertible {
                problem: format!(
                    "the entry {} was not found, and its DN '{}' is not below directory.base_dn, where it was \
                     looked for: whether it is gone cannot be known",
                    item.entry_uuid, item.dn
                ),
                remedy: "correct directory.base_dn, or remove the file if the object is none of \
                         this directory",
            });
        }
        let Some(module) = reported else {
            return Err(Unconvertible {
                problem: format!(
                    "the entry {} is gone from LDAP and object_type {:?} is no module that idspool knows, so \
                     nobody can be told what was deleted",
                    item.entry_uuid, item.object_type
                ),
                remedy: "write the object_type into the file (such as users/user), or remove the \
                         file if no consumer has the object",
            });
        };
        return Ok(deletions(taken, module, targets).collect());
    };
    let present = Module::of(entry);
    if present.is_none()
        && entry.values("objectClass").is_empty()
        && entry.values("univentionObjectType").is_empty()
    {
        // Taking it for an entry of another kind would delete it at the consumers.
        return Err(Unconvertible {
            problem: format!(
                "the entry {} exists in LDAP but its objectClass cannot be read",
                item.entry_uuid
            ),
            remedy: "give the bind DN read access to the entry",
        });
    }
    let mut pieces = Vec::new();
    if let Some(module) = reported.filter(|reported| Some(*reported) != present) {
        pieces.extend(deletions(taken, module, targets));
    }
    if let Some(module) = present {
        for (target, (wanting, mapper)) in targets.iter().zip(mappers).enumerate() {
            if !wanting.wants(module) {
                continue;
            }
            let (uuid, resync) = (&item.entry_uuid, taken.is_resync());
            let converted = mapper.item(uuid, module, entry, &found.related, resync);
            if converted.user_passwords.is_none() && mapper.wants_hashes(module, entry) {
                // It goes on without them (id-connector 1.6).
                let user = entry.first_text("uid").unwrap_or(&entry.dn);
                tracing::warn!("Could not get password hashes of '{user}'.");
            }
            let content = converted.to_queue_bytes();
            // All consumers get what was read once.
            let reading =
                (readings && pieces.iter().all(|piece| piece.reading.is_none())).then(|| {
                    let digest = Ties::of(&converted, module, entry).digest();
                    Reading { uuid: uuid.clone(), digest }
                });
            pieces.push(Piece { target, module, is_deletion: false, content, reading });
        }
    }
    Ok(pieces)
}

/// What is no DN at all is not judged.
fn is_outside(dn: &str, base: Option<&Dn>) -> bool {
    match (Dn::parse(dn), base) {
        (Ok(dn), Some(base)) => !dn.is_below(base),
        _ => false,
    }
}

fn deletions(taken: &Taken, module: Module, targets: &[Target]) -> impl Iterator<Item = Piece> {
    let converted = ConvertedItem {
        id: taken.item.entry_uuid.to_string(),
        udm_object_type: module.to_string(),
        // The last known one; LDAP has none any more.
        dn: taken.item.dn.clone(),
        object: None,
        options: None,
        resync: taken.is_resync(),
        old_data: None,
        user_passwords: None,
    };
    let content = converted.to_queue_bytes();
    let wanting = targets.iter().enumerate().filter(move |(_, target)| target.wants(module));
    wanting.map(move |(target, _)| Piece {
        target,
        module,
        is_deletion: true,
        content: content.clone(),
        reading: None,
    })
}
