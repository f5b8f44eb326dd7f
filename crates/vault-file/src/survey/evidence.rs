//! Which commit of a damaged file is the newest.
//!
//! A commit has a checksum in the header, and one flipped bit there says nothing of the pages. So what counts is what the vault
//! itself has written: the seal of the names, and the mark of the last commit.

use super::{Commit, Listing};
use crate::descriptor::Descriptor;
use crate::image::Image;
use crate::keys::VaultKeys;
use crate::page::header::Slot;

/// What tells the newest commit.
pub(super) struct Evidence<'k> {
    pub(super) keys: &'k VaultKeys,
    /// The number of the last commit that was acknowledged, at least.
    pub(super) mark: Option<u64>,
    /// What the descriptor of the newest commit was, should it be damaged.
    pub(super) copy: Option<Descriptor>,
}

impl Evidence<'_> {
    /// Chooses between the commits of a file, of which `first` is the one that redb opens. Returns one with its names, and whether it is
    /// the newest.
    pub(super) fn newest<'i>(
        &self,
        first: Commit<'i>,
        listing: Listing,
    ) -> (Commit<'i>, Listing, bool) {
        let image = first.image;
        let is_other = |slot: &Slot| *slot != first.slot;
        let others: Vec<_> = image.header.slots().into_iter().filter(is_other).collect();
        // Without a mark nothing tells that another commit is not an older one.
        let is_old = self.mark.is_some() && !self.is_of_the_mark(&listing);
        let is_newest = first.slot.intact && !is_old;
        let mut best = match self.proven(image, first.slot) {
            Some((commit, listing)) if !first.slot.intact => (commit, listing, true),
            _ => (first, listing, is_newest),
        };
        for slot in others {
            let (commit, listing, is_newest) = match self.proven(image, slot) {
                Some((commit, listing)) => (commit, listing, true),
                None => {
                    let commit = Commit::read(image, slot, self.copy);
                    let listing = commit.listing(self.keys);
                    let is_newest = slot.intact && self.is_of_the_mark(&listing);
                    (commit, listing, is_newest)
                }
            };
            if (is_newest, listing.generation()) > (best.2, best.1.generation()) {
                best = (commit, listing, is_newest);
            }
        }
        best
    }

    /// Reads a commit whatever its own checksum says, if the vault's seal proves its names and it is not older than the mark. Where a
    /// bit of its root is not what it was, the page is still there, and so is its checksum: one of both leads to it.
    fn proven<'i>(&self, image: &'i Image<'i>, slot: Slot) -> Option<(Commit<'i>, Listing)> {
        let named = slot.data?;
        let elsewhere = (!slot.intact).then(|| image.root_with(named.checksum));
        let roots = [image.root_at(named.page), elsewhere.flatten()];
        let commits = roots.into_iter().flatten().map(|root| {
            let data = Some(root);
            let commit = Commit::read(image, Slot { data, ..slot }, self.copy);
            let listing = commit.listing(self.keys);
            (commit, listing)
        });
        commits
            .filter(|(_, listing)| listing.proven && self.is_of_the_mark(listing))
            .max_by_key(|(_, listing)| listing.generation())
    }

    fn is_of_the_mark(&self, listing: &Listing) -> bool {
        self.mark
            .is_some_and(|mark| listing.generation() >= Some(mark))
    }
}
