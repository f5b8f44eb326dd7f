//! One row for each operation: what it takes, beside the floor under it ([`sealpost_benches::floor`]).
//!
//! Both are timed in one loop, in turns, so that a change of clock or load meets both alike; a row gives the
//! medians and their ratio, of the run with the middle ratio of three. Each run's rows, and which bars do not hold in
//! two of three, are on standard error; the exit code is 1 if one does not.
//!
//! ```text
//! benches/report.sh [--json] [--quick] [--op NAME] [--bits N] [--bytes N] [--backend aws-lc|rustcrypto]
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // the table is what it is for

mod options;
mod rows;
mod timing;

use std::process::ExitCode;

use options::Options;
use timing::Times;

fn main() -> ExitCode {
    let mut report = Report::new(Options::parse());
    for run in 1..=RUNS {
        report.run = run;
        rows::all(&mut report);
    }
    report.print();
    if report.print_bars() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Keeps what was measured, and says so on the way.
pub(crate) struct Report {
    options: Options,
    run: usize,
    rows: Vec<Row>,
    /// Bars between two rows, and in how many runs they held.
    others: Vec<(String, usize)>,
}

/// An operation, and one time a run.
struct Row {
    case: Case,
    ours_us: Vec<f64>,
    floor_us: Vec<f64>,
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
        Self {
            options,
            run: 0,
            rows: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Times the two in turns, and returns the median of ours.
    pub(crate) fn row<A, B>(
        &mut self,
        case: &Case,
        ours: impl Fn() -> A,
        floor: impl Fn() -> B,
    ) -> Option<f64> {
        if !self.options.wants(case) {
            return None;
        }
        let times = timing::interleave(self.options.budget(), ours, floor);
        self.keep(case, times);
        Some(times.0.median_us)
    }

    /// The same for what has no floor.
    pub(crate) fn row_without_floor<A>(&mut self, case: &Case, ours: impl Fn() -> A) {
        if self.options.wants(case) {
            let (ours, _) = timing::interleave(self.options.budget(), ours, || ());
            self.keep(case, (ours, Times::NONE));
        }
    }

    /// A bar that is between two rows.
    pub(crate) fn bar(&mut self, name: &str, holds: bool) {
        match self.others.iter_mut().find(|(known, _)| known == name) {
            Some((_, held)) => *held += usize::from(holds),
            None => self.others.push((name.into(), usize::from(holds))),
        }
    }

    fn keep(&mut self, case: &Case, (ours, floor): (Times, Times)) {
        let (ours, floor) = (ours.median_us, floor.median_us);
        let line = Line { case, ours, floor };
        eprintln!("run {}: {}", self.run, line.text());
        match self.rows.iter_mut().find(|row| row.case.same(case)) {
            Some(row) => {
                row.ours_us.push(ours);
                row.floor_us.push(floor);
            }
            None => self.rows.push(Row {
                case: case.clone(),
                ours_us: vec![ours],
                floor_us: vec![floor],
            }),
        }
    }

    /// A row an operation: the run with the middle ratio.
    fn print(&self) {
        if !self.options.json {
            println!("{HEADER}");
        }
        for row in &self.rows {
            let mut runs: Vec<_> = row.ours_us.iter().zip(&row.floor_us).collect();
            runs.sort_unstable_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
            let (&ours, &floor) = runs[runs.len() / 2];
            let line = Line {
                case: &row.case,
                ours,
                floor,
            };
            println!(
                "{}",
                if self.options.json {
                    line.json()
                } else {
                    line.text()
                }
            );
        }
    }

    /// Which bars do not hold; true if all do. On standard error, so that JSON remains JSON.
    fn print_bars(&self) -> bool {
        let needed = RUNS / 2 + 1;
        let mut fares = self.others.clone();
        for row in &self.rows {
            let runs = || row.ours_us.iter().zip(&row.floor_us);
            let Some(bar) = row.case.bar.ratio(row.floor_us[0]) else {
                continue;
            };
            let held = runs().filter(|(ours, floor)| {
                let bar = row.case.bar.ratio(**floor);
                bar.is_some_and(|bar| *ours / *floor <= bar)
            });
            let held = held.count();
            let ratios = runs().map(|(ours, floor)| ours / floor);
            let (least, most) = ratios.fold((f64::INFINITY, 0.0), |(least, most), ratio| {
                (f64::min(least, ratio), f64::max(most, ratio))
            });
            let Case {
                op, bytes, backend, ..
            } = &row.case;
            let bits = row
                .case
                .bits
                .map_or(String::new(), |bits| format!(", RSA-{bits}"));
            let name =
                format!("{op}, {bytes} B{bits}, {backend}: {least:.3} to {most:.3}, bar {bar:.2}");
            fares.push((name, held));
        }
        let over = fares.iter().filter(|(_, held)| *held < needed).count();
        eprintln!();
        for (name, held) in &fares {
            let said = if *held < needed {
                "OVER ITS BAR"
            } else {
                "holds"
            };
            eprintln!("{said}: {name} (in {held} of {RUNS} runs)");
        }
        eprintln!(
            "{} of {} bars hold in {needed} of {RUNS} runs",
            fares.len() - over,
            fares.len()
        );
        over == 0
    }
}

impl Case {
    fn same(&self, other: &Self) -> bool {
        let key = |case: &Self| (case.bits, case.bytes, case.backend);
        self.op == other.op && key(self) == key(other)
    }
}

impl Bar {
    fn ratio(self, floor_us: f64) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Ratio(ratio) => Some(ratio),
            Self::Members(ratio, count) => Some(ratio + 0.06 * count as f64 / floor_us),
        }
    }
}

/// One row of the table.
struct Line<'a> {
    case: &'a Case,
    ours: f64,
    /// Zero if there is none.
    floor: f64,
}

impl Line<'_> {
    fn text(&self) -> String {
        let Case {
            op, bytes, backend, ..
        } = self.case;
        let bits = self.case.bits.map_or("-".into(), |bits| bits.to_string());
        let (ours, [floor, ratio]) = (self.ours, self.floor_and_ratio("-"));
        format!("{op:<32} {bits:>8} {bytes:>6} {backend:<10} {ours:>10.3} {floor:>10} {ratio:>6}")
    }

    fn json(&self) -> String {
        let Case {
            op, bytes, backend, ..
        } = self.case;
        let bits = self
            .case
            .bits
            .map_or("null".into(), |bits| bits.to_string());
        let (ours, [floor, ratio]) = (self.ours, self.floor_and_ratio("null"));
        format!(
            r#"{{"op":"{op}","rsa_bits":{bits},"bytes":{bytes},"backend":"{backend}","median_us":{ours:.3},"floor_us":{floor},"ratio":{ratio}}}"#
        )
    }

    fn floor_and_ratio(&self, none: &str) -> [String; 2] {
        if self.floor > 0.0 {
            [
                format!("{:.3}", self.floor),
                format!("{:.3}", self.ours / self.floor),
            ]
        } else {
            [none.into(), none.into()]
        }
    }
}

const HEADER: &str =
    "op                               rsa_bits  bytes backend     median_us   floor_us  ratio";
const RUNS: usize = 3;
