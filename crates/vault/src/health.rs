//! Whether a vault can do its work now.

use std::borrow::Cow;

/// Whether a component can do its work now. A reason is for the log: it holds no secret.
///
/// The enum is exhaustive: a supervisor that decides by it sees every case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// It can, as far as is known.
    Ready,
    /// It can't now, and tries by itself until it can: there is no space left, or a server does not answer.
    Recovering {
        /// Why, and what to do about it.
        reason: Cow<'static, str>,
    },
    /// It can't until the process is started again. The process should end.
    Failed {
        /// Why, and what to do about it.
        reason: Cow<'static, str>,
    },
}

impl Health {
    /// It can't work now, for this reason, and tries by itself until it can.
    pub fn recovering(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Recovering {
            reason: reason.into(),
        }
    }

    /// It can't work until the process is started again, for this reason.
    pub fn failed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed {
            reason: reason.into(),
        }
    }

    /// Returns whether it can do its work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}
