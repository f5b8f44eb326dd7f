//! The routes, one file for each resource.

pub(crate) mod certificate;
pub(crate) mod description;
pub(crate) mod fallback;
pub(crate) mod secret_value;
