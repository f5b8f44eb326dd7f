//! The processor time of bare cryptography: one seal and one open, as `floor` does them, on every processor at once.
//!
//! ```text
//! bare-crypto RSA_BITS MESSAGE_BYTES SECONDS THREADS      prints microseconds of processor time for a seal and an open
//! ```
//!
//! `load.sh` runs it before and after each load, so that a change of clock or of neighbours meets both alike.

#![allow(clippy::print_stdout)] // the figure is what it is for

use std::{
    env, fs,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use sealpost_benches::{
    floor,
    keys::{pkcs8_der, recipient},
};
use sealpost_envelope::AwsLc;

fn main() {
    let arguments: Vec<usize> = env::args()
        .skip(1)
        .map(|argument| argument.parse().expect("arguments are numbers"))
        .collect();
    let [bits, bytes, seconds, threads] = arguments[..] else {
        panic!("give RSA_BITS MESSAGE_BYTES SECONDS THREADS");
    };
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let workers: Vec<_> = (0..threads)
        .map(|_| thread::spawn(move || work(bits, bytes, until)))
        .collect();
    let done = workers
        .into_iter()
        .map(|worker| worker.join().expect("no panic"));
    let (time, rounds) = done.fold((Duration::ZERO, 0), |sum, one| {
        (sum.0 + one.0, sum.1 + one.1)
    });
    println!("{:.2}", time.as_secs_f64() * 1e6 / f64::from(rounds));
}

/// Seals and opens until it is time; returns the thread's processor time and the rounds.
fn work(bits: usize, bytes: usize, until: Instant) -> (Duration, u32) {
    let sealer = floor::Sealer::new(recipient::<AwsLc>(bits).public_key().spki_der());
    let opener = floor::Opener::new(&pkcs8_der(bits));
    let message: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
    let round = || {
        let sealed = sealer.seal(&message);
        black_box(opener.open(&sealed));
    };
    round();
    let (start, mut rounds) = (processor_time(), 0);
    while Instant::now() < until {
        round();
        rounds += 1;
    }
    (processor_time() - start, rounds)
}

/// What this thread has had of a processor; the first number is in nanoseconds (Linux, `CONFIG_SCHED_INFO`).
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
