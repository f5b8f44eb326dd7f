//! Does the time to open tell why OAEP failed? A statistical test in the manner of dudect (Reparaz, Balasch, Verbauwhede,
//! "Dude, is my code constant time?", DATE 2017): Welch's t between two classes of ciphertexts.
//!
//! ```text
//! timing [aws-lc|rustcrypto] [SAMPLES] [RUNS]
//! ```
//!
//! Every class has ciphertexts of the right length and range, with a valid frame behind them, and none opens. They are opened in
//! random order, all classes mixed, so that whatever else the machine does hits them alike. Each is compared with the first: good
//! OAEP of another seed than the frame's, whose commitment is wrong.
//!
//! A machine is slower at some times than at others. So samples are taken in blocks of 1,000, all classes mixed; of each block the slowest
//! fifth is cropped, and the rest counts as the distance from the block's median. Both depend on no class and were fixed before anything was
//! judged. A run ends when every class has SAMPLES that were kept.
//!
//! Fails if a class differs, the null test differs or the control does not. `rustcrypto` is reported: only null test and control
//! decide. `docs/SIDE-CHANNELS.md` says what that means.

use std::{
    env,
    hint::black_box,
    io::{self, Write as _},
    process::ExitCode,
    time::Instant,
};

use num_bigint::BigUint;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha20Rng};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Identity, Recipient, RustCrypto, SecretContext, Trust, UnixTime,
    backend::Backend, open, seal,
};

/// How a block is wrong; or that it is a good one, of another seed than the frame's.
#[derive(Clone, Copy)]
enum Fault {
    None,
    FirstByte,
    LabelHash,
    Separator,
    Length,
    Prefix,
}

/// What a class must show against the first.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Must {
    /// No difference, with any library: else the measurement is broken.
    NeverDiffer,
    /// A difference, with any library: else the measurement sees nothing.
    Differ,
    /// No difference, with a library that is judged.
    NotDiffer,
    /// Either: how small a difference can be seen.
    Either,
}

fn main() -> io::Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let backend = arguments.next().unwrap_or_else(|| "aws-lc".to_owned());
    let samples = arguments.next().and_then(|n| n.parse().ok());
    let runs = arguments.next().and_then(|n| n.parse().ok());
    let (samples, runs) = (samples.unwrap_or(100_000), runs.unwrap_or(3));
    let mut out = io::stdout();
    writeln!(out, "{backend}: {samples} samples a class, {runs} runs")?;
    // `rsa` takes four times as long for an operation, and so does its control.
    let holds = match backend.as_str() {
        "aws-lc" => test::<AwsLc>(samples, runs, true, 16 << 10, &mut out)?,
        "rustcrypto" => test::<RustCrypto>(samples, runs, false, 64 << 10, &mut out)?,
        other => return Err(io::Error::other(format!("no such library: {other}"))),
    };
    Ok(ExitCode::from(u8::from(!holds)))
}

fn test<B: Backend>(
    samples: usize,
    runs: usize,
    judged: bool,
    control: usize,
    out: &mut impl io::Write,
) -> io::Result<bool> {
    let mut bench = Bench::<B>::new(control);
    let mut different = [0; CLASSES.len()];
    for run in 1..=runs {
        let (times, middle) = bench.measure(samples);
        let first = &times[0];
        writeln!(
            out,
            "run {run}: {middle:.1} µs; good OAEP with a wrong commitment deviates by {:.2} µs from its block, {} kept, {} cropped",
            first.variance().sqrt(),
            first.kept,
            first.cropped
        )?;
        let all = CLASSES.iter().zip(&times).zip(&mut different);
        for (((_, name, _), time), different) in all.skip(1) {
            let t = welch(first, time);
            *different += usize::from(t.abs() >= LIMIT);
            writeln!(
                out,
                "    {name:36} t = {t:8.2}, {:+.3} µs, {} kept, {} cropped",
                time.mean - first.mean,
                time.kept,
                time.cropped
            )?;
        }
        out.flush()?;
    }
    let mut holds = true;
    for ((must, name, _), different) in CLASSES.iter().zip(different).skip(1) {
        // In two of three runs.
        let good = match must {
            Must::Differ => 3 * different >= 2 * runs,
            Must::Either => true,
            Must::NeverDiffer | Must::NotDiffer => 3 * (runs - different) >= 2 * runs,
        };
        let counts = judged || *must != Must::NotDiffer;
        holds &= good || !counts;
        writeln!(
            out,
            "{name:36} differs in {different} of {runs} runs: {}",
            match (good, counts) {
                (true, _) if *must == Must::Either => "reported",
                (true, _) => "as it should be",
                (false, true) => "FAILED",
                (false, false) => "DIFFERS (reported, not judged)",
            }
        )?;
    }
    Ok(holds)
}

struct Bench<B: Backend> {
    identity: Identity<B>,
    envelope: Vec<u8>,
    modulus: BigUint,
    rng: ChaCha20Rng,
    ciphertexts: Vec<Vec<[u8; 256]>>,
    /// Bytes that are hashed besides to be seen.
    control: usize,
}

impl<B: Backend> Bench<B> {
    fn new(control: usize) -> Self {
        let pem = include_bytes!("../../testdata/keys/agent-a2048.pem");
        let key = include_bytes!("../../testdata/keys/agent-a2048.key.pem");
        let now = UnixTime::from_secs(2_000_000_000);
        let trust = Trust::DangerAnyCertificate;
        let recipient = Recipient::<AwsLc>::from_certificate_pem(pem, &trust, now);
        let recipient = recipient.expect("it is good to seal to");
        // SubjectPublicKeyInfo ends with the modulus and the exponent 65537, in five bytes.
        let spki = recipient.public_key().spki_der();
        let modulus = &spki[spki.len() - 5 - 256..spki.len() - 5];
        let modulus = BigUint::from_bytes_be(modulus);
        let envelope = seal(&[recipient], &CONTEXT, b"secret", &mut AwsLcRng);
        let mut bench = Self {
            identity: Identity::from_pem(key).expect("it is well formed"),
            envelope: envelope.expect("it can be sealed"),
            modulus,
            rng: ChaCha20Rng::seed_from_u64(1),
            ciphertexts: Vec::new(),
            control,
        };
        bench.ciphertexts = CLASSES
            .iter()
            .map(|(_, _, fault)| bench.class(*fault))
            .collect();
        bench
    }

    /// Ciphertexts of blocks with this fault, all different.
    fn class(&mut self, fault: Fault) -> Vec<[u8; 256]> {
        (0..CIPHERTEXTS).map(|_| self.ciphertext(fault)).collect()
    }

    fn ciphertext(&mut self, fault: Fault) -> [u8; 256] {
        // RFC 8017 §7.1.1: EM = 0x00 ‖ maskedSeed ‖ maskedDB, DB = lHash ‖ zeros ‖ 0x01 ‖ message
        let mut message = [&[1][..], &self.rng.random::<[u8; 32]>()].concat();
        match fault {
            Fault::Prefix => message[0] = self.rng.random_range(2..=255),
            Fault::Length => message.truncate(32),
            _ => {}
        }
        let mut data = vec![0; 256 - 33];
        data[..32].copy_from_slice(&AwsLc::sha256(&[]));
        let start = data.len() - message.len();
        data[start..].copy_from_slice(&message);
        data[start - 1] = match fault {
            Fault::Separator => self.rng.random_range(2..=255),
            _ => 1,
        };
        if let Fault::LabelHash = fault {
            self.rng.fill(&mut data[..32]);
        }
        let mut seed: [u8; 32] = self.rng.random();
        mask(&seed, &mut data);
        mask(&data, &mut seed);
        let first = match fault {
            Fault::FirstByte => self.rng.random_range(1..=127),
            _ => 0,
        };
        let block = [&[first], &seed[..], &data].concat();
        let ciphertext = BigUint::from_bytes_be(&block)
            .modpow(&BigUint::from(65_537_u32), &self.modulus)
            .to_bytes_be();
        let mut padded = [0; 256];
        padded[256 - ciphertext.len()..].copy_from_slice(&ciphertext);
        padded
    }

    /// What was kept of each class, as the distance from the middle of its block; and the middle of all blocks.
    fn measure(&mut self, samples: usize) -> (Vec<Times>, f64) {
        for _ in 0..BLOCK {
            self.sample();
        }
        let mut times: Vec<_> = CLASSES.iter().map(|_| Times::default()).collect();
        let mut middles = Times::default();
        while times.iter().any(|times| times.kept < samples) {
            let block: Vec<_> = (0..BLOCK).map(|_| self.sample()).collect();
            let mut sorted: Vec<_> = block.iter().map(|(_, time)| *time).collect();
            sorted.sort_by(f64::total_cmp);
            let (middle, limit) = (sorted[BLOCK / 2], sorted[BLOCK - BLOCK / 5]);
            middles.add(middle);
            for (class, time) in block {
                if time < limit {
                    times[class].add(time - middle);
                } else {
                    times[class].cropped += 1;
                }
            }
        }
        (times, middles.mean)
    }

    /// The class, and the time in microseconds.
    fn sample(&mut self) -> (usize, f64) {
        let class = self.rng.random_range(0..CLASSES.len());
        let ciphertext = &self.ciphertexts[class][self.rng.random_range(0..CIPHERTEXTS)];
        self.envelope[45..301].copy_from_slice(ciphertext);
        let start = Instant::now();
        let opened = open(&self.identity, &self.envelope, &CONTEXT, &mut AwsLcRng);
        let besides = match CLASSES[class].0 {
            Must::Differ => self.control,
            Must::Either => 1 << 10,
            _ => 0,
        };
        if besides > 0 {
            black_box(AwsLc::sha256(&[&ZEROS[..besides]]));
        }
        let time = start.elapsed();
        assert!(black_box(opened).is_err());
        (class, time.as_secs_f64() * 1e6)
    }
}

/// Welch's t.
fn welch(a: &Times, b: &Times) -> f64 {
    (a.mean - b.mean) / (a.variance() / a.count() + b.variance() / b.count()).sqrt()
}

/// `target ⊕ MGF1(seed)` (RFC 8017 appendix B.2.1)
fn mask(seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0_u32..).zip(target.chunks_mut(32)) {
        let mask = AwsLc::sha256(&[seed, &counter.to_be_bytes()]);
        chunk
            .iter_mut()
            .zip(mask)
            .for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// Mean and variance as they come (Welford).
#[derive(Default)]
struct Times {
    kept: usize,
    cropped: usize,
    mean: f64,
    squares: f64,
}

impl Times {
    fn add(&mut self, value: f64) {
        self.kept += 1;
        let before = value - self.mean;
        self.mean += before / self.count();
        self.squares += before * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count() - 1.0)
    }

    fn count(&self) -> f64 {
        u32::try_from(self.kept).map(f64::from).expect("invariant")
    }
}

/// The first is what the others are compared with.
const CLASSES: [(Must, &str, Fault); 9] = [
    (Must::NeverDiffer, "good OAEP", Fault::None),
    (Must::NeverDiffer, "null test: other good OAEP", Fault::None),
    (Must::Differ, "control: 16 or 64 KiB hashed", Fault::None),
    (
        Must::Either,
        "as much as OAEP's own masks: 1 KiB",
        Fault::None,
    ),
    (Must::NotDiffer, "first byte not zero", Fault::FirstByte),
    (Must::NotDiffer, "label hash wrong", Fault::LabelHash),
    (Must::NotDiffer, "no 0x01 separator", Fault::Separator),
    (Must::NotDiffer, "valid OAEP, another length", Fault::Length),
    (Must::NotDiffer, "valid OAEP, another prefix", Fault::Prefix),
];
const CONTEXT: SecretContext<'_> = SecretContext::unchecked("agent-1", "db-login");
const CIPHERTEXTS: usize = 512;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
const BLOCK: usize = 1000;
const LIMIT: f64 = 4.5;
