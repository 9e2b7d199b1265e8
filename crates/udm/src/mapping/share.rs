//! The share that a home directory lies on.

use serde_json::Value;

use super::attribute::attribute;
use super::view::View;

/// The DN of the share.
pub(super) fn home_share(view: &View<'_>) -> Option<Value> {
    Some(Value::from(find(view)?.0))
}

/// The rest of the path below the share.
pub(super) fn home_share_path(view: &View<'_>) -> Option<Value> {
    Some(Value::from(find(view)?.1))
}

fn find<'a>(view: &View<'a>) -> Option<(&'a str, &'a str)> {
    let (host, path) = mount(view.text(const { attribute("automountInformation") })?)?;
    // The nearest share counts; two of them for one directory say nothing.
    for candidate in candidates(path) {
        let mut shares = view.related.shares(host, candidate);
        let share = shares.next();
        if shares.next().is_some() {
            return None;
        }
        if let Some(share) = share {
            let rest = path.get(candidate.len()..).unwrap_or_default();
            return Some((share, rest.trim_matches('/')));
        }
    }
    None
}

/// Host and path of `-rw host:/path`.
pub(super) fn mount(information: &str) -> Option<(&str, &str)> {
    let (_, source) = information.split_once(' ')?;
    let (host, path) = source.trim_start().split_once(':')?;
    (!host.is_empty() && path.starts_with('/')).then_some((host, path))
}

/// The path and those above it, without slashes at the end, longest first, at most 32 deep. The
/// root is none.
pub(super) fn candidates(path: &str) -> impl Iterator<Item = &str> {
    let longest = Some(path.trim_end_matches('/')).filter(|path| !path.is_empty());
    std::iter::successors(longest, |path| {
        let (above, _) = path.rsplit_once('/')?;
        Some(above.trim_end_matches('/')).filter(|path| !path.is_empty())
    })
    .take(32)
}
