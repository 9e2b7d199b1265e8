//! Cookies of OpenLDAP, as they may be kept.
//!
//! A cookie is the server's business (RFC 4533 2.1.2), and what is no cookie of OpenLDAP is kept as it came. Of
//! OpenLDAP's, such as `rid=000,sid=001,csn=20261121160614.141156Z#000000#001#000000;…`, two things have to be
//! known where several servers take changes:
//!
//! - The cookie of a single change has the state (CSN) of one server alone, the one where the change was
//!   made, or of none, when the server itself is catching up with another one. What is known still holds.
//! - `sid` in a cookie that is sent names who asks. slapd writes its own number there, and a server that gets
//!   the number of another one takes us for that server: what was changed there would never be told.

/// One state of a server: its number and its CSN.
type State<'a> = (u32, &'a str);

/// The cookie to keep when `told` came with a single change, after everything that `known` stands for.
pub(super) fn after_change(known: Option<&[u8]>, told: &[u8]) -> Vec<u8> {
    let Some(new) = states(told) else { return told.to_vec() };
    let mut all = known.and_then(states).unwrap_or_default();
    for (server, csn) in new {
        match all.iter_mut().find(|(other, _)| *other == server) {
            Some((_, known)) if *known >= csn => {}
            Some((_, known)) => *known = csn,
            None => all.push((server, csn)),
        }
    }
    written(all)
}

/// The cookie to keep when `told` has the whole state, as at the end of a refresh.
pub(super) fn whole(told: &[u8]) -> Vec<u8> {
    states(told).map_or_else(|| told.to_vec(), written)
}

/// What a server does not have that we know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lacking {
    /// Number of the server where that was changed.
    pub(super) server: u32,
    /// It has no change of that server at all.
    pub(super) is_absent: bool,
}

/// What `cookie` stands for and `state`, the CSNs of the server that is followed, does not.
pub(super) fn missing(cookie: &[u8], state: &[String]) -> Option<Lacking> {
    let states = states(cookie).unwrap_or_default();
    states.into_iter().find_map(|(number, known)| {
        let own = state.iter().filter(|csn| server(csn) == Some(number)).max();
        let is_there = own.is_some_and(|csn| csn.as_str() >= known);
        (!is_there).then_some(Lacking { server: number, is_absent: own.is_none() })
    })
}

fn written(mut states: Vec<State<'_>>) -> Vec<u8> {
    states.sort_unstable();
    let csns: Vec<&str> = states.into_iter().map(|(_, csn)| csn).collect();
    let csns = if csns.is_empty() { String::new() } else { format!(",csn={}", csns.join(";")) };
    format!("rid=000{csns}").into_bytes()
}

/// The states in a cookie of OpenLDAP; `None`: it is another one, or has something that we do not know.
fn states(cookie: &[u8]) -> Option<Vec<State<'_>>> {
    let text = std::str::from_utf8(cookie).ok()?;
    let mut states = Vec::new();
    for part in text.split(',') {
        match part.split_once('=')? {
            ("rid" | "sid", _) => {}
            ("csn", "") => {}
            ("csn", csns) => {
                for csn in csns.split(';') {
                    states.push((server(csn)?, csn));
                }
            }
            _ => return None,
        }
    }
    text.starts_with("rid=").then_some(states)
}

/// The number of the server in a CSN: time, counter, server, counter within the change.
fn server(csn: &str) -> Option<u32> {
    let mut parts = csn.split('#');
    let (time, _, server, _) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !time.ends_with('Z') {
        return None;
    }
    u32::from_str_radix(server, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "20261121160614.141156Z#000000#001#000000";
    const ONE_LATER: &str = "20261121160615.141156Z#000000#001#000000";
    const TWO: &str = "20261121160613.141156Z#000000#00a#000000";

    fn after(known: Option<&str>, told: &str) -> String {
        String::from_utf8(after_change(known.map(str::as_bytes), told.as_bytes())).unwrap()
    }

    #[test]
    fn the_state_of_the_other_servers_stays() {
        let known = format!("rid=000,csn={ONE};{TWO}");
        let told = format!("rid=000,sid=001,csn={ONE_LATER}");
        assert_eq!(after(Some(&known), &told), format!("rid=000,csn={ONE_LATER};{TWO}"));
        // An older one that comes late takes nothing back.
        assert_eq!(after(Some(&format!("rid=000,csn={ONE_LATER}")), &known), {
            format!("rid=000,csn={ONE_LATER};{TWO}")
        });
        assert_eq!(after(None, &told), format!("rid=000,csn={ONE_LATER}"));
        // From a server that is catching up itself.
        assert_eq!(after(Some(&known), "rid=000,sid=001"), known);
        assert_eq!(after(None, "rid=000,sid=001"), "rid=000");
    }

    #[test]
    fn nobody_takes_us_for_a_server() {
        let told = format!("rid=000,sid=00a,csn={TWO};{ONE}");
        assert_eq!(whole(told.as_bytes()), format!("rid=000,csn={ONE};{TWO}").into_bytes());
    }

    #[test]
    fn a_server_lacks_what_it_has_older_states_of() {
        let known = format!("rid=000,csn={ONE_LATER};{TWO}");
        let lacks = |state: &[&str]| {
            let state: Vec<String> = state.iter().map(|&csn| csn.to_owned()).collect();
            missing(known.as_bytes(), &state)
        };
        assert_eq!(lacks(&[TWO, ONE_LATER]), None);
        let lacking = |server, is_absent| Some(Lacking { server, is_absent });
        assert_eq!(lacks(&[ONE, TWO]), lacking(1, false));
        assert_eq!(lacks(&[ONE_LATER]), lacking(10, true));
        assert_eq!(missing(b"rubbish", &[ONE.to_owned()]), None);
        assert_eq!(missing(b"rid=000", &[ONE.to_owned()]), None);
    }

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        for told in [
            "rubbish",
            "",
            "rid=000,csn=2026#1",
            "sid=001,csn=x",
            &format!("rid=000,csn={ONE},delcsn={ONE}"),
        ] {
            assert_eq!(whole(told.as_bytes()), told.as_bytes());
            assert_eq!(after(Some(&format!("rid=000,csn={ONE}")), told), told);
        }
        assert_eq!(whole(b"\xff"), b"\xff");
    }
}
