//! A crate on std: `println!` is not in core.

/// Uses std, so this crate can't be mistaken for one without.
pub fn leak() {
    println!();
}
