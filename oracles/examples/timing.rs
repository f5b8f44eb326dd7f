//! Does the time to open tell why OAEP failed? A statistical test in the manner of dudect (Reparaz, Balasch, Verbauwhede,
//! "Dude, is my code constant time?", DATE 2017): Welch's t between two classes of ciphertexts.
//!
//! ```text
//! cargo run --release -p sealpost-oracles --example timing -- [aws-lc|rustcrypto] [SAMPLES] [RUNS]
//! ```
//!
//! Every class has ciphertexts of the right length and range, with a valid frame behind them, and none opens. They are opened in random
//! order. The slowest twentieth of a warm-up is what is cropped, fixed before anything is measured. `docs/SIDE-CHANNELS.md` says what is
//! judged, and by what.

use std::{
    env,
    hint::black_box,
    io::{self, Write as _},
    time::Instant,
};

use num_bigint::BigUint;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha20Rng};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Backend, Identity, Recipient, RustCrypto, SecretContext, Trust, UnixTime,
    open, seal,
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

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let backend = arguments.next().unwrap_or_else(|| "aws-lc".to_owned());
    let samples = arguments.next().and_then(|n| n.parse().ok());
    let runs = arguments.next().and_then(|n| n.parse().ok());
    let (samples, runs) = (samples.unwrap_or(100_000), runs.unwrap_or(3));
    let mut out = io::stdout();
    writeln!(
        out,
        "{backend}, {samples} samples of both classes together, {runs} runs"
    )?;
    match backend.as_str() {
        "rustcrypto" => tests::<RustCrypto>(samples, runs, &mut out),
        _ => tests::<AwsLc>(samples, runs, &mut out),
    }
}

fn tests<B: Backend>(samples: usize, runs: usize, out: &mut impl io::Write) -> io::Result<()> {
    let mut bench = Bench::<B>::new();
    let good = bench.class(Fault::None);
    for (name, fault, extra) in [
        ("null test: two sets of good blocks", Fault::None, 0),
        ("control: 1 KiB hashed besides", Fault::None, 1024),
        ("first byte not zero", Fault::FirstByte, 0),
        ("label hash wrong", Fault::LabelHash, 0),
        ("no 0x01 separator", Fault::Separator, 0),
        ("valid, another length", Fault::Length, 0),
        ("valid, another prefix", Fault::Prefix, 0),
    ] {
        let other = bench.class(fault);
        for run in 1..=runs {
            let t = bench.measure([&good, &other], extra, samples);
            writeln!(
                out,
                "{name:40} run {run}: t = {:8.2}, means {:.2} and {:.2} µs, {} of {samples} cropped",
                t.t, t.means[0], t.means[1], t.cropped
            )?;
        }
    }
    Ok(())
}

struct Bench<B: Backend> {
    identity: Identity<B>,
    envelope: Vec<u8>,
    modulus: BigUint,
    rng: ChaCha20Rng,
}

struct Outcome {
    t: f64,
    means: [f64; 2],
    cropped: usize,
}

impl<B: Backend> Bench<B> {
    fn new() -> Self {
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
        Self {
            identity: Identity::from_pem(key).expect("it is well formed"),
            envelope: envelope.expect("it can be sealed"),
            modulus,
            rng: ChaCha20Rng::seed_from_u64(1),
        }
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

    fn measure(&mut self, classes: [&[[u8; 256]]; 2], extra: usize, samples: usize) -> Outcome {
        let mut warm: Vec<_> = (0..WARM_UP)
            .map(|_| self.sample(classes, extra).1)
            .collect();
        warm.sort_by(f64::total_cmp);
        let limit = warm[WARM_UP - WARM_UP / 20];
        let mut sums = [Sum::default(), Sum::default()];
        let mut cropped = 0;
        for _ in 0..samples {
            let (class, time) = self.sample(classes, extra);
            if time > limit {
                cropped += 1;
            } else {
                sums[class].add(time);
            }
        }
        let [a, b] = &sums;
        let t = (a.mean - b.mean) / (a.variance() / a.count + b.variance() / b.count).sqrt();
        Outcome {
            t,
            means: [a.mean, b.mean],
            cropped,
        }
    }

    /// The class, and the time in microseconds.
    fn sample(&mut self, classes: [&[[u8; 256]]; 2], extra: usize) -> (usize, f64) {
        let class = usize::from(self.rng.random::<bool>());
        let ciphertext = &classes[class][self.rng.random_range(0..CIPHERTEXTS)];
        self.envelope[45..301].copy_from_slice(ciphertext);
        let start = Instant::now();
        let opened = open(&self.identity, &self.envelope, &CONTEXT, &mut AwsLcRng);
        if class == 1 && extra > 0 {
            black_box(AwsLc::sha256(&[&[0; 2048][..extra]]));
        }
        let time = start.elapsed();
        assert!(black_box(opened).is_err());
        (class, time.as_secs_f64() * 1e6)
    }
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
struct Sum {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

const CONTEXT: SecretContext<'_> = SecretContext::new("agent-1", "db-login");
const CIPHERTEXTS: usize = 512;
const WARM_UP: usize = 2000;
