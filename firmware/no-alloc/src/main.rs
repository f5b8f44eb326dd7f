//! Validates a request and forms its reference, in a program that has no allocator: if one of the crates, or anything
//! below, linked `alloc`, the compiler would ask for one.
#![no_std]
#![no_main]

#[cfg(feature = "planted-alloc")]
extern crate alloc;

use core::panic::PanicInfo;

// The critical section of a single core, which the start-up code wants.
use cortex_m as _;
use cortex_m_rt::entry;
use sealpost_json::{find_property, members};
use sealpost_validator::{Slot, Violations, validate_request};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};
use semihosting::{
    fs::File,
    io::{Read as _, Write as _},
    process,
};

#[entry]
fn main() -> ! {
    match run() {
        Some(()) => process::exit(0),
        None => process::exit(1),
    }
}

fn run() -> Option<()> {
    let mut body = [0; MAX_BODY];
    let length = read(&mut body)?;
    let body = body.get(..length)?;
    let mut scratch = [Slot::EMPTY; 64];
    let mut violations = Violations::<16>::new();
    let request = validate_request(body, &mut scratch, &mut violations)?;
    let (name, key) = (request.name.as_str()?, request.key?.as_str()?);
    for kind in [VaultKind::AZURE, VaultKind::KV2] {
        let name = VaultSecretName::derive(kind, None, name);
        let mut buffer = [0; 128];
        let reference = ResolverRef::new(name.as_str(), Some(key)).ok()?;
        let text = reference.encode_into(&mut buffer)?;
        print(text)?;
        // And back.
        let parsed = ResolverRef::parse(text).ok()?;
        parsed.vault_secret_name(kind).ok()?;
    }
    print(find_property(request.value.as_bytes(), key).ok()??.as_str())?;
    members(request.value.as_bytes()).next()?.ok()?;
    Some(())
}

fn read(buffer: &mut [u8]) -> Option<usize> {
    File::open(c"request.json").ok()?.read(buffer).ok()
}

fn print(text: &str) -> Option<()> {
    let mut out = semihosting::io::stdout().ok()?;
    out.write_all(text.as_bytes()).ok()?;
    out.write_all(b"\n").ok()
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    process::exit(101)
}

const MAX_BODY: usize = 2048;
