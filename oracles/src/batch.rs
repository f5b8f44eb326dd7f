//! A batch, sealed and then tampered with: whatever is done to it, each message that opens is the one that was sealed
//! in its place, and a batch is complete only if it is as it was. And one message in padding that no sealer writes.

mod padding;

use arbitrary::{Result, Unstructured};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Envelope, RustCrypto, Sealer, SecretContext, backend::Backend, key::KeyAnswer,
    native::Opener,
};

use crate::keys::{self, PUBLIC};

pub(crate) fn check(bytes: &[u8]) {
    // Too few bytes are no input.
    let _ = run(&mut Unstructured::new(bytes));
    let _ = padding::check(&mut Unstructured::new(bytes));
}

struct Message {
    name: String,
    value: Vec<u8>,
}

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let messages: Vec<_> = (0..input.int_in_range(1..=4)?)
        .map(|_| {
            Ok(Message {
                name: input.arbitrary()?,
                value: vec![input.arbitrary()?; input.int_in_range(0..=600)?],
            })
        })
        .collect::<Result<_>>()?;
    let (sealed, seed) = seal(&messages);
    let mut changed = sealed.clone();
    for _ in 0..input.int_in_range(0..=4)? {
        tamper(&mut changed, input)?;
    }
    let same = changed == sealed;
    let Ok(envelope) = Envelope::parse(&changed) else {
        assert!(!same, "what was sealed parses");
        return Ok(());
    };
    // Where the stanza was tampered with, its key is another one, and nobody is asked.
    let Ok(pending) = envelope.pending(&PUBLIC) else {
        assert!(!same, "it was sealed to this key");
        return Ok(());
    };
    // The key is not asked either way: the header, which holds what it would be asked, is bound.
    let seed = KeyAnswer::Seed(&seed);
    let opener = pending.finish::<AwsLc, _>(seed, &mut AwsLcRng);
    judge(
        &opener.expect("the generator works"),
        &envelope,
        &messages,
        same,
    );
    Ok(())
}

/// The batch, and what the key would decrypt: it is the same for both libraries, and the sealer's own generator told it.
fn seal(messages: &[Message]) -> (Vec<u8>, Vec<u8>) {
    let recipient = [keys::recipient::<RustCrypto>()];
    let mut out = Vec::new();
    let mut rng = Told(Vec::new());
    let mut sealer = Sealer::new(&recipient, &mut rng, &mut out).expect("it can be sealed");
    let (last, front) = messages.split_last().expect("there is one");
    for message in front {
        let context = context(&message.name);
        sealer
            .seal(&context, &message.value, &mut out)
            .expect("it can be sealed");
    }
    sealer
        .seal_last(&context(&last.name), &last.value, &mut out)
        .expect("it can be sealed");
    let seed = [&[1], &rng.0[..32]].concat();
    (out, seed)
}

fn context(name: &str) -> SecretContext<'_> {
    SecretContext::unchecked("agent", name)
}

/// One change, of the kinds that an attacker would try.
fn tamper(bytes: &mut Vec<u8>, input: &mut Unstructured<'_>) -> Result<()> {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return Ok(());
    };
    let header = envelope.header_bytes().len();
    let frames: Vec<_> = {
        let mut at = header;
        envelope
            .frames()
            .map(|frame| {
                let start = at;
                at += FRAME + frame.padded_len();
                start..at
            })
            .collect()
    };
    let frame = frames[input.choose_index(frames.len())?].clone();
    let other = frames[input.choose_index(frames.len())?].clone();
    match input.int_in_range(0..=6)? {
        0 => {
            let at = input.choose_index(bytes.len())?;
            bytes[at] ^= 1 << input.int_in_range(0..=7)?;
        }
        1 => drop(bytes.drain(frame)),
        2 => bytes.truncate(frame.end),
        // The frame before it said that it was not the last one.
        3 => bytes[frame.start + 4] ^= 1,
        4 => {
            let copy = bytes[frame].to_vec();
            bytes.splice(other.start..other.start, copy);
        }
        5 => {
            // In the other's place, with the other's number.
            let mut copy = bytes[frame].to_vec();
            copy[..4].copy_from_slice(&bytes[other.start..other.start + 4]);
            bytes.splice(other, copy);
        }
        _ => bytes.push(input.arbitrary()?),
    }
    Ok(())
}

fn judge<B: Backend>(
    opener: &Opener<B>,
    envelope: &Envelope<'_>,
    messages: &[Message],
    same: bool,
) {
    let mut sequence = opener.sequence(envelope);
    for frame in envelope.frames() {
        let place = frame.index() as usize;
        // Beyond the batch there is nothing to be opened, under whatever name.
        let name = messages.get(place).map_or("", |message| &message.name);
        let opened = sequence
            .open_next(&context(name))
            .expect("there is a frame");
        match (&opened, messages.get(place)) {
            (Ok(value), Some(message)) => assert_eq!(**value, *message.value),
            (Ok(_), None) => panic!("a message opened that nobody sealed"),
            (Err(_), _) => assert!(!same, "what was sealed opens"),
        }
        let random = opener.open(&frame, &context(name));
        assert_eq!(random.is_ok(), opened.is_ok());
        // For no other name.
        let other = format!("{name}x");
        assert!(opener.open(&frame, &context(&other)).is_err());
    }
    let complete = sequence.finish().is_ok();
    assert_eq!(complete, same, "complete, and not as it was sealed");
}

/// A generator that keeps what it told.
struct Told(Vec<u8>);

impl sealpost_envelope::rand_core::TryRng for Told {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Self::Error> {
        for byte in bytes {
            let next = u8::try_from(self.0.len() * 37 % 251).expect("less than 251");
            *byte = next;
            self.0.push(next);
        }
        Ok(())
    }
}

impl sealpost_envelope::rand_core::TryCryptoRng for Told {}

/// A frame without its padded message: index 4, last 1, commitment 32, length 4, tag 16.
const FRAME: usize = 57;
