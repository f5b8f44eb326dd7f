//! How many questions a resolve socket answers at a time.

/// Connections that are open at a time, at most; others wait.
pub(crate) const MAX_QUESTIONS: usize = 32;
