//! Agreement with another implementation, byte for byte.
