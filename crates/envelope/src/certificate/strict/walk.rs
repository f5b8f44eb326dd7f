//! Steps over DER, for fields that are only looked at.
//!
//! Each is one function that is not inlined, and their error is small: the library's own decoding is
//! generic over what it decodes, and a certificate decoded and encoded with it took 42 KB more of a
//! device's flash.

use der::{
    Choice, DateTime, Decode, DecodeValue, ErrorKind, Length, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, BitStringRef},
};

use crate::{
    certificate::{CertificateError, DateFault, ValidityEnd},
    time::UnixTime,
};

/// What is wrong with an encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It is not that of the type.
    Malformed,
    /// It is, but not the canonical one.
    NotDer,
    /// A time is not one.
    Date(ValidityEnd, DateFault),
    /// The serial number has so many bytes.
    SerialNumber(usize),
}

/// What these bytes hold.
pub(super) fn reader(bytes: &[u8]) -> Result<SliceReader<'_>, Fault> {
    SliceReader::new(bytes).map_err(fault)
}

/// Fails if bytes are left.
pub(super) fn end(reader: &SliceReader<'_>) -> Result<(), Fault> {
    if reader.is_finished() {
        Ok(())
    } else {
        Err(Fault::Malformed)
    }
}

/// A field of whatever type.
#[inline(never)]
pub(super) fn any<'a>(reader: &mut SliceReader<'a>) -> Result<AnyRef<'a>, Fault> {
    AnyRef::decode(reader).map_err(fault)
}

/// The value of a field with this tag.
#[inline(never)]
pub(super) fn value<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<&'a [u8], Fault> {
    let field = any(reader)?;
    if field.tag() == tag {
        Ok(field.value())
    } else {
        Err(Fault::Malformed)
    }
}

/// A field with its tag and length.
#[inline(never)]
pub(super) fn whole<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Fault> {
    reader.tlv_bytes().map_err(fault)
}

/// A field that is decoded by the library.
pub(super) fn decode<'a, T>(field: AnyRef<'a>) -> Result<T, Fault>
where
    T: Choice<'a> + DecodeValue<'a, Error = der::Error>,
{
    field.decode_as().map_err(fault)
}

/// Fails unless this is the content of a BIT STRING.
#[inline(never)]
pub(super) fn bit_string(content: &[u8]) -> Result<(), Fault> {
    let field = AnyRef::new(Tag::BitString, content).map_err(fault)?;
    decode::<BitStringRef<'_>>(field).map(|_| ())
}

/// A field of any type at all, also one that the library does not know, such as the older types of strings.
#[inline(never)]
pub(super) fn skip(reader: &mut SliceReader<'_>) -> Result<(), Fault> {
    let first = reader.read_byte().map_err(fault)?;
    let (class, constructed, number) = (first >> 6, first & 0x20 != 0, first & 0x1f);
    if number == LONG_FORM {
        long_tag(reader)?;
    } else if class == UNIVERSAL {
        // X.690 §10.2: strings are primitive; §8.9 to §8.12: what has fields is constructed.
        let has_fields = matches!(number, 8 | 11 | 16 | 17 | 29);
        match number {
            0 | 15 => return Err(Fault::Malformed),
            _ if has_fields == constructed => {}
            _ if constructed => return Err(Fault::NotDer),
            _ => return Err(Fault::Malformed),
        }
    }
    let length = Length::decode(reader).map_err(fault)?;
    reader.read_slice(length).map_err(fault).map(|_| ())
}

// X.690 §8.1.2.4: numbers from 31 on, in groups of seven bits, without leading zeros.
fn long_tag(reader: &mut SliceReader<'_>) -> Result<(), Fault> {
    let mut next = || reader.read_byte().map_err(fault);
    let first = next()?;
    if first == MORE || first < LONG_FORM {
        return Err(Fault::NotDer);
    }
    let mut last = first;
    while last & MORE != 0 {
        last = next()?;
    }
    Ok(())
}

/// The content of an OBJECT IDENTIFIER, of whatever length and with whatever numbers (X.690 §8.19).
#[inline(never)]
pub(super) fn object_identifier<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Fault> {
    let content = value(reader, Tag::ObjectIdentifier)?;
    let mut starts = true;
    for byte in content {
        if starts && *byte == MORE {
            return Err(Fault::NotDer);
        }
        starts = byte & MORE == 0;
    }
    match content {
        [] => Err(Fault::Malformed),
        _ if starts => Ok(content),
        _ => Err(Fault::Malformed),
    }
}

/// `Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }`, in either form: RFC 5280 §4.1.2.5 wants UTCTime up
/// to 2049, and some authorities did not know.
#[inline(never)]
pub(super) fn time(reader: &mut SliceReader<'_>, end: ValidityEnd) -> Result<UnixTime, Fault> {
    let field = any(reader)?;
    let wrong = |fault| Fault::Date(end, fault);
    let (year, rest) = match (field.tag(), field.value()) {
        (Tag::UtcTime, [decade, one, rest @ ..]) => match two_digits(*decade, *one) {
            Some(year @ 50..) => (1900 + u16::from(year), rest),
            Some(year) => (2000 + u16::from(year), rest),
            None => return Err(wrong(DateFault::Form)),
        },
        (Tag::GeneralizedTime, [millennium, century, decade, one, rest @ ..]) => {
            let year = two_digits(*millennium, *century).zip(two_digits(*decade, *one));
            let (hundreds, ones) = year.ok_or(wrong(DateFault::Form))?;
            (100 * u16::from(hundreds) + u16::from(ones), rest)
        }
        (Tag::UtcTime | Tag::GeneralizedTime, _) => return Err(wrong(DateFault::Form)),
        _ => return Err(Fault::Malformed),
    };
    let parts = day_and_time(rest).map_err(wrong)?;
    seconds(year, parts).ok_or(wrong(DateFault::Calendar))
}

/// Month, day, hour, minute and second. Seconds are there, without a fraction, and the time is that of Greenwich
/// (X.690 §11.7, §11.8; RFC 5280 §4.1.2.5).
fn day_and_time(text: &[u8]) -> Result<[u8; 5], DateFault> {
    let mut parts = [0; 5];
    let mut rest = text;
    for (index, part) in parts.iter_mut().enumerate() {
        match rest {
            [tens, ones, more @ ..] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
                *part = two_digits(*tens, *ones).unwrap_or_default();
                rest = more;
            }
            [b'Z' | b'+' | b'-', ..] if index == 4 => return Err(DateFault::NoSeconds),
            _ => return Err(DateFault::Form),
        }
    }
    match rest {
        b"Z" => Ok(parts),
        [b'.' | b',', ..] => Err(DateFault::Fraction),
        [b'+' | b'-', ..] => Err(DateFault::Offset),
        _ => Err(DateFault::Form),
    }
}

/// `None` if the calendar has no such day, or the day no such time.
fn seconds(year: u16, [month, day, hour, minute, second]: [u8; 5]) -> Option<UnixTime> {
    // The calendar repeats itself every 400 years, and the library's begins in 1970.
    let cycles = if year < 1970 { 5 } else { 0 };
    let moved = DateTime::new(year + 400 * cycles, month, day, hour, minute, second).ok()?;
    let moved = moved.unix_duration().as_secs();
    let by = u64::from(cycles) * SECONDS_OF_400_YEARS;
    Some(match moved.checked_sub(by) {
        Some(after) => UnixTime::from_secs(after),
        None => UnixTime::before_epoch(by.saturating_sub(moved)),
    })
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

impl From<Fault> for CertificateError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::NotDer => Self::NotDer,
            Fault::Date(end, fault) => Self::Date { end, fault },
            Fault::SerialNumber(length) => Self::SerialNumber { length },
        }
    }
}

#[inline(never)]
fn fault(error: der::Error) -> Fault {
    match error.kind() {
        ErrorKind::IndefiniteLength
        | ErrorKind::Length { .. }
        | ErrorKind::Noncanonical { .. }
        | ErrorKind::Overlength
        | ErrorKind::SetOrdering => Fault::NotDer,
        // X.690 §10.2: a BIT STRING, an OCTET STRING, a UTF8String or a time in pieces, which is BER.
        ErrorKind::TagUnknown {
            byte: 0x23 | 0x24 | 0x2c | 0x37 | 0x38,
        } => Fault::NotDer,
        _ => Fault::Malformed,
    }
}

/// X.690 §8.1.2: the class of the types that ASN.1 itself defines.
const UNIVERSAL: u8 = 0;
/// The tag's number follows.
const LONG_FORM: u8 = 31;
/// More bytes of the number follow.
const MORE: u8 = 0x80;
/// 97 of 400 years are leap years.
const SECONDS_OF_400_YEARS: u64 = (400 * 365 + 97) * 24 * 60 * 60;
