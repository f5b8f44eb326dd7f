//! Runs this program under callgrind, and what it does there.

use std::{
    env, fs,
    hint::black_box,
    process::{self, Command},
    thread,
};

use crate::{allocations, baseline::Baseline, operations};

/// The argument with which the program runs the operation that follows it.
pub(crate) const MEASURE: &str = "--measure";

/// What one operation took.
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) instructions: u64,
    pub(crate) allocations: u64,
}

/// Runs every operation under callgrind, two at a time.
///
/// # Panics
///
/// If valgrind is not installed, or does not say what is expected of it.
pub(crate) fn run() -> Vec<Counted> {
    let all = operations::all();
    let names: Vec<_> = all.iter().map(|operation| &*operation.name).collect();
    let half = |first| names.iter().skip(first).step_by(2).copied().map(count);
    thread::scope(|scope| {
        let odd = half(1);
        let odd = scope.spawn(|| odd.collect::<Vec<_>>());
        let even: Vec<_> = half(0).collect();
        even.into_iter()
            .chain(odd.join().expect("it reports"))
            .collect()
    })
}

/// Runs one operation in a process of its own.
fn count(name: &str) -> Counted {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let file = env::temp_dir().join(format!("sealpost-gate-{}-{letters}", process::id()));
    let output = Command::new("valgrind")
        // Off at the start, and on within this function.
        .args(["--tool=callgrind", "--toggle-collect=*counted_operation*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().expect("a program knows where it is"))
        .args([MEASURE, name])
        .output()
        .expect("valgrind can be run: benches/gate.sh installs it");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let _ = fs::remove_file(file);
    let collected = complaint
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, instructions) = collected.expect("valgrind tells what it collected");
    let allocations = String::from_utf8_lossy(&output.stdout);
    let number = |text: &str| text.trim().parse().expect("a number");
    Counted {
        name: name.into(),
        instructions: number(instructions),
        allocations: number(&allocations),
    }
}

/// Runs the operation with this name, the second time to be counted; prints the allocations.
pub(crate) fn measure(name: &str, baseline: &Baseline) {
    let mut all = operations::all().into_iter();
    let mut operation = all
        .find(|operation| operation.name == name)
        .expect("an operation has this name");
    operation.slow_down(baseline);
    // Once before, for what libraries put off to the first time.
    (operation.run)();
    let before = allocations::count();
    counted_operation(&mut *operation.run);
    println!("{}", allocations::count() - before);
}

/// Callgrind knows it by its name, so there must be one alone.
#[inline(never)]
fn counted_operation(run: &mut dyn FnMut()) {
    run();
    // No tail call: callgrind must see it return.
    black_box(());
}
