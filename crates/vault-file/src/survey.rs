//! Whether a vault's file is whole. This decides before redb opens it: a damaged file never reaches redb.

mod evidence;
mod identity;

use std::collections::HashMap;
use std::ops::Range;

use aws_lc_rs::error::Unspecified;

use crate::descriptor::Descriptor;
use crate::image::Image;
use crate::keys::{FileKey, VaultKeys};
use crate::page::header::Slot;
use crate::page::node::{Table, Widths};
use crate::seal::{Mark, Names, Seal};
use evidence::Evidence;

/// Is given a record's name, the record, and where it lies.
type Visit<'v> = &'v mut dyn FnMut(&str, &[u8], Range<u64>);

/// What a file turned out to be.
#[derive(Debug)]
pub(crate) enum Survey {
    /// A vault that is whole.
    Whole(Box<Whole>),
    /// A vault of which something is damaged.
    Damaged(Box<Remains>),
    /// A vault, and the key is another one's.
    OtherKey,
    /// A database of something else, or of a later version.
    Foreign,
}

#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) descriptor: Descriptor,
    pub(crate) keys: VaultKeys,
    pub(crate) names: Names,
}

/// What can be read of a damaged vault.
#[derive(Debug)]
pub(crate) struct Remains {
    /// What is wrong, in a sentence; `None` if nothing is.
    pub(crate) fault: Option<&'static str>,
    /// `None` if nothing in the file tells which vault it is.
    pub(crate) vault: Option<(Descriptor, VaultKeys)>,
    /// Where records are that belong to the newest commit, by name. A damaged name may be that of another record.
    pub(crate) records: HashMap<Box<str>, Vec<Range<u64>>>,
    /// All names, if the seal proves that they are all.
    pub(crate) names: Option<Names>,
    /// How many secrets the seal tells of.
    pub(crate) count: Option<u64>,
    /// Whether the records are those of the newest commit. If not, they serve to save what can be saved.
    pub(crate) newest: bool,
}

/// One commit of a file.
struct Commit<'i> {
    image: &'i Image<'i>,
    slot: Slot,
    records: Option<Table>,
    descriptor: Option<Descriptor>,
    /// What the descriptor was, should it be damaged.
    copy: Option<Descriptor>,
    /// Whether what leads to the descriptor is intact.
    reliable: bool,
}

/// What the names in a commit say.
struct Listing {
    names: Names,
    seal: Option<Seal>,
    /// Whether the names are those of the seal, or of a vault without one.
    proven: bool,
}

impl Survey {
    /// Reads a file from its beginning to its end.
    pub(crate) fn make(image: &Image<'_>, file_key: &FileKey) -> Result<Self, Unspecified> {
        let (newest, older) = image.header.commits();
        let copy = identity::copy(image);
        let mut newest = Commit::read(image, newest, copy);
        if newest.is_foreign() {
            return Ok(Self::Foreign);
        }
        let older = older.map(|slot| Commit::read(image, slot, copy));
        let keys = match newest.keys(file_key)? {
            Some(keys) => Some(keys),
            None if newest.reliable => return Ok(Self::OtherKey),
            None => identity::find(image, file_key)?,
        };
        // Of a file that was cut behind its first page nothing can be given out or saved.
        let keys = keys.filter(|_| image.pages() > 1);
        let Some((descriptor, keys)) = keys else {
            return Ok(Self::Damaged(Box::new(Remains::nothing())));
        };
        let mark = image
            .bytes(Mark::AT..Mark::AT + Mark::LENGTH as u64)
            .and_then(|bytes| Mark::parse(bytes.as_slice().try_into().ok()?, keys.index()));
        // It may have been found where the copy of another time is.
        let copy = match copy {
            Some(copy) if copy.id == descriptor.id && copy.seal.is_some() => Some(copy),
            _ => Some(descriptor),
        };
        newest.copy = copy;
        let is_newest =
            |listing: &Listing| mark.is_none_or(|mark| listing.generation() >= Some(mark));

        let listing = newest.listing(&keys);
        let intact = image.is_complete() && image.is_intact(&newest.slot);
        if let Some(descriptor) = newest.descriptor
            && intact
            && listing.proven
            && is_newest(&listing)
        {
            return Ok(Self::whole(descriptor, keys, listing));
        }
        // A crash of the system while the newest commit was written leaves it damaged, and the one before whole. It was not
        // acknowledged if the mark says so. Without a mark that can't be told, except where nothing was stored.
        if let Some(older) = &older
            && !intact
            && image.header.unclean
            && image.is_complete()
            && image.is_intact(&older.slot)
        {
            let listing = older.listing(&keys);
            if let Some(descriptor) = older.descriptor
                && listing.proven
                && (mark.is_some() || listing.names.seal().count() == 0)
                && is_newest(&listing)
            {
                return Ok(Self::whole(descriptor, keys, listing));
            }
        }
        let fault = match (image.header.damaged, intact, is_newest(&listing)) {
            (true, ..) => "the header of its file is damaged",
            (false, false, _) => "pages of its file are damaged or missing",
            (false, true, false) => {
                "its file went back to an older state, and what was stored since is missing"
            }
            (false, true, true) => "its list of names is not the one that was sealed",
        };
        let evidence = Evidence {
            keys: &keys,
            mark,
            copy,
        };
        let (commit, listing, is_newest) = evidence.newest(newest, listing);
        Ok(Self::Damaged(Box::new(Remains {
            fault: Some(fault),
            records: commit.places(),
            count: listing.seal.map(|seal| seal.count()),
            names: (listing.proven && is_newest).then_some(listing.names),
            newest: is_newest,
            vault: Some((descriptor, keys)),
        })))
    }

    /// Returns whether a file is certainly not a vault of a version that is known.
    pub(crate) fn is_foreign(image: &Image<'_>) -> bool {
        Commit::read(image, image.header.commits().0, None).is_foreign()
    }

    /// Reads what there is of a file, whether it is whole or damaged. Returns `None` if it is not this vault's.
    pub(crate) fn remains(
        image: &Image<'_>,
        file_key: &FileKey,
    ) -> Result<Option<Remains>, Unspecified> {
        Ok(match Self::make(image, file_key)? {
            Self::Damaged(remains) => Some(*remains),
            Self::OtherKey | Self::Foreign => None,
            Self::Whole(whole) => Some(Remains {
                fault: None,
                ..whole.remains(image)
            }),
        })
    }

    fn whole(descriptor: Descriptor, keys: VaultKeys, listing: Listing) -> Self {
        Self::Whole(Box::new(Whole {
            descriptor,
            keys,
            names: listing.names,
        }))
    }
}

impl Whole {
    /// Returns what there is of a file that is whole, and that redb does not take.
    pub(crate) fn remains(self, image: &Image<'_>) -> Remains {
        let (newest, older) = image.header.commits();
        let slot = match older {
            Some(older) if !image.is_intact(&newest) => older,
            _ => newest,
        };
        Remains {
            fault: Some("its pages are whole, and its header or its list of free pages is damaged"),
            records: Commit::read(image, slot, None).places(),
            count: Some(self.names.seal().count()),
            names: Some(self.names),
            newest: true,
            vault: Some((self.descriptor, self.keys)),
        }
    }
}

impl Listing {
    fn generation(&self) -> Option<u64> {
        self.seal.map(|seal| seal.generation)
    }
}

impl<'i> Commit<'i> {
    fn read(image: &'i Image<'i>, slot: Slot, copy: Option<Descriptor>) -> Self {
        let (tables, intact) = image.tables(slot.data, slot.intact);
        let mut commit = Self {
            image,
            slot,
            records: None,
            descriptor: None,
            copy,
            reliable: slot.intact && intact,
        };
        for (name, table) in tables {
            match name.as_str() {
                "records" => commit.records = Some(table),
                "descriptor" => {
                    let mut row = None;
                    let intact = image.walk(table.root, table.widths, &mut |entry| {
                        row = Descriptor::parse(entry.key, entry.value).or(row);
                    });
                    commit.descriptor = row;
                    commit.reliable &= intact;
                }
                _ => {}
            }
        }
        commit
    }

    /// Returns whether this is certainly not a vault of a version that is known.
    fn is_foreign(&self) -> bool {
        self.reliable && self.descriptor.is_none()
    }

    fn keys(&self, file_key: &FileKey) -> Result<Option<(Descriptor, VaultKeys)>, Unspecified> {
        let Some(descriptor) = self.descriptor else {
            return Ok(None);
        };
        let keys = VaultKeys::derive(file_key, &descriptor.id)?;
        Ok(keys
            .belong_to(&descriptor.check)
            .then_some((descriptor, keys)))
    }

    /// Looks at every name.
    fn listing(&self, keys: &VaultKeys) -> Listing {
        let seal_of = |descriptor: Descriptor| Seal::parse(&descriptor.seal?, keys.index());
        // Of a later commit, it is not the seal of these names.
        let copy = self.copy.filter(|_| !self.reliable);
        let seal = self.descriptor.and_then(seal_of);
        let seal = seal.or_else(|| copy.and_then(seal_of));
        let names = self.names(keys, |_, _| true);
        let is_old = self
            .descriptor
            .is_some_and(|descriptor| descriptor.seal.is_none());
        if is_old {
            // Nothing sealed its names: they are proven by the checksums of their pages, and by records that open under them.
            let opened = self.names(keys, |name, record| keys.open(name, record).is_ok());
            let proven = self.reliable
                && self.each_record(&mut |_, _, _| {})
                && names.seal().has_the_names_of(&opened.seal());
            return Listing {
                proven,
                names,
                seal,
            };
        }
        let proves = |names: &Names| seal.is_some_and(|seal| seal.has_the_names_of(&names.seal()));
        let names = match proves(&names) {
            true => names,
            // Records that were added from outside do not hide those that were sealed.
            false => self.names(keys, |name, record| keys.open(name, record).is_ok()),
        };
        let proven = proves(&names);
        Listing {
            names: match seal {
                Some(seal) => names.sealed(seal),
                None => names,
            },
            seal,
            proven,
        }
    }

    fn names(&self, keys: &VaultKeys, counts: impl Fn(&str, &[u8]) -> bool) -> Names {
        let mut names = Names::default();
        self.each_record(&mut |name, record, _| {
            if counts(name, record) {
                names.add(&keys.index().tag(name));
            }
        });
        names
    }

    fn places(&self) -> HashMap<Box<str>, Vec<Range<u64>>> {
        let mut places: HashMap<Box<str>, Vec<_>> = HashMap::new();
        self.each_record(&mut |name, _, place| {
            places.entry(name.into()).or_default().push(place);
        });
        places
    }

    /// Visits every record, and returns whether every page of them is intact.
    fn each_record(&self, visit: Visit<'_>) -> bool {
        self.records.is_some_and(|records| {
            self.image.walk(records.root, RECORDS, &mut |entry| {
                if let Ok(name) = std::str::from_utf8(entry.key) {
                    visit(name, entry.value, entry.place);
                }
            })
        })
    }
}

impl Remains {
    fn nothing() -> Self {
        Self {
            fault: Some(
                "its file is damaged so far that nothing tells which vault it is, or the key is another vault's",
            ),
            vault: None,
            records: HashMap::new(),
            names: None,
            count: None,
            newest: false,
        }
    }
}

/// Names and records.
const RECORDS: Widths = Widths {
    key: None,
    value: None,
};
