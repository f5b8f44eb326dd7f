//! What two agents must not share.

use std::collections::BTreeMap;

use super::section::Section;

/// What only one agent may have, and the place of the one that has it.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<String, String>);

impl Claims {
    /// Notes it if another agent has `what` already.
    pub(crate) fn claim(&mut self, section: &Section<'_>, key: &str, what: String) {
        if let Some(other) = self.0.insert(what, section.at(key)) {
            section.wrong(
                key,
                format_args!("is that of {other}, too; give each its own"),
            );
        }
    }
}
