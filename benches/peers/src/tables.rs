//! The tables, and which bars hold.

use crate::{
    OURS, RUNS, Row,
    peer::{Kind, Named, Op, Task},
    tasks,
};

/// Versions, and for each kind of task a line a peer.
pub(crate) fn print(peers: &[Named], rows: &[Row]) {
    let name = |text: &str| text.replace('|', "/");
    println!("| | version |\n|---|---|");
    for peer in peers {
        println!("| {} | {} |", name(&peer.name), name(&peer.version));
    }
    for op in [Op::Seal, Op::Open] {
        for bits in [2048, 3072, 4096] {
            table(peers, rows, op, bits);
        }
    }
}

/// Prints where a peer with RSA is ahead of us, or ties, and each bar. Do all hold?
pub(crate) fn judge(peers: &[Named], rows: &[Row]) -> bool {
    let (mut nowhere_ahead, mut ahead_where_we_must) = (true, true);
    println!();
    for task in tasks() {
        // Where we say that we are ahead of all: sealing, 64 KiB and batches.
        let must = task.op == Op::Seal || task.bytes == 65_536 || task.batch > 1;
        for (index, peer) in peers
            .iter()
            .enumerate()
            .filter(|(_, peer)| peer.kind == Kind::Rsa)
        {
            let Some((least, most)) = ratios(rows, task, index) else {
                continue;
            };
            let said = match () {
                () if most < 1.0 / 1.03 => {
                    nowhere_ahead = false;
                    "is AHEAD OF US"
                }
                () if least <= 1.03 => "ties with us",
                () => continue,
            };
            ahead_where_we_must &= !must;
            println!(
                "- {}: {} {said} ({least:.2} to {most:.2} times ours)",
                title(task),
                peer.name
            );
        }
    }
    println!(
        "- Everywhere else each peer with RSA is behind us by more than 3 % in all {RUNS} runs.\n"
    );
    let said = |holds| if holds { "holds" } else { "DOES NOT HOLD" };
    println!(
        "{}: no peer with RSA is ahead of us by more than 3 % in all {RUNS} runs anywhere",
        said(nowhere_ahead)
    );
    println!(
        "{}: ahead of them all, by more than 3 % in all {RUNS} runs, in sealing, at 64 KiB and in batches",
        said(ahead_where_we_must)
    );
    nowhere_ahead && ahead_where_we_must
}

/// The medians' median over the runs, and in brackets the least and the most times ours.
fn table(peers: &[Named], rows: &[Row], op: Op, bits: usize) {
    let columns: Vec<Task> = tasks()
        .into_iter()
        .filter(|task| task.op == op && task.bits == bits)
        .collect();
    print!("\n| {}, RSA-{bits}, µs (times ours) |", op.name());
    for task in &columns {
        match task.batch {
            1 => print!(" {} B |", task.bytes),
            batch => print!(" {batch} × {} B, each |", task.bytes),
        }
    }
    println!("\n|---|{}", "---|".repeat(columns.len()));
    for (index, peer) in peers.iter().enumerate() {
        if ratios(rows, columns[1], index).is_none() {
            continue;
        }
        print!("| {} |", peer.name);
        for &task in &columns {
            let Some((least, most)) = ratios(rows, task, index) else {
                print!(" – |");
                continue;
            };
            let median = middle(rows, task, index);
            let digits = if median < 10.0 { 2 } else { 1 };
            if index == OURS {
                print!(" {median:.digits$} |");
            } else {
                print!(" {median:.digits$} ({least:.2}–{most:.2}) |");
            }
        }
        println!();
    }
}

/// The median over the runs.
pub(crate) fn middle(rows: &[Row], task: Task, index: usize) -> f64 {
    let mut medians: Vec<f64> = rows
        .iter()
        .filter(|row| row.task == task)
        .filter_map(|row| row.medians[index])
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    medians.get(medians.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The least and the most times ours, of all runs.
fn ratios(rows: &[Row], task: Task, index: usize) -> Option<(f64, f64)> {
    let ratios = rows
        .iter()
        .filter(|row| row.task == task)
        .filter_map(|row| {
            let ours = row.medians[OURS].expect("we are measured everywhere");
            Some(row.medians[index]? / ours)
        });
    ratios.fold(None, |range, ratio| {
        let (least, most) = range.unwrap_or((ratio, ratio));
        Some((f64::min(least, ratio), f64::max(most, ratio)))
    })
}

fn title(task: Task) -> String {
    let many = if task.batch > 1 {
        format!("{} × ", task.batch)
    } else {
        String::new()
    };
    format!(
        "{} {many}{} B, RSA-{}",
        task.op.name(),
        task.bytes,
        task.bits
    )
}
