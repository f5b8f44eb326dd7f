//! Both sides against each other, and against whoever carries the messages. Names are those of `docs/CHANNELS.md`.

mod agreement;
mod bodies;
mod carrier;
mod gateways;
mod headers;
mod openings;
mod replays;
mod replies;
mod signatures;
mod support;
