//! What is measured of the envelope, with its keys parsed beforehand.

use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    AwsLcRng, ContextPolicy, Envelope, Identity, Keyring, Message, Plaintext, Recipient, Sealer,
    SecretContext,
    backend::Backend,
    binding::Binding,
    cms,
    jwe::{self, Serialization},
    open, seal,
};

use crate::keys::{identity, recipient};

/// Every field is set. Its commitment hashes two blocks; longer texts cost 45 ns a block of 64 bytes.
pub const CONTEXT: SecretContext<'static> = SecretContext::unchecked("agent-1", "my-secret")
    .with_project(ProjectId::from_bytes([0x11; 16]))
    .with_unchecked_key("password")
    .with_unchecked_type("PASSWORD");

/// A certificate and its private key, parsed.
#[derive(Debug)]
pub struct Keys<B: Backend> {
    recipients: [Recipient<B>; 1],
    keyring: Keyring<Identity<B>>,
    binding: Binding,
}

// What fails here is a defect of what is measured.
#[allow(clippy::missing_panics_doc, clippy::must_use_candidate)]
impl<B: Backend> Keys<B> {
    /// The test keys of `bits` bits.
    #[must_use]
    pub fn load(bits: usize) -> Self {
        Self {
            recipients: [recipient(bits)],
            keyring: Keyring::new(identity(bits)),
            binding: Binding::new(&CONTEXT),
        }
    }

    /// The certificate's public key, in DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        self.recipients[0].public_key().spki_der()
    }

    /// The private key.
    #[must_use]
    pub fn identity(&self) -> &Identity<B> {
        self.keyring.current()
    }

    /// One message in the native format.
    #[must_use]
    pub fn seal(&self, message: &[u8]) -> Vec<u8> {
        seal(&self.recipients, &CONTEXT, message, &mut AwsLcRng).expect("it seals")
    }

    /// Opens it. What was opened is wiped when it is dropped.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Plaintext {
        open(self.identity(), sealed, &CONTEXT, &mut AwsLcRng).expect("it opens")
    }

    /// A batch in the native format.
    #[must_use]
    pub fn seal_batch(&self, messages: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(&self.recipients, &mut AwsLcRng, &mut out).expect("it seals");
        let (last, others) = messages.split_last().expect("a batch is not empty");
        for message in others {
            sealer.seal(&CONTEXT, message, &mut out).expect("it seals");
        }
        sealer
            .seal_last(&CONTEXT, last, &mut out)
            .expect("it seals");
        out
    }

    /// Opens a batch in order, each message wiped before the next is opened.
    pub fn open_batch(&self, sealed: &[u8], mut each: impl FnMut(&[u8])) {
        let envelope = Envelope::parse(sealed).expect("it parses");
        let opener = envelope
            .pending(self.identity().public_key())
            .and_then(|pending| pending.decrypt(self.identity(), &mut AwsLcRng))
            .expect("it is for this key");
        let mut sequence = opener.sequence(&envelope);
        while let Some(message) = sequence.open_next(&CONTEXT) {
            each(&message.expect("it opens"));
        }
        sequence.finish().expect("it is complete");
    }

    /// A compact JWE that carries the context.
    #[must_use]
    pub fn seal_jwe(&self, message: &[u8]) -> String {
        let binding = Some(&self.binding);
        let compact = Serialization::Compact;
        jwe::seal(&self.recipients, binding, compact, message, &mut AwsLcRng).expect("it seals")
    }

    /// Parses and opens a JWE.
    #[must_use]
    pub fn open_jwe(&self, sealed: &[u8]) -> Plaintext {
        let jwe = Message::parse(sealed).expect("it parses");
        let policy = ContextPolicy::RequireContext(&CONTEXT);
        let opened = jwe.open(&self.keyring, policy, &mut AwsLcRng);
        opened.expect("it opens").plaintext
    }

    /// A CMS message, in DER.
    #[must_use]
    pub fn seal_cms(&self, message: &[u8]) -> Vec<u8> {
        cms::seal(&self.recipients, message, &mut AwsLcRng).expect("it seals")
    }

    /// Parses and opens a CMS message.
    #[must_use]
    pub fn open_cms(&self, sealed: &[u8]) -> Plaintext {
        let cms = Message::parse(sealed).expect("it parses");
        let policy = ContextPolicy::AcceptUnbound(None);
        let opened = cms.open(&self.keyring, policy, &mut AwsLcRng);
        opened.expect("it opens").plaintext
    }
}

/// A message of `bytes` bytes.
#[must_use]
pub fn message(bytes: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(bytes).collect()
}
