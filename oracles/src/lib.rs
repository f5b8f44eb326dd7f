//! What each fuzz target checks: one function a target, from bytes to a panic if a promise is broken.
//!
//! The targets in `fuzz/` are one line each and need nightly; this crate is plain Rust, so that every seed, every
//! file of a corpus and every crash ever found is replayed by `cargo test` (`tests/replay.rs`). `docs/FUZZING.md` lists the targets
//! with what they promise.

#![allow(clippy::missing_panics_doc)] // a panic is what an oracle is for

pub mod allocations;
mod batch;
mod certificates;
mod channels;
mod configuration;
mod contexts;
mod envelope;
mod gateway;
mod input;
mod jwe_and_cms;
mod jwk;
mod keys;
mod names;
mod open_request;
mod pem;
#[path = "../../crates/validator/tests/support/reader.rs"]
mod reader;
mod records;
#[path = "../../crates/validator/tests/support/reference.rs"]
mod reference;
pub mod seeds;
mod tokens;
mod validation;
mod vault_file;

/// A fuzz target.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)] // a function has none
pub struct Target {
    /// What it is called in `fuzz/` and in the folders of its files.
    pub name: &'static str,
    /// Checks one input; panics if a promise is broken.
    pub check: fn(&[u8]),
    /// Its dictionary in `fuzz/dictionaries`.
    pub dictionary: &'static str,
}

macro_rules! targets {
    ($($name:ident, $check:path, $dictionary:literal;)*) => {
        /// Every target.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            check: $check,
            dictionary: $dictionary,
        }),*];
    };
}

targets! {
    batch, batch::check, "envelope";
    binding, contexts::binding, "json";
    certificate, certificates::certificate, "x509";
    channel_body, channels::body, "channel";
    channel_frame, channels::frame, "channel";
    channel_opening, channels::opening, "channel";
    channel_refusal, channels::refusal, "channel";
    channel_reply, channels::reply, "channel";
    cms, jwe_and_cms::cms, "cms";
    configuration, configuration::check, "toml";
    envelope, envelope::parse, "envelope";
    gateway_request, gateway::check, "json";
    identity, keys::identity, "x509";
    jwe_compact, jwe_and_cms::jwe_compact, "jwe";
    jwe_json, jwe_and_cms::jwe_json, "jwe";
    jwk, jwk::check, "jwk";
    jwks, tokens::jwks, "jwt";
    open, envelope::open_stubbed, "envelope";
    open_keys, envelope::open_with_keys, "envelope";
    open_request, open_request::check, "json";
    pem, pem::check, "x509";
    property, validation::property, "json";
    record, records::check, "envelope";
    request, validation::request, "json";
    resolver_ref, names::resolver_ref, "names";
    text, envelope::text_form, "envelope";
    token, tokens::check, "jwt";
    trust, certificates::trust, "x509";
    vault_file, vault_file::check, "vault_file";
    vault_name, names::vault_name, "names";
    wrapper, contexts::wrapper, "json";
}

/// The target with this name.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn target(name: &str) -> Target {
    *TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target of this name")
}
