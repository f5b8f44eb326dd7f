//! Seal secrets to certificates, open them with identities
