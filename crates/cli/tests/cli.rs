//! Runs the real binary: what it prints, what it refuses, what it leaves behind.

mod cli {
    mod support;

    mod inspect;
    mod keygen;
    mod name;
    mod seal_open;
    mod usage;
}
