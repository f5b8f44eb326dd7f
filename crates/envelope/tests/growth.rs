//! How much work the parsers of JWE, CMS, wrapper and binding do: the instructions that valgrind counts grow as the
//! input does, for the shapes that are worst for them.
//!
//! ```text
//! cargo test -p sealpost-envelope --test growth -- --nocapture
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)] // a test that reports

#[cfg(unix)]
#[allow(dead_code)] // `formats.rs` uses the rest
mod shapes;

#[cfg(not(unix))]
fn main() {
    println!("!!! NOT RUN: valgrind is for Unix !!!");
}

#[cfg(unix)]
fn main() {
    use std::process::Command;

    if let Some(size) = std::env::var_os(SIZE) {
        let size = size.to_str().unwrap().parse().unwrap();
        for (_, input) in shapes::shapes(size) {
            parse_counted(&input, shapes::parse);
        }
        parse_counted(&vec![0; size], quadratic);
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "valgrind is not installed"
        );
        println!("!!! NOT RUN: valgrind is not installed, and this test counts with it !!!");
        return;
    }
    let (small, large) = (16 << 10, 64 << 10);
    let (mut less, mut more) = (counted(small), counted(large));
    // A quarter more than the input grows by; what is quadratic grows by four times as much.
    let too_much = |less: usize, more: usize, small: usize, large: usize| {
        more > less * large / small * 5 / 4 + 20_000
    };
    let (control, its_more) = (less.pop().unwrap(), more.pop().unwrap());
    assert!(
        too_much(control, its_more, small, large),
        "the control is not found"
    );
    let lengths = |size| {
        shapes::shapes(size)
            .into_iter()
            .map(|(name, input)| (name, input.len()))
    };
    let shapes: Vec<_> = lengths(small).zip(lengths(large)).collect();
    assert_eq!((less.len(), more.len()), (shapes.len(), shapes.len()));
    let mut failed = 0;
    for ((((name, small), (_, large)), less), more) in shapes.into_iter().zip(less).zip(more) {
        let bad = too_much(less, more, small, large);
        let verdict = if bad { "TOO MUCH" } else { "ok" };
        println!("{name:60} {less:>10} for {small:>6} bytes, {more:>10} for {large:>6}: {verdict}");
        failed += usize::from(bad);
    }
    assert_eq!(failed, 0, "the work grows faster than the input");
    println!("test result: ok. growth");
}

/// The instructions that each shape takes.
#[cfg(unix)]
fn counted(size: usize) -> Vec<usize> {
    let folder = tempfile::tempdir().unwrap();
    let done = std::process::Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=no"])
        .args([
            "--toggle-collect=growth::parse_counted",
            "--dump-after=growth::parse_counted",
        ])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.path().join("out").display()
        ))
        .arg(std::env::current_exe().unwrap())
        .env(SIZE, size.to_string())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    (1..)
        .map_while(|n| std::fs::read_to_string(folder.path().join(format!("out.{n}"))).ok())
        // The last dump is that of the program's end.
        .filter(|dump| dump.contains("Trigger: --dump-after"))
        .map(|dump| {
            let totals = dump.lines().find_map(|line| line.strip_prefix("totals: "));
            totals.unwrap().trim().parse().unwrap()
        })
        .collect()
}

#[cfg(unix)]
#[inline(never)]
fn parse_counted(input: &[u8], parse: fn(&[u8])) {
    parse(std::hint::black_box(input));
}

/// What must be found, or nothing would be.
#[cfg(unix)]
fn quadratic(input: &[u8]) {
    for _ in input.iter().step_by(64) {
        std::hint::black_box(input.iter().step_by(64).map(|b| u64::from(*b)).sum::<u64>());
    }
}

#[cfg(unix)]
const SIZE: &str = "SEALPOST_GROWTH_SIZE";
