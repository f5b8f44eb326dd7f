//! That what looks for secrets finds them where they are.

use zeroize::Zeroizing;

use super::{
    canaries::{Canaries, Found},
    heap,
    secrets::{MESSAGE, PLAINTEXT},
    tested::assert_gone,
};
use sealpost_testkit::freed::{watch, with_residue_of_c};

fn message() -> Canaries {
    let mut secrets = Canaries::new();
    secrets.add(PLAINTEXT, MESSAGE);
    secrets
}

fn once() -> Found {
    [(PLAINTEXT, 1)].into()
}

pub(crate) fn a_copy_freed_as_it_was_is_found() {
    let ((), watched) = watch(|| drop(MESSAGE.to_vec()));
    assert_eq!(message().find_all(watched.freed()), once());
}

pub(crate) fn a_part_of_16_bytes_is_found() {
    let ((), watched) = watch(|| drop([b"before", &MESSAGE[30..46], b"after"].concat()));
    assert_eq!(message().find_all(watched.freed()), once());
    let ((), watched) = watch(|| drop(MESSAGE[30..45].to_vec()));
    assert_eq!(message().find_all(watched.freed()), Found::default());
}

pub(crate) fn what_a_growing_vector_leaves_is_found() {
    let ((), watched) = watch(|| {
        let mut growing = MESSAGE.to_vec();
        growing.reserve(10 * MESSAGE.len());
        drop(Zeroizing::new(growing));
    });
    assert_eq!(message().find_all(watched.freed()), once());
}

pub(crate) fn what_a_shrinking_vector_leaves_is_found() {
    let ((), watched) = watch(|| {
        let mut shrinking = MESSAGE.to_vec();
        shrinking.truncate(1);
        shrinking.shrink_to_fit();
        drop(shrinking);
    });
    assert_eq!(message().find_all(watched.freed()), once());
}

pub(crate) fn a_wiped_copy_is_not_found() {
    let ((), watched) = watch(|| drop(Zeroizing::new(MESSAGE.to_vec())));
    assert_eq!(message().find_all(watched.freed()), Found::default());
}

pub(crate) fn a_live_copy_is_found_in_the_heap() {
    let secrets = message();
    for size in [1, 1000, 1_000_000] {
        let mut block = vec![0; size];
        block.extend_from_slice(MESSAGE);
        assert_eq!(heap::look(&secrets), once(), "behind {size} bytes");
    }
    assert_gone(&secrets);
}

pub(crate) fn what_c_leaves_is_found_in_the_heap() {
    let secrets = message();
    let found = with_residue_of_c(MESSAGE, || heap::look(&secrets));
    assert_eq!(found, once());
    assert_gone(&secrets);
}
