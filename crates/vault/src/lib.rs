//! Where secrets are kept: the Vault trait and the embedded vault
