//! Ways down the tree.

use super::MemberNames;
use super::bits::Bits;
use super::slot::Link;
use crate::steps;

/// A node, and the bit by which the way goes on. The number of the bit takes the place that tells
/// nodes from names in a link.
#[derive(Clone, Copy)]
pub(super) struct Step(u32);

impl Step {
    fn new(node: Link, bit: bool) -> Self {
        Self(node.0 | u32::from(bit))
    }

    pub(super) fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn bit(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The last steps of a way down the tree.
pub(super) struct Path {
    steps: [Step; RECENT],
    length: usize,
}

/// The step asked for is not among the last ones.
pub(super) struct Forgotten;

impl Path {
    pub(super) fn new() -> Self {
        Self {
            steps: [Step(0); RECENT],
            length: 0,
        }
    }

    /// Follows `name` from the root through the nodes whose bit is below `bound`, and returns the
    /// slot at the end. Without a bound, its name parts from this one as late as any does.
    #[inline]
    pub(super) fn follow(
        &mut self,
        root: Link,
        mut name: impl Bits,
        bound: usize,
        names: &MemberNames<'_, '_>,
    ) -> usize {
        self.length = 0;
        let mut link = root;
        while !link.is_name() {
            let slot = names.slot(link.slot());
            if slot.number() >= bound {
                break;
            }
            // Behind its end the name parts from all names below alike. The node's own name is
            // one of them, since it was put below the node.
            let Some(bit) = name.bit(slot.number()) else {
                break;
            };
            if let Some(step) = self.steps.get_mut(self.length % RECENT) {
                *step = Step::new(link, bit);
            }
            self.length += 1;
            link = slot.link(bit);
            steps::count(1);
        }
        link.slot()
    }

    pub(super) fn last(&self) -> Option<Step> {
        self.steps
            .get(self.length.checked_sub(1)? % RECENT)
            .copied()
    }

    /// The last step from a node whose bit is below `bit`; `None` if there is none.
    #[inline]
    pub(super) fn last_before(
        &self,
        bit: usize,
        names: &MemberNames<'_, '_>,
    ) -> Result<Option<Step>, Forgotten> {
        let oldest = self.length.saturating_sub(RECENT);
        for i in (oldest..self.length).rev() {
            let step = self.steps.get(i % RECENT).copied();
            if step.is_some_and(|step| names.slot(step.node()).number() < bit) {
                return Ok(step);
            }
        }
        if oldest == 0 {
            Ok(None)
        } else {
            Err(Forgotten)
        }
    }
}

/// How many steps a [`Path`] keeps. MemberNames that differ at random part near the end of the way, so
/// that it is hardly ever gone a second time.
const RECENT: usize = 16;
