//! The REST endpoint
