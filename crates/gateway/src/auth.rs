//! Who a request comes from.
//!
//! Authentication turns a bearer token into a [`Principal`]. The principal decides what it permits. Both happen before
//! a body is read and before anything is looked up. Callers get the same 403 for every refusal: the reason is a
//! [`Denied`], which goes to the log, the metrics and the audit trail alone.

mod algorithm;
mod authenticator;
mod bearer;
mod denied;
mod jwks;
mod jwt;
mod keys;
mod principal;
mod verified;

pub use algorithm::{TokenAlgorithm, UnknownAlgorithm};
pub use authenticator::Authenticator;
pub(crate) use bearer::bearer_token;
pub use denied::Denied;
pub use jwks::{IssuerKeys, JwksError, JwksRefresh, JwksSource};
pub use jwt::{JwtAuthenticator, TokenKeys, TokenPolicy};
pub use keys::{KeySet, KeySetError, LeftOut, Unusable};
pub use principal::Principal;
