//! The signed messages between gateway and agent, and what carries them
