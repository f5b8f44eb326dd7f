//! The vectors in `testdata/vectors`, one test each, opened by every backend that is built in.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use base64ct::{Base64, Encoding};
use rand::{SeedableRng as _, rngs::ChaCha20Rng};
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    Envelope, Error, Identity, SecretContext, backend::Backend, error::ParseError, native::Opener,
    text,
};

macro_rules! tests {
    ($($name:ident)*) => {
        mod vectors {
            $(#[test]
            fn $name() {
                let vector = super::Vector::read(stringify!($name));
                #[cfg(feature = "rustcrypto")]
                vector.run::<sealpost_envelope::RustCrypto>();
                #[cfg(feature = "aws-lc")]
                vector.run::<sealpost_envelope::AwsLc>();
            })*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

tests! {
    batch_cut_and_marked
    batch_front_removed
    batch_repeated
    batch_swapped
    context_agent
    context_agent_case
    context_empty_key
    context_key
    context_moved
    context_name
    context_name_prefix
    context_no_key
    context_no_project
    context_no_type
    context_project
    context_swapped
    context_type
    cut_batch
    cut_single
    frame_aad_empty
    frame_ciphertext_bit
    frame_com_bit
    frame_com_index
    frame_com_last_bit
    frame_com_not_last
    frame_com_zero
    frame_foreign
    frame_nonce_next
    frame_nonce_zero
    frame_padding_bit
    frame_tag_bit
    length_0
    length_255
    length_257
    not_single
    padding_far_too_long
    padding_first_byte
    padding_last_byte
    padding_length_253
    padding_length_beyond
    padding_length_highest
    padding_length_short
    padding_too_long
    parse_count_0
    parse_count_0_with_message
    parse_count_17
    parse_cut_in_ciphertext
    parse_cut_in_commitment
    parse_cut_in_count
    parse_cut_in_frame_length
    parse_cut_in_index
    parse_cut_in_key_id
    parse_cut_in_stanza_body
    parse_cut_in_stanza_length
    parse_cut_in_tag
    parse_cut_in_version
    parse_duplicate_other_type
    parse_duplicate_recipient
    parse_empty
    parse_frame_after_last
    parse_frame_length_240
    parse_frame_length_255
    parse_frame_length_257
    parse_frame_length_511
    parse_frame_length_beyond
    parse_frame_length_tag_only
    parse_frame_length_zero
    parse_index_1
    parse_index_high
    parse_index_repeated
    parse_last_2
    parse_last_ff
    parse_magic
    parse_magic_cut
    parse_no_message
    parse_trailing_byte
    parse_version_0
    parse_version_2
    range_0
    range_1
    range_highest
    range_n
    range_n_minus_1
    recipient_added
    recipient_body_changed
    recipient_removed
    recipient_type_changed
    recipients_reordered
    seed_34_bytes
    seed_empty
    seed_not_oaep
    seed_oaep_label
    seed_oaep_mgf1_sha1
    seed_oaep_sha1
    seed_one_byte
    seed_other_seed
    seed_pkcs1_v1_5
    seed_prefix_0
    seed_prefix_2
    seed_prefix_ff
    seed_without_prefix
    success_16_recipients
    success_1_bytes
    success_252_bytes
    success_253_bytes
    success_4096_bytes
    success_508_bytes
    success_509_bytes
    success_65536_bytes
    success_all_fields
    success_batch
    success_batch_257
    success_binary
    success_context_empty_fields
    success_context_empty_key
    success_context_empty_type
    success_context_key
    success_context_project
    success_context_type
    success_context_unicode
    success_rsa2049
    success_rsa3072
    success_rsa4096
    success_second_recipient
    success_smallest
    success_unknown_types
    text_alphabet
    text_length
    text_padding
    text_prefix_case
    text_prefix_missing
    text_prefix_space
    text_prefix_version
    text_space
    text_space_after
    text_success
    text_unused_bits
    type_0_own_key
    type_2_own_key
    unknown_recipient
    unknown_recipient_key_id
}

#[test]
fn the_list_is_the_folder() {
    let files: BTreeSet<_> = fs::read_dir(folder("vectors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file.ends_with(".txt"))
        .collect();
    let listed: BTreeSet<_> = NAMES.iter().map(|name| format!("{name}.txt")).collect();
    assert_eq!(files, listed);
    assert_eq!(NAMES.len(), 141);
}

#[test]
fn every_class_has_its_vectors() {
    let mut counts = BTreeMap::new();
    for name in NAMES {
        let vector = Vector::read(name);
        *counts
            .entry(vector.header("expect").to_owned())
            .or_insert(0) += 1;
    }
    let expected = [
        ("cut", 2),
        ("encapsulation length", 3),
        ("encapsulation range", 5),
        ("not single", 1),
        ("open failure", 55),
        ("parse error", 35),
        ("stanza type", 2),
        ("success", 26),
        ("text error", 10),
        ("unknown recipient", 2),
    ];
    assert_eq!(
        counts,
        expected
            .map(|(class, count)| (class.to_owned(), count))
            .into()
    );
}

struct Vector {
    name: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What opening gave: the messages, or the class of the failure.
type Outcome = Result<Vec<Vec<u8>>, &'static str>;

impl Vector {
    fn read(name: &str) -> Self {
        let path = folder("vectors").join(format!("{name}.txt"));
        let file = fs::read_to_string(path).unwrap();
        let (head, body) = file.split_once("\n\n").unwrap();
        let headers = head
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            name: name.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    fn header(&self, name: &str) -> &str {
        self.all(name)[0]
    }

    fn run<B: Backend>(&self) {
        let expected = self.header("expect");
        match self.open::<B>() {
            Ok(messages) => {
                assert_eq!(expected, "success", "{}", self.name);
                let hashes: Vec<_> = messages
                    .iter()
                    .map(|message| hex(&B::sha256(&[message])))
                    .collect();
                assert_eq!(hashes, self.all("sha256"), "{}", self.name);
                self.check_values::<B>();
            }
            Err(class) => assert_eq!(expected, class, "{}", self.name),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, ParseError> {
        match self.header("form") {
            "text" => text::decode(self.body.strip_suffix('\n').unwrap()),
            "binary" => Ok(Base64::decode_vec(&self.body.replace('\n', "")).unwrap()),
            other => panic!("{}: form {other}", self.name),
        }
    }

    fn open<B: Backend>(&self) -> Outcome {
        let bytes = self.bytes().map_err(|error| class(&Error::Parse(error)))?;
        self.open_bytes::<B>(&bytes).map_err(|error| class(&error))
    }

    fn open_bytes<B: Backend>(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let envelope = Envelope::parse(bytes)?;
        assert_eq!(envelope.as_bytes(), bytes);
        let key = folder("keys").join(format!("agent-{}.key.pem", self.header("identity")));
        let identity = Identity::<B>::from_pem(&fs::read(key).unwrap()).unwrap();
        // The generator blinds the private key's operation.
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let contexts: Vec<serde_json::Value> = self
            .all("context")
            .iter()
            .map(|json| serde_json::from_str(json).unwrap())
            .collect();
        if self.header("mode") == "single" {
            assert_eq!(contexts.len(), 1);
            let context = context(&contexts[0]);
            let opened = sealpost_envelope::open(&identity, bytes, &context, rng)?;
            return Ok(vec![opened.to_vec()]);
        }
        let opener: Opener<B> = envelope
            .pending(identity.public_key())?
            .decrypt(&identity, rng)?;
        let mut sequence = opener.sequence(&envelope);
        let mut messages = Vec::new();
        for json in &contexts {
            match sequence.open_next(&context(json)) {
                Some(opened) => messages.push(opened?.to_vec()),
                None => break,
            }
        }
        sequence.finish()?;
        Ok(messages)
    }

    /// The intermediate values, by our primitives alone.
    fn check_values<B: Backend>(&self) {
        let bytes = self.bytes().unwrap();
        let envelope = Envelope::parse(&bytes).unwrap();
        let seed = unhex(self.header("seed"));
        let salt = B::sha256(&[b"sealpost/v1/header", envelope.header_bytes()]);
        assert_eq!(hex(&salt), self.header("salt"));
        assert_eq!(
            hex(&B::hmac(&B::hmac_key(&salt), &[&seed])),
            self.header("prk")
        );
        let prk = B::hkdf_extract(&salt, &seed);
        for (name, label) in [
            ("key", "\x03key"),
            ("base_nonce", "\x05nonce"),
            ("commit_key", "\x06commit"),
        ] {
            let mut value = unhex(self.header(name));
            let expected = value.clone();
            B::hkdf_expand(&prk, &[label.as_bytes()], &mut value).unwrap();
            assert_eq!(value, expected, "{}: {name}", self.name);
        }
        let commitments: Vec<_> = envelope
            .frames()
            .map(|frame| hex(frame.commitment()))
            .collect();
        assert_eq!(commitments, self.all("com"), "{}", self.name);
    }
}

fn class(error: &Error) -> &'static str {
    match error {
        Error::Cut { .. } => "cut",
        Error::EncapsulationLength { .. } => "encapsulation length",
        Error::EncapsulationRange => "encapsulation range",
        Error::NoMatchingKey { .. } => "unknown recipient",
        Error::NotSingle { .. } => "not single",
        Error::Open(_) => "open failure",
        Error::Parse(ParseError::TextEncoding | ParseError::TextPrefix) => "text error",
        Error::Parse(_) => "parse error",
        Error::StanzaType { .. } => "stanza type",
        other => panic!("{other}"),
    }
}

fn context(json: &serde_json::Value) -> SecretContext<'_> {
    let mut context = SecretContext::unchecked(
        json["agent"].as_str().unwrap(),
        json["name"].as_str().unwrap(),
    );
    if let Some(project) = json["project"].as_str() {
        let project = unhex(&project.replace('-', ""));
        context = context.with_project(ProjectId::from_bytes(project.try_into().unwrap()));
    }
    if let Some(key) = json["key"].as_str() {
        context = context.with_unchecked_key(key);
    }
    if let Some(secret_type) = json["type"].as_str() {
        context = context.with_unchecked_type(secret_type);
    }
    context
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata")
        .join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}
