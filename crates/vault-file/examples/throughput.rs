//! How many secrets a second the embedded vault stores and fetches on this machine.
//!
//! ```sh
//! cargo run --profile dist -p sealpost-vault-file --example throughput [DIRECTORY]
//! ```
//!
//! The directory should be on the disk that is to be measured; it is made and left behind. Without one,
//! a temporary directory is used, which may be in memory, where an fsync costs nothing.
#![allow(clippy::print_stdout)] // it is a program that prints figures

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_file::FileVault;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let dir = std::env::args_os()
        .nth(1)
        .map_or_else(|| temporary.path().to_owned(), Into::into);
    let vault = Arc::new(FileVault::open(&dir)?);

    println!(
        "{:<8} {:>6} {:>6} {:>8} {:>10}",
        "call", "tasks", "bytes", "per s", "mean us"
    );
    for bytes in [256, 4096] {
        for tasks in [1, 8, 64] {
            let (stored, busy) = creates(&vault, tasks, bytes).await?;
            report("create", tasks, bytes, stored.len(), busy);
            if tasks != 8 {
                let (fetched, busy) = fetches(&vault, tasks, stored).await?;
                report("fetch", tasks, bytes, fetched, busy);
            }
        }
    }

    drop(vault);
    let start = Instant::now();
    drop(FileVault::open(&dir)?);
    let file = std::fs::metadata(dir.join("vault.redb"))?.len();
    println!(
        "open again: {:?}, file: {} MiB",
        start.elapsed(),
        file >> 20
    );
    Ok(())
}

/// Stores secrets from some tasks for a while; gives their names.
async fn creates(
    vault: &Arc<FileVault>,
    tasks: u8,
    bytes: usize,
) -> Result<(Vec<VaultSecretName>, Duration), Box<dyn Error>> {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let vault = Arc::clone(vault);
        running.spawn(async move {
            let operation = OperationId::from_bytes([task; 32]);
            let value = vec![task; bytes];
            let mut stored = Vec::new();
            while start.elapsed() < TIME {
                let name = format!("{bytes}/{tasks}/{task}/{}-{:?}", stored.len(), start);
                let name = VaultSecretName::derive(VaultKind::EMBEDDED, None, &name);
                vault
                    .create(&NewSecret::new(&name, &value, &operation), Deadline::NONE)
                    .await?;
                stored.push(name);
            }
            Ok::<_, sealpost_vault::error::CreateError>(stored)
        });
    }
    let mut stored = Vec::new();
    while let Some(names) = running.join_next().await {
        stored.extend(names??);
    }
    Ok((stored, start.elapsed()))
}

/// Fetches the secrets again and again from some tasks for a while; gives how many.
async fn fetches(
    vault: &Arc<FileVault>,
    tasks: u8,
    names: Vec<VaultSecretName>,
) -> Result<(usize, Duration), Box<dyn Error>> {
    let start = Instant::now();
    let names = Arc::new(names);
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let (vault, names) = (Arc::clone(vault), Arc::clone(&names));
        running.spawn(async move {
            let mut count = 0;
            for name in names.iter().cycle().skip(usize::from(task) * 97) {
                if start.elapsed() >= TIME {
                    break;
                }
                vault.fetch(name, Deadline::NONE).await?;
                count += 1;
            }
            Ok::<_, sealpost_vault::error::FetchError>(count)
        });
    }
    let mut fetched = 0;
    while let Some(count) = running.join_next().await {
        fetched += count??;
    }
    Ok((fetched, start.elapsed()))
}

#[allow(clippy::cast_precision_loss)] // figures for people
fn report(call: &str, tasks: u8, bytes: usize, count: usize, busy: Duration) {
    let rate = count as f64 / busy.as_secs_f64();
    let mean = f64::from(tasks) * 1e6 / rate;
    println!("{call:<8} {tasks:>6} {bytes:>6} {rate:>8.0} {mean:>10.1}");
}

const TIME: Duration = Duration::from_secs(3);
