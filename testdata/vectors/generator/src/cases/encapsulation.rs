//! Recipients, and the seed that is encrypted to them.

use rsa::{Oaep, Pkcs1v15Encrypt};
use sha1::Sha1;
use sha2::Sha256;

use super::{Keys, Parts, failure};
use crate::{builder, vector::Vector};

pub(crate) fn cases(keys: &Keys) -> Vec<Vector> {
    let key = &keys.a2048;
    let open = |name: &str, rules, comment: &str, change: &dyn Fn(&mut Parts)| {
        let name = format!("seed_{name}");
        let mut parts = Parts::new(&name, &[key]);
        change(&mut parts);
        // The envelope is right but for its encapsulation: the schedule is that of the changed header.
        failure(&name, "open failure", rules, comment, parts.envelope())
    };
    // An OAEP ciphertext of something else than 0x01 ‖ seed.
    let holding = |name: &str, comment: &str, message: &dyn Fn(&[u8; 32]) -> Vec<u8>| {
        open(name, "E1", comment, &|parts| {
            let message = message(&parts.seed);
            parts.stanzas[0].body = key.encrypt(&message, &mut parts.rng);
        })
    };
    let mut cases = vec![
        holding("prefix_0", "prefix 0x00", &|seed| [&[0][..], seed].concat()),
        holding("prefix_2", "prefix 0x02", &|seed| [&[2][..], seed].concat()),
        holding("prefix_ff", "prefix 0xff", &|seed| {
            [&[255][..], seed].concat()
        }),
        holding(
            "without_prefix",
            "32 bytes, as the content key of JWE or CMS",
            &|seed| seed.to_vec(),
        ),
        holding("34_bytes", "a byte too many", &|seed| {
            [&[1][..], seed, &[0]].concat()
        }),
        holding("one_byte", "the prefix alone", &|_| vec![1]),
        holding("empty", "an empty OAEP message", &|_| vec![]),
        open("oaep_sha1", "E1", "OAEP with SHA-1", &|parts| {
            let message = [&[1][..], &parts.seed].concat();
            parts.stanzas[0].body = key
                .rsa()
                .encrypt(&mut parts.rng, Oaep::<Sha1>::new(), &message)
                .unwrap();
        }),
        open(
            "oaep_mgf1_sha1",
            "E1",
            "OAEP with SHA-256, and MGF1 with SHA-1",
            &|parts| {
                let message = [&[1][..], &parts.seed].concat();
                let padding = Oaep::<Sha256, Sha1>::new_with_mgf_hash();
                parts.stanzas[0].body = key
                    .rsa()
                    .encrypt(&mut parts.rng, padding, &message)
                    .unwrap();
            },
        ),
        open("oaep_label", "E1", "OAEP with a label", &|parts| {
            let message = [&[1][..], &parts.seed].concat();
            let padding = Oaep::<Sha256>::new_with_label(*b"sealpost");
            parts.stanzas[0].body = key
                .rsa()
                .encrypt(&mut parts.rng, padding, &message)
                .unwrap();
        }),
        open(
            "pkcs1_v1_5",
            "E1",
            "PKCS#1 v1.5 instead of OAEP",
            &|parts| {
                let message = [&[1][..], &parts.seed].concat();
                parts.stanzas[0].body = key
                    .rsa()
                    .encrypt(&mut parts.rng, Pkcs1v15Encrypt, &message)
                    .unwrap();
            },
        ),
        open(
            "not_oaep",
            "E1",
            "a number that decrypts to no OAEP block",
            &|parts| {
                parts.stanzas[0].body.fill(0);
                parts.stanzas[0].body[255] = 2;
            },
        ),
        open(
            "other_seed",
            "M1",
            "the right form, but another seed",
            &|parts| {
                let other = builder::bytes(&mut parts.rng);
                parts.stanzas[0] = builder::stanza(key, &other, &mut parts.rng);
            },
        ),
    ];

    // Before the private key.
    let refused = |name: &str, expect, rules, comment: &str, change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::new(name, &[key]);
        change(&mut parts);
        failure(name, expect, rules, comment, parts.envelope())
    };
    let number = |name: &str, comment: &str, number: Vec<u8>| {
        let name = format!("range_{name}");
        refused(&name, "encapsulation range", "R3", comment, &|parts| {
            parts.stanzas[0].body.clone_from(&number);
        })
    };
    let small = |last: u8| [vec![0; 255], vec![last]].concat();
    let modulus = key.modulus();
    let mut below = modulus.clone();
    below[255] -= 1; // the modulus is odd
    cases.extend([
        number("0", "c = 0", small(0)),
        number("1", "c = 1", small(1)),
        number("n_minus_1", "c = n - 1", below),
        number("n", "c = n", modulus),
        number("highest", "every bit is set", vec![255; 256]),
        refused(
            "length_255",
            "encapsulation length",
            "R2",
            "a byte less than the modulus",
            &|parts| {
                parts.stanzas[0].body.pop();
            },
        ),
        refused(
            "length_257",
            "encapsulation length",
            "R2",
            "a leading zero",
            &|parts| {
                parts.stanzas[0].body.insert(0, 0);
            },
        ),
        refused(
            "length_0",
            "encapsulation length",
            "R2",
            "nothing",
            &|parts| {
                parts.stanzas[0].body.clear();
            },
        ),
        refused(
            "type_2_own_key",
            "stanza type",
            "S2",
            "our key under a type that it can't have",
            &|parts| {
                parts.stanzas[0].stanza_type = 2;
            },
        ),
        refused(
            "type_0_own_key",
            "stanza type",
            "S2",
            "our key under type 0",
            &|parts| {
                parts.stanzas[0].stanza_type = 0;
            },
        ),
    ]);

    let name = "unknown_recipient";
    cases.push(failure(
        name,
        "unknown recipient",
        "R1",
        "sealed to somebody else",
        Parts::new(name, &[&keys.b2048]).envelope(),
    ));
    let name = "unknown_recipient_key_id";
    let mut parts = Parts::new(name, &[key]);
    parts.stanzas[0].key_id[31] ^= 1;
    cases.push(failure(
        name,
        "unknown recipient",
        "R1",
        "sealed to us, but under another key id: no other stanza is tried",
        parts.envelope(),
    ));
    cases
}
