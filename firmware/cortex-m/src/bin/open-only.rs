//! The least that is of use: opens one envelope in the buffer that it came in. Its size is the price of opening.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m_rt::entry;
use sealpost_envelope::{Identity, RustCrypto, native::open_in_place};
use sealpost_firmware::{
    example::{CONTEXT, MAX_FILE, MAX_NOISE},
    heap, host,
    noise::Noise,
};

#[entry]
fn main() -> ! {
    heap::init();
    let (mut key, mut envelope, mut noise) = ([0; MAX_FILE], [0; MAX_FILE], [0; MAX_NOISE]);
    let key = host::read(c"key.der", &mut key);
    let envelope = host::read(c"envelope", &mut envelope);
    let mut rng = Noise::new(host::read(c"noise", &mut noise));

    let Ok(identity) = Identity::<RustCrypto>::from_pkcs8_der(key) else {
        host::fail("the key is refused")
    };
    match open_in_place(&identity, envelope, &CONTEXT, &mut rng) {
        Ok(secret) => host::write(c"opened", secret),
        Err(_) => host::fail("the envelope does not open"),
    }
    host::exit(0)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    host::exit(host::PANICKED)
}
