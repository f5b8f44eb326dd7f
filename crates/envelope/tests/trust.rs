//! Which certificates are trusted, and why others are not: each fault, its own error.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod trust {
    #[cfg(feature = "aws-lc")]
    mod anchors;
    #[cfg(feature = "aws-lc")]
    pub(crate) mod authority;
    #[cfg(feature = "aws-lc")]
    mod chains;
    pub(crate) mod der;
    pub(crate) mod encodings;
    mod files;
    pub(crate) mod forgery;
    #[cfg(feature = "aws-lc")]
    mod mutations;
    #[cfg(feature = "aws-lc")]
    pub(crate) mod openssl;
    pub(crate) mod pins;
    #[cfg(feature = "aws-lc")]
    mod self_issued;
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

// Reading a certificate and trusting it do not depend on the backend; taking its key does.
macro_rules! suite_for {
    ($backend:ident) => {
        suite! { $backend:
            encodings:
                keys;
            pins:
                expiry_is_overridden_by_name_only;
        }
        #[cfg(feature = "aws-lc")]
        mod chains {
            suite! { $backend:
                openssl:
                    what_is_accepted_can_be_sealed_to;
            }
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
