//! The file vault: creates one after another, creates by 64 tasks at once, and resolving. Durable, so figures are
//! of the disk that the folder is on.
//!
//! ```text
//! vault FOLDER [SECONDS]      prints name, value and unit, as benches/capacity/measured.tsv has them
//! ```

#![allow(clippy::print_stdout)] // the figures are what it is for

use std::{
    env, fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sealpost_agent::Resolver;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_file::FileVault;
use tokio::runtime::{Builder, Runtime};

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("give FOLDER [SECONDS]");
    let seconds = arguments
        .next()
        .map_or(5, |seconds| seconds.parse().expect("a number"));
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let vault: Arc<dyn Vault> = Arc::new(FileVault::open(&folder).expect("a new folder"));
    let names = Arc::new(AtomicU64::new(0));
    for tasks in [1, 64] {
        let (cpu, start) = (processor_time(), Instant::now());
        let done = create(
            &runtime,
            &vault,
            &names,
            tasks,
            Duration::from_secs(seconds),
        );
        let (cpu, time) = (processor_time() - cpu, start.elapsed());
        println!(
            "embedded_{tasks}_per_second\t{:.0}\t1/s",
            done as f64 / time.as_secs_f64()
        );
        println!(
            "embedded_{tasks}_cpu_us\t{:.1}\tus",
            cpu.as_secs_f64() * 1e6 / done as f64
        );
    }
    let resolver = Resolver::new(vault);
    let (cpu, start, mut done) = (processor_time(), Instant::now(), 0_u64);
    let stored = names.load(Ordering::Relaxed);
    runtime.block_on(async {
        while start.elapsed() < Duration::from_secs(seconds) {
            // Far from the one before: not what was just read.
            let name = name(done.wrapping_mul(7_919) % stored);
            let reference = format!("secret:{}#password", name.as_str());
            resolver.resolve(&reference).await.expect("it was stored");
            done += 1;
        }
    });
    let cpu = processor_time() - cpu;
    println!(
        "resolve_us\t{:.1}\tus",
        cpu.as_secs_f64() * 1e6 / done as f64
    );
    drop(resolver);
    if Path::new(&folder).is_dir() {
        fs::remove_dir_all(&folder).expect("it was made here");
    }
}

/// How many secrets so many tasks create until it is time.
fn create(
    runtime: &Runtime,
    vault: &Arc<dyn Vault>,
    names: &Arc<AtomicU64>,
    tasks: usize,
    time: Duration,
) -> u64 {
    let before = names.load(Ordering::Relaxed);
    let until = Instant::now() + time;
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (vault, names) = (vault.clone(), names.clone());
            runtime.spawn(async move {
                while Instant::now() < until {
                    let number = names.fetch_add(1, Ordering::Relaxed);
                    let mut operation = [0; 32];
                    operation[..8].copy_from_slice(&number.to_be_bytes());
                    let operation = OperationId::from_bytes(operation);
                    vault
                        .create(
                            &NewSecret::new(&name(number), VALUE, &operation),
                            Deadline::NONE,
                        )
                        .await
                        .expect("the name is free");
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    names.load(Ordering::Relaxed) - before
}

fn name(number: u64) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, &format!("secret-{number}"))
}

/// What all threads have had of the processors (Linux: in hundredths of a second).
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = text.rsplit_once(") ").expect("a name in brackets");
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 10)
}

/// About 200 bytes, as in load.sh.
const VALUE: &[u8] = br#"{"username":"warehouse","password":"pppppppppppppppppppppppppppppppppppppppp","host":"db.example.com","port":5432,"note":"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"}"#;
