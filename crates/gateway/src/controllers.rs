//! The operations, one file for each resource.

pub(crate) mod certificate;
pub(crate) mod secret_value;
