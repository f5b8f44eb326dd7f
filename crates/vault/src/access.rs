//! How much of a vault an agent uses.

/// How much an agent's credentials permit. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// To create secrets, and to recognise its own without reading values.
    Create,
    /// To read their values as well.
    Resolve,
    /// To delete them for good as well.
    Delete,
}
