//! Work that must not end by itself: after a panic it is begun again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use idspool_provisioner::Fault;

/// Does `work`; a panic in it becomes a fault of ours.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    // What the work has changed is on disk and fit for a crash (S5); what it has in memory goes with it.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        Fault::ours(format!("the work broke off unexpectedly: {}", message(panic.as_ref())))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use idspool_spool::FaultClass;

    use super::*;

    #[test]
    fn a_panic_is_a_fault_of_ours() {
        assert_eq!(guarded(|| 7).unwrap(), 7);
        let broke_off = |work: fn()| guarded(work).unwrap_err();
        for (fault, reason) in
            [(broke_off(|| panic!("at {}", 3)), "at 3"), (broke_off(|| panic!("plain")), "plain")]
        {
            assert_eq!(fault.class, FaultClass::Ours);
            assert!(fault.message.ends_with(reason), "{}", fault.message);
        }
    }
}
