//! `[metrics]`: where a process serves metrics and health.

use std::net::SocketAddr;

use super::section::Section;

/// Reads the address; `None` without the table, or if it is wrong, which is then noted.
pub(super) fn read(root: &mut Section<'_>) -> Option<SocketAddr> {
    let mut section = root.section("metrics")?;
    section.require(
        "listen",
        "give an address and a port, such as \"127.0.0.1:9090\"",
    );
    let address = section.address("listen");
    section.finish();
    address
}
