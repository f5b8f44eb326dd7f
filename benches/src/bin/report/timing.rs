//! Two operations timed in turns.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// What one operation took.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) median_us: f64,
}

impl Times {
    pub(crate) const NONE: Self = Self { median_us: 0.0 };
}

/// Medians of both, in turns; who goes first changes too. Takes about as long as `budget`, and 21 turns at least.
pub(crate) fn interleave<A, B>(
    budget: Duration,
    ours: impl Fn() -> A,
    floor: impl Fn() -> B,
) -> (Times, Times) {
    // What is short is timed several times at once: the clock itself takes some 20 ns.
    let (our_turns, floor_turns) = (turns(&ours), turns(&floor));
    let start = Instant::now();
    time(&ours, our_turns);
    time(&floor, floor_turns);
    let once = start.elapsed().max(Duration::from_nanos(1));
    let samples = (budget.as_nanos() / once.as_nanos()).clamp(21, 20_000);
    for _ in 0..samples / 20 {
        time(&ours, our_turns);
        time(&floor, floor_turns);
    }
    let (mut our_times, mut floor_times) = (Vec::new(), Vec::new());
    for turn in 0..samples {
        if turn % 2 == 0 {
            our_times.push(time(&ours, our_turns));
            floor_times.push(time(&floor, floor_turns));
        } else {
            floor_times.push(time(&floor, floor_turns));
            our_times.push(time(&ours, our_turns));
        }
    }
    (median(our_times), median(floor_times))
}

/// How often to run something for it to take 5 µs at least.
fn turns<A>(operation: impl Fn() -> A) -> u32 {
    let mut turns = 1;
    while turns < 1 << 12 && time(&operation, turns) * f64::from(turns) < 5.0 {
        turns *= 2;
    }
    turns
}

/// Microseconds for one.
fn time<A>(operation: impl Fn() -> A, turns: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..turns {
        // Dropping the result is part of the operation: it is where plaintext is wiped.
        drop(black_box(operation()));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(turns)
}

fn median(mut times: Vec<f64>) -> Times {
    times.sort_unstable_by(f64::total_cmp);
    Times {
        median_us: times[times.len() / 2],
    }
}
