//! Headers, frames, ciphertexts and padding that are wrong under the right keys.

use super::{CONTEXT, Keys, MESSAGE, Parts, failure};
use crate::{
    builder::{self, pad, write_frame},
    vector::Vector,
};

pub(crate) fn cases(keys: &Keys) -> Vec<Vector> {
    [recipients(keys), frames(keys), padding(keys), batches(keys)]
        .into_iter()
        .flatten()
        .collect()
}

/// The header changed after sealing.
fn recipients(keys: &Keys) -> Vec<Vector> {
    let changed = |name: &str, comment: &str, change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::new(name, &[&keys.a2048, &keys.b2048]);
        let frame = parts.schedule().frame(0, 1, &CONTEXT, MESSAGE);
        change(&mut parts);
        failure(
            name,
            "open failure",
            "B1",
            comment,
            [parts.header(), frame].concat(),
        )
    };
    vec![
        changed("recipient_added", "a recipient was added", &|parts| {
            let stanza = builder::stranger(1, 256, &mut parts.rng);
            parts.stanzas.push(stanza);
        }),
        changed(
            "recipient_removed",
            "the other recipient was removed",
            &|parts| {
                parts.stanzas.pop();
            },
        ),
        changed(
            "recipients_reordered",
            "the recipients changed places",
            &|parts| {
                parts.stanzas.swap(0, 1);
            },
        ),
        changed(
            "recipient_type_changed",
            "the other recipient's type was changed",
            &|parts| {
                parts.stanzas[1].stanza_type = 7;
            },
        ),
        changed(
            "recipient_body_changed",
            "a bit in the other recipient's body",
            &|parts| {
                parts.stanzas[1].body[100] ^= 1;
            },
        ),
    ]
}

fn frames(keys: &Keys) -> Vec<Vector> {
    let parts = Parts::new("frames", &[&keys.a2048]);
    let (header, schedule) = (parts.header(), parts.schedule());
    let good = schedule.frame(0, 1, &CONTEXT, MESSAGE);
    let com = schedule.commitment(0, 1, &CONTEXT);
    let with = |name: &str, comment: &str, frame: Vec<u8>| {
        failure(
            &format!("frame_{name}"),
            "open failure",
            "M1",
            comment,
            [header.clone(), frame].concat(),
        )
    };
    let flipped = |position: usize| {
        let mut frame = good.clone();
        frame[position] ^= 0x80;
        frame
    };
    let sealed = |com: &[u8; 32], nonce: &[u8; 12], aad: &[u8]| {
        write_frame(0, 1, com, &schedule.seal(nonce, aad, &pad(MESSAGE)))
    };
    let nonce = schedule.nonce(0);
    let not_last = schedule.commitment(0, 0, &CONTEXT);
    let second = schedule.commitment(1, 1, &CONTEXT);
    let other = Parts::new("frames of another envelope", &[&keys.a2048]).schedule();
    vec![
        with("com_bit", "a bit of the commitment", flipped(5)),
        with(
            "com_last_bit",
            "a bit in the commitment's last byte",
            flipped(36),
        ),
        with("ciphertext_bit", "a bit of the ciphertext", flipped(41)),
        with(
            "padding_bit",
            "a bit of the ciphertext of the padding",
            flipped(290),
        ),
        with("tag_bit", "a bit of the tag", flipped(good.len() - 1)),
        with(
            "com_not_last",
            "committed to as not the last",
            sealed(&not_last, &nonce, &not_last),
        ),
        with(
            "com_index",
            "committed to as the second message",
            sealed(&second, &nonce, &second),
        ),
        with(
            "com_zero",
            "no commitment",
            sealed(&[0; 32], &nonce, &[0; 32]),
        ),
        with(
            "aad_empty",
            "sealed without the commitment as associated data",
            sealed(&com, &nonce, b""),
        ),
        with(
            "nonce_zero",
            "sealed under a nonce of zeros",
            sealed(&com, &[0; 12], &com),
        ),
        with(
            "nonce_next",
            "sealed under the second message's nonce",
            sealed(&com, &schedule.nonce(1), &com),
        ),
        with(
            "foreign",
            "a frame of another envelope for us",
            other.frame(0, 1, &CONTEXT, MESSAGE),
        ),
    ]
}

fn padding(keys: &Keys) -> Vec<Vector> {
    let parts = Parts::new("padding", &[&keys.a2048]);
    let (header, schedule) = (parts.header(), parts.schedule());
    let with = |name: &str, rules, comment: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut padded = pad(MESSAGE);
        change(&mut padded);
        failure(
            &format!("padding_{name}"),
            "open failure",
            rules,
            comment,
            [
                header.clone(),
                schedule.frame_padded(0, 1, &CONTEXT, &padded),
            ]
            .concat(),
        )
    };
    let length = |length: u32| {
        move |padded: &mut Vec<u8>| padded[..4].copy_from_slice(&length.to_be_bytes())
    };
    vec![
        with("too_long", "D1", "padded to the next step", &|padded| {
            padded.resize(272, 0);
        }),
        with("far_too_long", "D1", "padded to 4352 bytes", &|padded| {
            padded.resize(4352, 0);
        }),
        with(
            "length_253",
            "D1",
            "a length that needs the next step",
            &length(253),
        ),
        with(
            "length_beyond",
            "D1",
            "a length beyond the end",
            &length(1000),
        ),
        with(
            "length_highest",
            "D1",
            "a length of 2^32 - 1",
            &length(u32::MAX),
        ),
        with(
            "first_byte",
            "D2",
            "the first padding byte is not zero",
            &|padded| {
                padded[4 + MESSAGE.len()] = 1;
            },
        ),
        with(
            "last_byte",
            "D2",
            "the last padding byte is not zero",
            &|padded| padded[255] = 0x80,
        ),
        with(
            "length_short",
            "D2",
            "a length that leaves a byte of the message as padding",
            &|padded| {
                padded[3] -= 1;
            },
        ),
    ]
}

fn batches(keys: &Keys) -> Vec<Vector> {
    let parts = Parts::new("batches", &[&keys.a2048]);
    let (header, schedule) = (parts.header(), parts.schedule());
    let frame = |index, last| schedule.frame(index, last, &CONTEXT, MESSAGE);
    let with = |name: &str, comment: &str, frames: Vec<Vec<u8>>| {
        let count = frames.len();
        let envelope = [header.clone(), frames.concat()].concat();
        let mut vector = failure(
            &format!("batch_{name}"),
            "open failure",
            "M1",
            comment,
            envelope,
        );
        vector.batch = count > 1;
        vector.contexts = vec![CONTEXT; count];
        vector
    };
    let renumbered = |index: u32, last: u8, mut frame: Vec<u8>| {
        frame[..4].copy_from_slice(&index.to_be_bytes());
        frame[4] = last;
        frame
    };
    vec![
        with(
            "swapped",
            "two messages changed places and were renumbered",
            vec![renumbered(0, 0, frame(1, 1)), renumbered(1, 1, frame(0, 0))],
        ),
        with(
            "cut_and_marked",
            "cut, and the message before marked as the last",
            vec![frame(0, 0), renumbered(1, 1, frame(1, 0))],
        ),
        with(
            "front_removed",
            "the first message was taken away",
            vec![renumbered(0, 1, frame(1, 1))],
        ),
        with(
            "repeated",
            "the first message stands in for the second",
            vec![frame(0, 0), renumbered(1, 1, frame(0, 0))],
        ),
    ]
}
