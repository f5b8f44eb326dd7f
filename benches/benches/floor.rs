//! How far the envelope is from its floor, see [`sealpost_benches::floor`].
//!
//! Both are timed in one loop, in turns, so that a change of clock or load meets both alike; a row gives
//! the medians and their ratio. Three runs; a bar holds if it holds in two of them.
//!
//! ```text
//! cargo bench -p sealpost-benches --bench floor [-- [--json] [--quick] [--backend aws-lc|rustcrypto] [--op NAME] [--bits N]]
//! ```

#![allow(clippy::print_stdout)] // the table is what it is for

use std::{
    env,
    hint::black_box,
    time::{Duration, Instant},
};

use sealpost_benches::{
    floor,
    keys::{RSA_BITS, identity, pkcs8_der, recipient},
};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Backend, Envelope, Identity, Recipient, RustCrypto, Sealer, SecretContext,
    open, seal,
};

fn main() {
    let options = Options::parse();
    options.print_head();
    for run in 1..=RUNS {
        for bits in RSA_BITS {
            measure::<AwsLc>("aws-lc", bits, run, &options);
            measure::<RustCrypto>("rustcrypto", bits, run, &options);
        }
    }
}

fn measure<B: Backend>(backend: &'static str, bits: usize, run: usize, options: &Options) {
    let case = |op, bytes| Case {
        op,
        bits,
        bytes,
        backend,
        run,
    };
    let keys = Keys::<B>::load(bits);
    for bytes in SIZES {
        let message = message(bytes);
        options.row(case("seal", bytes), SEAL_TIMES, || {
            (|| keys.seal(&message), || keys.floor_sealer.seal(&message))
        });
        let (sealed, floor_sealed) = (keys.seal(&message), keys.floor_sealer.seal(&message));
        options.row(case("open", bytes), OPEN_TIMES, || {
            (
                || keys.open(&sealed),
                || keys.floor_opener.open(&floor_sealed).len(),
            )
        });
    }
    let messages = vec![message(BATCH_BYTES); BATCH];
    options.row(case("seal batch", BATCH_BYTES), BATCH_TIMES, || {
        (
            || keys.seal_batch(&messages),
            || keys.floor_sealer.seal_batch(&messages),
        )
    });
    let (sealed, floor_sealed) = (
        keys.seal_batch(&messages),
        keys.floor_sealer.seal_batch(&messages),
    );
    options.row(case("open batch", BATCH_BYTES), BATCH_TIMES, || {
        (
            || keys.open_batch(&sealed),
            || {
                let mut buffer = [0; BATCH_BYTES];
                keys.floor_opener
                    .open_batch(&floor_sealed, &mut buffer, |message| {
                        black_box(message);
                    });
            },
        )
    });
}

/// The keys of both sides, parsed.
struct Keys<B: Backend> {
    recipients: [Recipient<B>; 1],
    identity: Identity<B>,
    floor_sealer: floor::Sealer,
    floor_opener: floor::Opener,
}

impl<B: Backend> Keys<B> {
    fn load(bits: usize) -> Self {
        let recipient = recipient::<B>(bits);
        Self {
            floor_sealer: floor::Sealer::new(recipient.public_key().spki_der()),
            floor_opener: floor::Opener::new(&pkcs8_der(bits)),
            identity: identity(bits),
            recipients: [recipient],
        }
    }

    fn seal(&self, message: &[u8]) -> Vec<u8> {
        seal(&self.recipients, &CONTEXT, message, &mut AwsLcRng).expect("it seals")
    }

    fn open(&self, sealed: &[u8]) -> usize {
        let opened = open(&self.identity, sealed, &CONTEXT, &mut AwsLcRng).expect("it opens");
        black_box(&*opened).len()
    }

    fn seal_batch(&self, messages: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(&self.recipients, &mut AwsLcRng, &mut out).expect("it seals");
        let (last, others) = messages.split_last().expect("a batch is not empty");
        for message in others {
            sealer.seal(&CONTEXT, message, &mut out).expect("it seals");
        }
        sealer
            .seal_last(&CONTEXT, last, &mut out)
            .expect("it seals");
        out
    }

    fn open_batch(&self, sealed: &[u8]) {
        let envelope = Envelope::parse(sealed).expect("it parses");
        let opener = envelope
            .pending(self.identity.public_key())
            .and_then(|pending| pending.decrypt(&self.identity, &mut AwsLcRng))
            .expect("it is for this key");
        let mut sequence = opener.sequence(&envelope);
        while let Some(message) = sequence.open_next(&CONTEXT) {
            black_box(&*message.expect("it opens"));
        }
        sequence.finish().expect("it is complete");
    }
}

struct Case {
    op: &'static str,
    bits: usize,
    bytes: usize,
    backend: &'static str,
    run: usize,
}

struct Options {
    json: bool,
    /// A tenth of the iterations.
    quick: bool,
    filters: Vec<(String, String)>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self {
            json: false,
            quick: false,
            filters: Vec::new(),
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--backend" | "--op" | "--bits" | "--bytes" => {
                    let value = arguments
                        .next()
                        .expect("an option is followed by its value");
                    options.filters.push((argument, value));
                }
                // What cargo passes.
                _ => {}
            }
        }
        options
    }

    fn wants(&self, case: &Case) -> bool {
        self.filters.iter().all(|(option, value)| match &**option {
            "--backend" => case.backend == value,
            "--op" => case.op == value,
            "--bits" => case.bits.to_string() == *value,
            _ => case.bytes.to_string() == *value,
        })
    }

    /// Times the two operations in turns and prints the row.
    fn row<A, B, F, G>(&self, case: Case, times: usize, operations: impl Fn() -> (F, G))
    where
        F: Fn() -> A,
        G: Fn() -> B,
    {
        if !self.wants(&case) {
            return;
        }
        let mut times = if self.quick { times / 10 } else { times };
        if case.backend == "rustcrypto" {
            // Slower, and no bar depends on it.
            times /= 10;
        }
        let (ours, floor) = operations();
        let (ours, floor) = interleave(times, ours, floor);
        let ratio = ours.as_secs_f64() / floor.as_secs_f64();
        let [ours, floor] = [ours, floor].map(|time| time.as_secs_f64() * 1e6);
        let Case {
            op,
            bits,
            bytes,
            backend,
            run,
        } = case;
        if self.json {
            println!(
                r#"{{"op":"{op}","rsa_bits":{bits},"bytes":{bytes},"backend":"{backend}","median_us":{ours:.2},"floor_us":{floor:.2},"ratio":{ratio:.3},"run":{run}}}"#
            );
        } else {
            println!(
                "{op:<10} {bits:>8} {bytes:>6} {backend:<10} {ours:>10.2} {floor:>9.2} {ratio:>6.3} {run:>4}"
            );
        }
    }

    fn print_head(&self) {
        if !self.json {
            println!(
                "{:<10} {:>8} {:>6} {:<10} {:>10} {:>9} {:>6} {:>4}",
                "op", "rsa_bits", "bytes", "backend", "median_us", "floor_us", "ratio", "run"
            );
        }
    }
}

/// Medians of `times` runs of each, in turns; who goes first changes too.
fn interleave<A, B>(
    times: usize,
    ours: impl Fn() -> A,
    floor: impl Fn() -> B,
) -> (Duration, Duration) {
    for _ in 0..times / 20 {
        black_box(ours());
        black_box(floor());
    }
    let (mut our_times, mut floor_times) = (Vec::with_capacity(times), Vec::with_capacity(times));
    for turn in 0..times {
        if turn % 2 == 0 {
            our_times.push(time(&ours));
            floor_times.push(time(&floor));
        } else {
            floor_times.push(time(&floor));
            our_times.push(time(&ours));
        }
    }
    (median(our_times), median(floor_times))
}

fn time<A>(operation: impl Fn() -> A) -> Duration {
    let start = Instant::now();
    // Dropping the result is part of the operation: it is where plaintext is wiped.
    drop(black_box(operation()));
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn message(bytes: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(bytes).collect()
}

/// Every field is set. Its commitment hashes two blocks; longer texts cost 45 ns a block of 64 bytes.
const CONTEXT: SecretContext<'static> = SecretContext::new("agent-1", "my-secret")
    .with_project([0x11; 16])
    .with_key("password")
    .with_type("PASSWORD");
const SIZES: [usize; 4] = [0, 256, 4096, 65_536];
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 256;
const RUNS: usize = 3;
const OPEN_TIMES: usize = 2_000;
const SEAL_TIMES: usize = 20_000;
const BATCH_TIMES: usize = 300;
