//! Panics, in the log.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic;
use std::sync::Arc;
use std::thread;

use tracing::{Level, enabled, error};

use super::queue::Queue;

/// Has panics logged, where the standard library would write to stderr and wait for it. One line is written even if nothing is to
/// be logged: a panic is a defect.
///
/// # Security
///
/// The message is logged if it is a literal. Any other may hold what a thread worked on: that of a string which is cut at
/// a wrong place has the string.
pub(super) fn log_them(queue: Arc<Queue>) {
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        if !enabled!(Level::ERROR) {
            let place = place.as_deref().unwrap_or("an unknown place");
            queue.push(format!("error: a thread panicked at {place}\n").as_bytes());
        }
        // A thread that ends may have no such variable any more.
        let _ = LAST.try_with(|last| last.replace(place));
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

/// Returns where this thread panicked last.
pub(crate) fn last() -> Option<String> {
    LAST.try_with(|last| last.borrow().clone()).ok().flatten()
}

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}
