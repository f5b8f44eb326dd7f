//! The names in a crit-bit tree (PATRICIA; Morrison 1968) over their decoded bits.
//!
//! Slot *i* holds the inner node that the insertion of the *i*-th name made: a place in the bit
//! string where two groups of names part. Along a path these places only grow, so a walk looks at
//! each bit of the name at most once, and then compares the name with one other. The cost of an
//! insertion is bounded by the length of that name alone, not by the others: no hash to find
//! collisions for, no sort.

use super::bits::Bits;
use super::path::{Forgotten, Path, Step};
use super::slot::{Link, Slot};
use super::{Inserted, MemberNames};

impl MemberNames<'_, '_> {
    pub(super) fn insert_in_tree(&mut self, root: Link, start: usize, name: impl Bits) -> Inserted {
        let own = Link::new(self.used, true);
        if self.used == 0 {
            self.root = Some(own);
            return self.put(Slot::new(start, 0, [own; 2]));
        }
        let mut path = Path::new();
        let nearest = path.follow(root, name.clone(), usize::MAX, self);
        let Some(parting) = name.clone().parting(self.name(nearest)) else {
            return Inserted::Duplicate(self.slot(nearest).name());
        };
        if self.used == self.slots.len() {
            return Inserted::Full;
        }
        let (bit, own_bit) = parting.bit();
        let parent = match path.last_before(bit, self) {
            Ok(parent) => parent,
            Err(Forgotten) => {
                path.follow(root, name, bit, self);
                path.last()
            }
        };
        let below = self.put_below(root, parent, Link::new(self.used, false));
        let links = if own_bit { [below, own] } else { [own, below] };
        self.put(Slot::new(start, bit, links))
    }

    pub(super) fn is_in_tree(&self, root: Link, name: impl Bits) -> bool {
        let nearest = Path::new().follow(root, name.clone(), usize::MAX, self);
        self.used > 0 && name.parting(self.name(nearest)).is_none()
    }

    /// Puts `link` where the step leads, or at the root. Returns what was there.
    fn put_below(&mut self, root: Link, step: Option<Step>, link: Link) -> Link {
        match step.and_then(|step| Some((self.slots.get_mut(step.node())?, step.bit()))) {
            Some((slot, bit)) => {
                let below = slot.link(bit);
                slot.set_link(bit, link);
                below
            }
            None => {
                self.root = Some(link);
                root
            }
        }
    }
}
