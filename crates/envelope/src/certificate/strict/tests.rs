//! The certificates that are read are those that a library decodes and encodes to the same bytes, but for dates,
//! identifiers and types of strings that the library does not know.

extern crate std;

use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};

use der::{Decode, Encode, Reader, SliceReader, asn1::AnyRef, oid::ObjectIdentifier};
use x509_cert::certificate::Version;

use super::*;
use crate::pem;

#[test]
fn agrees_with_a_library_on_changes_of_bytes() {
    let mut seen = Seen::default();
    for (index, (der, name)) in certificates().iter().enumerate() {
        seen.compare(der, &|| name.clone());
        // Every fifth, others in each certificate: all of them take a minute, and were compared once.
        for place in (index % 5..der.len()).step_by(5) {
            let set = SET.into_iter();
            let flipped = (0..8).map(|bit| der[place] ^ (1 << bit));
            for byte in set.chain(flipped) {
                let mut changed = der.clone();
                changed[place] = byte;
                seen.compare(&changed, &|| format!("{name}: {byte:#04x} at {place}"));
            }
        }
    }
    // Most bytes are those of keys and signatures.
    seen.at_least(20_000);
}

#[test]
fn agrees_with_a_library_on_changes_of_fields() {
    let mut seen = Seen::default();
    for (der, name) in &certificates() {
        let fields = count(der);
        for (change, target) in
            (0..CHANGES).flat_map(|change| (0..fields).map(move |n| (change, n)))
        {
            let changed = rewrite(der, &mut 0, target, change);
            seen.compare(&changed, &|| {
                format!("{name}: change {change} of field {target}")
            });
        }
    }
    seen.at_least(1_000);
}

/// Certificates that were compared.
#[derive(Debug, Default)]
struct Seen {
    taken: usize,
    not_der: usize,
    /// Only we take it.
    beyond: usize,
    refused: usize,
}

impl Seen {
    /// Both ways take it and say the same of it, or both refuse it, but for what is named here.
    fn compare(&mut self, der: &[u8], what: &dyn Fn() -> String) {
        let (ours, theirs) = (Fields::read(der), reference(der));
        match (ours, theirs) {
            (Ok(_), None) => {
                assert!(any_field(der, &unknown_to_the_library), "{}", what());
                self.beyond += 1;
            }
            // The library takes 21 bytes, whether or not the first is the sign's zero.
            (Err(CertificateError::SerialNumber { length: 21 }), Some(_)) => self.refused += 1,
            (Err(error), Some(_)) => {
                assert_eq!(error, CertificateError::NotDer, "{}", what());
                assert!(any_field(der, &is_padded_identifier), "{}", what());
                self.not_der += 1;
            }
            (Ok(ours), Some(theirs)) => {
                assert!(same(&ours, &theirs), "{}: other fields", what());
                self.taken += 1;
            }
            (Err(CertificateError::NotDer), _) => self.not_der += 1,
            _ => self.refused += 1,
        }
    }

    /// Neither side was compared for nothing.
    fn at_least(&self, least: usize) {
        assert!(self.taken >= least && self.refused >= least, "{self:?}");
        assert!(self.not_der >= 1_000 && self.beyond > 0, "{self:?}");
    }
}

/// The way by the library: decode, encode, compare.
fn reference(der: &[u8]) -> Option<x509_cert::Certificate> {
    let mut reader = SliceReader::new(der).ok()?;
    let certificate: x509_cert::Certificate = reader.decode().ok()?;
    if !reader.is_finished() || certificate.to_der().ok()? != der {
        return None;
    }
    let tbs = certificate.tbs_certificate();
    if let Some(extensions) = tbs.extensions() {
        let mut ids: Vec<_> = extensions.iter().map(|one| one.extn_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if tbs.version() != Version::V3 || ids.len() != extensions.len() {
            return None;
        }
    }
    Some(certificate)
}

fn same(ours: &Fields<'_>, theirs: &x509_cert::Certificate) -> bool {
    let tbs = theirs.tbs_certificate();
    let (from, until) = (tbs.validity().not_before, tbs.validity().not_after);
    let extensions = || tbs.extensions().into_iter().flatten();
    let absent = ObjectIdentifier::new_unwrap("1.2.3");
    tbs.issuer().to_der().as_deref() == Ok(ours.issuer)
        && tbs.serial_number().to_der().as_deref() == Ok(ours.serial_number)
        && tbs.subject_public_key_info().to_der().as_deref() == Ok(ours.public_key)
        && UnixTime::from_secs(from.to_unix_duration().as_secs()) == ours.not_before
        && UnixTime::from_secs(until.to_unix_duration().as_secs()) == ours.not_after
        && extensions().all(|one| ours.extension(one.extn_id) == Some(one.extn_value.as_bytes()))
        && ours.extension(absent).is_none()
}

/// The certificates of the tests, once each.
fn certificates() -> BTreeMap<Vec<u8>, String> {
    let folder = format!("{}/../../testdata/certificates", env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = std::fs::read(&path).unwrap();
        for block in pem::certificates(&file) {
            if let Ok(der) = block.decode() {
                found.insert(der.to_vec(), format!("{}", path.display()));
            }
        }
    }
    assert!(found.len() >= 40, "{} certificates", found.len());
    found
}

/// The fields at the top of some DER: tag and content.
fn split(mut der: &[u8]) -> Vec<(u8, &[u8])> {
    let mut fields = Vec::new();
    while let [tag, rest @ ..] = der {
        let (length, rest) = match rest {
            [0x81, length, rest @ ..] => (usize::from(*length), rest),
            [0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
            [length, rest @ ..] => (usize::from(*length), rest),
            [] => return fields,
        };
        let Some((content, rest)) = rest.split_at_checked(length) else {
            return fields;
        };
        fields.push((*tag, content));
        der = rest;
    }
    fields
}

/// Returns whether there is a field like that, however deep.
fn any_field(der: &[u8], is: &dyn Fn(u8, &[u8]) -> bool) -> bool {
    split(der)
        .into_iter()
        .any(|(tag, content)| is(tag, content) || is_constructed(tag) && any_field(content, is))
}

/// A date before 1970 or in the other of two forms, an identifier with large numbers, a type that is not modelled.
fn unknown_to_the_library(tag: u8, content: &[u8]) -> bool {
    match tag {
        0x06 => ObjectIdentifier::from_bytes(content).is_err(),
        0x17 => content
            .get(..2)
            .is_some_and(|year| (*b"50"..*b"70").contains(&year.try_into().unwrap())),
        0x18 => content.get(..4).is_some_and(|year| year < b"2050"),
        _ => AnyRef::from_der(&tlv(tag, content)).is_err(),
    }
}

/// X.690 §8.19.2: no number starts with a byte of zeros.
fn is_padded_identifier(tag: u8, content: &[u8]) -> bool {
    let starts = |at: usize| at == 0 || content[at - 1] < 0x80;
    tag == 0x06 && (0..content.len()).any(|at| content[at] == 0x80 && starts(at))
}

fn is_constructed(tag: u8) -> bool {
    tag & 0x20 != 0
}

fn count(der: &[u8]) -> usize {
    let inner = |(tag, content): (u8, &[u8])| {
        if is_constructed(tag) {
            count(content)
        } else {
            0
        }
    };
    split(der).into_iter().map(|field| 1 + inner(field)).sum()
}

/// The same DER with one change of the field of that number, and the lengths around it as they then are.
fn rewrite(der: &[u8], number: &mut usize, target: usize, change: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, content) in split(der) {
        let here = *number == target;
        *number += 1;
        let content = match is_constructed(tag) {
            true => rewrite(content, number, target, change),
            false => content.to_vec(),
        };
        let whole = tlv(tag, &content);
        if !here {
            out.extend(whole);
            continue;
        }
        let with = |before: &[u8], after: &[u8]| tlv(tag, &[before, &content, after].concat());
        out.extend(match change {
            0 => vec![],
            1 => [&whole[..], &whole].concat(),
            2 => tlv(tag, &[]),
            3 => with(&[0], &[]),
            4 => with(&[], &[0]),
            5 => with(&[], &[5, 0]),
            6 => with(&whole, &[]),
            7 => [&[5, 0], &whole[..]].concat(),
            8 => [&whole[..], &[5, 0]].concat(),
            9 => [&[1, 1, 0], &whole[..]].concat(),
            10 => [&[1, 1, 0xff], &whole[..]].concat(),
            11 => [&[0xa0, 3, 2, 1, 0], &whole[..]].concat(),
            12 => [&[0xa0, 3, 2, 1, 2], &whole[..]].concat(),
            13 => [&whole[..], &[0x81, 2, 0, 7]].concat(),
            14 => [&whole[..], &[0x82, 2, 3, 8]].concat(),
            15 => [&whole[..], &[0x82, 2, 0, 8, 0x81, 2, 0, 8]].concat(),
            16 => tlv(0x18, &[b"20", &content[..]].concat()),
            17 => tlv(0x18, b"20500101000000Z"),
            18 => tlv(0x17, b"491231235959Z"),
            19 => tlv(0x30, &whole),
            20 => tlv(0x31, &whole),
            // A longer length than needed, and an indefinite one.
            21 => long(tag, &content),
            22 => [&[tag, 0x80], &content[..], &[0, 0]].concat(),
            // The fields in it, backwards.
            23 if is_constructed(tag) => {
                let inner = split(&content).into_iter().rev();
                let inner: Vec<_> = inner.map(|(tag, content)| tlv(tag, content)).collect();
                tlv(tag, &inner.concat())
            }
            24 => tlv(2, &[0x7f; 20]),
            25 => tlv(2, &[0x7f; 21]),
            26 => tlv(2, &[0x7f; 22]),
            27 => tlv(2, &[0xff; 2]),
            28 => tlv(2, &[0x80]),
            29 => tlv(3, &[8, 0]),
            30 => tlv(3, &[0]),
            31 => tlv(3, &[1, 0xff]),
            _ => whole,
        });
    }
    out
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let header = match u16::try_from(content.len()).unwrap().to_be_bytes() {
        [0, length @ ..0x80] => vec![tag, length],
        [0, length] => vec![tag, 0x81, length],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header, content.to_vec()].concat()
}

fn long(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x83, 0, high, low], content].concat()
}

const CHANGES: usize = 32;
/// Tags, lengths and values that mean something in DER.
const SET: [u8; 14] = [
    0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x17, 0x18, 0x24, 0x30, 0x31, 0x80, 0x81, 0xff,
];
