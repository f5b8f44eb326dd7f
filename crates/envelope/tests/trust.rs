//! Which certificates are trusted, and why others are not: each fault, its own error.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod trust {
    #[cfg(feature = "aws-lc")]
    pub(crate) mod anchors;
    #[cfg(feature = "aws-lc")]
    pub(crate) mod authority;
    #[cfg(feature = "aws-lc")]
    pub(crate) mod chains;
    pub(crate) mod der;
    pub(crate) mod encodings;
    pub(crate) mod forgery;
    #[cfg(feature = "aws-lc")]
    pub(crate) mod mutations;
    #[cfg(feature = "aws-lc")]
    pub(crate) mod openssl;
    pub(crate) mod pins;
}

macro_rules! suite {
    ($backend:ident: $($module:ident: $($test:ident)*;)*) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                crate::trust::$module::$test::<sealpost_envelope::$backend>();
            })*
        })*
    };
}

macro_rules! suite_for {
    ($backend:ident) => {
        suite! { $backend:
            encodings:
                bytes_that_are_no_certificate
                bytes_around_and_inside
                extensions
                keys
                agents
                times;
            pins:
                a_pin_stands_in_for_the_issuers
                a_pin_does_not_lift_the_rules_for_keys
                expiry_is_overridden_by_name_only
                files_of_several_certificates;
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

// The chain policy does not depend on the backend, but the certificates that it is given may.
#[cfg(all(feature = "aws-lc", feature = "rustcrypto"))]
mod chains_of_rustcrypto {
    suite! { RustCrypto:
        chains:
            the_agents_certificate
            the_issuers
            certificates_are_found_by_name;
        openssl:
            what_is_accepted_can_be_sealed_to;
    }
}

#[cfg(feature = "aws-lc")]
mod chains_of_aws_lc {
    suite! { AwsLc:
        anchors:
            limits;
        chains:
            the_agents_certificate
            the_issuers
            certificates_are_found_by_name
            expiry
            search_is_bounded;
        mutations:
            any_bytes
            changed_certificates
            changed_chains;
        openssl:
            certificates_of_openssl
            chains_of_openssl
            what_is_accepted_can_be_sealed_to;
    }
}
