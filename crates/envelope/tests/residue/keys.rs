//! Private keys: loaded, refused, moved and dropped.

use pem_rfc7468::LineEnding;
use sealpost_envelope::{Identity, Keyring, key::IdentityError};

use super::{
    canaries::Canaries,
    heap,
    secrets::{D, P, PEM_TEXT, Q},
    tested::{Tested, assert_gone, assert_left, pkcs8_der, test_file},
};
use sealpost_testkit::freed::watch;

/// The secret numbers of the key, and its text.
fn secrets() -> Canaries {
    let mut secrets = Canaries::new();
    secrets.add_private_key(&pkcs8_der());
    // From the second half on the numbers are secret.
    let pem = test_file(KEY_FILE);
    for line in pem
        .split(|byte| *byte == b'\n')
        .skip(12)
        .filter(|line| line.len() == 64)
    {
        secrets.add(PEM_TEXT, line);
    }
    secrets
}

/// Loads the key from `file`, drops it, and looks for it.
fn loads<B: Tested>(file: Vec<u8>, load: impl FnOnce(&[u8]) -> Result<Identity<B>, IdentityError>) {
    let secrets = secrets();
    let (identity, watched) = watch(|| load(&file));
    let identity = identity.unwrap();
    assert_left(&watched, B::left_by_import(), &secrets);
    // The file is the caller's. Our allocator wipes what it frees.
    drop(file);
    let alive = heap::look(&secrets);
    assert!(
        alive.has(D) && alive.has(P) && alive.has(Q),
        "where is it? {alive}"
    );
    assert!(!alive.has(PEM_TEXT), "a copy of the file is alive");
    let ((), watched) = watch(|| drop(identity));
    assert_left(&watched, B::left_by_drop(), &secrets);
    assert_gone(&secrets);
}

pub(crate) fn pkcs8_pem<B: Tested>() {
    loads(test_file(KEY_FILE), Identity::<B>::from_pem);
}

pub(crate) fn pkcs8_der_form<B: Tested>() {
    loads(pkcs8_der(), Identity::<B>::from_pkcs8_der);
    loads(pkcs8_der(), Identity::<B>::from_pem_or_der);
}

pub(crate) fn pkcs1_der<B: Tested>() {
    let der = pkcs8_der().split_off(PKCS1);
    loads(der, Identity::<B>::from_pkcs1_der);
}

pub(crate) fn pkcs1_pem<B: Tested>() {
    let der = pkcs8_der().split_off(PKCS1);
    let pem = pem_rfc7468::encode_string("RSA PRIVATE KEY", LineEnding::LF, &der);
    drop(der);
    loads(pem.unwrap().into_bytes(), Identity::<B>::from_pem);
}

pub(crate) fn jwk<B: Tested>() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let der = pkcs8_der().split_off(PKCS1);
    // RFC 8017 appendix A.1.2, behind the header and the version.
    let mut rest = &der[4 + 3..];
    let mut jwk = Vec::with_capacity(8 * der.len());
    jwk.extend_from_slice(b"{\"kty\":\"RSA\"");
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let (start, length) = match rest[1] {
            0x81 => (3, rest[2].into()),
            0x82 => (4, u16::from_be_bytes([rest[2], rest[3]]).into()),
            short => (2, usize::from(short)),
        };
        let number = &rest[start..start + length];
        let number = Base64UrlUnpadded::encode_string(number.strip_prefix(&[0]).unwrap_or(number));
        for part in [",\"", name, "\":\"", &number, "\""] {
            jwk.extend_from_slice(part.as_bytes());
        }
        rest = &rest[start + length..];
    }
    jwk.push(b'}');
    drop(der);
    loads(jwk, Identity::<B>::from_pem_or_der);
}

pub(crate) fn with_its_certificate<B: Tested>() {
    let file = [test_file(KEY_FILE), test_file("agent-a2048.pem")].concat();
    loads(file, Identity::<B>::from_pem);
}

pub(crate) fn refused<B: Tested>() {
    let secrets = secrets();
    // A number changed, the end missing, a line of the text broken.
    let mut inconsistent = pkcs8_der();
    let middle = inconsistent.len() / 2;
    inconsistent[middle] ^= 1;
    let (result, watched) = watch(|| Identity::<B>::from_pkcs8_der(&inconsistent).map(|_| ()));
    assert_eq!(result, Err(IdentityError::Refused));
    assert_left(&watched, B::left_by_refusal(), &secrets);
    drop(inconsistent);

    let der = pkcs8_der();
    let (result, watched) =
        watch(|| Identity::<B>::from_pkcs8_der(&der[..der.len() - 1]).map(|_| ()));
    assert_eq!(result, Err(IdentityError::Malformed));
    assert_left(&watched, [].into(), &secrets);
    drop(der);

    let mut pem = test_file(KEY_FILE);
    let end = pem.len() - 60;
    pem[end] = b'!';
    let (result, watched) = watch(|| Identity::<B>::from_pem(&pem).map(|_| ()));
    assert_eq!(result, Err(IdentityError::Malformed));
    assert_left(&watched, [].into(), &secrets);
    drop(pem);
    assert_gone(&secrets);
}

pub(crate) fn moved_and_dropped<B: Tested>() {
    let secrets = secrets();
    let load = || Identity::<B>::from_pem(&test_file(KEY_FILE)).unwrap();
    let mut identities = vec![load()];
    let ((), watched) = watch(|| identities.reserve_exact(100));
    assert_left(&watched, [].into(), &secrets);
    let ((), watched) = watch(|| drop(identities));
    assert_left(&watched, B::left_by_drop(), &secrets);

    let mut ring = Keyring::new(load());
    let other = Identity::<B>::from_pem(&test_file("agent-b2048.key.pem")).unwrap();
    let ((), watched) = watch(|| {
        ring.rotate(other).unwrap();
        drop(ring);
    });
    assert_left(&watched, B::left_by_drop(), &secrets);
    assert_gone(&secrets);
}

const KEY_FILE: &str = "agent-a2048.key.pem";
/// Where PKCS#1 begins in the PKCS#8 of a key of 2,048 bits.
const PKCS1: usize = 26;
