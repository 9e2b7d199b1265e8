//! The process: one thread that routes, one per school authority, and one that watches over them.
//!
//! | module | job |
//! |---|---|
//! | [`supervisor`], `thread` | begins and ends the threads |
//! | [`worker`] | the thread of one authority |
//! | `router` | the thread between the in queue and the out queues |
//! | [`standing`] | which configuration holds, and what follows from it for each authority |
//! | `follow` | notices that a file of the configuration changed |
//! | `equipment`, `stopping` | what an authority's thread works with; nothing is sent after the request to stop |
//! | `stop`, `guard`, `outcome` | the request to a thread to end; a panic as a fault; how it goes on after one |
//!
//! What a thread knows is on disk, so one that broke off is begun again, as a process is after a crash.

mod equipment;
mod follow;
mod guard;
mod outcome;
mod router;
mod standing;
mod stop;
mod stopping;
mod supervisor;
#[cfg(test)]
mod tests;
mod thread;
mod worker;

pub(crate) use equipment::Equipment;
pub(crate) use router::{InQueue, Routing};
pub(crate) use standing::Standing;
pub(crate) use supervisor::{Event, Selection, Supervisor, Task};
