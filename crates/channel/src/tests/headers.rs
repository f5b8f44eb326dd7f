//! Kind 4: values that callers sealed in batches, and what they may use of the private key.

use std::sync::Arc;

use sealpost_context::{AgentId, SecretContext};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Error, OpenError, Sealer, UnixTime,
    error::ParseError,
    key::{Identity, KeyId},
    native::{OneFrame, Opener},
};
use sealpost_testkit::keys;

use super::support::*;
use crate::{
    CallerTag, Kid,
    agent::{Admission, Callers, HeaderKey, HeaderLookup, Headers},
};

/// What is kept, and the private key.
struct Source {
    headers: Headers,
    identity: Identity<AwsLc>,
    kid: Kid,
    rsa_operations: usize,
}

fn agent() -> AgentId {
    agent_id()
}

fn context<'a>(agent: &'a AgentId, name: &'a str) -> SecretContext<'a> {
    SecretContext::unchecked(agent.as_str(), name)
}

impl Source {
    fn new() -> Self {
        Self {
            headers: Headers::default(),
            identity: keys::identity("a2048"),
            kid: signing_key(1).kid(),
            rsa_operations: 0,
        }
    }

    fn opener(&mut self, one: &OneFrame<'_>, tag: CallerTag, now: UnixTime) -> Arc<Opener<AwsLc>> {
        let pending = one.pending(self.identity.public_key()).unwrap();
        let key = HeaderKey::new(self.kid, tag, one);
        match self.headers.look_up(key, one.key_id(), now) {
            HeaderLookup::Known(opener) => opener,
            HeaderLookup::Wait(_) => panic!("it is in flight"),
            HeaderLookup::Flight(flight) => {
                self.rsa_operations += 1;
                let opener = pending.decrypt(&self.identity, &mut AwsLcRng).unwrap();
                self.headers.settle(flight, Some(opener), now).unwrap()
            }
        }
    }

    fn open(
        &mut self,
        bytes: &[u8],
        name: &str,
        tag: CallerTag,
        now: u64,
    ) -> Result<Vec<u8>, OpenError> {
        let one = OneFrame::parse(bytes).unwrap();
        let opener = self.opener(&one, tag, at(now));
        let opened = opener.open(one.frame(), &context(&agent(), name))?;
        Ok(opened.to_vec())
    }

    fn key_id(&self) -> KeyId {
        self.identity.public_key().key_id()
    }
}

/// Each message of a batch with the header: `n0` to `n<count - 1>`.
fn batch(count: usize) -> Vec<Vec<u8>> {
    let recipients = [keys::recipient::<AwsLc>("a2048")];
    let mut header = Vec::new();
    let mut sealer = Sealer::new(&recipients, &mut AwsLcRng, &mut header).unwrap();
    let agent = agent();
    let mut messages = Vec::new();
    for i in 0..count - 1 {
        let (mut message, name) = (header.clone(), format!("n{i}"));
        let context = context(&agent, &name);
        let sealed = sealer.seal(&context, name.as_bytes(), &mut message);
        sealed.unwrap();
        messages.push(message);
    }
    let (mut message, name) = (header.clone(), format!("n{}", count - 1));
    let context = context(&agent, &name);
    let sealed = sealer.seal_last(&context, name.as_bytes(), &mut message);
    sealed.unwrap();
    messages.push(message);
    messages
}

#[test]
fn native_index_7_last_0() {
    let (mut source, batch) = (Source::new(), batch(9));
    let one = OneFrame::parse(&batch[7]).unwrap();
    assert_eq!((one.frame().index(), one.frame().is_last()), (7, false));
    assert_eq!(
        source.open(&batch[7], "n7", caller("ci"), 0).unwrap(),
        b"n7"
    );
    assert_eq!(
        source.open(&batch[8], "n8", caller("ci"), 0).unwrap(),
        b"n8"
    );
    assert_eq!(source.rsa_operations, 1);
}

#[test]
fn native_two_stanzas() {
    let recipients = ["a2048", "b2048"].map(keys::recipient::<AwsLc>);
    let agent = agent();
    let sealed = sealpost_envelope::seal(&recipients, &context(&agent, "n0"), b"x", &mut AwsLcRng);
    let refused = OneFrame::parse(&sealed.unwrap()).unwrap_err();
    assert_eq!(refused, ParseError::NotOneRecipient { found: 2 });
}

#[test]
fn native_stanza_2() {
    let mut message = batch(1).remove(0);
    message[10] = 2;
    let one = OneFrame::parse(&message).unwrap();
    let (source, key_id) = (Source::new(), one.key_id());
    let refused = one.pending(source.identity.public_key()).unwrap_err();
    assert_eq!(refused, Error::StanzaType { key_id, found: 2 });
}

#[test]
fn native_more_or_less_than_one_frame() {
    let batch = batch(2);
    let header = 45 + 256;
    let two = [&batch[0][..], &batch[1][header..]].concat();
    assert!(
        matches!(OneFrame::parse(&two), Err(ParseError::TrailingBytes { position }) if position == batch[0].len())
    );
    assert_eq!(
        OneFrame::parse(&batch[0][..header]).unwrap_err(),
        ParseError::NoMessage
    );
    for cut in header + 1..batch[0].len() {
        assert!(OneFrame::parse(&batch[0][..cut]).is_err(), "{cut}");
    }
    let mut flag = batch[0].clone();
    flag[header + 4] = 2;
    assert_eq!(
        OneFrame::parse(&flag).unwrap_err(),
        ParseError::FrameFlag {
            position: header + 4
        }
    );
}

#[test]
fn native_bad_frame_then_good() {
    let (mut source, message) = (Source::new(), batch(2).remove(0));
    let bad = flip(&message, message.len() - 1);
    assert_eq!(source.open(&bad, "n0", caller("ci"), 0), Err(OpenError));
    assert_eq!(source.open(&message, "n0", caller("ci"), 0).unwrap(), b"n0");
    assert_eq!(source.rsa_operations, 1);
}

#[test]
fn native_bad_header_twice_1_rsa() {
    let mut source = Source::new();
    let frame = batch(1).remove(0).split_off(45 + 256);
    for header in [
        header(1, 2, &[7; 32], "a2048"),
        header(1, 0, &[7; 32], "a2048"),
    ] {
        let before = source.rsa_operations;
        let message = [header, frame.clone()].concat();
        for _ in 0..3 {
            assert_eq!(source.open(&message, "n0", caller("ci"), 0), Err(OpenError));
        }
        assert_eq!(source.rsa_operations, before + 1);
    }
}

#[test]
fn native_header_of_other_caller_misses() {
    let (mut source, message) = (Source::new(), batch(1).remove(0));
    for (operations, subject) in [(1, "ci"), (2, "other"), (2, "ci"), (2, "other")] {
        source.open(&message, "n0", caller(subject), 0).unwrap();
        assert_eq!(source.rsa_operations, operations, "{subject}");
    }
    source.kid = signing_key(2).kid();
    source.open(&message, "n0", caller("ci"), 0).unwrap();
    assert_eq!(source.rsa_operations, 3);
}

#[test]
fn native_17th_header_evicts_own() {
    let mut source = Source::new();
    let other = batch(1).remove(0);
    source.open(&other, "n0", caller("other"), 0).unwrap();
    let batches: Vec<_> = (0..17).map(|_| batch(1).remove(0)).collect();
    for message in &batches {
        source.open(message, "n0", caller("ci"), 0).unwrap();
    }
    assert_eq!((source.rsa_operations, source.headers.len()), (18, 17));
    source.open(&other, "n0", caller("other"), 0).unwrap();
    source.open(&batches[16], "n0", caller("ci"), 0).unwrap();
    source.open(&batches[1], "n0", caller("ci"), 0).unwrap();
    assert_eq!(source.rsa_operations, 18);
    source.open(&batches[0], "n0", caller("ci"), 0).unwrap();
    assert_eq!(
        source.rsa_operations, 19,
        "the oldest of the caller's own went"
    );
}

#[test]
fn native_identity_removed() {
    let (mut source, message) = (Source::new(), batch(1).remove(0));
    source.open(&message, "n0", caller("ci"), 0).unwrap();
    let (kid, key_id) = (source.kid, source.key_id());
    source
        .headers
        .wipe(at(0), |of, key| *of == kid && key == key_id);
    assert_eq!(source.headers.len(), 1);
    source.headers.wipe(at(0), |_, key| key != key_id);
    assert_eq!(source.headers.len(), 0);
    source.open(&message, "n0", caller("ci"), 0).unwrap();
    source.headers.wipe(at(0), |of, _| *of != kid);
    assert_eq!(
        source.headers.len(),
        0,
        "nor when the gateway is not trusted any more"
    );
    source.open(&message, "n0", caller("ci"), 0).unwrap();
    source.headers.wipe_all();
    assert!(
        source.headers.is_empty(),
        "nor when the kind is not accepted any more"
    );
}

/// What is wiped in flight is not remembered when it lands.
#[test]
fn native_identity_removed_in_flight() {
    let (mut source, message) = (Source::new(), batch(1).remove(0));
    let one = OneFrame::parse(&message).unwrap();
    let key = HeaderKey::new(source.kid, caller("ci"), &one);
    let HeaderLookup::Flight(flight) = source.headers.look_up(key, one.key_id(), at(0)) else {
        panic!("it is new");
    };
    source.headers.wipe(at(0), |_, _| false);
    let pending = one.pending(source.identity.public_key()).unwrap();
    let opener = pending.decrypt(&source.identity, &mut AwsLcRng).unwrap();
    assert!(source.headers.settle(flight, Some(opener), at(0)).is_some());
    assert!(source.headers.is_empty());
}

#[test]
fn native_wiped_when_idle() {
    let (mut source, message) = (Source::new(), batch(1).remove(0));
    source.open(&message, "n0", caller("ci"), 0).unwrap();
    // A hit prolongs nothing.
    source.open(&message, "n0", caller("ci"), 59).unwrap();
    assert_eq!(source.rsa_operations, 1);
    source.headers.wipe(at(59), |_, _| true);
    assert_eq!(source.headers.len(), 1);
    source.headers.wipe(at(60), |_, _| true);
    assert_eq!(source.headers.len(), 0);
    source.open(&message, "n0", caller("ci"), 60).unwrap();
    assert_eq!(source.rsa_operations, 2);
    // Also without the timer.
    source.open(&message, "n0", caller("ci"), 120).unwrap();
    assert_eq!(source.rsa_operations, 3);
}

#[test]
fn native_1000_at_once_1_rsa() {
    let (mut source, batch) = (Source::new(), batch(1000));
    let mut flights = Vec::new();
    let mut waits = 0;
    for message in &batch {
        let one = OneFrame::parse(message).unwrap();
        let key = HeaderKey::new(source.kid, caller("ci"), &one);
        match source.headers.look_up(key, one.key_id(), at(0)) {
            HeaderLookup::Flight(flight) => flights.push((flight, one)),
            HeaderLookup::Wait(_) => waits += 1,
            HeaderLookup::Known(_) => panic!("nothing was decrypted"),
        }
    }
    assert_eq!((flights.len(), waits), (1, 999));
    let (flight, one) = flights.remove(0);
    let pending = one.pending(source.identity.public_key()).unwrap();
    let opener = pending.decrypt(&source.identity, &mut AwsLcRng).unwrap();
    source.headers.settle(flight, Some(opener), at(0)).unwrap();
    for (i, message) in batch.iter().enumerate() {
        let name = format!("n{i}");
        let opened = source.open(message, &name, caller("ci"), 0).unwrap();
        assert_eq!(opened, name.as_bytes());
    }
    assert_eq!(source.rsa_operations, 0, "beyond the one flight");
}

/// A key that is not available is asked again by the next message.
#[test]
fn native_key_unavailable_is_not_remembered() {
    let (mut source, message) = (Source::new(), batch(1).remove(0));
    let one = OneFrame::parse(&message).unwrap();
    let key = HeaderKey::new(source.kid, caller("ci"), &one);
    let HeaderLookup::Flight(flight) = source.headers.look_up(key, one.key_id(), at(0)) else {
        panic!("it is new");
    };
    assert!(source.headers.settle(flight, None, at(0)).is_none());
    assert_eq!(source.open(&message, "n0", caller("ci"), 0).unwrap(), b"n0");
}

#[test]
fn native_beyond_the_limits_is_opened_and_not_remembered() {
    let mut source = Source::new();
    for n in 0..64_u8 {
        for _ in 0..16 {
            let message = batch(1).remove(0);
            source
                .open(&message, "n0", CallerTag::from_bytes([n; 16]), 0)
                .unwrap();
        }
    }
    assert_eq!(source.headers.len(), 1024);
    let further = batch(1).remove(0);
    let tag = CallerTag::from_bytes([200; 16]);
    for operations in [1025, 1026] {
        source.open(&further, "n0", tag, 0).unwrap();
        assert_eq!(
            (source.rsa_operations, source.headers.len()),
            (operations, 1024)
        );
    }
    // Another gateway has its own.
    source.kid = signing_key(2).kid();
    source.open(&further, "n0", tag, 0).unwrap();
    assert_eq!(source.headers.len(), 1025);
}

/// The commitment refuses every context but the one it was sealed for.
#[test]
fn native_wrapper_other_context() {
    let (mut source, message) = (Source::new(), batch(1).remove(0));
    assert_eq!(source.open(&message, "n1", caller("ci"), 0), Err(OpenError));
    assert_eq!(source.open(&message, "n0", caller("ci"), 0).unwrap(), b"n0");
}

#[test]
fn invented_tags() {
    let (mut callers, kid) = (Callers::new(8), signing_key(1).kid());
    let tag = |n: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        CallerTag::from_bytes(bytes)
    };
    for n in 0..4096 {
        assert!(!callers.failed(kid, tag(n), at(0)));
    }
    // Further ones share one place: 32 failures of 32 of them block them all.
    for n in 0..31 {
        assert!(!callers.failed(kid, tag(10_000 + n), at(0)));
    }
    assert!(callers.failed(kid, tag(20_000), at(0)));
    assert!(callers.is_blocked(&kid, tag(30_000), at(1)));
    assert!(
        !callers.is_blocked(&kid, tag(7), at(1)),
        "one that is counted apart"
    );
    assert!(!callers.is_blocked(&signing_key(2).kid(), tag(30_000), at(1)));
    callers.forget(at(61));
    assert!(!callers.is_blocked(&kid, tag(30_000), at(61)));
}

#[test]
fn the_33rd_failure_no_rsa() {
    let (mut callers, kid) = (Callers::new(8), signing_key(1).kid());
    for second in 0..31 {
        assert!(!callers.failed(kid, caller("ci"), at(second)));
    }
    assert!(matches!(
        callers.acquire(kid, caller("ci"), at(31)),
        Admission::Granted(_)
    ));
    assert!(callers.failed(kid, caller("ci"), at(31)), "the alarm");
    assert!(matches!(
        callers.acquire(kid, caller("ci"), at(32)),
        Admission::Blocked
    ));
    assert!(matches!(
        callers.acquire(kid, caller("ci"), at(90)),
        Admission::Blocked
    ));
    assert!(matches!(
        callers.acquire(kid, caller("other"), at(32)),
        Admission::Granted(_)
    ));
    assert!(matches!(
        callers.acquire(kid, caller("ci"), at(91)),
        Admission::Granted(_)
    ));
    // Spread over more than a minute they are no attack.
    for n in 0..100 {
        assert!(!callers.failed(kid, caller("slow"), at(100 + 2 * n)));
    }
}

#[test]
fn half_of_the_permits_for_one_caller() {
    let (mut callers, kid) = (Callers::new(4), signing_key(1).kid());
    let acquire =
        |callers: &mut Callers, subject: &str| match callers.acquire(kid, caller(subject), at(0)) {
            Admission::Granted(permit) => Some(permit),
            Admission::Later | Admission::Blocked => None,
        };
    let first = acquire(&mut callers, "a").unwrap();
    let _second = acquire(&mut callers, "a").unwrap();
    assert!(acquire(&mut callers, "a").is_none());
    let _third = acquire(&mut callers, "b").unwrap();
    let _fourth = acquire(&mut callers, "c").unwrap();
    assert!(acquire(&mut callers, "d").is_none(), "none is left");
    callers.release(first);
    assert!(acquire(&mut callers, "d").is_some());
}
