//! Steps over DER, for fields that are only looked at.
//!
//! Each is one function that is not inlined, and their error is one byte: the library's own decoding is
//! generic over what it decodes, and a certificate decoded and encoded with it took 42 KB more of a
//! device's flash.

use der::{
    Choice, DateTime, Decode, DecodeValue, ErrorKind, Length, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, BitStringRef},
};

use crate::{certificate::CertificateError, time::UnixTime};

/// What is wrong with an encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It is not that of the type.
    Malformed,
    /// It is, but not the canonical one.
    NotDer,
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
///
/// Times before 1970 are read as 1970: all that matters is that they are past.
#[inline(never)]
pub(super) fn time(reader: &mut SliceReader<'_>) -> Result<UnixTime, Fault> {
    let field = any(reader)?;
    let (year, rest) = match (field.tag(), field.value()) {
        (Tag::UtcTime, [decade, one, rest @ ..]) => match two_digits(*decade, *one)? {
            year @ 50.. => (1900 + u16::from(year), rest),
            year => (2000 + u16::from(year), rest),
        },
        (Tag::GeneralizedTime, [millennium, century, decade, one, rest @ ..]) => {
            let hundreds = u16::from(two_digits(*millennium, *century)?);
            (100 * hundreds + u16::from(two_digits(*decade, *one)?), rest)
        }
        _ => return Err(Fault::Malformed),
    };
    // Seconds are there, and the time is that of Greenwich (X.690 §11.7, §11.8).
    let [
        mon1,
        mon2,
        day1,
        day2,
        hour1,
        hour2,
        min1,
        min2,
        sec1,
        sec2,
        b'Z',
    ] = rest
    else {
        return Err(Fault::Malformed);
    };
    let before_1970 = year < 1970;
    // The calendar repeats itself every 400 years.
    let year = if before_1970 { year + 2000 } else { year };
    let time = DateTime::new(
        year,
        two_digits(*mon1, *mon2)?,
        two_digits(*day1, *day2)?,
        two_digits(*hour1, *hour2)?,
        two_digits(*min1, *min2)?,
        two_digits(*sec1, *sec2)?,
    )
    .map_err(fault)?;
    Ok(UnixTime::from_secs(match before_1970 {
        true => 0,
        false => time.unix_duration().as_secs(),
    }))
}

fn two_digits(tens: u8, ones: u8) -> Result<u8, Fault> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Ok((tens - b'0') * 10 + (ones - b'0'))
    } else {
        Err(Fault::Malformed)
    }
}

impl From<Fault> for CertificateError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::NotDer => Self::NotDer,
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
        _ => Fault::Malformed,
    }
}

/// X.690 §8.1.2: the class of the types that ASN.1 itself defines.
const UNIVERSAL: u8 = 0;
/// The tag's number follows.
const LONG_FORM: u8 = 31;
/// More bytes of the number follow.
const MORE: u8 = 0x80;
