//! Every bit of the header of a vault's file: no page is damaged, so no secret is lost.

use std::fs;

use sealpost_vault::Vault as _;
use sealpost_vault::configuration::Opening::ExistingOnly;
use sealpost_vault::maintenance::Maintenance;
use sealpost_vault_file::{FileVault, KIND, OpenVaultError};

use crate::rot::{Subject, memory};

/// Where the header ends.
const HEADER: usize = 320;

#[tokio::test]
async fn every_flipped_bit_of_the_header_leaves_every_secret_to_be_given_out_of_a_closed_vault() {
    every_bit(true).await;
}

#[tokio::test]
async fn every_flipped_bit_of_the_header_leaves_every_secret_to_be_given_out_of_an_unclean_vault() {
    every_bit(false).await;
}

async fn every_bit(closed: bool) {
    let subject = Subject::of(6, closed).await;
    let (mut ready, mut damaged) = (0, 0);
    for bit in 0..HEADER * 8 {
        let mut database = subject.database.clone();
        database[bit / 8] ^= 1 << (bit % 8);
        match examine(
            &subject,
            &database,
            &format!("bit {bit} of byte {}", bit / 8),
        )
        .await
        {
            true => ready += 1,
            false => damaged += 1,
        }
    }
    // What never changes and the commit in use are noticed; what redb does not look at is not.
    assert!(ready > 500 && damaged > 500, "{ready} {damaged}");
}

/// Values that a bit does not lead to.
#[tokio::test]
async fn overwritten_parts_of_the_header_leave_every_secret_to_be_given_out() {
    for closed in [true, false] {
        let subject = Subject::of(6, closed).await;
        let used = 64 + 128 * usize::from(subject.database[9] & 1);
        let unused = 64 + 192 - used;
        for (what, place) in [
            ("the signature", 0..9),
            ("the sizes", 12..24),
            ("the length", 24..32),
            ("all before the commits", 0..9),
            ("the commit not in use", unused..unused + 128),
            ("the page of the root", used + 8..used + 16),
            ("the checksum of the root", used + 16..used + 32),
            ("the root of redb's tables", used + 40..used + 64),
            ("the number of the commit", used + 104..used + 112),
            ("the checksum of the commit", used + 112..used + 128),
        ] {
            for value in [0x55, 0xff] {
                let mut database = subject.database.clone();
                database[place.clone()].fill(value);
                examine(&subject, &database, &format!("{what}, {value}, {closed}")).await;
            }
        }
    }
}

/// Opens and checks the file. Returns whether the vault is ready.
async fn examine(subject: &Subject, database: &[u8], what: &str) -> bool {
    let dir = tempfile::tempdir_in(memory()).unwrap();
    subject.write(dir.path());
    let path = dir.path().join("vault.redb");
    fs::write(&path, database).unwrap();
    let configuration = KIND.in_folder.unwrap()(dir.path().to_owned());
    let maintenance: &dyn Maintenance = configuration.maintenance().unwrap();
    let checked = FileVault::check(dir.path(), ExistingOnly);
    let report = maintenance.check().await.unwrap();
    assert_eq!(report.intact, subject.stored.len(), "{what}: {report:?}");
    assert!(report.damaged.is_empty(), "{what}: {report:?}");
    assert_eq!(checked.is_ok(), report.is_sound(), "{what}: {checked:?}");

    let vault = FileVault::open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let ready = vault.health().is_ready();
    assert_eq!(checked.is_ok(), ready, "{what}: {checked:?}");
    let read = subject.assert_nothing_is_lost(&vault, 0).await;
    assert_eq!(read, subject.stored.len(), "{what}");
    vault.close().await;
    drop(vault);
    if ready {
        return true;
    }
    let error = checked.unwrap_err();
    assert!(
        matches!(error, OpenVaultError::DamagedInPart { .. }),
        "{what}: {error}"
    );
    assert!(
        fs::read(&path).unwrap() == database,
        "{what}: it was changed"
    );
    let to = dir.path().join("saved");
    assert_eq!(maintenance.salvage(&to, false).await.unwrap(), report);
    let saved = FileVault::open(&to).unwrap();
    let read = subject.assert_nothing_is_lost(&saved, 0).await;
    assert_eq!(read, subject.stored.len(), "{what}: not all is saved");
    false
}
