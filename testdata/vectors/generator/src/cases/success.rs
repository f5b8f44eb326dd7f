//! What opens.

use super::{CONTEXT, Keys, MESSAGE, Parts};
use crate::{
    builder::{self, Key},
    vector::{Body, Context, Vector},
};

pub(crate) fn cases(keys: &Keys) -> Vec<Vector> {
    let bare = Context {
        agent: "a",
        name: "n",
        ..Context::default()
    };
    let one = [&keys.a2048];
    let mut cases = vec![
        single(
            "success_smallest",
            "C1 M1 P11",
            "no message, no optional field",
            &one,
            &bare,
            b"",
        ),
        single(
            "success_all_fields",
            "C1",
            "every context field",
            &one,
            &CONTEXT,
            MESSAGE,
        ),
        single(
            "success_binary",
            "M1",
            "bytes that are no text",
            &one,
            &CONTEXT,
            &[0xff, 0, 0xfe, 1],
        ),
        single(
            "success_rsa2049",
            "K1 R2",
            "a modulus of 2049 bits: k is 257",
            &[&keys.a2049],
            &CONTEXT,
            MESSAGE,
        ),
        single(
            "success_rsa3072",
            "K1",
            "a modulus of 3072 bits",
            &[&keys.a3072],
            &CONTEXT,
            MESSAGE,
        ),
        single(
            "success_rsa4096",
            "K1",
            "a modulus of 4096 bits",
            &[&keys.a4096],
            &CONTEXT,
            MESSAGE,
        ),
    ];
    for (name, comment, context) in [
        (
            "project",
            "only a project",
            Context {
                project: CONTEXT.project,
                ..bare.clone()
            },
        ),
        (
            "key",
            "only a key",
            Context {
                key: Some("k"),
                ..bare.clone()
            },
        ),
        (
            "type",
            "only a type",
            Context {
                secret_type: Some("T"),
                ..bare.clone()
            },
        ),
        (
            "empty_key",
            "a key that is there and empty",
            Context {
                key: Some(""),
                ..bare.clone()
            },
        ),
        (
            "empty_type",
            "a type that is there and empty",
            Context {
                secret_type: Some(""),
                ..bare.clone()
            },
        ),
        (
            "empty_fields",
            "an agent and a name that are empty",
            Context::default(),
        ),
        (
            "unicode",
            "text beyond ASCII, not normalised",
            Context {
                name: "cle\u{301}-\u{1f511}-é",
                ..bare.clone()
            },
        ),
    ] {
        cases.push(single(
            &format!("success_context_{name}"),
            "C1",
            comment,
            &one,
            &context,
            MESSAGE,
        ));
    }
    for length in [1, 252, 253, 508, 509, 4096, 65_536] {
        let message: Vec<u8> = (0..length)
            .map(|i| u8::try_from(i % 256).unwrap())
            .collect();
        let name = format!("success_{length}_bytes");
        let comment = format!("padding of a message of {length} bytes");
        cases.push(single(&name, "D1 D2", &comment, &one, &CONTEXT, &message));
    }

    let mut second = single(
        "success_second_recipient",
        "S1",
        "two recipients, opened by the second",
        &[&keys.b2048, &keys.a2048],
        &CONTEXT,
        MESSAGE,
    );
    second.identity = "a2048";
    cases.push(second);
    cases.push(many_recipients(&keys.a2048));
    cases.push(unknown_types(&keys.a2048));
    cases.push(batch(
        "success_batch",
        "three messages, each with a context of its own",
        3,
        &keys.a2048,
    ));
    cases.push(batch(
        "success_batch_257",
        "an index of more than one byte",
        257,
        &keys.a2048,
    ));
    cases
}

fn single(
    name: &str,
    rules: &'static str,
    comment: &str,
    keys: &[&Key],
    context: &Context,
    message: &[u8],
) -> Vector {
    seal(
        name,
        rules,
        comment,
        keys[0].name,
        Parts::new(name, keys),
        &[(context.clone(), message.to_vec())],
    )
}

fn seal(
    name: &str,
    rules: &'static str,
    comment: &str,
    identity: &'static str,
    parts: Parts,
    messages: &[(Context, Vec<u8>)],
) -> Vector {
    let schedule = parts.schedule();
    let mut envelope = parts.header();
    let mut opened = Vec::new();
    for (index, (context, message)) in messages.iter().enumerate() {
        let last = u8::from(index + 1 == messages.len());
        let index = u32::try_from(index).unwrap();
        envelope.extend(schedule.frame(index, last, context, message));
        opened.push((
            message.clone(),
            schedule.commitment(index.into(), last, context),
        ));
    }
    Vector {
        name: name.to_owned(),
        expect: "success",
        comment: comment.to_owned(),
        rules,
        batch: messages.len() > 1,
        identity,
        contexts: messages
            .iter()
            .map(|(context, _)| context.clone())
            .collect(),
        opened: Some((schedule.values, opened)),
        body: Body::Binary(envelope),
    }
}

fn many_recipients(key: &Key) -> Vector {
    let name = "success_16_recipients";
    let mut parts = Parts::new(name, &[key]);
    for _ in 1..16 {
        let stanza = builder::stranger(1, 256, &mut parts.rng);
        parts.stanzas.insert(0, stanza);
    }
    let messages = [(CONTEXT, MESSAGE.to_vec())];
    seal(
        name,
        "P3",
        "as many recipients as there may be, ours the last",
        key.name,
        parts,
        &messages,
    )
}

fn unknown_types(key: &Key) -> Vector {
    let name = "success_unknown_types";
    let mut parts = Parts::new(name, &[key]);
    for (place, stanza_type, length) in [(0, 0, 0), (1, 2, 1120), (3, 255, 1)] {
        let stanza = builder::stranger(stanza_type, length, &mut parts.rng);
        parts.stanzas.insert(place, stanza);
    }
    let messages = [(CONTEXT, MESSAGE.to_vec())];
    seal(
        name,
        "S1",
        "stanzas of types that nobody knows yet, before and after ours",
        key.name,
        parts,
        &messages,
    )
}

fn batch(name: &str, comment: &str, count: usize, key: &Key) -> Vector {
    let names = ["first", "second", "third"];
    let messages: Vec<_> = (0..count)
        .map(|i| {
            (
                Context {
                    name: names[i % 3],
                    ..CONTEXT
                },
                format!("message {i}").into_bytes(),
            )
        })
        .collect();
    seal(
        name,
        "M1 T1",
        comment,
        key.name,
        Parts::new(name, &[key]),
        &messages,
    )
}
