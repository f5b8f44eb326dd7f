//! `[limits]`: how much and how long.

use std::time::Duration;

use sealpost_gateway::Limits;

use super::section::Section;

/// Reads the limits; what is not given is as by default.
pub(crate) fn read(root: &mut Section<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut section) = root.section("limits") else {
        return limits;
    };
    for (key, duration) in [
        ("header_timeout", &mut limits.header_timeout),
        ("body_timeout", &mut limits.body_timeout),
        ("deadline", &mut limits.deadline),
        ("drain", &mut limits.drain),
    ] {
        if let Some(given) = section.duration(key, SHORTEST..=LONGEST) {
            *duration = given;
        }
    }
    if let Some(given) = section.number("connections", 1..=MAX_CONNECTIONS) {
        limits.connections = given;
    }
    section.finish();
    limits
}

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10 * 60);
const MAX_CONNECTIONS: usize = 1 << 20;
