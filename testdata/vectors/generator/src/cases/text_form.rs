//! The text form.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::{CONTEXT, Keys, MESSAGE, Parts, failure};
use crate::vector::{Body, Vector};

pub(crate) fn cases(keys: &Keys) -> Vec<Vector> {
    let parts = Parts::new("text", &[&keys.a2048]);
    let (schedule, envelope) = (parts.schedule(), parts.envelope());
    let encoded = Base64UrlUnpadded::encode_string(&envelope);
    let good = format!("sealpost.v1.{encoded}");

    let mut success = failure("text_success", "success", "X1 X2", "the text form", vec![]);
    let com = schedule.commitment(0, 1, &CONTEXT);
    success.opened = Some((schedule.values, vec![(MESSAGE.to_vec(), com)]));
    success.body = Body::Text(good.clone());

    // 614 bytes leave two unused bits in the last character.
    let last = good.chars().last().unwrap();
    let next = char::from(last as u8 + 1);
    let mut cases = vec![success];
    for (name, rules, comment, text) in [
        (
            "prefix_case",
            "X1",
            "the prefix in capitals",
            good.replacen("sealpost", "SEALPOST", 1),
        ),
        (
            "prefix_version",
            "X1",
            "the prefix of another version",
            good.replacen("v1", "v2", 1),
        ),
        ("prefix_missing", "X1", "no prefix", encoded.clone()),
        (
            "prefix_space",
            "X1",
            "a space before the prefix",
            format!(" {good}"),
        ),
        ("padding", "X2", "base64 padding", format!("{good}=")),
        (
            "space",
            "X2",
            "a space inside",
            format!("{} {}", &good[..100], &good[100..]),
        ),
        ("space_after", "X2", "a space after it", format!("{good} ")),
        (
            "alphabet",
            "X2",
            "a character of the other alphabet",
            format!("{}+{}", &good[..100], &good[101..]),
        ),
        (
            "length",
            "X2",
            "a length that no bytes have",
            good[..good.len() - 2].to_owned(),
        ),
        (
            "unused_bits",
            "X2",
            "unused bits that are not zero",
            good[..good.len() - 1].to_owned() + &next.to_string(),
        ),
    ] {
        let mut vector = failure(
            &format!("text_{name}"),
            "text error",
            rules,
            comment,
            vec![],
        );
        vector.body = Body::Text(text);
        cases.push(vector);
    }
    cases
}
