//! Opening, for tests and for agents in a JavaScript runtime.

use alloc::string::ToString as _;

use sealpost_envelope::{Identity, RustCrypto, text};

use crate::{
    fields::Fields,
    memory::{self, Answer},
    noise::Noise,
    seal::context,
};

/// Opens an envelope: the fields are the private key in PEM, agent id, project, name, key, type, and the envelope in
/// its text form. The answer is the value.
///
/// # Safety
///
/// `start` and `length` are of memory from [`reserve`](crate::reserve).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(start: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    let message = unsafe { memory::message(start, length) };
    memory::give(opened(message))
}

fn opened(message: &[u8]) -> Answer {
    let mut fields = Fields::new(message);
    let key = fields.bytes()?;
    let context = context(&mut fields)?;
    let context = context.borrow();
    let envelope = text::decode(fields.text()?).map_err(|error| error.to_string())?;
    let identity = Identity::<RustCrypto>::from_pem(key).map_err(|error| error.to_string())?;
    let value = sealpost_envelope::open(&identity, &envelope, &context, &mut Noise)
        .map_err(|error| error.to_string())?;
    Ok(value.to_vec())
}
