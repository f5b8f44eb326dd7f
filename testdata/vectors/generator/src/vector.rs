//! A vector and its file.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use base64ct::{Base64, Encoding};
use sealpost_envelope::{RustCrypto, backend::Backend};

/// What a message is sealed for.
#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) agent: &'static str,
    pub(crate) project: Option<[u8; 16]>,
    pub(crate) name: &'static str,
    pub(crate) key: Option<&'static str>,
    pub(crate) secret_type: Option<&'static str>,
}

impl Context {
    /// `enc(c)`, FORMAT.md §6.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let string = |text: &str| {
            [
                &u64::try_from(text.len()).unwrap().to_be_bytes()[..],
                text.as_bytes(),
            ]
            .concat()
        };
        let option = |content: Option<Vec<u8>>| {
            content.map_or_else(|| vec![0], |content| [&[1][..], &content].concat())
        };
        [
            b"sealpost/v1/context".to_vec(),
            string(self.agent),
            option(self.project.map(|project| project.to_vec())),
            string(self.name),
            option(self.key.map(string)),
            option(self.secret_type.map(string)),
        ]
        .concat()
    }

    fn to_json(&self) -> String {
        let mut json = format!("{{\"agent\":{}", quote(self.agent));
        if let Some(project) = self.project {
            let hex = hex(&project);
            let (a, b, c, d, e) = (
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            );
            write!(json, ",\"project\":\"{a}-{b}-{c}-{d}-{e}\"").unwrap();
        }
        write!(json, ",\"name\":{}", quote(self.name)).unwrap();
        for (member, text) in [("key", self.key), ("type", self.secret_type)] {
            if let Some(text) = text {
                write!(json, ",\"{member}\":{}", quote(text)).unwrap();
            }
        }
        json + "}"
    }
}

/// The intermediate values of a success.
#[derive(Clone, Default)]
pub(crate) struct Values {
    pub(crate) seed: [u8; 32],
    pub(crate) salt: [u8; 32],
    pub(crate) prk: [u8; 32],
    pub(crate) key: [u8; 32],
    pub(crate) base_nonce: [u8; 12],
    pub(crate) commit_key: [u8; 32],
}

/// A case.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) expect: &'static str,
    pub(crate) comment: String,
    pub(crate) rules: &'static str,
    pub(crate) batch: bool,
    pub(crate) identity: &'static str,
    pub(crate) contexts: Vec<Context>,
    /// What comes out of a success.
    pub(crate) opened: Option<(Values, Vec<Opened>)>,
    pub(crate) body: Body,
}

/// A message and its commitment.
pub(crate) type Opened = (Vec<u8>, [u8; 32]);

pub(crate) enum Body {
    Binary(Vec<u8>),
    Text(String),
}

impl Vector {
    pub(crate) fn file_name(&self) -> String {
        format!("{}.txt", self.name)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| writeln!(text, "{name}: {value}").unwrap();
        line("expect", self.expect);
        line("comment", &self.comment);
        line("rules", self.rules);
        line(
            "form",
            if matches!(self.body, Body::Text(_)) {
                "text"
            } else {
                "binary"
            },
        );
        line("mode", if self.batch { "batch" } else { "single" });
        line("identity", self.identity);
        for context in &self.contexts {
            line("context", &context.to_json());
        }
        if let Some((values, messages)) = &self.opened {
            for (message, _) in messages {
                line("sha256", &hex(&RustCrypto::sha256(&[message])));
            }
            line("seed", &hex(&values.seed));
            line("salt", &hex(&values.salt));
            line("prk", &hex(&values.prk));
            line("key", &hex(&values.key));
            line("base_nonce", &hex(&values.base_nonce));
            line("commit_key", &hex(&values.commit_key));
            for (_, com) in messages {
                line("com", &hex(com));
            }
        }
        text.push('\n');
        match &self.body {
            Body::Text(line) => text + line + "\n",
            Body::Binary(envelope) => {
                let base64 = Base64::encode_string(envelope);
                for line in base64.as_bytes().chunks(76) {
                    text.push_str(core::str::from_utf8(line).unwrap());
                    text.push('\n');
                }
                text
            }
        }
    }
}

/// Renews the table of rules in the specification.
pub(crate) fn write_table(page: &Path, vectors: &[Vector]) {
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for vector in vectors {
        for rule in vector.rules.split(' ') {
            rules.entry(rule).or_default().push(&vector.name);
        }
    }
    let mut table = String::from("| rule | vectors |\n|---|---|\n");
    for (rule, names) in rules {
        writeln!(table, "| [{rule}] | `{}` |", names.join("` `")).unwrap();
    }
    let text = fs::read_to_string(page).unwrap();
    let start = text
        .find(START)
        .expect("the page has the marker of the table");
    let end = text.find(END).expect("a heading follows the table");
    let page_text = format!("{}{START}\n\n{table}\n{}", &text[..start], &text[end..]);
    fs::write(page, page_text).unwrap();
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The texts used here hold nothing that JSON escapes.
fn quote(text: &str) -> String {
    assert!(!text.contains(['"', '\\']) && !text.chars().any(char::is_control));
    format!("\"{text}\"")
}

const START: &str = "<!-- vectors: the table of rules and files -->";
const END: &str = "## 16. References";
