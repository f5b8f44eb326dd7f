//! What a message has to say of its context.

use sealpost_context::SecretContext;

/// What a message must say of its context, and of its key, to be opened.
#[derive(Clone, Copy, Debug)]
pub enum ContextPolicy<'c> {
    /// It must be bound to exactly this context, and name its key. What an agent asks for.
    RequireContext(&'c SecretContext<'c>),
    /// A JWE or CMS message may be bound to no context, and, if there is one key alone, a JWE need not name it. If a
    /// context is given, a JWE that has one must have the same, and a CMS message must have it in its wrapper. A native
    /// envelope does not open without a context.
    AcceptUnbound(Option<&'c SecretContext<'c>>),
}

impl<'c> ContextPolicy<'c> {
    /// The context that is expected, if any.
    #[must_use]
    pub fn context(&self) -> Option<&'c SecretContext<'c>> {
        match self {
            Self::RequireContext(context) => Some(context),
            Self::AcceptUnbound(context) => *context,
        }
    }
}
