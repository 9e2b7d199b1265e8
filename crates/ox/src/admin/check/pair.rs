//! One object as snapshot and directory have it.

use idspool_udm::{ConvertedItem, Module, dn};
use serde_json::{Map, Value};

/// One object as snapshot and directory have it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) id: String,
    pub(crate) module: Module,
    /// In the directory's spelling, where it has it.
    pub(crate) dn: String,
    /// The DN of the snapshot, when the directory has another one.
    pub(crate) former_dn: Option<String>,
    pub(crate) snapshot: Option<Map<String, Value>>,
    pub(crate) directory: Option<Map<String, Value>>,
}

/// An object that both have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Both<'a> {
    pub(crate) id: &'a str,
    pub(crate) snapshot: &'a Map<String, Value>,
    pub(crate) directory: &'a Map<String, Value>,
}

impl Pair {
    /// `None` when neither has it.
    pub(crate) fn new(
        module: Module,
        snapshot: Option<ConvertedItem>,
        directory: Option<ConvertedItem>,
    ) -> Option<Self> {
        let newest = directory.as_ref().or(snapshot.as_ref())?;
        let (id, dn) = (newest.id.clone(), newest.dn.clone());
        let former_dn = snapshot.as_ref().map(|item| item.dn.clone());
        let former_dn = former_dn.filter(|former| dn::key(former) != dn::key(&dn));
        let snapshot = snapshot.and_then(|item| item.object);
        let directory = directory.and_then(|item| item.object);
        Some(Self { id, module, dn, former_dn, snapshot, directory })
    }
}
