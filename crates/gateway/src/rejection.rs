//! What is wrong with a request.

use sealpost_rest::ProblemType;

/// Why a request is refused: the type of the problem, and what is wrong, where, and what to do, one violation each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rejection {
    pub(crate) kind: ProblemType,
    pub(crate) violations: Vec<String>,
}

impl Rejection {
    pub(crate) const fn new(kind: ProblemType, violations: Vec<String>) -> Self {
        Self { kind, violations }
    }

    /// A rejection with one violation.
    pub(crate) fn one(kind: ProblemType, violation: impl Into<String>) -> Self {
        Self::new(kind, vec![violation.into()])
    }
}
