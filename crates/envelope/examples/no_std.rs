//! What a device does: opens in a buffer of its own, with its own generator, and without the standard library.
//!
//!     cargo run -p sealpost-envelope --example no_std
//!
//! `main` plays the sender and the hardware, so it alone has `std`. Keys allocate when they are loaded, messages never.
//! `firmware/` has programs for microcontrollers that run under QEMU.

#![no_std]

extern crate std;

use std::{boxed::Box, error::Error, format, fs, fs::File, io::Read as _, println};

use sealpost_envelope::{
    Identity, Recipient, RustCrypto, SecretContext, Trust, UnixTime, context::AgentId,
    native::seal_into,
};

/// Nothing here needs more than `core`.
mod device {
    use sealpost_envelope::{
        Error, Identity, RustCrypto, SecretContext,
        native::open_in_place,
        rand_core::{TryCryptoRng, TryRng},
    };

    /// A generator of random numbers, as a function of the hardware: fills a buffer, or fails.
    pub(crate) struct Trng<F>(pub(crate) F);

    #[derive(Debug)]
    pub(crate) struct NoRandomness;

    impl core::fmt::Display for NoRandomness {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("the generator failed")
        }
    }

    impl core::error::Error for NoRandomness {}

    impl<F: FnMut(&mut [u8]) -> Result<(), NoRandomness>> TryRng for Trng<F> {
        type Error = NoRandomness;

        fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
            let mut word = [0; 4];
            (self.0)(&mut word)?;
            Ok(u32::from_le_bytes(word))
        }

        fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
            let mut word = [0; 8];
            (self.0)(&mut word)?;
            Ok(u64::from_le_bytes(word))
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
            (self.0)(bytes)
        }
    }

    /// The promise that the generator is fit for keys.
    impl<F: FnMut(&mut [u8]) -> Result<(), NoRandomness>> TryCryptoRng for Trng<F> {}

    /// Opens in the buffer that a message arrived in, uses the secret, and wipes it.
    pub(crate) fn receive<F: FnMut(&mut [u8]) -> Result<(), NoRandomness>>(
        identity: &Identity<RustCrypto>,
        context: &SecretContext<'_>,
        message: &mut [u8],
        rng: &mut Trng<F>,
        join_network: impl FnOnce(&[u8]),
    ) -> Result<(), Error> {
        let secret = open_in_place(identity, message, context, rng)?;
        join_network(secret);
        secret.fill(0);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut source = File::open("/dev/urandom")?;
    let mut rng =
        device::Trng(|bytes: &mut [u8]| source.read_exact(bytes).map_err(|_| device::NoRandomness));
    let agent: AgentId = "berlin-1".parse()?;
    let context = SecretContext::new(&agent, "wifi".try_into()?);

    let pins = [FINGERPRINT.parse()?];
    let certificate = fs::read(format!("{FOLDER}/agent.pem"))?;
    let trust = Trust::Pinned(&pins);
    // A device that has no clock asks its network for the time, or is told it when it is made.
    let now = UnixTime::now();
    let recipient = Recipient::<RustCrypto>::from_certificate_pem(&certificate, &trust, now)?;
    let mut buffer = [0; 1024];
    let secret = b"correct horse battery staple";
    let length = seal_into(&[recipient], &context, secret, &mut rng, &mut buffer)?;

    let identity = Identity::from_pem(&fs::read(format!("{FOLDER}/identity.pem"))?)?;
    let mut length_seen = 0;
    device::receive(
        &identity,
        &context,
        &mut buffer[..length],
        &mut rng,
        |opened| {
            assert_eq!(opened, secret);
            length_seen = opened.len();
        },
    )?;
    println!("opened {length_seen} bytes in the buffer of {length} that they arrived in");
    Ok(())
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/berlin-1");
const FINGERPRINT: &str = "889f12b7edad8d4d38dd3fd9d116ace97f14474b7b95a3a589e447315f5e782e";
