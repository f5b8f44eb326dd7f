//! The cases, one after the other in one thread.

use std::env;

use super::{controls, jwe_and_cms, keys, opening, sealing, tested::Tested};

macro_rules! run {
    ($harness:ident, $label:expr, $module:ident: $($case:ident $(::<$backend:ident>)?)*) => {
        $($harness.run($label, concat!(stringify!($module), "::", stringify!($case)), $module::$case $(::<$backend>)?);)*
    };
}

/// Runs the cases whose name contains the first argument, or all.
pub(crate) fn main() {
    let mut harness = Harness {
        filter: env::args()
            .skip(1)
            .find(|argument| !argument.starts_with('-')), // what cargo passes
        passed: 0,
    };
    run! { harness, "", controls:
        a_copy_freed_as_it_was_is_found
        a_part_of_16_bytes_is_found
        what_a_growing_vector_leaves_is_found
        what_a_shrinking_vector_leaves_is_found
        a_wiped_copy_is_not_found
        a_live_copy_is_found_in_the_heap
        what_c_leaves_is_found_in_the_heap
    }
    run! { harness, "", jwe_and_cms:
        a_wrapper
    }
    #[cfg(feature = "aws-lc")]
    suite::<sealpost_envelope::AwsLc>(&mut harness);
    #[cfg(feature = "rustcrypto")]
    suite::<sealpost_envelope::RustCrypto>(&mut harness);
    println!("{} passed", harness.passed);
}

fn suite<B: Tested>(harness: &mut Harness) {
    run! { harness, B::NAME, keys:
        pkcs8_pem::<B>
        pkcs8_der_form::<B>
        pkcs1_pem::<B>
        pkcs1_der::<B>
        jwk::<B>
        with_its_certificate::<B>
        refused::<B>
        moved_and_dropped::<B>
    }
    run! { harness, B::NAME, sealing:
        one_message::<B>
        into_a_buffer::<B>
        a_batch_in_a_growing_vector::<B>
        a_sealer_on_the_heap::<B>
        randomness_that_fails::<B>
    }
    run! { harness, B::NAME, opening:
        one_message::<B>
        the_plaintext_is_in_the_heap_once::<B>
        into_a_buffer::<B>
        in_place::<B>
        a_batch::<B>
        with_a_keyring::<B>
        with_a_key_elsewhere::<B>
        an_opener_on_the_heap::<B>
        failures_after_the_private_key::<B>
        failures_before_the_private_key::<B>
    }
    run! { harness, B::NAME, jwe_and_cms:
        jwe::<B>
        a_jwe_that_was_changed::<B>
        cms::<B>
    }
}

/// Runs one case after the other; the first that fails ends the program.
struct Harness {
    filter: Option<String>,
    passed: usize,
}

impl Harness {
    fn run(&mut self, label: &str, name: &str, case: fn()) {
        if self
            .filter
            .as_ref()
            .is_some_and(|filter| !name.contains(filter.as_str()))
        {
            return;
        }
        println!("residue {label} {name}");
        case();
        self.passed += 1;
    }
}
