//! Is this request well formed? All violations at once, without allocating
