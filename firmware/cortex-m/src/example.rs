//! What the programs are about: one secret of one agent, which the host knows too.

use sealpost_envelope::SecretContext;

/// What the host seals for, and the programs.
pub const CONTEXT: SecretContext<'static> = SecretContext::unchecked("pump-7", "wifi")
    .with_unchecked_key("password")
    .with_unchecked_type("PASSWORD");

/// The largest file that the programs read: an RSA-4096 key in DER has 2.4 KB.
pub const MAX_FILE: usize = 2560;

/// The random bytes that the programs are given, and one.
pub const MAX_NOISE: usize = 8 << 10;
