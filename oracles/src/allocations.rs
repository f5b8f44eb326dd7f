//! How much an operation allocates. The allocator of whatever links this crate is the one that counts: C libraries such as AWS-LC
//! call malloc by themselves, which is not seen.

use sealpost_testkit::counting::{self, Counting};

/// Runs `operation` and asserts that all it allocated, freed again or not, is at most `fixed` bytes and `factor` bytes
/// for each of `input` bytes.
///
/// # Panics
///
/// If it was more.
pub fn bounded<R>(input: usize, factor: usize, fixed: usize, operation: impl FnOnce() -> R) -> R {
    let (result, allocated) = measure(operation);
    let allowed = fixed + factor * input;
    assert!(
        allocated <= allowed,
        "{allocated} bytes allocated for an input of {input}, {allowed} allowed"
    );
    result
}

/// Runs `operation` and returns how many bytes it allocated on this thread.
pub fn measure<R>(operation: impl FnOnce() -> R) -> (R, usize) {
    let (result, allocated) = counting::measure(operation);
    (result, allocated.bytes)
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts() {
        let (buffer, allocated) = measure(|| vec![1_u8; 1000]);
        assert_eq!((buffer.len(), allocated), (1000, 1000));
        bounded(100, 10, 0, || vec![1_u8; 1000]);
    }

    #[test]
    #[should_panic(expected = "1001 bytes allocated for an input of 100")]
    fn too_much_is_a_panic() {
        bounded(100, 10, 0, || vec![1_u8; 1001]);
    }
}
