//! What an administrator does beside provisioning.
//!
//! | module | job |
//! |---|---|
//! | [`authorities`] | adding, changing and removing school authorities; which school belongs to which |
//! | [`schedule`] | enqueueing what the directory has |

pub mod authorities;
pub mod schedule;
