//! Sealing.

use sealpost_envelope::{
    Sealer,
    native::{seal_into, sealed_len},
    seal,
};

use super::{
    canaries::Canaries,
    heap,
    secrets::{AEAD_KEY, COMMIT_STATE, MESSAGE, PLAINTEXT, SEED, Scripted},
    tested::{
        CONTEXT, ENCAPSULATION, HEADER, Tested, assert_gone, assert_left, pkcs8_der, recipients,
    },
};
use sealpost_testkit::freed::watch;

/// What must not be left after `envelope` was sealed with the randomness of `seed`.
fn secrets<B: Tested>(envelope: &[u8], seed: u64) -> Canaries {
    let mut secrets = Canaries::new();
    secrets.add(PLAINTEXT, MESSAGE);
    secrets.add_schedule::<B>(&envelope[HEADER], &Scripted::first_32_bytes(seed));
    secrets.add_encoding(&pkcs8_der(), &envelope[ENCAPSULATION]);
    secrets
}

pub(crate) fn one_message<B: Tested>() {
    let recipients = recipients::<B>();
    let (envelope, watched) = watch(|| seal(&recipients, &CONTEXT, MESSAGE, &mut Scripted::new(1)));
    let secrets = secrets::<B>(&envelope.unwrap(), 1);
    assert_left(&watched, B::left_by_encryption(), &secrets);
    assert_gone(&secrets);
}

pub(crate) fn into_a_buffer<B: Tested>() {
    let recipients = recipients::<B>();
    let mut envelope = vec![0; sealed_len(&recipients, MESSAGE.len()).unwrap()];
    let (result, watched) = watch(|| {
        seal_into(
            &recipients,
            &CONTEXT,
            MESSAGE,
            &mut Scripted::new(2),
            &mut envelope,
        )
    });
    result.unwrap();
    let secrets = secrets::<B>(&envelope, 2);
    assert_left(&watched, B::left_by_encryption(), &secrets);
    assert_gone(&secrets);
}

pub(crate) fn a_batch_in_a_growing_vector<B: Tested>() {
    let recipients = recipients::<B>();
    let (envelope, watched) = watch(|| {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(&recipients, &mut Scripted::new(3), &mut out).unwrap();
        for _ in 0..20 {
            sealer.seal(&CONTEXT, MESSAGE, &mut out).unwrap();
        }
        sealer.seal_last(&CONTEXT, MESSAGE, &mut out).unwrap();
        out
    });
    let secrets = secrets::<B>(&envelope, 3);
    assert_left(&watched, B::left_by_encryption(), &secrets);
    assert_gone(&secrets);
}

pub(crate) fn a_sealer_on_the_heap<B: Tested>() {
    let recipients = recipients::<B>();
    let mut header = Vec::new();
    let sealer = Box::new(Sealer::new(&recipients, &mut Scripted::new(4), &mut header).unwrap());
    let secrets = secrets::<B>(&header, 4);
    let alive = heap::look(&secrets);
    assert!(
        alive.has(AEAD_KEY) && alive.has(COMMIT_STATE),
        "where is it? {alive}"
    );
    let ((), watched) = watch(|| drop(sealer));
    assert_left(&watched, [].into(), &secrets);
    assert_gone(&secrets);
}

pub(crate) fn randomness_that_fails<B: Tested>() {
    let recipients = recipients::<B>();
    let mut secrets = Canaries::new();
    secrets.add(PLAINTEXT, MESSAGE);
    secrets.add(SEED, &Scripted::first_32_bytes(5));
    for calls in 0..2 {
        // AWS-LC asks once, and has the rest from its own generator.
        let mut rng = Scripted::failing_after(5, calls);
        let (result, watched) = watch(|| seal(&recipients, &CONTEXT, MESSAGE, &mut rng));
        assert!(result.is_err() || calls > 0);
        assert_left(&watched, [].into(), &secrets);
        assert_gone(&secrets);
    }
}
