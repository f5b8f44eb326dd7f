//! The longest texts.

/// The longest name of a secret, in bytes of UTF-8.
pub const MAX_NAME: usize = 512;

/// The longest key, in bytes of UTF-8.
pub const MAX_KEY: usize = 256;

/// The longest id of an agent, in bytes.
pub const MAX_AGENT_ID: usize = 64;
