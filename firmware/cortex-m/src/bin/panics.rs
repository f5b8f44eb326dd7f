//! Calls whatever the core has to call, so that the linker keeps all of it. It is looked at and never run: a panic
//! carries the file that it is in, and check.sh looks for ours in the finished program.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::{string::ToString as _, vec::Vec};
use core::{fmt::Display, panic::PanicInfo};

use cortex_m_rt::entry;
use sealpost_context::{AgentId, ProjectId, PropertyKey, SecretName, SecretType};
use sealpost_envelope::{
    Certificate, ContextPolicy, Envelope, Fingerprint, Identity, Keyring, Message, Recipient,
    RustCrypto, Sealer, SecretContext, Trust, UnixTime,
    binding::Binding,
    cms,
    jwe::{self, Serialization},
    key::{KeyAnswer, PublicKey},
    native::{Opener, open_in_place, open_into, seal_into},
    open, seal, text, wrapper,
};
use sealpost_firmware::{
    example::{CONTEXT, MAX_FILE},
    heap, host,
    noise::Noise,
};
use sealpost_json::{find_property, members};
use sealpost_validator::{Naming, Slot, Violations, validate_request, validate_value};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};

#[entry]
fn main() -> ! {
    heap::init();
    let (mut input, mut noise) = ([0; MAX_FILE], [0; MAX_FILE]);
    let input = host::read(c"input", &mut input);
    let mut rng = Noise::new(host::read(c"noise", &mut noise));
    validator(input);
    vault_key(core::str::from_utf8(input).unwrap_or_default());
    envelope(input, &mut rng);
    host::exit(0)
}

/// An error is worth nothing that can't be printed.
fn show<T, E: Display>(result: Result<T, E>) -> Option<T> {
    result
        .map_err(|error| host::print(&[&error.to_string()]))
        .ok()
}

#[inline(never)]
fn validator(input: &[u8]) {
    let mut scratch = [Slot::EMPTY; 64];
    let mut violations = Violations::<16>::new();
    if let Some(request) = validate_request(input, &mut scratch, &mut violations) {
        let mut buffer = [0; 64];
        host::print(&[request.name.decode_into(&mut buffer).unwrap_or_default()]);
    }
    let text = core::str::from_utf8(input).unwrap_or_default();
    validate_value(
        input,
        Some(text),
        Naming::List,
        &mut scratch,
        &mut violations,
    );
    for violation in violations.iter() {
        host::print(&[&violation.to_string()]);
    }
    show(SecretName::try_from(text));
    show(PropertyKey::try_from(text));
    show(SecretType::try_from(text));
    show(text.parse::<AgentId>());
    show(text.parse::<ProjectId>());
    show(find_property(input, text));
    for member in members(input) {
        show(member);
    }
}

#[inline(never)]
fn vault_key(text: &str) {
    let Some(kind) = show(text.parse::<VaultKind>()) else {
        return;
    };
    let name = VaultSecretName::derive(kind, Some(&[1; 16]), text);
    host::print(&[name.as_ref()]);
    host::print_number(kind.limits().max_value as u64);
    show(VaultSecretName::parse(kind, text));
    if let Some(reference) = show(ResolverRef::new(name.as_str(), Some(text))) {
        host::print(&[&reference.to_string()]);
    }
    if let Some(reference) = show(ResolverRef::parse(text)) {
        show(reference.vault_secret_name(kind));
        let mut buffer = [0; 64];
        host::print(&[reference.encode_into(&mut buffer).unwrap_or_default()]);
    }
}

#[inline(never)]
fn envelope(input: &mut [u8], rng: &mut Noise<'_>) {
    let copy = input.to_vec();
    let text = core::str::from_utf8(&copy).unwrap_or_default();
    let context = SecretContext::unchecked(text, text).with_project(ProjectId::from_bytes([2; 16]));
    let now = UnixTime::from_secs(input.len() as u64);
    if let Some(pin) = show(text.parse::<Fingerprint>())
        && let Some(certificate) = show(Certificate::from_pem_or_der(input))
        && let Some(recipient) = show(Recipient::from_certificate(
            &certificate,
            &Trust::Pinned(&[pin]),
            now,
        ))
    {
        show(Trust::DangerAnyCertificate.danger_check_even_if_expired(&certificate, now));
        certificate.agent_ids().for_each(|id| host::print(&[id]));
        seals(&[recipient], &context, input, rng);
    }
    show(PublicKey::from_spki_der(input));
    let Some(mut identity) = show(Identity::<RustCrypto>::from_pem_or_der(input)) else {
        return;
    };
    if let Some(certificate) = show(Certificate::from_der(input)) {
        show(identity.add_certificate(certificate));
    }
    opens(&identity, input, &context, rng);
    let mut ring = Keyring::new(identity);
    if let Some(identity) = show(Identity::from_pkcs8_der(input)) {
        show(ring.rotate(identity));
    }
    if let Some(identity) = show(Identity::from_pkcs1_der(input)) {
        show(ring.add_old(identity));
    }
    show(ring.open(input, &context, rng));
    foreign(&ring, input, &context, rng);
}

fn seals(
    recipients: &[Recipient<RustCrypto>],
    context: &SecretContext<'_>,
    input: &[u8],
    rng: &mut Noise<'_>,
) {
    let mut out = [0; 64];
    show(seal_into(recipients, context, input, rng, &mut out));
    if let Some(envelope) = show(seal(recipients, context, input, rng)) {
        host::print(&[&text::encode(&envelope)]);
    }
    let mut batch = Vec::new();
    if let Some(mut sealer) = show(Sealer::new(recipients, rng, &mut batch)) {
        show(sealer.seal(context, input, &mut batch));
        show(sealer.seal_last(context, input, &mut batch));
    }
    let binding = Binding::new(context);
    if let Some(binding) = show(binding.with_use("jti", UnixTime::from_secs(7))) {
        let wrapped = wrapper::wrap(&binding, input);
        show(cms::seal(recipients, &wrapped, rng));
        show(jwe::seal(
            recipients,
            Some(&binding),
            Serialization::General,
            input,
            rng,
        ));
    }
}

fn opens(
    identity: &Identity<RustCrypto>,
    input: &mut [u8],
    context: &SecretContext<'_>,
    rng: &mut Noise<'_>,
) {
    let mut out = [0; 64];
    show(open(identity, input, context, rng));
    show(open_into(identity, input, context, rng, &mut out));
    if let Some(envelope) = show(Envelope::parse(input))
        && let Some(pending) = show(envelope.pending(identity.public_key()))
    {
        for stanza in envelope.stanzas() {
            host::print(&[&stanza.key_id().to_string()]);
        }
        if let Some(opener) = show(pending.finish::<RustCrypto, _>(KeyAnswer::Seed(input), rng)) {
            show(batch(&opener, &envelope, context));
        }
        if let Some(opener) = show(pending.decrypt(identity, rng))
            && let Some(frame) = envelope.frames().last()
        {
            show(opener.open_into(&frame, context, &mut out));
        }
    }
    show(text::decode(
        core::str::from_utf8(input).unwrap_or_default(),
    ));
    show(open_in_place(identity, input, &CONTEXT, rng));
}

fn batch(
    opener: &Opener<RustCrypto>,
    envelope: &Envelope<'_>,
    context: &SecretContext<'_>,
) -> Result<(), sealpost_envelope::Error> {
    let mut sequence = opener.sequence(envelope);
    while let Some(message) = sequence.open_next(context) {
        show(message);
    }
    sequence.finish()
}

fn foreign(
    ring: &Keyring<Identity<RustCrypto>>,
    input: &[u8],
    context: &SecretContext<'_>,
    rng: &mut Noise<'_>,
) {
    if let Some(message) = show(Message::parse(input)) {
        show(message.open(ring, ContextPolicy::RequireContext(context), rng));
        show(message.open(ring, ContextPolicy::AcceptUnbound(None), rng));
    }
    if let Some(wrapped) = show(wrapper::unwrap(input)) {
        show(wrapped.binding.check(context));
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // Only so that the places of all panics are in the program.
    if let Some(place) = info.location() {
        host::print(&[place.file()]);
    }
    host::exit(host::PANICKED)
}
