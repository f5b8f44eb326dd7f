//! The envelope beside its peers: the same payloads, keys parsed beforehand, in turns.
//!
//! ```text
//! benches/peers/run.sh [--quick]    installs what the peers need, measures, prints the tables, draws docs/peers.svg
//! ```
//!
//! Peers in other languages are processes that read tasks and answer with times of their own clock, so that neither
//! their start nor the pipe counts. Each round asks every peer once, for a slice of some milliseconds, and the order
//! turns; a figure is the median of all its single times. Three runs, and the exit code is 1 if a bar does not hold.

mod drawing;
mod local;
mod peer;
mod tables;

use std::{env, fs, process::ExitCode};

use peer::{Kind, Named, Op, Remote, Task};

/// The medians of one task in one run, in microseconds, in the order of the peers; not for those that it makes no
/// difference to.
pub(crate) struct Row {
    pub(crate) task: Task,
    pub(crate) medians: Vec<Option<f64>>,
}

fn main() -> ExitCode {
    let mut peers = local::all();
    // NAME=COMMAND, from run.sh.
    for argument in env::args()
        .skip(1)
        .filter(|argument| argument.contains('='))
    {
        let (name, command) = argument.split_once('=').expect("it has one");
        let (remote, version) = Remote::start(command);
        peers.push(Named {
            name: name.into(),
            version,
            kind: Kind::Rsa,
            peer: Box::new(remote),
        });
    }
    let quick = env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 2 } else { 12 };
    let mut rows = Vec::new();
    for run in 1..=RUNS {
        for task in tasks() {
            // A batch takes some peers seconds.
            let rounds = if task.batch > 1 {
                rounds.min(3)
            } else {
                rounds
            };
            let medians = measure(&mut peers, task, rounds);
            rows.push(Row { task, medians });
        }
        eprintln!("run {run} of {RUNS} done");
    }
    tables::print(&peers, &rows);
    if let Ok(path) = env::var("PEERS_SVG") {
        fs::write(&path, drawing::draw(&peers, &rows)).expect("the drawing can be written");
    }
    if tables::judge(&peers, &rows) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Every size of key and message, sealed and opened; and batches.
pub(crate) fn tasks() -> Vec<Task> {
    let mut tasks = Vec::new();
    for op in [Op::Seal, Op::Open] {
        for bits in [2048, 3072, 4096] {
            for bytes in [0, 256, 4096, 65_536] {
                let batch = 1;
                tasks.push(Task {
                    op,
                    bits,
                    bytes,
                    batch,
                });
            }
        }
        tasks.push(Task {
            op,
            bits: 2048,
            bytes: BATCH_BYTES,
            batch: BATCH,
        });
    }
    tasks
}

fn measure(peers: &mut [Named], task: Task, rounds: usize) -> Vec<Option<f64>> {
    // Enough for a slice of about 8 ms, told from a few; none for what makes no difference or can't be done.
    let counts: Vec<usize> = peers
        .iter_mut()
        .map(|peer| {
            if peer.kind == Kind::X25519 && task.bits != 2048 {
                return 0;
            }
            if task.batch > 1 {
                return 1;
            }
            let once = peer.peer.run(task, 5);
            if once.is_empty() {
                return 0;
            }
            ((SLICE_US / median(once).max(1.0)) as usize).clamp(1, 400)
        })
        .collect();
    let mut times = vec![Vec::new(); peers.len()];
    for round in 0..rounds {
        for turn in 0..peers.len() {
            let index = (round + turn) % peers.len();
            if counts[index] > 0 {
                times[index].extend(peers[index].peer.run(task, counts[index]));
            }
        }
    }
    times
        .into_iter()
        .map(|times| (!times.is_empty()).then(|| median(times) / task.batch as f64))
        .collect()
}

/// In microseconds.
fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2] as f64 / 1000.0
}

pub(crate) const RUNS: usize = 3;
/// The places of `local::all`.
pub(crate) const OURS: usize = 0;
/// How many messages, and how long.
pub(crate) const BATCH: usize = 1000;
pub(crate) const BATCH_BYTES: usize = 256;
const SLICE_US: f64 = 8000.0;
