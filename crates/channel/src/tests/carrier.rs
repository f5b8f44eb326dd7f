//! Step 6: what whoever carries messages can make of them.

use sealpost_envelope::native::Padding;

use super::support::*;
use crate::{
    NotAMessage,
    agent::Silence,
    frame::{Purpose, REQUEST},
    message::Message,
};

/// Where the frame of a request begins, which is not signed and as short as can be.
fn frame(message: &[u8]) -> usize {
    message.len() - 16 - 1024 - 40
}

#[test]
fn n_2_20() {
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    agent.deliver(&forged.ask((1 << 20) - 1, 0), 0).reply();
    for number in [1 << 20, 1 << 32, u64::MAX] {
        let delivered = agent.deliver(&forged.ask(number, 0), 0);
        assert_eq!(delivered, Delivered::Silence(Silence::Number));
    }
}

#[test]
fn com_bit_and_ct_bit() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    let frame = frame(&message);
    // The number, the commitment, the ciphertext, the tag.
    for bit in [
        frame + 7,
        frame + 8,
        frame + 39,
        frame + 40,
        message.len() - 1,
    ] {
        let delivered = agent.deliver(&flip(&message, bit), 0);
        assert_eq!(delivered, Delivered::Silence(Silence::Frame), "{bit}");
    }
    agent.deliver(&message, 0).reply();
}

#[test]
fn frame_of_other_n_and_frame_of_other_channel() {
    let mut agent = Agent::new("a2048");
    let [a, b] = [1, 1].map(|seed| ask(&channel(seed, "a2048", false, 0), b"{}", 0).0);
    let at = frame(&a);
    let mut other_number = a.clone();
    other_number[at + 7] = 5;
    let other_channel = [&a[..at], &b[at..]].concat();
    for message in [other_number, other_channel] {
        let delivered = agent.deliver(&message, 0);
        assert_eq!(delivered, Delivered::Silence(Silence::Frame));
    }
}

/// GCM is content with it, and HMAC is not: made by someone who has the keys.
#[test]
fn com_not_over_body() {
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    let good = body(b"{}", at(0), at(30)).unwrap();
    let (mut commitment, _) = forged.requests.seal(&[0; 8], &good).unwrap();
    commitment[0] ^= 1;
    let ciphertext = forged.requests.seal_under(&[0; 8], &commitment, &good);
    let message = forged.assemble(0, &commitment, &ciphertext);
    let delivered = agent.deliver(&message, 0);
    assert_eq!(delivered, Delivered::Silence(Silence::Frame));
    agent.deliver(&forged.message(0, &good), 0).reply();
}

#[test]
fn padding_256_floor() {
    let forged = Forgery::new(0).make();
    let good = body(b"{}", at(0), at(30)).unwrap();
    let small = forged.keys(REQUEST.with_padding(Padding::new(256, 132_093)));
    let (commitment, ciphertext) = small.seal(&[0; 8], &good).unwrap();
    assert_eq!(ciphertext.len(), 256 + 16);
    let mut message = forged.assemble(0, &commitment, &ciphertext);
    assert!(matches!(
        Message::parse(&message),
        Err(NotAMessage::Length(_))
    ));
    // Nor any other length that is not padded, before the frame is opened.
    for length in [1024, 1025, 1055, 1057, 2047] {
        message.truncate(forged.signed.len() + 40);
        message.resize(forged.signed.len() + 40 + length + 16, 0);
        assert_eq!(Message::parse(&message).is_ok(), length == 1024, "{length}");
    }
}

#[test]
fn padding_is_checked_inside() {
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    let good = body(b"{}", at(0), at(30)).unwrap();
    // 90 bytes in 1,088, where 1,024 are enough.
    let wide = forged.keys(REQUEST.with_padding(Padding::new(1088, 132_093)));
    let (commitment, ciphertext) = wide.seal(&[0; 8], &good).unwrap();
    assert!(REQUEST.is_sealed_len(ciphertext.len()));
    let message = forged.assemble(0, &commitment, &ciphertext);
    let delivered = agent.deliver(&message, 0);
    assert_eq!(delivered, Delivered::Silence(Silence::Frame));
}

#[test]
fn signed_frame_without_or_wrong_signature() {
    let mut agent = Agent::with("a2048", true);
    let channel = channel(1, "a2048", true, 0);
    let message = ask(&channel, b"{}", 0).0;
    let signature = frame(&message) - 64 + 40..frame(&message) + 40;
    let without = [&message[..signature.start], &message[signature.end..]].concat();
    assert!(Message::parse(&without).is_err());
    let delivered = agent.deliver(&flip(&message, signature.start), 0);
    assert_eq!(delivered, Delivered::Silence(Silence::RequestSignature));
    // Another request's signature.
    let other = ask(&channel, b"[]", 0).0;
    let mut swapped = message.clone();
    swapped[signature.clone()].copy_from_slice(&other[signature.clone()]);
    let delivered = agent.deliver(&swapped, 0);
    assert_eq!(delivered, Delivered::Silence(Silence::RequestSignature));
    // Garbage costs no Ed25519: the frame is looked at first.
    let both = flip(&flip(&message, signature.start), message.len() - 1);
    assert_eq!(agent.deliver(&both, 0), Delivered::Silence(Silence::Frame));
    agent.deliver(&message, 0).reply();
}

/// Who has the agent's RSA key makes requests in the gateway's name, unless they are signed: documented.
#[test]
fn rsa_thief_makes_requests_unless_they_are_signed() {
    for signed_requests in [false, true] {
        let mut forgery = Forgery::new(0);
        forgery.signed_requests = signed_requests;
        let forged = forgery.make();
        let mut message = forged.ask(77, 0);
        if signed_requests {
            // The thief has seen the opening, knows the seed, and has no gateway's key.
            let at = forged.signed.len() + 40;
            let thief = signing_key(99).sign("request", &[b"forged"]).unwrap();
            message[at..at + 64].copy_from_slice(&thief);
        }
        let delivered = Agent::new("a2048").deliver(&message, 0);
        match signed_requests {
            false => drop(delivered.reply()),
            true => assert_eq!(delivered, Delivered::Silence(Silence::RequestSignature)),
        }
    }
}

#[test]
fn garbage_frame_then_genuine() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    for bit in frame(&message) + 8..frame(&message) + 108 {
        let delivered = agent.deliver(&flip(&message, bit), 0);
        assert_eq!(delivered, Delivered::Silence(Silence::Frame));
    }
    agent.deliver(&message, 0).reply();
    assert_eq!(agent.rsa_operations, 1);
}

#[test]
fn labels_separate_requests_from_replies() {
    // The purposes differ in both labels; a frame of one never opens as the other, even under one key.
    let reply: Purpose = crate::frame::REPLY;
    let forged = Forgery::new(0).make();
    let (commitment, ciphertext) = forged.requests.seal(&[0; 8], &[1; 1000]).unwrap();
    let as_reply = forged.keys(reply);
    assert!(as_reply.open(&[0; 8], &commitment, &ciphertext).is_err());
    let again = forged.requests.open(&[0; 8], &commitment, &ciphertext);
    assert_eq!(again.ok().unwrap().as_bytes(), [1; 1000]);
}
