use alloc::{string::String, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{Certificate, Identity, Trust, UnixTime, native::Opener};

const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
const KEY: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.key.pem");
const PROJECT: ProjectId = ProjectId::from_bytes([7; 16]);

type B = crate::RustCrypto;

fn sealer() -> BodySealer<B> {
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let now = UnixTime::from_secs(2_000_000_000);
    let recipient =
        Recipient::from_certificate(&certificate, &Trust::DangerAnyCertificate, now).unwrap();
    BodySealer::new(&recipient, &mut crate::OsRng).unwrap()
}

fn contexts() -> [SecretContext<'static>; 3] {
    let bare = SecretContext::unchecked("a2048", "n");
    let full = bare
        .with_project(PROJECT)
        .with_unchecked_key("k\u{e9}")
        .with_unchecked_type("T");
    [bare, full, bare.with_unchecked_type("T")]
}

#[test]
fn each_body_opens_for_its_context_with_the_keys_of_the_first() {
    let mut sealer = sealer();
    let bodies: Vec<_> = contexts()
        .iter()
        .map(|context| sealer.seal(context, b"secret").unwrap())
        .collect();
    let identity = Identity::<B>::from_pem(KEY).unwrap();
    let first = Body::parse(&bodies[0]).unwrap();
    let pending = first.frame().pending(identity.public_key()).unwrap();
    let opener: Opener<B> = pending.decrypt(&identity, &mut crate::OsRng).unwrap();
    for (index, (bytes, context)) in bodies.iter().zip(&contexts()).enumerate() {
        let body = Body::parse(bytes).unwrap();
        assert_eq!(body.context("a2048"), *context);
        assert_eq!(body.frame().header_bytes(), first.frame().header_bytes());
        let frame = body.frame().frame();
        assert_eq!(usize::try_from(frame.index()), Ok(index));
        assert_eq!(&*opener.open(frame, context).unwrap(), b"secret");
        for other in contexts().iter().filter(|other| *other != context) {
            assert!(opener.open(frame, other).is_err());
        }
        assert!(opener.open(frame, &body.context("b2048")).is_err());
    }
}

#[test]
fn the_bytes_are_as_specified() {
    let [bare, full, _] = contexts();
    let (mut one, mut other) = (sealer(), sealer());
    let bodies = [
        one.seal(&bare, b"").unwrap(),
        other.seal(&full, b"").unwrap(),
    ];
    assert_eq!(&bodies[0][..8], b"\0\x06\0\0\x01n\0\0");
    let mut context = Vec::from(b"\0\x1e\x01".as_slice());
    context.extend_from_slice(&[7; 16]);
    context.extend_from_slice("\0\u{1}n\u{1}\0\u{3}k\u{e9}\u{1}\0\u{1}T".as_bytes());
    assert_eq!(bodies[1][..context.len()], context);
    for body in &bodies {
        let message = Body::parse(body).unwrap().message();
        assert!(message.starts_with(b"sealpost\x01\x01\x01"));
        // Header 45 + 256, frame 41 + 256 + 16.
        assert_eq!(message.len(), 614);
    }
}

/// No other bytes are a context: what is read and written again is the same.
#[test]
fn what_is_no_body_is_refused() {
    let [bare, ..] = contexts();
    let good = sealer().seal(&bare, b"x").unwrap();
    let message = &good[8..];
    let with = |context: &[u8]| {
        let length = u16::try_from(context.len()).unwrap();
        let body = [&length.to_be_bytes(), context, message].concat();
        Body::parse(&body).map(|_| ())
    };
    assert_eq!(with(b"\0\0\x01n\0\0"), Ok(()));
    for bad in [
        &b""[..],
        b"\0",
        b"\0\0\0\0\0",
        b"\0\0\x01n\0",
        b"\0\0\x01n\0\0\0",
        b"\x02\0\x01n\0\0",
        b"\x01\0\x01n\0\0",
        b"\0\0\x01n\x02\0",
        b"\0\0\x01n\x01\0\0\0",
        b"\0\0\x01n\0\x01\0\x02T",
        b"\0\0\x01\xff\0\0",
        b"\0\xff\xffn\0\0",
    ] {
        assert_eq!(with(bad), Err(BodyError::Context), "{bad:?}");
    }
    for cut in 0..good.len() {
        assert!(Body::parse(&good[..cut]).is_err(), "{cut}");
    }
    let more = [&good[..], b"\0"].concat();
    let error = Body::parse(&more).unwrap_err();
    assert!(matches!(
        error,
        BodyError::Message(ParseError::TrailingBytes { .. })
    ));
}

#[test]
fn a_context_that_no_body_can_have_is_not_sealed() {
    let mut sealer = sealer();
    let long = String::from_utf8(vec![b'n'; 65_536]).unwrap();
    let bare = SecretContext::unchecked("a", "n");
    for context in [
        SecretContext::unchecked("a", ""),
        SecretContext::unchecked("a", &long),
        SecretContext::unchecked("a", &long[1..]),
        bare.with_unchecked_key(""),
    ] {
        let sealed = sealer.seal(&context, b"x");
        assert_eq!(sealed, Err(SealError::Context));
    }
    // None of them has used up a place.
    let body = sealer.seal(&bare, b"x").unwrap();
    assert_eq!(Body::parse(&body).unwrap().frame().frame().index(), 0);
}

/// Header and frame as they are parsed; nothing is opened.
fn message() -> Vec<u8> {
    let [bare, ..] = contexts();
    sealer().seal(&bare, b"x").unwrap()[8..].to_vec()
}

proptest! {
    /// Whatever is read has no second spelling.
    #[test]
    fn what_parses_is_written_the_same(
        project in any::<Option<[u8; 16]>>(), name in ".{0,9}",
        key in proptest::option::of(".{0,9}"), secret_type in proptest::option::of(".{0,9}"),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        static MESSAGE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(message);
        let mut context = SecretContext::unchecked("a", &name);
        if let Some(project) = project { context = context.with_project(ProjectId::from_bytes(project)); }
        if let Some(key) = &key { context = context.with_unchecked_key(key); }
        if let Some(secret_type) = &secret_type { context = context.with_unchecked_type(secret_type); }
        let mut written = Vec::new();
        let encoded = put(&context, &mut written);
        let empty = [Some(&name), key.as_ref(), secret_type.as_ref()].iter().flatten().any(|text| text.is_empty());
        prop_assert_eq!(encoded.is_none(), empty);
        if empty { return Ok(()); }
        for (place, byte) in &changes {
            let place = place.index(written.len());
            written[place] = *byte;
        }
        let length = u16::try_from(written.len()).unwrap().to_be_bytes();
        let bytes = [&length, &written[..], &MESSAGE].concat();
        let parsed = Body::parse(&bytes);
        if changes.is_empty() {
            prop_assert_eq!(parsed.as_ref().map(|body| body.context("a")), Ok(context));
        }
        if let Ok(body) = parsed {
            let mut again = Vec::new();
            put(&body.context("a"), &mut again).unwrap();
            prop_assert_eq!(again, written);
        }
    }
}
