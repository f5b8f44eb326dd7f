//! Counts work in tests and under a fuzzer, which prove that it grows with the input alone; nothing otherwise.

#[cfg(any(test, fuzzing))]
std::thread_local! {
    static STEPS: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// Bytes looked at, white space, digits and brackets included, or nodes visited.
#[inline(always)]
pub(crate) fn count(_steps: usize) {
    #[cfg(any(test, fuzzing))]
    STEPS.set(STEPS.get() + _steps);
}

/// The steps that `work` takes on this thread.
#[cfg(test)]
pub(crate) fn taken_by<T>(work: impl FnOnce() -> T) -> (T, usize) {
    STEPS.set(0);
    (work(), STEPS.get())
}

/// The steps on this thread since the last call. There only under a fuzzer.
#[cfg(fuzzing)]
#[must_use]
pub fn take_steps() -> usize {
    STEPS.replace(0)
}
