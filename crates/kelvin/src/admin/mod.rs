//! What an administrator does beside provisioning.
//!
//! | module | job |
//! |---|---|
//! | [`adopt`] | taking over the directory of an ID Connector |
//! | [`authorities`] | adding, changing and removing school authorities; which school belongs to which |
//! | [`schedule`] | enqueueing what the directory has |
//! | [`trial`] | whether an authority's configuration fits its server |

pub mod adopt;
pub mod authorities;
pub mod schedule;
pub mod trial;
