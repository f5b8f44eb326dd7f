//! A message whose seed or content key waits to be decrypted.

use core::fmt;

use rand_core::TryCryptoRng;

#[cfg(any(feature = "jwe", feature = "cms"))]
use crate::content::PendingContent;
#[cfg(feature = "cms")]
use crate::wrapper::{self, Wrapped, WrapperError};
use sealpost_context::SecretContext;

use crate::{
    backend::Backend,
    decapsulation::KeyAnswer,
    error::Error,
    fingerprint::KeyId,
    frame::Frame,
    identity::Identity,
    keyring::{KeyStatus, Opened},
    opener::{Opener, Pending},
};

/// A message whose seed or content key waits to be decrypted.
///
/// For a private key in an HSM or a KMS: have it decrypt [`encapsulation`](Self::encapsulation) with RSA-OAEP (SHA-256,
/// MGF1-SHA-256, no label) and give its answer to [`finish`](Self::finish). For one in memory there is
/// [`decrypt`](Self::decrypt). It is `Copy` and borrows the message only, so that it can be kept while a key store is
/// asked.
#[derive(Clone, Copy)]
pub struct PendingMessage<'m> {
    sealed: Sealed<'m>,
    status: KeyStatus,
}

#[derive(Clone, Copy)]
enum Sealed<'m> {
    Native {
        pending: Pending<'m>,
        frame: Frame<'m>,
        context: &'m SecretContext<'m>,
    },
    /// Its context was compared before.
    #[cfg(feature = "jwe")]
    Jwe(PendingContent<'m>),
    /// The context that its wrapper must have, if any is expected.
    #[cfg(feature = "cms")]
    Cms(PendingContent<'m>, Option<&'m SecretContext<'m>>),
}

impl<'m> PendingMessage<'m> {
    pub(super) fn native(
        pending: Pending<'m>,
        frame: Frame<'m>,
        context: &'m SecretContext<'m>,
        status: KeyStatus,
    ) -> Self {
        let sealed = Sealed::Native {
            pending,
            frame,
            context,
        };
        Self { sealed, status }
    }

    #[cfg(feature = "jwe")]
    pub(super) fn jwe(content: PendingContent<'m>, status: KeyStatus) -> Self {
        let sealed = Sealed::Jwe(content);
        Self { sealed, status }
    }

    #[cfg(feature = "cms")]
    pub(super) fn cms(
        content: PendingContent<'m>,
        context: Option<&'m SecretContext<'m>>,
        status: KeyStatus,
    ) -> Self {
        let sealed = Sealed::Cms(content, context);
        Self { sealed, status }
    }

    /// The key that can decrypt it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        match &self.sealed {
            Sealed::Native { pending, .. } => pending.key_id(),
            #[cfg(feature = "jwe")]
            Sealed::Jwe(content) => content.key_id(),
            #[cfg(feature = "cms")]
            Sealed::Cms(content, _) => content.key_id(),
        }
    }

    /// Whether that key is the current one.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        self.status
    }

    /// The RSA-OAEP ciphertext, as long as the key's modulus and in `1 < c < n − 1`.
    #[must_use]
    pub fn encapsulation(&self) -> &'m [u8] {
        match &self.sealed {
            Sealed::Native { pending, .. } => pending.encapsulation(),
            #[cfg(feature = "jwe")]
            Sealed::Jwe(content) => content.encapsulation(),
            #[cfg(feature = "cms")]
            Sealed::Cms(content, _) => content.encapsulation(),
        }
    }

    /// Opens with the private key's answer.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUnavailable`] if it did not answer, [`Error::Rng`], and [`Error::Open`] for everything else. Once a
    /// CMS message has opened, [`Error::Wrapper`] says what is wrong with what was inside.
    pub fn finish<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        answer: KeyAnswer<'_>,
        rng: &mut R,
    ) -> Result<Opened, Error> {
        match &self.sealed {
            Sealed::Native {
                pending,
                frame,
                context,
            } => {
                let opener: Opener<B> = pending.finish(answer, rng)?;
                Ok(self.opened(opener.open(frame, context)?))
            }
            #[cfg(feature = "jwe")]
            Sealed::Jwe(content) => Ok(self.opened(content.finish::<B, _>(answer, rng)?)),
            #[cfg(feature = "cms")]
            Sealed::Cms(content, context) => {
                let opened = self.opened(content.finish::<B, _>(answer, rng)?);
                unwrapped(opened, *context)
            }
        }
    }

    /// Opens with a private key in memory.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish), never [`Error::KeyUnavailable`].
    pub fn decrypt<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        identity: &Identity<B>,
        rng: &mut R,
    ) -> Result<Opened, Error> {
        match &self.sealed {
            Sealed::Native {
                pending,
                frame,
                context,
            } => {
                let opener = pending.decrypt(identity, rng)?;
                Ok(self.opened(opener.open(frame, context)?))
            }
            #[cfg(feature = "jwe")]
            Sealed::Jwe(content) => Ok(self.opened(content.decrypt(identity, rng)?)),
            #[cfg(feature = "cms")]
            Sealed::Cms(content, context) => {
                let opened = self.opened(content.decrypt(identity, rng)?);
                unwrapped(opened, *context)
            }
        }
    }

    fn opened(&self, plaintext: crate::Plaintext) -> Opened {
        Opened {
            plaintext,
            key_id: self.key_id(),
            status: self.status,
            wrapped: None,
        }
    }
}

/// The message opened, so it is authentic, and an error about what is inside tells nothing of the key.
#[cfg(feature = "cms")]
fn unwrapped(opened: Opened, context: Option<&SecretContext<'_>>) -> Result<Opened, Error> {
    let Some(context) = context else {
        return Ok(opened);
    };
    let wrapped: Wrapped = wrapper::unwrap(&opened.plaintext)?;
    let checked = wrapped.binding.check(context);
    checked.map_err(WrapperError::Binding)?;
    Ok(Opened {
        wrapped: Some(wrapped),
        ..opened
    })
}

impl fmt::Debug for PendingMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingMessage")
            .field("key_id", &self.key_id())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
