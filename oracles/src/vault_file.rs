//! The file of the embedded vault: a sound one, changed as the input says, read by the vault's own reader and by redb.

mod base;
mod edits;
mod layout;
mod second;

use std::cell::Cell;
use std::io;

use sealpost_vault_file::page::header::Header;
use sealpost_vault_file::page::node::{Node, Table, Widths};
use sealpost_vault_file::reading::{Answer, Reading, Records, Source};

use self::base::{BASES, Base};
use self::edits::{Changed, Edits};
use crate::allocations::bounded;

pub(crate) use self::edits::seeds;

/// Pages as the input says; and a file with changes as the input says.
pub(crate) fn check(bytes: &[u8]) {
    pages(bytes);
    let Some(edits) = Edits::parse(bytes) else {
        return;
    };
    let base = &BASES[edits.base % BASES.len()];
    let changed = edits.apply(base);
    file(base, &changed);
}

/// Anything may be in a page: reading it allocates nothing and comes to an end.
fn pages(bytes: &[u8]) {
    bounded(bytes.len(), 0, 0, || {
        if let Some(header) = Header::parse(bytes) {
            let (newest, older) = header.commits();
            for root in [newest.data, newest.system, older.and_then(|slot| slot.data)]
                .into_iter()
                .flatten()
            {
                let _ = header.geometry().place(root.page);
            }
            let _ = header.fits(bytes.len() as u64);
        }
        let mut all = [None, Some(0), Some(4), Some(u32::MAX as usize)].into_iter();
        all.by_ref().for_each(|width| {
            let widths = Widths {
                key: width,
                value: width,
            };
            match Node::parse(bytes, widths) {
                Some(Node::Leaf(leaf)) => {
                    let read = leaf.entries().flatten();
                    let read: usize = read.map(|(key, value)| key.len() + value.len()).sum();
                    assert!(read <= 4 * bytes.len(), "{read} bytes of entries");
                }
                Some(Node::Branch(branch)) => assert!(branch.children().count() <= 1 << 16),
                None => {}
            }
        });
        let _ = Table::parse(bytes);
    });
}

fn file(base: &Base, changed: &Changed) {
    let file = Memory::new(&changed.bytes);
    let length = changed.bytes.len();
    let reading = bounded(length, ROUNDS, 1 << 18, || Reading::of(&file, &base.key));
    let read = file.read.get();
    assert!(
        read <= ROUNDS * length,
        "{read} bytes read of a file of {length}"
    );
    let reading = reading.expect("memory can be read");
    if changed.is_sound(base) {
        let Reading::Vault(records) = &reading else {
            panic!("a sound file is refused: {reading:?}");
        };
        assert!(records.are_whole(), "a sound file is taken for damaged");
        for (name, value) in &base.stored {
            let found = records.find(&file, name);
            assert!(matches!(found, Answer::Value(found) if found[..] == value[..]));
        }
    }
    let Reading::Vault(records) = reading else {
        let began = matches!(reading, Reading::Nothing);
        assert!(!began || !changed.must_be_kept(base), "it looks new");
        return;
    };
    if changed.is_damaged(base) {
        assert!(!records.are_whole(), "damage is not noticed");
    }
    names(base, changed, &records, &file);
    if records.are_whole() {
        same_as_redb(base, changed, &records, &file);
    }
}

/// A value is the one that was stored under its name, and no secret gets lost silently.
fn names(base: &Base, changed: &Changed, records: &Records, file: &Memory<'_>) {
    let kept = changed.must_be_kept(base);
    for (name, value) in &base.stored {
        match records.find(file, name) {
            Answer::Value(found) if kept => assert_eq!(found[..], value[..], "{name}"),
            Answer::Value(found) => assert!(base.ever_stored(name, &found), "{name}"),
            Answer::Nothing => assert!(!kept, "{name} is lost silently"),
            Answer::Damaged => {}
        }
    }
    for name in &base.deleted {
        match records.find(file, name) {
            Answer::Value(found) => assert!(!kept && base.ever_stored(name, &found), "{name}"),
            Answer::Nothing | Answer::Damaged => {}
        }
    }
}

/// What the reader finds whole, redb opens, and finds the same records.
fn same_as_redb(base: &Base, changed: &Changed, records: &Records, file: &Memory<'_>) {
    // A header that was changed has no checksum, and redb trusts checksums that were made to be right: there it may refuse the file
    // or panic, which the vault tries before it opens the file, and contains.
    let redb = match changed.is_plausible(base) {
        true => second::records(&changed.bytes).expect("redb takes a whole file"),
        // redb leaks memory where it panics, which ends a fuzzer: there it is only asked on stable.
        false if cfg!(fuzzing) => return,
        false => match second::contained(|| second::records(&changed.bytes)) {
            Some(Ok(redb)) => redb,
            Some(Err(_)) | None => return,
        },
    };
    for name in records.names() {
        if let Some(record) = records.record(file, name) {
            assert!(redb.contains(&(name.to_owned(), record)), "{name}");
        }
    }
    if !changed.rewritten {
        assert_eq!(records.names().count(), redb.len(), "redb finds others");
    }
}

/// A file in memory that counts what is read of it.
#[derive(Debug)]
struct Memory<'b> {
    bytes: &'b [u8],
    read: Cell<usize>,
}

impl<'b> Memory<'b> {
    const fn new(bytes: &'b [u8]) -> Self {
        let read = Cell::new(0);
        Self { bytes, read }
    }
}

impl Source for Memory<'_> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.read.set(self.read.get() + bytes.len());
        let rest = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..));
        let there = rest.and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// How often a file is read, and how much is allocated a byte of it, at most: a vault is looked through several times, and a scan for
/// what is lost reads what looks like a page again.
const ROUNDS: usize = 64;
