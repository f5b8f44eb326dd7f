//! What only a sealer can get wrong: padding under a good commitment and a good tag, sealed here by docs/FORMAT.md, sections 5 to 8.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest::{self, SHA256},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    hmac::{self, HMAC_SHA256},
};
use sealpost_envelope::{AwsLc, AwsLcRng, Envelope, RustCrypto, backend::Backend, key::KeyAnswer};

use super::{Message, context, seal};
use crate::keys::PUBLIC;

pub(super) fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let padded = padded(input)?;
    let (sealed, seed) = &*SEALED;
    let header = Envelope::parse(sealed)
        .expect("it was sealed")
        .header_bytes();
    let bytes = [header, &frame(header, &seed[1..], &padded)].concat();
    let expected = message(&padded);
    assert_eq!(opened::<AwsLc>(&bytes, seed).as_deref(), expected);
    assert_eq!(opened::<RustCrypto>(&bytes, seed).as_deref(), expected);
    Ok(())
}

/// A block of some padded length. Its message has a length that is likely to fit, and what follows it is zero but for a few bytes.
fn padded(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut padded = vec![0; padme(input.int_in_range(256..=1200)?)];
    let room = padded.len() - 4;
    let length = match input.int_in_range(0..=3)? {
        0 => input.arbitrary()?,
        _ => u32::try_from(room - input.int_in_range(0..=40)?).expect("it is short"),
    };
    padded[..4].copy_from_slice(&length.to_be_bytes());
    for _ in 0..input.int_in_range(0..=2)? {
        let at = input.choose_index(padded.len())?;
        padded[at] = input.arbitrary()?;
    }
    Ok(padded)
}

/// Rules D1 and D2.
fn message(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    let (message, zeros) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let length = padme((4 + message.len()).max(256));
    (length == padded.len() && zeros.iter().all(|byte| *byte == 0)).then_some(message)
}

fn padme(x: usize) -> usize {
    let e = x.ilog2();
    let s = e.ilog2() + 1;
    let z = (1 << (e - s)) - 1;
    (x + z) & !z
}

/// The only frame behind `header`.
fn frame(header: &[u8], seed: &[u8], padded: &[u8]) -> Vec<u8> {
    let salt = [&b"sealpost/v1/header"[..], header].concat();
    let salt = digest::digest(&SHA256, &salt);
    let prk = Salt::new(HKDF_SHA256, salt.as_ref()).extract(seed);
    let expand = |info: &[u8], bytes| {
        let mut out = vec![0; bytes];
        let info = [info];
        let okm = prk.expand(&info, Bytes(bytes));
        okm.and_then(|okm| okm.fill(&mut out)).expect("it is short");
        out
    };
    let key = UnboundKey::new(&AES_256_GCM, &expand(b"\x03key", 32)).expect("it has 32 bytes");
    // The first message's.
    let nonce = Nonce::try_assume_unique_for_key(&expand(b"\x05nonce", 12)).expect("it has 12");
    let commit_key = hmac::Key::new(HMAC_SHA256, &expand(b"\x06commit", 32));

    let text = |text: &[u8]| -> Vec<u8> { [&(text.len() as u64).to_be_bytes()[..], text].concat() };
    let context = [
        &b"sealpost/v1/context"[..],
        &text(b"agent")[..],
        &[0],
        &text(NAME.as_bytes()),
        &[0, 0],
    ];
    let place = [0, 0, 0, 0, 0, 0, 0, 0, 1];
    let commitment = hmac::sign(&commit_key, &[&place[..], &context.concat()].concat());
    let mut sealed = padded.to_vec();
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, Aad::from(commitment.as_ref()), &mut sealed)
        .expect("it is short");
    let length = u32::try_from(sealed.len()).expect("it is short");
    let head = [0, 0, 0, 0, 1];
    [
        &head[..],
        commitment.as_ref(),
        &length.to_be_bytes(),
        &sealed,
    ]
    .concat()
}

fn opened<B: Backend>(bytes: &[u8], seed: &[u8]) -> Option<Vec<u8>> {
    let envelope = Envelope::parse(bytes).expect("it is well formed");
    let pending = envelope.pending(&PUBLIC).expect("it is for this key");
    let opener = pending.finish::<B, _>(KeyAnswer::Seed(seed), &mut AwsLcRng);
    let opener = opener.expect("the generator works");
    let frame = envelope.single().expect("it is one message");
    let opened = opener.open(&frame, &context(NAME)).ok();
    opened.map(|message| message.to_vec())
}

/// An envelope whose header is taken, and what the key would answer.
static SEALED: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    seal(&[Message {
        name: NAME.into(),
        value: Vec::new(),
    }])
});

const NAME: &str = "padding";

struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sealed here is sealed by the product's own rules: it opens.
    #[test]
    fn good_padding_opens() {
        let mut padded = vec![0; 272];
        padded[..4].copy_from_slice(&260_u32.to_be_bytes());
        assert_eq!(message(&padded), Some(&[0; 260][..]));
        let (sealed, seed) = &*SEALED;
        let header = Envelope::parse(sealed).unwrap().header_bytes();
        let bytes = [header, &frame(header, &seed[1..], &padded)].concat();
        assert_eq!(opened::<AwsLc>(&bytes, seed), Some(vec![0; 260]));
    }
}
