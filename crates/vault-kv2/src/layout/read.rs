//! From what is stored back to the value.

use std::collections::{HashMap, HashSet};
use std::fmt;

use base64ct::{Base64, Encoding as _};
use sealpost_json::{JsonStr, find_property, members};
use zeroize::Zeroizing;

use super::{CREATED, Field, Mark, RESERVED, decoded, fields, hash, quote, quoted_len};

/// What is stored was edited so that it can't be said which value is the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edited;

impl fmt::Display for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the secret was edited in the vault so that its member \"{RESERVED}\" no longer fits; write the whole secret again \
             without that member, as `bao kv put` does"
        )
    }
}

impl std::error::Error for Edited {}

/// Returns the value of a secret from its `data`: byte for byte as it was stored, or, if a person has edited the fields since,
/// with what they wrote.
pub(crate) fn value(data: &str) -> Result<Zeroizing<Vec<u8>>, Edited> {
    let Some(ours) = find_property(data.as_bytes(), RESERVED).map_err(|_| Edited)? else {
        // A person or other software stored all of it.
        return Ok(Zeroizing::new(data.as_bytes().to_vec()));
    };
    let ours = Ours::parse(ours.as_str()).ok_or(Edited)?;
    let stored = stored_fields(data)?;
    let expected = fields(&ours.text);
    let agrees = stored.len() == expected.len()
        && expected.iter().all(|field| {
            let there = stored.get(field.name.as_str());
            there.is_some_and(|json| is_text(json, &field.plain))
        });
    if agrees {
        return Ok(ours.text);
    }
    // If the text is what was stored, the fields are newer. If not, both may have been edited, and neither is known to be the
    // newest.
    if !ours.is_intact {
        return Err(Edited);
    }
    merged(&ours.text, &expected, &stored)
}

/// Returns whether the `subkeys` of a secret, or its data, have this mark.
pub(crate) fn has_mark(subkeys: &str, Mark(mark): &Mark) -> bool {
    let ours = find_property(subkeys.as_bytes(), RESERVED).ok().flatten();
    let ours = ours.map_or("", |ours| ours.as_str());
    matches!(find_property(ours.as_bytes(), mark), Ok(Some(_)))
}

/// The member of ours.
struct Ours {
    text: Zeroizing<Vec<u8>>,
    /// Whether the hash beside the text is the text's.
    is_intact: bool,
}

impl Ours {
    fn parse(json: &str) -> Option<Self> {
        let (mut text, mut sha256) = (None, None);
        for member in members(json.as_bytes()) {
            let (name, value) = member.ok()?;
            let value = JsonStr::from_json(value.as_str())?;
            if name == *"text" {
                text = Some(Zeroizing::new(decoded(value).as_bytes().to_vec()));
            } else if name == *"base64" {
                text = Some(Zeroizing::new(Base64::decode_vec(&decoded(value)).ok()?));
            } else if name == *"sha256" {
                sha256 = Some(decoded(value));
            } else if !decoded(name).starts_with(CREATED) {
                return None;
            }
        }
        let (text, sha256) = (text?, sha256?);
        let is_intact = hash(&text) == *sha256;
        Some(Self { text, is_intact })
    }
}

/// Returns the fields that are there, with their JSON.
fn stored_fields(data: &str) -> Result<HashMap<String, &str>, Edited> {
    let mut stored = HashMap::new();
    for member in members(data.as_bytes()) {
        let (name, json) = member.map_err(|_| Edited)?;
        let name = decoded(name);
        if *name != RESERVED {
            stored.insert(name.to_string(), json.as_str());
        }
    }
    Ok(stored)
}

/// Returns whether a JSON text is the string with this content.
fn is_text(json: &str, plain: &str) -> bool {
    JsonStr::from_json(json).is_some_and(|string| string == *plain)
}

/// Puts what a person wrote into the fields in the place of what was stored: members that were edited, added, left out.
fn merged(
    text: &[u8],
    expected: &[Field<'_>],
    stored: &HashMap<String, &str>,
) -> Result<Zeroizing<Vec<u8>>, Edited> {
    let by_name: HashMap<&str, &Field<'_>> =
        expected.iter().map(|f| (f.name.as_str(), f)).collect();
    // Names, and values as JSON.
    let (mut parts, mut named) = (Vec::new(), HashSet::new());
    for member in members(text) {
        // What is not an object has no members to merge with.
        let (name, json) = member.map_err(|_| Edited)?;
        let name = decoded(name).to_string();
        let now = stored.get(&name).copied();
        let json = match by_name.get(name.as_str()) {
            Some(field) => match now {
                Some(now) if is_text(now, &field.plain) => Some(field.json),
                now => now,
            },
            // It has no field, unless somebody made one.
            None => Some(now.unwrap_or(json.as_str())),
        };
        if !named.insert(name.clone()) {
            return Err(Edited);
        }
        parts.extend(json.map(|json| (name, json)));
    }
    let mut added: Vec<_> = stored
        .iter()
        .filter(|(name, _)| !named.contains(*name))
        .collect();
    added.sort();
    parts.extend(added.into_iter().map(|(name, json)| (name.clone(), *json)));
    let length = parts
        .iter()
        .map(|(name, json)| quoted_len(name) + json.len() + 2);
    let mut merged = Zeroizing::new(Vec::with_capacity(length.sum::<usize>() + 2));
    merged.push(b'{');
    for (index, (name, json)) in parts.iter().enumerate() {
        if index > 0 {
            merged.push(b',');
        }
        quote(name, &mut merged);
        merged.push(b':');
        merged.extend_from_slice(json.as_bytes());
    }
    merged.push(b'}');
    Ok(merged)
}
