//! The gateway's side: one channel to each agent, requests by it, and what comes back.
//!
//! ```text
//! Channels::current ─┬─ Use(channel) → Channel::place → body → Channel::seal → message, Waiting
//!                    └─ Open → Channel::open → Channels::install
//! Waiting::receive ─── an outcome, once, or a refusal; whatever else came is dropped, and the wait goes on
//! ```

mod channel;
mod channels;
mod clocks;
mod waiting;

pub use self::{
    channel::{Channel, Destination, OpenError, Place, Spent},
    channels::{Channels, Current, Entry},
    clocks::Clocks,
    waiting::{Answer, Dropped, Waiting},
};
