//! How long names are, and the parts of those that are rewritten.

/// The longest name of any vault, in bytes.
pub const MAX_VAULT_SECRET_NAME: usize = 512;

/// Bytes of the hash in a rewritten name: 160 bits.
pub(crate) const HASH: usize = 20;

/// `-x` and the hash in base32: 2 + 20 · 8 / 5.
pub(crate) const SUFFIX: usize = 2 + HASH * 8 / 5;

/// `p`, 16 bytes in hex, `-`.
pub(crate) const PREFIX: usize = 1 + 32 + 1;

/// The shortest limit with which every rewritten name fits: a project, a slug of one character, a hash. Without a
/// project there is room for more than the three characters of a slug that begins with `s-`.
pub(crate) const MIN_ROOM: usize = PREFIX + 3 + SUFFIX;
