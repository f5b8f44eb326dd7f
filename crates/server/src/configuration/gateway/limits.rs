//! `[limits]`: how much and how long.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use sealpost_gateway::{Limits, limits::RateLimit};

use crate::configuration::section::Section;

/// Reads the limits; what is not given is as by default.
pub(super) fn read(root: &mut Section<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut section) = root.section("limits") else {
        return limits;
    };
    for (key, duration) in [
        ("handshake_timeout", &mut limits.handshake_timeout),
        ("header_timeout", &mut limits.header_timeout),
        ("body_timeout", &mut limits.body_timeout),
        ("write_timeout", &mut limits.write_timeout),
        ("deadline", &mut limits.deadline),
        ("drain", &mut limits.drain),
    ] {
        if let Some(given) = section.duration(key, SHORTEST..=LONGEST) {
            *duration = given;
        }
    }
    for (key, number) in [
        ("connections", &mut limits.connections),
        (
            "connections_per_address",
            &mut limits.connections_per_address,
        ),
        ("requests", &mut limits.requests),
        ("requests_per_agent", &mut limits.requests_per_agent),
        ("requests_per_principal", &mut limits.requests_per_principal),
    ] {
        if let Some(given) = section.number(key, 1..=MOST) {
            *number = given;
        }
    }
    if let Some(given) = section.number("body_memory", MEMORY) {
        limits.body_memory = given;
    }
    limits.rate = rate(&mut section);
    section.finish();
    limits
}

fn rate(section: &mut Section<'_>) -> Option<RateLimit> {
    let mut rate = RateLimit::default();
    let mut given = |key, from| {
        let number = section.number(key, from..=MOST)?;
        u32::try_from(number).ok()
    };
    let (per_second, burst) = (given("rate_per_second", 0), given("rate_burst", 1));
    if let Some(burst) = burst.and_then(NonZeroU32::new) {
        rate.burst = burst;
    }
    match per_second.map(NonZeroU32::new) {
        // Zero stands for no limit.
        Some(None) => None,
        Some(Some(per_second)) => {
            rate.per_second = per_second;
            Some(rate)
        }
        None => Some(rate),
    }
}

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// In bytes, from what a few requests need to a tebibyte.
const MEMORY: RangeInclusive<usize> = 1 << 20..=1 << 40;
/// Of connections, requests, and requests a second.
const MOST: usize = 1_000_000;
