//! Panics, in the log.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;
use std::thread;

use tracing::error;

/// Has panics logged, where the standard library would write to stderr and wait for it.
///
/// # Security
///
/// The message is logged if it is a literal. Any other may hold what a thread worked on: that of a string which is cut at
/// a wrong place has the string.
pub(super) fn log_them() {
    panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        error!(
            thread = thread::current().name(),
            location = panic.location().map(tracing::field::display),
            reason = panic.payload().downcast_ref::<&'static str>().copied(),
            backtrace = backtrace.map(tracing::field::display),
            "a thread panicked"
        );
    }));
}
