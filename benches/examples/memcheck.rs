// `unsafe` is here for valgrind's client requests, which are a sequence of instructions that does nothing elsewhere.
#![allow(unsafe_code)]

//! Does the path taken depend on a secret? Run under valgrind's memcheck, which sees every branch and every address that depends on
//! memory marked undefined: secrets are marked so (Langley's ctgrind).
//!
//! `benches/side-channels.sh memcheck` runs each part by itself and holds what is found against a list.

use std::{
    arch::asm,
    env,
    hint::black_box,
    io::{self, Write as _},
};

use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, ContextPolicy, Envelope, Fingerprint, Identity, Keyring, Message,
    Recipient, RustCrypto, SecretContext, Trust, UnixTime,
    backend::Backend,
    cms,
    key::{KeyAnswer, PublicIdentity},
    open,
    rand_core::TryRng as _,
    seal,
};

fn main() -> io::Result<()> {
    let part = env::args().nth(1).unwrap_or_default();
    // The generator's own set-up is not what is looked at.
    AwsLcRng.try_next_u64().expect("there is randomness");
    let before = errors();
    match part.as_str() {
        "control" => control(),
        "null" => null(),
        "finish-aws-lc" => finish::<AwsLc>(),
        "finish-rustcrypto" => finish::<RustCrypto>(),
        "content-aws-lc" => content::<AwsLc>(),
        "content-rustcrypto" => content::<RustCrypto>(),
        "compare" => compare(),
        "open-aws-lc" => open_with_secret_key::<AwsLc>(false),
        "open-rustcrypto" => open_with_secret_key::<RustCrypto>(false),
        "reject-aws-lc" => open_with_secret_key::<AwsLc>(true),
        "reject-rustcrypto" => open_with_secret_key::<RustCrypto>(true),
        other => return Err(io::Error::other(format!("no such part: {other}"))),
    }
    writeln!(io::stdout(), "{part}: {} errors", errors() - before)
}

/// A branch on a secret: it must be found.
#[inline(never)]
fn control() {
    let mut secret = [1_u8; 32];
    undefined(&mut secret);
    if black_box(secret)[7] == 1 {
        black_box(());
    }
}

/// Arithmetic on a secret without a branch: nothing must be found.
#[inline(never)]
fn null() {
    let mut secret = [1_u8; 32];
    undefined(&mut secret);
    let sum = black_box(secret).iter().fold(0, |sum, byte| sum | byte);
    black_box(sum);
}

/// Our own code, from what the private key answered to the plaintext: prefix, substitution, schedule, commitment, padding.
fn finish<B: Backend>() {
    let (sealed, mut block) = sealed();
    let envelope = Envelope::parse(&sealed).expect("it was sealed");
    let public = certificate();
    let pending = envelope
        .pending(public.public_key())
        .expect("it was sealed to it");
    undefined(&mut block);
    let opener = pending.finish::<B, _>(KeyAnswer::Seed(&block), &mut AwsLcRng);
    let frame = envelope.single().expect("it is one message");
    // A pointer that may be null is all that is known of the outcome.
    let _ = black_box(opener.map(|opener| opener.open(&frame, &CONTEXT)));
}

/// The same for the formats whose content key is encrypted by itself: CMS, and JWE has the same code behind its own parser.
fn content<B: Backend>() {
    let sealed = cms::seal(&recipient(), b"secret", &mut Fixed).expect("it can be sealed");
    let cms = Message::parse(&sealed).expect("it was sealed");
    let certificate = certificate();
    let mut key = PublicIdentity::new(certificate.public_key().clone());
    key.add_certificate(certificate).expect("it is its own");
    let pending = cms
        .pending(&Keyring::new(key), ContextPolicy::AcceptUnbound(None))
        .expect("it was sealed to it");
    let mut key = [7; 32];
    undefined(&mut key);
    let _ = black_box(pending.finish::<B, _>(KeyAnswer::Seed(&key), &mut AwsLcRng));
}

/// Comparing what people pin with a certificate. The outcome is public.
fn compare() {
    let certificate = certificate();
    let mut pin = *certificate.fingerprint().as_bytes();
    undefined(&mut pin);
    let pins = [Fingerprint::from_bytes(black_box(pin))];
    let _ = black_box(Trust::Pinned(&pins).check(&certificate, NOW));
}

/// All of opening, with a private key whose numbers are secret. Importing is not looked at, nor the first
/// use, nor wiping it: they are done once for each key.
fn open_with_secret_key<B: Backend>(reject: bool) {
    let (mut sealed, _) = sealed();
    if reject {
        sealed[100] ^= 1;
    }
    let (_, mut der) = pem_rfc7468::decode_vec(KEY).expect("it is well formed");
    // RFC 8017 appendix A.1.2: after the modulus (257 bytes with its sign) and the exponent come the secret numbers. Their
    // tags and lengths are not secret.
    let start = 26 + 4 + 3 + 4 + 257 + 5;
    let (mut at, mut numbers) = (start, 0);
    while at < der.len() {
        let (head, length) = match der[at + 1] {
            0x82 => (4, usize::from(der[at + 2]) << 8 | usize::from(der[at + 3])),
            0x81 => (3, usize::from(der[at + 2])),
            short => (2, usize::from(short)),
        };
        assert_eq!(der[at], 2, "an INTEGER");
        // The sign is looked at by every parser: its byte stays defined, and so does the top byte of the number.
        undefined(&mut der[at + head + 2..at + head + length]);
        at += head + length;
        numbers += 1;
    }
    assert_eq!(numbers, 6, "d, p, q, and three for the remainders");
    reporting(false);
    let identity = Identity::<B>::from_pkcs8_der(&der).expect("it is well formed");
    // AWS-LC prepares a key when it is first used.
    let _ = black_box(open(&identity, &sealed, &CONTEXT, &mut AwsLcRng));
    reporting(true);
    let _ = black_box(open(&identity, &sealed, &CONTEXT, &mut AwsLcRng));
    reporting(false);
    drop(identity);
    reporting(true);
}

/// An envelope, and the block that its key decrypts.
fn sealed() -> (Vec<u8>, Vec<u8>) {
    let sealed = seal(&recipient(), &CONTEXT, b"secret", &mut Fixed);
    (
        sealed.expect("it can be sealed"),
        [[1; 1].as_slice(), &[7; 32]].concat(),
    )
}

fn recipient() -> [Recipient<AwsLc>; 1] {
    let trust = Trust::DangerAnyCertificate;
    let recipient = Recipient::from_certificate_pem(CERTIFICATE, &trust, NOW);
    [recipient.expect("it is good to seal to")]
}

fn certificate() -> Certificate {
    Certificate::from_pem(CERTIFICATE).expect("it is well formed")
}

/// Seeds that are known; AWS-LC takes its own randomness for OAEP.
struct Fixed;

impl sealpost_envelope::rand_core::TryRng for Fixed {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0x0707_0707)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0x0707_0707_0707_0707)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(7);
        Ok(())
    }
}

impl sealpost_envelope::rand_core::TryCryptoRng for Fixed {}

fn undefined(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes.as_ptr() as usize, bytes.len());
}

fn reporting(on: bool) {
    request(CHANGE_ERR_DISABLEMENT, if on { usize::MAX } else { 1 }, 0);
}

fn errors() -> usize {
    request(COUNT_ERRORS, 0, 0)
}

/// `VALGRIND_DO_CLIENT_REQUEST` of valgrind.h for amd64.
fn request(code: usize, first: usize, second: usize) -> usize {
    let arguments = [code, first, second, 0, 0, 0];
    let mut result = 0_usize;
    // SAFETY: rdi is rotated by 128 bits in all and rbx exchanged with itself; valgrind reads the array and writes rdx.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") result,
            options(nostack),
        );
    }
    result
}

const CONTEXT: SecretContext<'_> = SecretContext::unchecked("agent-1", "db-login");
const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);
const CERTIFICATE: &[u8] = include_bytes!("../../testdata/keys/agent-a2048.pem");
const KEY: &[u8] = include_bytes!("../../testdata/keys/agent-a2048.key.pem");
const COUNT_ERRORS: usize = 0x1201;
const CHANGE_ERR_DISABLEMENT: usize = 0x1801;
/// `VG_USERREQ_TOOL_BASE('M', 'C') + 1`
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
