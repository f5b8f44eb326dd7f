//! Copies without panics.

/// Copies `from` to `to`, which callers know to be as long. `copy_from_slice` does so too, and adds a panic that
/// firmware has to carry.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
