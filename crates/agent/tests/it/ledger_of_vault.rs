//! A ledger belongs to one vault: with another it would answer for secrets that are not there.

use std::fs;

use sealpost_agent::{Ledger, LedgerError};
use sealpost_vault::VaultId;

const ONE: VaultId = VaultId::from_bytes([1; 16]);
const OTHER: VaultId = VaultId::from_bytes([2; 16]);

#[test]
fn a_ledger_is_of_the_vault_that_it_was_created_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(Ledger::open_of(&path, ONE).unwrap());
    drop(Ledger::open_of(&path, ONE).unwrap());
    assert_other(Ledger::open_of(&path, OTHER).map(drop));
    // Being refused did not change whose it is.
    drop(Ledger::open_of(&path, ONE).unwrap());
}

#[test]
fn a_ledger_that_does_not_know_its_vault_is_adopted_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(Ledger::open(&path).unwrap());
    drop(Ledger::open_of(&path, ONE).unwrap());
    assert_other(Ledger::open_of(&path, OTHER).map(drop));
}

#[test]
fn a_check_finds_the_ledger_of_another_vault_and_adopts_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    // There is none: a start creates it, the check does not.
    Ledger::check(&path, Some(ONE)).unwrap();
    assert!(!path.exists());

    drop(Ledger::open(&path).unwrap());
    let before = fs::read(&path).unwrap();
    Ledger::check(&path, Some(ONE)).unwrap();
    Ledger::check(&path, Some(OTHER)).unwrap();
    assert!(fs::read(&path).unwrap() == before);

    let ledger = Ledger::open_of(&path, ONE).unwrap();
    // Another process has it open, which a rehearsal beside it lets pass.
    Ledger::check(&path, Some(OTHER)).unwrap();
    drop(ledger);
    let before = fs::read(&path).unwrap();
    Ledger::check(&path, Some(ONE)).unwrap();
    // The vault is not known yet, or is damaged.
    Ledger::check(&path, None).unwrap();
    assert_other(Ledger::check(&path, Some(OTHER)));
    assert!(fs::read(&path).unwrap() == before);
}

fn assert_other(result: Result<(), LedgerError>) {
    let Err(LedgerError::OtherVault { ledger, vault, .. }) = result else {
        panic!("{result:?}");
    };
    assert_eq!((ledger, vault), (ONE, OTHER));
}

/// What redb leaves when its first writes are cut short: nothing, zeros, or a header without its signature.
#[test]
fn a_ledger_whose_creation_was_cut_short_is_begun_again_and_anything_else_stays_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let used = {
        let path = folder.path().join("used.redb");
        drop(Ledger::open_of(&path, ONE).unwrap());
        fs::read(path).unwrap()
    };
    let mut header = vec![0; LAID_OUT];
    header[9..320].copy_from_slice(&used[9..320]);
    for cut in [vec![], vec![0], vec![0; LAID_OUT], header] {
        fs::write(&path, &cut).unwrap();
        Ledger::check(&path, Some(ONE)).unwrap();
        assert!(fs::read(&path).unwrap() == cut, "the check changes nothing");
        assert!(Ledger::open_of(&path, ONE).unwrap().is_new());
        assert!(!Ledger::open_of(&path, ONE).unwrap().is_new());
    }
    let longer = vec![0; LAID_OUT + 4096];
    let mut unsigned = used.clone();
    unsigned[..9].fill(0);
    let mut written = vec![0; LAID_OUT];
    written[LAID_OUT - 1] = 1;
    for other in [longer, unsigned, written] {
        fs::write(&path, &other).unwrap();
        let refused = [
            Ledger::check(&path, Some(ONE)),
            Ledger::open_of(&path, ONE).map(drop),
        ];
        for refused in refused {
            assert!(
                matches!(refused, Err(LedgerError::Damaged { .. })),
                "{refused:?}"
            );
        }
        assert!(fs::read(&path).unwrap() == other, "it stays as it was");
    }
}

/// How long redb makes a file when it creates it.
const LAID_OUT: usize = 18 * 4096;

/// One flipped bit anywhere in the file: a start and a check refuse it, or it makes no difference.
#[test]
fn one_flipped_bit_in_a_ledger_is_never_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(Ledger::open_of(&path, ONE).unwrap());
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    // A prime, so that every part of a page is met.
    for bit in (0..whole.len() * 8).step_by(1009) {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        let checked = Ledger::check(&path, Some(ONE));
        let opened = Ledger::open_of(&path, ONE).map(drop);
        assert_eq!(
            checked.is_ok(),
            opened.is_ok(),
            "{bit}: {checked:?} {opened:?}"
        );
        refused += usize::from(checked.is_err());
    }
    assert!(refused > 0);
}
