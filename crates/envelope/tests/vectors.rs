//! The vectors in `testdata/vectors`, each opened by both backends.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(all(feature = "aws-lc", feature = "rustcrypto"))]

use std::{collections::HashMap, fs, path::PathBuf};

use base64ct::{Base64, Encoding};
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    AwsLc, Backend, Envelope, Error, Identity, Opener, ParseError, RustCrypto, SecretContext, text,
};

#[test]
fn every_vector_ends_as_it_says() {
    let mut ran = HashMap::new();
    for entry in fs::read_dir(folder("vectors")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let vector = Vector::read(&path);
            vector.run::<RustCrypto>();
            vector.run::<AwsLc>();
            *ran.entry(vector.header("expect").to_owned()).or_insert(0) += 1;
        }
    }
    // A vector that is added or lost shows here.
    let mut ran: Vec<_> = ran.into_iter().collect();
    ran.sort();
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
        ran,
        expected.map(|(class, count)| (class.to_owned(), count))
    );
}

struct Vector {
    file: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What opening gave: the messages, or the class of the failure.
type Outcome = Result<Vec<Vec<u8>>, &'static str>;

impl Vector {
    fn read(path: &PathBuf) -> Self {
        let file = fs::read_to_string(path).unwrap();
        let (head, body) = file.split_once("\n\n").unwrap();
        let headers = head
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            file: path.display().to_string(),
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
                assert_eq!(expected, "success", "{}", self.file);
                let hashes: Vec<_> = messages
                    .iter()
                    .map(|message| hex(&B::sha256(&[message])))
                    .collect();
                assert_eq!(hashes, self.all("sha256"), "{}", self.file);
                self.check_values::<B>();
            }
            Err(class) => assert_eq!(expected, class, "{}", self.file),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, ParseError> {
        match self.header("form") {
            "text" => text::decode(self.body.strip_suffix('\n').unwrap()),
            "binary" => Ok(Base64::decode_vec(&self.body.replace('\n', "")).unwrap()),
            other => panic!("{}: form {other}", self.file),
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
        let rng = &mut sealpost_envelope::OsRng;
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
            assert_eq!(value, expected, "{}: {name}", self.file);
        }
        let commitments: Vec<_> = envelope
            .frames()
            .map(|frame| hex(frame.commitment()))
            .collect();
        assert_eq!(commitments, self.all("com"), "{}", self.file);
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
