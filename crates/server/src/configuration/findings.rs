//! Everything that is wrong with a configuration, each with its place and what to do.

use std::cell::RefCell;
use std::fmt;

use sealpost_files::printable;

/// Collects findings while a configuration is read.
#[derive(Debug, Default)]
pub(crate) struct Findings(RefCell<Vec<Finding>>);

/// One finding.
///
/// # Security
///
/// It never repeats what a file or a setting holds: a secret may have been put in the wrong place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Its consequence.
    pub weight: Weight,
    /// Where: a key's place in the file.
    pub place: String,
    /// What, and what to do.
    pub what: String,
}

/// The consequence of a finding.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// Everything works; the operator should act in time.
    Notice,
    /// It starts, because others can be served, but something does not work.
    Degraded,
    /// It does not start.
    Wrong,
}

impl Findings {
    /// Notes what is wrong at this place of the file, and what to do.
    pub(crate) fn wrong(&self, place: impl Into<String>, what: impl fmt::Display) {
        self.add(Weight::Wrong, place, what);
    }

    pub(crate) fn add(&self, weight: Weight, place: impl Into<String>, what: impl fmt::Display) {
        // Names come from the file and the environment, and may hold anything.
        self.0.borrow_mut().push(Finding {
            weight,
            place: printable(&place.into()),
            what: printable(&what.to_string()),
        });
    }

    /// Returns the weight of the worst.
    pub(crate) fn worst(&self) -> Option<Weight> {
        self.0.borrow().iter().map(|finding| finding.weight).max()
    }

    /// All of them, in the order in which they were found.
    pub(crate) fn into_all(self) -> Vec<Finding> {
        self.0.into_inner()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            weight,
            place,
            what,
        } = self;
        match weight {
            Weight::Wrong => write!(f, "{place}: {what}"),
            Weight::Degraded => write!(f, "{place}: {what} (it starts without)"),
            Weight::Notice => write!(f, "{place}: {what} (notice)"),
        }
    }
}
