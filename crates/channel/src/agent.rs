//! The agent's side: from a message to an opened request, and from its outcome to a reply.
//!
//! Nothing here waits, and nothing here has a clock. Whoever drives it holds a lock for the calls that change what is
//! remembered, does the work of a [`Flight`] and of [`Known::open`] outside of it, and lets those wait who are told to.
//!
//! ```text
//! Message::parse → Openings::receive ─┬─ Known → Request ── Requests::begin ─┬─ Turn → work → Requests::end → reply
//!                                     ├─ Flight → Openings::settle           ├─ an outcome → reply
//!                                     ├─ wait for another's flight           └─ wait for another's turn
//!                                     └─ a refusal, or silence
//! ```

mod callers;
mod channel;
mod clock;
mod flight;
mod headers;
mod openings;
mod quota;
mod refusals;
mod replays;
mod requests;
mod silence;

pub use self::{
    callers::{Admission, Callers, Permit},
    channel::{Channel, Known, Request},
    clock::SteadyClock,
    flight::{Ended, Flight},
    headers::{HeaderFlight, HeaderKey, HeaderLookup, Headers},
    openings::{Environment, FlightId, Openings, Received},
    requests::{Begun, Requests, Ticket, Turn},
    silence::Silence,
};
