//! Panics of the database end here.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns what a call returns; `None` if it panicked. The panic has been reported by then.
///
/// What the call used may be in any state: the caller must not use it for anything but closing.
pub(crate) fn contained<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
