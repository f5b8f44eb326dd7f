//! Resolving references for processes on this machine, over a Unix socket.

mod answer;
mod socket;

pub use answer::{Answer, Refusal, resolve};
pub use socket::{ResolveSocket, ask};
