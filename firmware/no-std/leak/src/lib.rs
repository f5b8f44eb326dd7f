//! A crate on std: `println!` is not in core.

/// Uses std, so that nobody can mistake this crate for one without.
pub fn leak() {
    println!();
}
