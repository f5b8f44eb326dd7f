//! Everything that the core does, on a Cortex-M, with what each operation takes.
#![no_std]
#![no_main]

use core::{hint::black_box, panic::PanicInfo};

use cortex_m_rt::entry;
use sealpost_envelope::{
    Error, Fingerprint, Identity, Recipient, RustCrypto, SecretContext, Trust, UnixTime,
    native::{open_in_place, seal_into},
};
use sealpost_firmware::{
    example::{CONTEXT, MAX_FILE, MAX_NOISE},
    heap, host,
    meter::Meter,
    noise::Noise,
};
use sealpost_validator::{MAX_MEMBERS, Slot, Violations, validate_request};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};

#[entry]
fn main() -> ! {
    heap::init();
    let Some(peripherals) = cortex_m::Peripherals::take() else {
        host::fail("the peripherals are taken")
    };
    let meter = Meter::start(peripherals.SYST);
    let mut noise = [0; MAX_NOISE];
    let mut rng = Noise::new(host::read(c"noise", &mut noise));

    opens(&meter, &mut rng);
    seals(&meter, &mut rng);
    names(&meter);
    host::print(&["done\n"]);
    host::exit(0)
}

/// An envelope that the host sealed; a tampered one and another context are refused.
#[inline(never)]
fn opens(meter: &Meter, rng: &mut Noise<'_>) {
    let (mut key, mut envelope) = ([0; MAX_FILE], [0; MAX_FILE]);
    let key = host::read(c"key.der", &mut key);
    let Ok(identity) = meter.measure("import", || Identity::<RustCrypto>::from_pkcs8_der(key))
    else {
        host::fail("the key is refused")
    };

    let envelope = host::read(c"envelope", &mut envelope);
    let opened = meter.measure("open", || open_in_place(&identity, envelope, &CONTEXT, rng));
    match opened {
        Ok(secret) => host::write(c"opened", secret),
        Err(_) => host::fail("the envelope does not open"),
    }

    let envelope = read_again(envelope);
    if let Some(last) = envelope.last_mut() {
        *last ^= 1;
    }
    let tampered = meter.measure("open-tampered", || {
        open_in_place(&identity, envelope, &CONTEXT, rng).map(|_| ())
    });
    expect_open_error(tampered, "a tampered envelope");

    let envelope = read_again(envelope);
    let other =
        SecretContext::unchecked(CONTEXT.agent_id(), "other").with_unchecked_key("password");
    let wrong = meter.measure("open-wrong-context", || {
        open_in_place(&identity, envelope, &other, rng).map(|_| ())
    });
    expect_open_error(wrong, "another context");
    host::print(&["opened, and refused what was tampered with and what was for another context\n"]);
}

/// An envelope for the host to open, to the certificate that the host pins.
#[inline(never)]
fn seals(meter: &Meter, rng: &mut Noise<'_>) {
    let (mut certificate, mut pin, mut sealed) = ([0; MAX_FILE], [0; 128], [0; MAX_FILE]);
    let certificate = host::read(c"certificate.pem", &mut certificate);
    let pin = core::str::from_utf8(host::read(c"pin", &mut pin)).unwrap_or_default();
    let Ok(pin) = pin.parse::<Fingerprint>() else {
        host::fail("the pin is malformed")
    };
    let recipient = meter.measure("certificate", || {
        Recipient::<RustCrypto>::from_certificate_pem(certificate, &Trust::Pinned(&[pin]), NOW)
    });
    let Ok(recipient) = recipient else {
        host::fail("the certificate is refused")
    };
    let recipients = [recipient];
    let length = meter.measure("seal", || {
        seal_into(&recipients, &CONTEXT, SECRET, rng, &mut sealed)
    });
    let Some(sealed) = length.ok().and_then(|length| sealed.get(..length)) else {
        host::fail("nothing was sealed")
    };
    host::write(c"sealed", sealed);
    host::print(&["sealed\n"]);
}

/// A request, and the reference to what it would store.
#[inline(never)]
fn names(meter: &Meter) {
    let mut body = [0; MAX_FILE];
    let body = host::read(c"request.json", &mut body);
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<16>::new();
    let request = meter.measure("validate", || {
        validate_request(body, &mut scratch, &mut violations)
    });
    let Some(request) = request else {
        host::fail("the request is refused")
    };
    // Names without escapes are borrowed; a device sends no others.
    let (Some(name), Some(key)) = (
        request.name.as_str(),
        request.key.and_then(|key| key.as_str()),
    ) else {
        host::fail("the request has escapes")
    };
    let mut buffer = [0; 128];
    let reference = meter.measure("reference", || {
        let name = VaultSecretName::derive(VaultKind::AZURE, None, name);
        let reference = ResolverRef::new(name.as_str(), Some(key)).ok()?;
        reference.encode_into(&mut buffer)
    });
    let Some(reference) = reference else {
        host::fail("there is no reference")
    };
    host::print(&["reference ", reference, "\n"]);

    let wrong = black_box(br#"{"secret": {"name": "", "value": 7}}"#);
    if validate_request(wrong, &mut scratch, &mut violations).is_some() || violations.len() != 2 {
        host::fail("a request with two violations is not refused with two");
    }
}

fn read_again(buffer: &mut [u8]) -> &mut [u8] {
    // One byte longer than the file: a buffer that is full may have been too short.
    let length = buffer.len();
    let mut whole = [0; MAX_FILE];
    let read = host::read(c"envelope", &mut whole);
    if read.len() != length {
        host::fail("the envelope has changed");
    }
    buffer.copy_from_slice(read);
    buffer
}

fn expect_open_error(result: Result<(), Error>, what: &str) {
    if !matches!(result, Err(Error::Open(_))) {
        host::print(&[what, ": "]);
        host::fail("it was not refused with the one error");
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    host::exit(host::PANICKED)
}

const SECRET: &[u8] = br#"{"password":"from the device"}"#;
/// Within the validity of the certificates of the tests. A device has a clock, or is told.
const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);
