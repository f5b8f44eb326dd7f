//! What does not parse, or is not what was asked for.

use super::{CONTEXT, Keys, MESSAGE, Parts, failure};
use crate::{
    builder::{self, write_frame},
    vector::Vector,
};

pub(crate) fn cases(keys: &Keys) -> Vec<Vector> {
    let parts = Parts::new("structure", &[&keys.a2048]);
    let good = parts.envelope();
    let header = parts.header().len();
    let with = |position: usize, bytes: &[u8]| {
        let mut envelope = good.clone();
        envelope[position..position + bytes.len()].copy_from_slice(bytes);
        envelope
    };
    let parse = |name: &str, rules, comment: &str, envelope| {
        failure(
            &format!("parse_{name}"),
            "parse error",
            rules,
            comment,
            envelope,
        )
    };
    let mut cases = vec![
        parse("empty", "P1", "no byte at all", vec![]),
        parse("magic", "P1", "one bit of the magic", with(0, b"S")),
        parse(
            "magic_cut",
            "P1",
            "four bytes of the magic",
            good[..4].to_vec(),
        ),
        parse("version_0", "P2", "version 0", with(8, &[0])),
        parse("version_2", "P2", "version 2", with(8, &[2])),
        parse("count_0", "P3", "no recipient", with(9, &[0])),
        parse(
            "index_1",
            "P7",
            "the first message has index 1",
            with(header + 3, &[1]),
        ),
        parse(
            "index_high",
            "P7",
            "the first message has index 2^31",
            with(header, &[0x80]),
        ),
        parse("last_2", "P8", "`last` is 2", with(header + 4, &[2])),
        parse("last_ff", "P8", "`last` is 255", with(header + 4, &[255])),
        parse(
            "no_message",
            "P6",
            "a header alone",
            good[..header].to_vec(),
        ),
        parse(
            "trailing_byte",
            "P10",
            "a byte after the last message",
            [&good[..], &[0]].concat(),
        ),
        parse(
            "frame_after_last",
            "P10",
            "a message after the last one",
            [
                good.clone(),
                parts.schedule().frame(1, 1, &CONTEXT, MESSAGE),
            ]
            .concat(),
        ),
    ];
    // A frame right behind the header, so that nothing but the count is wrong.
    cases.push(parse(
        "count_0_with_message",
        "P3",
        "no recipient, and a message",
        [&b"sealpost\x01\x00"[..], &good[header..]].concat(),
    ));
    cases.push(too_many(keys));
    for (name, same_type) in [
        ("duplicate_recipient", true),
        ("duplicate_other_type", false),
    ] {
        let mut twice = Parts::new(name, &[&keys.a2048, &keys.a2048]);
        if !same_type {
            twice.stanzas[1].stanza_type = 9;
        }
        cases.push(parse(
            name,
            "P4",
            "two stanzas with one key id",
            twice.envelope(),
        ));
    }
    for (name, length) in [
        ("version", 8),
        ("count", 9),
        ("key_id", 20),
        ("stanza_length", 44),
        ("stanza_body", header - 1),
        ("index", header + 2),
        ("commitment", header + 20),
        ("frame_length", header + 40),
        ("ciphertext", good.len() - 17),
        ("tag", good.len() - 1),
    ] {
        let cut = good[..length].to_vec();
        cases.push(parse(
            &format!("cut_in_{name}"),
            "P5",
            "the bytes end inside a field",
            cut,
        ));
    }
    for (name, padded, comment) in [
        ("zero", -16, "no ciphertext and no tag"),
        ("tag_only", 0, "a tag alone"),
        ("240", 240, "less than the floor of 256"),
        ("255", 255, "one byte less than the least padded length"),
        ("257", 257, "no padded length"),
        ("511", 511, "no padded length"),
        ("beyond", 69_206_017, "more than the longest message has"),
    ] {
        let length = u32::try_from(padded + 16).unwrap();
        let mut envelope = with(header + 37, &length.to_be_bytes());
        // Where it is small, let the bytes be as many as the length says.
        envelope.resize(
            header + 41 + usize::try_from(length.min(600)).unwrap(),
            0xaa,
        );
        cases.push(parse(
            &format!("frame_length_{name}"),
            "P9",
            comment,
            envelope,
        ));
    }

    let two = Parts::new("batches", &[&keys.a2048]);
    let schedule = two.schedule();
    let frame = |index, last| schedule.frame(index, last, &CONTEXT, MESSAGE);
    let mut repeated = failure(
        "parse_index_repeated",
        "parse error",
        "P7",
        "the second message has index 0 again",
        [two.header(), frame(0, 0), frame(0, 1)].concat(),
    );
    repeated.batch = true;
    repeated.contexts.push(CONTEXT);
    let batch = [two.header(), frame(0, 0), frame(1, 1)].concat();
    let mut cut = failure(
        "cut_batch",
        "cut",
        "T1",
        "the last message is missing",
        [two.header(), frame(0, 0), frame(1, 0)].concat(),
    );
    cut.batch = true;
    cut.contexts.push(CONTEXT);
    cases.extend([
        repeated,
        cut,
        failure(
            "cut_single",
            "cut",
            "T1",
            "one message that is not the last",
            [two.header(), frame(0, 0)].concat(),
        ),
        failure(
            "not_single",
            "not single",
            "T2",
            "two messages where one is expected",
            batch,
        ),
    ]);
    cases
}

fn too_many(keys: &Keys) -> Vector {
    let name = "parse_count_17";
    let mut parts = Parts::new(name, &[&keys.a2048]);
    for _ in 0..16 {
        let stanza = builder::stranger(1, 256, &mut parts.rng);
        parts.stanzas.push(stanza);
    }
    let envelope = [parts.header(), write_frame(0, 1, &[0; 32], &[0; 272])].concat();
    failure(
        name,
        "parse error",
        "P3",
        "one recipient more than there may be",
        envelope,
    )
}
