//! Users that groups and functional accounts list, compared by what OX has of them.
//!
//! Members are shown by user name. Of long lists only those are shown that are not on all sides.

use std::collections::{BTreeSet, HashMap};

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::Objects;
use idspool_udm::dn;

use super::error::Error;
use super::finding::{Finding, Kind, Sides};
use super::remote::Remote;
use super::shown::Shown;
use crate::props::Props;

/// A longer list is shown in part.
const SHOWN: usize = 20;

/// The names of members.
pub(crate) type Names = HashMap<(ContextId, OxUserId), String>;

/// The names of the users that a state lists.
pub(crate) fn names_of(
    props: Props<'_>,
    objects: &Objects,
    names: &mut Names,
) -> Result<(), Error> {
    for dn in props.texts("users") {
        let Some(place) = objects.place(dn)? else { continue };
        let context = place.scope.and_then(|scope| ContextId::try_from(scope).ok());
        let user = place.remote_id.and_then(|id| OxUserId::try_from(id).ok());
        if let Some(member) = context.zip(user) {
            names.insert(member, dn::first_value(dn).unwrap_or_else(|| dn.to_owned()));
        }
    }
    Ok(())
}

/// What keeps a single object from being compared in a context in which it should have members.
pub(crate) fn trouble(
    remote: &Remote,
    context: ContextId,
    snapshot: &BTreeSet<OxUserId>,
    directory: &BTreeSet<OxUserId>,
) -> Option<Finding> {
    let is_concerned = remote.is_single() && !(snapshot.is_empty() && directory.is_empty());
    let said = remote.trouble(context).filter(|_| is_concerned)?;
    Some(Finding::of(Kind::Unusable).within(context).noting(said))
}

/// Compares the members in one context.
pub(crate) fn compare(
    context: ContextId,
    ox_field: &'static str,
    snapshot: &BTreeSet<OxUserId>,
    ox: &BTreeSet<OxUserId>,
    directory: &BTreeSet<OxUserId>,
    names: &Names,
) -> Option<Finding> {
    if snapshot == ox && ox == directory {
        return None;
    }
    let everywhere: BTreeSet<OxUserId> =
        snapshot.iter().filter(|id| ox.contains(id) && directory.contains(id)).copied().collect();
    let is_long = snapshot.len().max(ox.len()).max(directory.len()) > SHOWN;
    let shown = |side: &BTreeSet<OxUserId>| {
        let mut texts: Vec<String> = side
            .iter()
            .filter(|id| !is_long || !everywhere.contains(id))
            .map(|id| names.get(&(context, *id)).cloned().unwrap_or_else(|| format!("id {id}")))
            .collect();
        texts.sort_unstable();
        if !is_long {
            return Shown::list(texts);
        }
        let left_out = texts.len().saturating_sub(SHOWN);
        texts.truncate(SHOWN);
        if left_out > 0 {
            texts.push(format!("and {left_out} more"));
        }
        Shown::Text(format!("{} users, not on all sides: [{}]", side.len(), texts.join(", ")))
    };
    let sides = Sides { snapshot: shown(snapshot), ox: shown(ox), directory: shown(directory) };
    Some(Finding::row("users", Some(ox_field), sides, snapshot != directory).within(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: ContextId = ContextId::new(10);

    fn ids(ids: impl IntoIterator<Item = i32>) -> BTreeSet<OxUserId> {
        ids.into_iter().map(OxUserId::new).collect()
    }

    fn names() -> Names {
        let name = |id: i32| ((TEN, OxUserId::new(id)), format!("user{id}"));
        (1..100).map(name).collect()
    }

    fn texts(snapshot: &BTreeSet<OxUserId>, ox: &BTreeSet<OxUserId>) -> Option<[String; 2]> {
        let found = compare(TEN, "members", snapshot, ox, snapshot, &names())?;
        assert_eq!((found.context, found.kind), (Some(10), Kind::Different));
        let row = found.row.unwrap();
        assert!(!row.directory_differs);
        Some([row.snapshot.to_string(), row.ox.to_string()])
    }

    #[test]
    fn s9_4_members_are_shown_by_name() {
        assert_eq!(texts(&ids([1, 2]), &ids([2, 1])), None);
        let shown = texts(&ids([1, 2]), &ids([2, 300])).unwrap();
        assert_eq!(shown, ["[user1, user2]", "[id 300, user2]"]);
        assert_eq!(texts(&ids([1]), &ids([])).unwrap(), ["[user1]", "None"]);
    }

    #[test]
    fn of_long_lists_only_what_differs_is_shown() {
        let shown = texts(&ids(1..51), &ids(2..52)).unwrap();
        assert_eq!(
            shown,
            ["50 users, not on all sides: [user1]", "50 users, not on all sides: [user51]"]
        );
        let [all, none] = texts(&ids(1..51), &ids([])).unwrap();
        assert!(all.starts_with("50 users") && all.ends_with("and 30 more]"), "{all}");
        assert_eq!(none, "0 users, not on all sides: []");
    }
}
