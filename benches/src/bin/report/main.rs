//! One row for each operation: what it takes, beside the floor under it ([`sealpost_benches::floor`]).
//!
//! Both are timed in one loop, in turns, so that a change of clock or load meets both alike; a row gives the
//! medians and their ratio. Three runs; a bar holds if it holds in two of them.
//!
//! ```text
//! benches/report.sh [--json] [--quick] [--op NAME] [--bits N] [--bytes N] [--backend aws-lc|rustcrypto]
//! ```

#![allow(clippy::print_stdout)] // the table is what it is for

mod options;
mod rows;
mod timing;

use options::Options;
use timing::Times;

fn main() {
    let mut report = Report::new(Options::parse());
    for run in 1..=RUNS {
        report.run = run;
        rows::all(&mut report);
    }
    report.print_bars();
}

/// Prints rows as they are measured, and keeps how the bars fared.
pub(crate) struct Report {
    options: Options,
    run: usize,
    /// Each case that has a bar, and in how many runs it held.
    bars: Vec<(String, usize)>,
}

/// What is measured.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) op: String,
    pub(crate) bits: Option<usize>,
    pub(crate) bytes: usize,
    pub(crate) backend: &'static str,
    /// The ratio that must hold.
    pub(crate) bar: Bar,
}

/// How far from its floor an operation may be.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    None,
    Ratio(f64),
    /// So many times the floor, and 60 ns for each of these.
    Members(f64, usize),
}

impl Report {
    fn new(options: Options) -> Self {
        if !options.json {
            println!(
                "{:<32} {:>8} {:>6} {:<10} {:>10} {:>10} {:>6} {:>6} {:>3}",
                "op",
                "rsa_bits",
                "bytes",
                "backend",
                "median_us",
                "floor_us",
                "ratio",
                "bar",
                "run"
            );
        }
        Self {
            options,
            run: 0,
            bars: Vec::new(),
        }
    }

    /// Times the two in turns and prints the row.
    pub(crate) fn row<A, B>(&mut self, case: &Case, ours: impl Fn() -> A, floor: impl Fn() -> B) {
        if self.options.wants(case) {
            let times = timing::interleave(self.options.budget(), ours, floor);
            self.print(case, times);
        }
    }

    /// The same for what has no floor.
    pub(crate) fn row_without_floor<A>(&mut self, case: &Case, ours: impl Fn() -> A) {
        if self.options.wants(case) {
            let (ours, _) = timing::interleave(self.options.budget(), ours, || ());
            self.print(case, (ours, Times::NONE));
        }
    }

    fn print(&mut self, case: &Case, (ours, floor): (Times, Times)) {
        let Case {
            op,
            bits,
            bytes,
            backend,
            bar,
        } = case;
        let (ours, floor) = (ours.median_us, floor.median_us);
        let ratio = ours / floor;
        let bar = match bar {
            Bar::None => None,
            Bar::Ratio(ratio) => Some(*ratio),
            Bar::Members(ratio, count) => Some(ratio + 0.06 * *count as f64 / floor),
        };
        if let Some(bar) = bar {
            let name = format!("{op}, {bytes} B, {} bits, {backend}", bits.unwrap_or(0));
            let held = usize::from(ratio <= bar);
            match self.bars.iter_mut().find(|(known, _)| *known == name) {
                Some((_, times)) => *times += held,
                None => self.bars.push((name, held)),
            }
        }
        let run = self.run;
        if self.options.json {
            let bits = bits.map_or("null".into(), |bits| bits.to_string());
            let number = |value: f64, digits| {
                if value.is_finite() && value > 0.0 {
                    format!("{value:.digits$}")
                } else {
                    "null".into()
                }
            };
            println!(
                r#"{{"op":"{op}","rsa_bits":{bits},"bytes":{bytes},"backend":"{backend}","median_us":{ours:.3},"floor_us":{},"ratio":{},"bar":{},"run":{run}}}"#,
                number(floor, 3),
                number(if floor > 0.0 { ratio } else { 0.0 }, 3),
                number(bar.unwrap_or_default(), 3),
            );
            return;
        }
        let bits = bits.map_or("-".into(), |bits| bits.to_string());
        let [floor, ratio] = if floor > 0.0 {
            [format!("{floor:.3}"), format!("{ratio:.3}")]
        } else {
            ["-".into(), "-".into()]
        };
        let over = matches!(bar, Some(bar) if ours / bar > 0.0 && ratio.parse::<f64>().is_ok_and(|ratio| ratio > bar));
        let bar = bar.map_or("-".into(), |bar| format!("{bar:.2}"));
        println!(
            "{op:<32} {bits:>8} {bytes:>6} {backend:<10} {ours:>10.3} {floor:>10} {ratio:>6} {bar:>6} {run:>3}{}",
            if over { "  over" } else { "" }
        );
    }

    /// Which bars do not hold.
    fn print_bars(&self) {
        if self.options.json {
            return;
        }
        let needed = RUNS / 2 + 1;
        let (hold, fail): (Vec<_>, Vec<_>) =
            self.bars.iter().partition(|(_, held)| *held >= needed);
        println!("\n{} bars hold in {needed} of {RUNS} runs.", hold.len());
        for (name, held) in fail {
            println!("over its bar: {name} (held in {held} of {RUNS})");
        }
    }
}

const RUNS: usize = 3;
