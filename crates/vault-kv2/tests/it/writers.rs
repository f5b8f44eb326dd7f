//! Sixteen writers on a server that is killed meanwhile: `testdata/vaults/kill.sh` starts and kills it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sealpost_vault::error::{CreateError, FetchError};
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_kv2::{Access, Kv2Vault};

use crate::openbao::variable;

/// What came out of all writers.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: AtomicUsize,
    /// Calls that failed and were made again with the same operation.
    again: AtomicUsize,
    /// Conflicts of two operations, one of which won.
    races: AtomicUsize,
    /// Conflicts that there can't be: nothing else writes these names.
    own_conflicts: AtomicUsize,
    lost: AtomicUsize,
    changed: AtomicUsize,
    /// Races that both or none won.
    undecided: AtomicUsize,
    /// The longest time from the first attempt to the acknowledgement, in milliseconds.
    longest: AtomicUsize,
}

/// Half of the writers' names are their own; for the others a neighbour tries with another operation.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/kill.sh starts and kills it"]
async fn writers_lose_nothing_while_the_server_is_killed() {
    let vault = Arc::new(open().await);
    let stop: PathBuf = variable("STOP_FILE").into();
    let tally = Arc::new(Tally::default());
    let writers: Vec<_> = (0..PAIRS)
        .map(|pair| {
            let (vault, stop, tally) = (Arc::clone(&vault), stop.clone(), Arc::clone(&tally));
            tokio::spawn(async move {
                let mut stored = Vec::new();
                for round in 0_u32.. {
                    if stop.exists() {
                        break;
                    }
                    let (one, two) = (operation(pair, round, 1), operation(pair, round, 2));
                    let names = [1, 2].map(|writer| name(&format!("own-{writer}-{pair}-{round}")));
                    let race = name(&format!("race-{pair}-{round}"));
                    let results = tokio::join!(
                        write(&vault, &tally, &names[0], &one),
                        write(&vault, &tally, &names[1], &two),
                        write(&vault, &tally, &race, &one),
                        write(&vault, &tally, &race, &two),
                    );
                    for (own, operation, name) in
                        [(results.0, one, &names[0]), (results.1, two, &names[1])]
                    {
                        match own {
                            true => stored.push((name.clone(), operation)),
                            false => drop(tally.own_conflicts.fetch_add(1, Ordering::Relaxed)),
                        }
                    }
                    match (results.2, results.3) {
                        (true, false) => stored.push((race, one)),
                        (false, true) => stored.push((race, two)),
                        _ => drop(tally.undecided.fetch_add(1, Ordering::Relaxed)),
                    }
                    tally.races.fetch_add(1, Ordering::Relaxed);
                }
                stored
            })
        })
        .collect();
    let mut stored = Vec::new();
    for writer in writers {
        stored.extend(writer.await.unwrap());
    }
    // As a process does that was started again.
    let vault = open().await;
    for (name, operation) in &stored {
        match vault.fetch(name, Deadline::NONE).await {
            Ok(value) if value[..] == *text(operation).as_bytes() => {}
            Ok(_) => drop(tally.changed.fetch_add(1, Ordering::Relaxed)),
            Err(FetchError::NotFound) => drop(tally.lost.fetch_add(1, Ordering::Relaxed)),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    report(&tally, &stored);
}

/// Tells the script what to compare with the server's own list.
#[allow(clippy::print_stdout)]
fn report(tally: &Tally, stored: &[(VaultSecretName, OperationId)]) {
    let names: Vec<_> = stored.iter().map(|(name, _)| name.as_str()).collect();
    std::fs::write(variable("NAMES_FILE"), names.join("\n")).unwrap();
    println!("{tally:?}");
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert!(
        count(&tally.acknowledged) > 100 && count(&tally.races) > 20,
        "too few to show anything"
    );
    let wrong = [
        &tally.own_conflicts,
        &tally.lost,
        &tally.changed,
        &tally.undecided,
    ];
    assert_eq!(wrong.map(count), [0; 4], "{tally:?}");
}

/// Stores a secret, again and again with the same operation as long as it is not known whether it is stored. Returns whether this
/// operation won.
async fn write(
    vault: &Kv2Vault,
    tally: &Tally,
    name: &VaultSecretName,
    operation: &OperationId,
) -> bool {
    let begun = Instant::now();
    let text = text(operation);
    loop {
        let secret = NewSecret::new(name, text.as_bytes(), operation);
        // The gateway's own.
        let deadline = Deadline::at(tokio::time::Instant::now() + Duration::from_secs(30));
        match vault.create(&secret, deadline).await {
            Ok(_) => {
                tally.acknowledged.fetch_add(1, Ordering::Relaxed);
                let took = usize::try_from(begun.elapsed().as_millis()).unwrap();
                tally.longest.fetch_max(took, Ordering::Relaxed);
                return true;
            }
            Err(CreateError::Exists) => return false,
            Err(CreateError::Failed(failure)) if failure.retry_after().is_some() => {
                tally.again.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

async fn open() -> Kv2Vault {
    Kv2Vault::builder([variable("RAFT_ADDRESS")])
        .ca_file(variable("RAFT_CA_FILE"))
        .mount(variable("RAFT_MOUNT"))
        .app_role(
            variable("RAFT_ROLE_ID"),
            Some(variable("RAFT_SECRET_ID_FILE").into()),
        )
        .access(Access::Resolve)
        .open()
        .await
        .unwrap()
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::KV2, None, name)
}

fn operation(pair: u8, round: u32, writer: u8) -> OperationId {
    let mut bytes = [pair; 32];
    bytes[..4].copy_from_slice(&round.to_be_bytes());
    bytes[4] = writer;
    OperationId::from_bytes(bytes)
}

/// Another value for each operation.
fn text(operation: &OperationId) -> String {
    format!("{{\"password\":\"{:?}\"}}", operation.as_bytes())
}

/// Four calls of each are under way at the same time, two of them for one name: 16 writers.
const PAIRS: u8 = 4;
