//! The committed figures, and the comparison with them.

use std::{fmt, fs, process::Command};

use crate::{
    callgrind::Counted,
    operations::{self, Limits},
};

/// What each operation took when the baseline was made.
pub(crate) struct Baseline {
    made_with: String,
    rows: Vec<Counted>,
}

impl Baseline {
    /// The one in the repository. An empty one, if there is none yet.
    pub(crate) fn committed() -> Self {
        let file = fs::read_to_string(FILE).unwrap_or_default();
        let made_with = file.lines().next().unwrap_or_default();
        let rows = file.lines().filter(|line| !line.starts_with('#'));
        Self {
            made_with: made_with.trim_start_matches("# made with ").into(),
            rows: rows.map(read_row).collect(),
        }
    }

    pub(crate) fn new(counted: &[Counted]) -> Self {
        let rows = counted.iter().map(|row| Counted {
            name: row.name.clone(),
            ..*row
        });
        Self {
            made_with: tools(),
            rows: rows.collect(),
        }
    }

    pub(crate) fn write(&self) {
        let mut file = format!(
            "# made with {}\n# benches/update-baseline.sh: operation, instructions, allocations\n",
            self.made_with
        );
        for row in &self.rows {
            let Counted {
                name,
                instructions,
                allocations,
            } = row;
            file += &format!("{name}\t{instructions}\t{allocations}\n");
        }
        fs::write(FILE, file).expect("the baseline can be written");
    }

    pub(crate) fn instructions(&self, name: &str) -> Option<u64> {
        self.row(name).map(|row| row.instructions)
    }

    fn row(&self, name: &str) -> Option<&Counted> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Row by row. What one has and the other has not is a failure too: the baseline is out of date.
    pub(crate) fn compare(&self, counted: &[Counted]) -> Comparison {
        let (now, then) = (tools(), &self.made_with);
        let mut report = Comparison::default();
        for row in counted {
            let limits = operations::limits(&row.name);
            report.add(row, self.row(&row.name), limits);
        }
        for gone in &self.rows {
            let is_gone = counted.iter().all(|row| row.name != gone.name);
            if is_gone && !cfg!(feature = "slowed") {
                report.fail(format!("{}: in the baseline and not measured", gone.name));
            }
        }
        if !report.passes() && now != *then {
            report.line(format!(
                "\nThe baseline was made with {then}, this is {now}: that alone may move figures."
            ));
        }
        report
    }
}

/// A line for each operation, and what is worse.
#[derive(Default)]
pub(crate) struct Comparison {
    lines: Vec<String>,
    failures: Vec<String>,
}

impl Comparison {
    pub(crate) fn passes(&self) -> bool {
        self.failures.is_empty()
    }

    fn add(&mut self, row: &Counted, baseline: Option<&Counted>, limits: Limits) {
        let Some(baseline) = baseline else {
            return self.fail(format!("{}: not in the baseline", row.name));
        };
        // Hundredths of a percent.
        let moved = (i128::from(row.instructions) - i128::from(baseline.instructions)) * 10_000
            / i128::from(baseline.instructions.max(1));
        let text = format!(
            "{:<36} {:>11} {:>11} {:>+7}.{:02} % {:>5} {:>5}",
            row.name,
            baseline.instructions,
            row.instructions,
            moved / 100,
            moved.abs() % 100,
            baseline.allocations,
            row.allocations,
        );
        let slower = moved > i128::from(limits.percent) * 100;
        // Blinding makes the arithmetic of `rsa` allocate a few times more or less; of few allocations this is none.
        let allowed = baseline.allocations + baseline.allocations * u64::from(limits.percent) / 100;
        let allocates = row.allocations > allowed.min(limits.allocations);
        if slower || allocates {
            let why = match (slower, allocates) {
                (true, false) => "slower",
                (false, _) => "allocates",
                (true, true) => "slower, allocates",
            };
            self.line(format!("{text}  WORSE ({why})"));
            let allowed = limits.percent;
            self.failures.push(format!(
                "{}: {why} ({allowed} % more instructions are allowed)",
                row.name
            ));
        } else if moved < -i128::from(limits.percent) * 100 {
            self.line(format!("{text}  better: renew the baseline"));
        } else {
            self.line(text);
        }
    }

    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    fn fail(&mut self, failure: String) {
        self.lines.push(failure.clone());
        self.failures.push(failure);
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["operation", "baseline", "now", "moved", "allocations"];
        let [operation, baseline, now, moved, allocations] = head;
        writeln!(
            f,
            "{operation:<36} {baseline:>11} {now:>11} {moved:>12} {allocations}"
        )?;
        self.lines
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))?;
        if self.passes() {
            let count = self.lines.len();
            return write!(
                f,
                "\nok: none of {count} operations is worse than the baseline"
            );
        }
        writeln!(f, "\nworse than the baseline, or not in it:")?;
        for failure in &self.failures {
            writeln!(f, "  {failure}")?;
        }
        write!(
            f,
            "\nIf that is meant to be, say why in a commit of its own after benches/update-baseline.sh."
        )
    }
}

fn read_row(line: &str) -> Counted {
    let mut fields = line.split('\t');
    let mut field = || fields.next().expect("three fields, with tabs between");
    Counted {
        name: field().into(),
        instructions: field().parse().expect("a number of instructions"),
        allocations: field().parse().expect("a number of allocations"),
    }
}

/// What decides the figures beside the code.
fn tools() -> String {
    let version = |program| {
        let output = Command::new(program).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().trim().to_owned()
    };
    format!("{}, {}", version("rustc"), version("valgrind"))
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.tsv");
