//! Look-ups in batches: what several objects have in common is asked for with one search.

use std::collections::HashMap;
use std::sync::Arc;

use idspool_udm::{Entry, EntryUuid};
use ldap3::controls::{Control, ControlType, MatchedValues, PagedResults};
use ldap3::{Ldap, LdapResult, Scope, ldap_escape};
use tokio::sync::Semaphore;

use crate::connection::{Directory, Failure};
use crate::decode::{self, Message};
use crate::error::{Error, NOT_LDAP};

/// Names and values that one search may answer with, together. A group of a million members has
/// about a tenth of that.
pub const MAX_ANSWER_BYTES: usize = 1 << 30;

/// Searches that wait for their answer at the same time. Two keep the server busy while the answer
/// before is being read; more only take processors away from ourselves.
const IN_FLIGHT: usize = 2;

/// DNs that one search for groups by member asks for.
const MAX_MEMBERS: usize = 512;

/// Longest filter of one search. slapd reads at most 256 kB of an anonymous request by default
/// (`sockbuf_max_incoming`).
const MAX_FILTER: usize = 128 * 1024;

/// Messages of one answer that are no entries: a server with that many references does not exist, and
/// one that never comes to an end must not hold us.
const MAX_OTHERS: usize = 10_000;

/// Where the next page of a search begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePlace(Vec<u8>);

pub(crate) struct Query {
    pub(crate) base: String,
    pub(crate) scope: Scope,
    pub(crate) filter: String,
    /// Return only values that this filter matches (RFC 3876).
    pub(crate) matched_values: Option<String>,
    /// More entries than that are not an answer to the question.
    pub(crate) max_entries: usize,
}

impl Directory {
    /// The entries that have these entryUUIDs; an entryUUID that is not among the keys of the answer
    /// does not exist.
    ///
    /// # Errors
    /// No connection, or no complete answer: then nothing is known of any of them.
    pub fn entries_by_uuid(
        &mut self,
        uuids: &[EntryUuid],
        attributes: &[&str],
    ) -> Result<HashMap<EntryUuid, Entry>, Error> {
        const DOING: &str = "look up entries by entryUUID";
        let batch = self.settings.batch_size;
        let queries = self.queries("entryUUID", uuids, batch, None, |terms| terms);
        let mut found = HashMap::with_capacity(uuids.len());
        for entry in self.search(DOING, queries, attributes)? {
            // An entry that does not say which one it is must not make another one look deleted.
            let Some(uuid) = entry.first_text("entryUUID").and_then(|text| text.parse().ok())
            else {
                let url = self.settings.url.clone();
                let problem = "an entry came without its entryUUID";
                return Err(Error::Malformed { doing: DOING, url, problem });
            };
            found.insert(uuid, entry);
        }
        Ok(found)
    }

    /// The entries at these DNs, in no particular order and in the server's spelling.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`].
    pub fn entries_by_dn(
        &mut self,
        dns: &[impl AsRef<str>],
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Error> {
        let batch = self.settings.batch_size;
        let queries = self.queries("entryDN", dns, batch, None, |terms| terms);
        self.search("look up entries by DN", queries, attributes)
    }

    /// The entries that `restriction` (a filter) matches and whose `attribute` has one of `values`.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`].
    pub fn entries_having(
        &mut self,
        attribute: &str,
        values: &[impl AsRef<str>],
        restriction: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Error> {
        let batch = self.settings.batch_size;
        let queries = self.queries(attribute, values, batch, Some(restriction), |_| usize::MAX);
        self.search("look up entries by attribute", queries, attributes)
    }

    /// The entries matched by `restriction` that list one of these DNs in `uniqueMember`.
    ///
    /// The server is asked to leave out all other members (RFC 3876): a group of a whole school
    /// would otherwise be sent in full for each of its pupils. A server that does not know how sends
    /// them all, which is slower and as good. An entry comes once per batch of DNs that it lists.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`].
    pub fn entries_listing(
        &mut self,
        members: &[impl AsRef<str>],
        restriction: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Error> {
        const MEMBER: &str = "uniqueMember";
        // What no term of this filter matches is left out, so the other attributes need one each.
        let others: String = attributes
            .iter()
            .filter(|name| !name.eq_ignore_ascii_case(MEMBER))
            .map(|name| format!("({name}=*)"))
            .collect();
        // Every group that is a candidate is compared with every term, whether the terms come in one
        // search or in many; so as few searches as possible.
        let batch = MAX_MEMBERS.max(self.settings.batch_size);
        let mut queries = self.queries(MEMBER, members, batch, Some(restriction), |_| usize::MAX);
        for (query, members) in queries.iter_mut().zip(chunks(MEMBER, members, batch)) {
            let terms: String = members.iter().map(|dn| term(MEMBER, dn.as_ref())).collect();
            query.matched_values = Some(format!("({others}{terms})"));
        }
        self.search("look up groups of members", queries, attributes)
    }

    /// All entries below the base that `filter` matches.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`]; also when the filter is malformed.
    pub fn entries_matching(
        &mut self,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Error> {
        let query = Query {
            base: self.settings.base_dn.clone(),
            scope: Scope::Subtree,
            filter: filter.to_owned(),
            matched_values: None,
            max_entries: usize::MAX,
        };
        self.search("search entries", vec![query], attributes)
    }

    /// One page of the entries below the base that `filter` matches (RFC 2696), and where the next one
    /// begins; `None`: there is no more. The first page begins at `None`.
    ///
    /// A server keeps its place in one such search per connection, so nothing else should be asked over
    /// this connection until the last page.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`]. The server refuses a place of another connection: when one
    /// is lost in between, the search has to be begun anew.
    pub fn entries_page(
        &mut self,
        filter: &str,
        attributes: &[&str],
        size: u16,
        place: Option<PagePlace>,
    ) -> Result<(Vec<Entry>, Option<PagePlace>), Error> {
        const DOING: &str = "read a page of entries";
        let limit = self.settings.timeout;
        let query: Arc<Query> = Arc::new(Query {
            base: self.settings.base_dn.clone(),
            scope: Scope::Subtree,
            filter: filter.to_owned(),
            matched_values: None,
            max_entries: usize::from(size),
        });
        let attributes: Arc<[String]> = attributes.iter().map(|&name| name.to_owned()).collect();
        let cookie = place.map(|place| place.0).unwrap_or_default();
        self.requests += 1;
        self.with_session(DOING, |ldap| {
            let (query, attributes) = (Arc::clone(&query), Arc::clone(&attributes));
            let page = PagedResults { size: i32::from(size), cookie: cookie.clone() };
            async move { run_page(ldap, &query, attributes, limit, page).await }
        })
    }

    /// Connects if need be and reads the base entry: whether look-ups can work at all.
    ///
    /// # Errors
    /// What would keep every look-up from working.
    pub fn check(&mut self) -> Result<(), Error> {
        let query = Query {
            base: self.settings.base_dn.clone(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            matched_values: None,
            max_entries: 1,
        };
        self.search("read the base entry", vec![query], &["1.1"]).map(drop)
    }

    /// One query per chunk of `values`.
    fn queries<V: AsRef<str>>(
        &self,
        attribute: &str,
        values: &[V],
        batch: usize,
        restriction: Option<&str>,
        max_entries: impl Fn(usize) -> usize,
    ) -> Vec<Query> {
        chunks(attribute, values, batch)
            .map(|chunk| {
                let terms: String =
                    chunk.iter().map(|value| term(attribute, value.as_ref())).collect();
                let filter = match restriction {
                    Some(restriction) => format!("(&{restriction}(|{terms}))"),
                    None => format!("(|{terms})"),
                };
                Query {
                    base: self.settings.base_dn.clone(),
                    scope: Scope::Subtree,
                    filter,
                    matched_values: None,
                    max_entries: max_entries(chunk.len()),
                }
            })
            .collect()
    }

    pub(crate) fn search(
        &mut self,
        doing: &'static str,
        queries: Vec<Query>,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Error> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let queries: Arc<[Query]> = queries.into();
        let attributes: Arc<[String]> = attributes.iter().map(|&name| name.to_owned()).collect();
        let limit = self.settings.timeout;
        self.requests += queries.len() as u64;
        self.with_session(doing, |ldap| {
            let queries = Arc::clone(&queries);
            let attributes = Arc::clone(&attributes);
            async move {
                let permits = Arc::new(Semaphore::new(IN_FLIGHT));
                let mut tasks = Vec::with_capacity(queries.len());
                for index in 0..queries.len() {
                    let (ldap, queries) = (ldap.clone(), Arc::clone(&queries));
                    let (attributes, permits) = (Arc::clone(&attributes), Arc::clone(&permits));
                    tasks.push(tokio::spawn(async move {
                        let _permit = permits.acquire().await;
                        match queries.get(index) {
                            Some(query) => run(ldap, query, attributes, limit).await,
                            None => Ok(Vec::new()),
                        }
                    }));
                }
                let mut found = Vec::new();
                for task in tasks {
                    let answer = task.await.map_err(|_| Failure::Answer(NOT_LDAP))?;
                    found.append(&mut answer?);
                }
                Ok(found)
            }
        })
    }
}

/// Splits `values` by number and by the length of the filter that they make.
fn chunks<'a, V: AsRef<str>>(
    attribute: &'a str,
    values: &'a [V],
    batch: usize,
) -> impl Iterator<Item = &'a [V]> + use<'a, V> {
    let mut rest = values;
    std::iter::from_fn(move || {
        let mut length = 0;
        let mut count = 0;
        for value in rest.iter().take(batch.max(1)) {
            // Escaping makes at most three bytes of one; a DN with an escape in it is rare, so the
            // estimate is on the safe side of the limit, not on the edge of it.
            length += value.as_ref().len() + attribute.len() + 3;
            if count > 0 && length > MAX_FILTER {
                break;
            }
            count += 1;
        }
        let (chunk, later) = rest.split_at_checked(count)?;
        rest = later;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// One search, from the request to the result.
async fn run(
    mut ldap: Ldap,
    query: &Query,
    attributes: Arc<[String]>,
    limit: std::time::Duration,
) -> Result<Vec<Entry>, Failure> {
    if let Some(filter) = &query.matched_values {
        ldap.with_controls(MatchedValues::new(filter.as_str()));
    }
    Ok(collect(ldap, query, attributes, limit).await?.0)
}

/// One page of a search, and where the next one begins.
async fn run_page(
    mut ldap: Ldap,
    query: &Query,
    attributes: Arc<[String]>,
    limit: std::time::Duration,
    page: PagedResults,
) -> Result<(Vec<Entry>, Option<PagePlace>), Failure> {
    ldap.with_controls(page);
    let (found, result) = collect(ldap, query, attributes, limit).await?;
    let answered = result.ctrls.into_iter().find_map(|control| match control {
        Control(Some(ControlType::PagedResults), raw) => Some(raw.parse::<PagedResults>().cookie),
        _ => None,
    });
    // A server that does not know the control sends everything at once, which is an error above: more
    // than was asked for.
    let place = answered.filter(|cookie| !cookie.is_empty()).map(PagePlace);
    Ok((found, place))
}

async fn collect(
    mut ldap: Ldap,
    query: &Query,
    attributes: Arc<[String]>,
    limit: std::time::Duration,
) -> Result<(Vec<Entry>, LdapResult), Failure> {
    let mut stream = ldap
        .with_timeout(limit)
        .streaming_search(&query.base, query.scope, &query.filter, attributes)
        .await?;
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut others = 0;
    while let Some(result) = stream.next().await? {
        match decode::message(result) {
            Some(Message::Entry { entry, size }) => {
                bytes += size;
                found.push(entry);
            }
            Some(Message::Other) => {
                others += 1;
                if others > MAX_OTHERS {
                    return Err(Failure::Answer("it is full of references to other servers"));
                }
            }
            None => return Err(Failure::Answer("an entry does not have the form of RFC 4511")),
        }
        if found.len() > query.max_entries {
            return Err(Failure::Answer("it has more entries than were asked for"));
        }
        if bytes > MAX_ANSWER_BYTES {
            return Err(Failure::Answer("it is larger than 1 GiB"));
        }
    }
    // A search that ended with anything but success may have left entries out, and what is missing
    // would be taken for deleted.
    let result = stream.finish().await.success()?;
    Ok((found, result))
}

fn term(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}
