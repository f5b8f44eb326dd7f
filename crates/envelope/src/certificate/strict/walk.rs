//! Steps over DER, for fields that are only looked at.
//!
//! Each is one function that is not inlined, and their error is one byte: the library's own decoding is
//! generic over what it decodes, and a certificate decoded and encoded with it took 42 KB more of a
//! device's flash.

use der::{
    Choice, Decode, DecodeValue, ErrorKind, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, UtcTime},
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

/// Is that all?
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

/// Is this the content of a BIT STRING?
#[inline(never)]
pub(super) fn bit_string(content: &[u8]) -> Result<(), Fault> {
    let field = AnyRef::new(Tag::BitString, content).map_err(fault)?;
    decode::<BitStringRef<'_>>(field).map(|_| ())
}

/// `Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }`
#[inline(never)]
pub(super) fn time(reader: &mut SliceReader<'_>) -> Result<UnixTime, Fault> {
    let field = any(reader)?;
    let since_1970 = if field.tag() == Tag::UtcTime {
        decode::<UtcTime>(field)?.to_unix_duration()
    } else {
        let time: GeneralizedTime = decode(field)?;
        // RFC 5280 §4.1.2.5: up to 2049 it is a UTCTime.
        if time.to_date_time().year() <= UtcTime::MAX_YEAR {
            return Err(Fault::NotDer);
        }
        time.to_unix_duration()
    };
    Ok(UnixTime::from_secs(since_1970.as_secs()))
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
