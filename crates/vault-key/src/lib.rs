//! From a secret's name to its vault secret name and resolver_ref
