//! Says of files what the product says of them, for `testdata/foreign/check.sh`.
//!
//! Reads lines `KIND<TAB>PATH` from stdin, and prints for each `ok<TAB>` or `no<TAB>CLASS<TAB>TEXT`: the names of the
//! error's variants, and its message. Kinds: `certificate`, `anchors`, `key`, `message`.

use std::error::Error;
use std::fmt::Display;
use std::io::{BufRead as _, stdin};
use std::{fmt, fs, io};

use sealpost_envelope::{AwsLc, Certificate, Identity, Message, trust::TrustAnchors};

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let line = line?;
        let (kind, path) = line.split_once('\t').ok_or("a line is KIND, tab, PATH")?;
        println!("{}", judge(kind, &fs::read(path)?)?);
    }
    Ok(())
}

fn judge(kind: &str, bytes: &[u8]) -> io::Result<String> {
    Ok(match kind {
        "certificate" => told(Certificate::from_pem_or_der(bytes), |_| String::new()),
        "anchors" => told(TrustAnchors::from_pem_or_der(bytes), |anchors| {
            format!("{} skipped", anchors.skipped().len())
        }),
        "key" => told(Identity::<AwsLc>::from_pem_or_der(bytes), |_| String::new()),
        "message" => told(Message::parse(bytes), |message| {
            message.format().to_string()
        }),
        _ => return Err(io::Error::other("no such kind")),
    })
}

fn told<T, E: fmt::Debug + Display>(
    result: Result<T, E>,
    more: impl FnOnce(&T) -> String,
) -> String {
    match result {
        Ok(value) => format!("ok\t{}", more(&value)),
        Err(error) => format!("no\t{}\t{error}", class(&format!("{error:?}"))),
    }
}

/// The names of the outer two variants, of which the outermost may be a wrapper: `PublicKey.Algorithm`.
fn class(debug: &str) -> String {
    let names = debug
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
    names.take(2).collect::<Vec<_>>().join(".")
}
