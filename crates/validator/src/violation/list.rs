//! Violations in document order, in room of a fixed size.

use core::fmt;
use core::iter::Flatten;
use core::slice;

use super::{Place, Problem, Violation};

/// The violations that were found, in document order: at most the first `N` of them.
///
/// Lives where the caller puts it; a list of the default size takes about 3 KiB on a 64-bit
/// machine.
///
/// ```
/// use sealpost_validator::{Slot, Violations, validate_request};
///
/// let mut violations = Violations::<2>::new();
/// let body = br#"{"secret": {"name": "", "key": null, "value": 7}}"#;
/// assert!(validate_request(body, &mut [Slot::EMPTY; 64], &mut violations).is_none());
/// assert_eq!(violations.len(), 2);
/// assert!(violations.overflowed()); // the third is only known to exist
/// ```
#[derive(Clone)]
pub struct Violations<'a, const N: usize = 64> {
    items: [Option<Violation<'a>>; N],
    len: usize,
    overflowed: bool,
}

impl<'a, const N: usize> Violations<'a, N> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            items: [None; N],
            len: 0,
            overflowed: false,
        }
    }

    /// The violations in document order.
    #[must_use]
    pub fn iter(&self) -> ViolationsIter<'_, 'a> {
        ViolationsIter(self.items.iter().flatten())
    }

    /// How many are held: at most `N`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no violation was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0 && !self.overflowed
    }

    /// Whether there were more than `N`. Those further down the document are not held then.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Empties the list and lends it to a validation.
    pub(crate) fn report(&mut self) -> Findings<'_, 'a> {
        self.items
            .iter_mut()
            .take(self.len)
            .for_each(|item| *item = None);
        (self.len, self.overflowed) = (0, false);
        Findings {
            items: &mut self.items,
            len: &mut self.len,
            overflowed: &mut self.overflowed,
        }
    }
}

impl<const N: usize> Default for Violations<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Violations<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self);
        if self.overflowed {
            list.finish_non_exhaustive()
        } else {
            list.finish()
        }
    }
}

impl<'v, 'a, const N: usize> IntoIterator for &'v Violations<'a, N> {
    type Item = &'v Violation<'a>;
    type IntoIter = ViolationsIter<'v, 'a>;

    fn into_iter(self) -> ViolationsIter<'v, 'a> {
        self.iter()
    }
}

/// The violations of a list, in document order.
#[derive(Clone, Debug)]
pub struct ViolationsIter<'v, 'a>(Flatten<slice::Iter<'v, Option<Violation<'a>>>>);

impl<'v, 'a> Iterator for ViolationsIter<'v, 'a> {
    type Item = &'v Violation<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// A list as a validation sees it, whatever its size.
pub(crate) struct Findings<'v, 'a> {
    items: &'v mut [Option<Violation<'a>>],
    len: &'v mut usize,
    overflowed: &'v mut bool,
}

impl<'a> Findings<'_, 'a> {
    pub(crate) fn is_empty(&self) -> bool {
        *self.len == 0 && !*self.overflowed
    }

    pub(crate) fn add(
        &mut self,
        place: Place,
        problem: Problem<'a>,
        position: impl Into<Option<usize>>,
    ) {
        self.push(Violation::new(place, problem, position.into()));
    }

    /// Adds in order of position, behind those of the same position; if the list is full, its
    /// last one gives way.
    #[cold]
    pub(crate) fn push(&mut self, violation: Violation<'a>) {
        // From the end: nearly all violations come in order.
        let held = self.items.get(..*self.len).unwrap_or_default();
        let before = |held: &Option<Violation<'a>>| {
            held.is_some_and(|held| held.position <= violation.position)
        };
        let place = held.iter().rposition(before).map_or(0, |last| last + 1);
        if *self.len == self.items.len() {
            *self.overflowed = true;
        } else {
            *self.len += 1;
        }
        // What lies behind moves up by one; what was last in a full list comes out and is dropped.
        let mut moved = Some(violation);
        for item in self.items.iter_mut().take(*self.len).skip(place) {
            core::mem::swap(item, &mut moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Like a stable sort, cut to the room there is.
        #[test]
        fn keeps_the_first_in_order(
            positions in proptest::collection::vec(proptest::option::of(0..20_usize), 0..12),
        ) {
            let mut list = Violations::<8>::new();
            let mut report = list.report();
            for (i, position) in positions.iter().enumerate() {
                report.add(Place::Value, Problem::TooLarge { bytes: i }, *position);
            }
            let mut expected: Vec<_> = positions.iter().copied().enumerate().collect();
            expected.sort_by_key(|(_, position)| *position);
            let overflows = expected.len() > 8;
            expected.truncate(8);
            let held = list.iter().map(|violation| match violation.problem {
                Problem::TooLarge { bytes } => (bytes, violation.position()),
                _ => unreachable!("nothing else was added"),
            });
            prop_assert_eq!(held.collect::<Vec<_>>(), expected);
            prop_assert_eq!(list.len(), positions.len().min(8));
            prop_assert_eq!(list.overflowed(), overflows);
            prop_assert_eq!(list.is_empty(), positions.is_empty());
        }
    }
}
