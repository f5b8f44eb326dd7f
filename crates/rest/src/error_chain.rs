//! An error with its causes.

use core::{error::Error, fmt};

/// Shows an error and its causes in one line, separated by colons.
///
/// The outermost text of an HTTP library's error says little; the reason is at the end of the chain.
///
/// ```
/// use std::io;
///
/// use sealpost_rest::ErrorChain;
///
/// let error = io::Error::other("no route");
/// assert_eq!(ErrorChain(&error).to_string(), "no route");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString as _;

    use super::*;

    #[derive(Debug)]
    struct Outer(fmt::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_follow_the_error() {
        let inner = fmt::Error.to_string();
        let text = ErrorChain(&Outer(fmt::Error)).to_string();
        assert_eq!(text, std::format!("outer: {inner}"));
    }
}
