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
