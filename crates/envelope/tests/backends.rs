//! The behaviour suite: one source, run once for each backend that is built in.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod suite;

macro_rules! suite {
    ($backend:ident: $($module:ident: $($test:ident)*;)*) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                crate::suite::$module::$test::<sealpost_envelope::$backend>();
            })*
        })*
    };
}

macro_rules! suite_for {
    ($backend:ident) => {
        suite! { $backend:
            batches:
                opens_in_order_and_at_random
                notices_every_way_to_cut
                refuses_moved_and_mixed_messages
                a_sealer_ends;
            buffers:
                open_into_fills_the_front
                open_into_wipes_on_failure
                open_in_place_leaves_the_message
                seal_into_says_what_it_needs;
            certificates:
                pins_decide;
            failures:
                every_bit_flip_fails
                every_truncation_and_extension_fails
                every_changed_context_field_fails
                what_fails_after_the_private_key_is_one_error;
            identities:
                pkcs8_and_pkcs1_are_one_identity
                every_form_gives_the_same_key
                certificates_come_along
                pkcs12_is_named_and_can_be_converted
                wrong_files_are_named
                wrong_der_is_named
                numbers_that_do_not_fit_are_refused
                debug_shows_no_key;
            keyrings:
                the_first_key_named_opens
                any_ring_and_any_recipients
                there_is_no_second_try
                what_is_rich_comes_before_the_private_key
                an_unknown_key_names_both_sides
                keys_are_rotated_and_deleted
                a_batch_opens;
            phases:
                a_foreign_key_opens
                a_rejection_shows_at_the_message
                unavailable_may_be_asked_again
                a_failing_generator_says_nothing_of_the_key
                range_and_length_are_checked_before_the_key
                own_key_under_an_unknown_type_is_named
                unknown_types_are_skipped;
            round_trips:
                every_size_comes_back
                every_recipient_opens
                any_message_and_context
                other_keys_are_told_apart
                recipients_are_counted;
        }
    };
}

#[cfg(feature = "rustcrypto")]
mod rustcrypto {
    suite_for!(RustCrypto);
}

#[cfg(feature = "aws-lc")]
mod aws_lc {
    suite_for!(AwsLc);
}

#[cfg(all(feature = "rustcrypto", feature = "aws-lc"))]
mod across {
    use proptest::prelude::*;
    use rand::Rng;
    use sealpost_envelope::{AwsLc, RustCrypto, SecretContext, backend::Backend, open, seal};

    use crate::suite::{KEYS, identity, recipient, rng};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn each_backend_opens_what_the_other_seals(
            message in proptest::collection::vec(any::<u8>(), 0..2000),
            key in 0..KEYS.len(),
            seed: u64,
        ) {
            let context = SecretContext::unchecked("agent-1", "db").with_unchecked_key("password");
            let rng = &mut rng(seed);
            let sealed = seal(&[recipient::<RustCrypto>(KEYS[key])], &context, &message, rng)?;
            let opened = open(&identity::<AwsLc>(KEYS[key]), &sealed, &context, rng)?;
            prop_assert_eq!(&*opened, &message);
            let sealed = seal(&[recipient::<AwsLc>(KEYS[key])], &context, &message, rng)?;
            let opened = open(&identity::<RustCrypto>(KEYS[key]), &sealed, &context, rng)?;
            prop_assert_eq!(&*opened, &message);
        }
    }

    #[test]
    fn one_seed_gives_the_same_bytes() {
        // What rustcrypto sealed from a known seed, sealed again by aws-lc's primitives.
        let context = SecretContext::unchecked("a", "n");
        let message = b"message";
        let recipients = [recipient::<RustCrypto>("a2048")];
        let envelope = seal(&recipients, &context, message, &mut rng(7)).unwrap();
        let mut seed = [0; 32];
        rng(7).fill_bytes(&mut seed);

        let (header, frame) = envelope.split_at(10 + 35 + 256);
        let salt = AwsLc::sha256(&[b"sealpost/v1/header", header]);
        let prk = AwsLc::hkdf_extract(&salt, &seed);
        let (mut key, mut nonce, mut commit_key) = ([0; 32], [0; 12], [0; 32]);
        AwsLc::hkdf_expand(&prk, &[b"\x03key"], &mut key).unwrap();
        AwsLc::hkdf_expand(&prk, &[b"\x05nonce"], &mut nonce).unwrap();
        AwsLc::hkdf_expand(&prk, &[b"\x06commit"], &mut commit_key).unwrap();

        let context = b"sealpost/v1/context\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\0\x01n\0\0";
        let place = [&[0; 8][..], &[1]].concat();
        let com = AwsLc::hmac(&AwsLc::hmac_key(&commit_key), &[&place, context]);
        let mut ct = [0; 256];
        ct[3] = 7;
        ct[4..11].copy_from_slice(message);
        let tag = AwsLc::aead_seal(&AwsLc::aead_key(&key).unwrap(), &nonce, &com, &mut ct).unwrap();
        let again = [
            &[0, 0, 0, 0, 1][..],
            &com,
            &272_u32.to_be_bytes(),
            &ct,
            &tag,
        ]
        .concat();
        assert_eq!(frame, again);
    }

    #[test]
    fn key_ids_and_errors_are_the_same() {
        for name in KEYS {
            let rust = identity::<RustCrypto>(name);
            let aws = identity::<AwsLc>(name);
            assert_eq!(rust.public_key(), aws.public_key());
        }
    }
}
