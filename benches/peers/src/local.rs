//! The peers that are written in Rust, ourselves, and the floor.

use std::{collections::HashMap, env, fs};

use age::ssh;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use josekit::jwe::{
    self, JweHeader, RSA_OAEP_256,
    alg::rsaes::{RsaesJweDecrypter, RsaesJweEncrypter},
};
use sealpost_benches::{
    envelope::Keys,
    floor,
    keys::{RSA_BITS, pkcs8_der, recipient},
};
use sealpost_envelope::{AwsLc, RustCrypto, backend::Backend};

use crate::peer::{Batch, Kind, Local, Named};

/// Those that every run has. The first is ours, the second the floor.
pub(crate) fn all() -> Vec<Named> {
    vec![
        named("sealpost (aws-lc)", "this", Kind::Ours, ours::<AwsLc>()),
        named("floor", "aws-lc-rs 1.19, bare", Kind::Ours, floor_of()),
        named(
            "sealpost (rustcrypto)",
            "this",
            Kind::Ours,
            ours::<RustCrypto>(),
        ),
        named("sealpost, JWE (aws-lc)", "this", Kind::Ours, our_jwe()),
        named(
            "josekit (JWE)",
            &format!("0.10.3, {}", openssl::version::version()),
            Kind::Rsa,
            josekit(),
        ),
        named("age (ssh-rsa)", "0.12.1", Kind::Rsa, age_rsa()),
        named("age (X25519)", "0.12.1", Kind::X25519, age_x25519()),
        named("hpke (X25519)", "0.15.1", Kind::X25519, hpke_x25519()),
    ]
}

fn named<S: 'static>(name: &str, version: &str, kind: Kind, local: Local<S>) -> Named {
    Named {
        name: name.into(),
        version: version.into(),
        kind,
        peer: Box::new(local),
    }
}

fn per_size<K>(load: impl Fn(usize) -> K) -> HashMap<usize, K> {
    RSA_BITS
        .into_iter()
        .map(|bits| (bits, load(bits)))
        .collect()
}

fn ours<B: Backend + 'static>() -> Local<HashMap<usize, Keys<B>>> {
    Local {
        state: per_size(Keys::load),
        seal: |keys, bits, message| keys[&bits].seal(message),
        open: |keys, bits, sealed, each| each(&keys[&bits].open(sealed)),
        batch: Some(Batch {
            seal: |keys, bits, messages| keys[&bits].seal_batch(messages),
            open: |keys, bits, sealed, each| keys[&bits].open_batch(sealed, each),
        }),
    }
}

fn our_jwe() -> Local<HashMap<usize, Keys<AwsLc>>> {
    Local {
        state: per_size(Keys::load),
        seal: |keys, bits, message| keys[&bits].seal_jwe(message).into_bytes(),
        open: |keys, bits, sealed, each| each(&keys[&bits].open_jwe(sealed)),
        batch: None,
    }
}

fn floor_of() -> Local<HashMap<usize, (floor::Sealer, floor::Opener)>> {
    let load = |bits| {
        let recipient = recipient::<AwsLc>(bits);
        let spki = recipient.public_key().spki_der();
        (
            floor::Sealer::new(spki),
            floor::Opener::new(&pkcs8_der(bits)),
        )
    };
    Local {
        state: per_size(load),
        seal: |keys, bits, message| keys[&bits].0.seal(message),
        open: |keys, bits, sealed, each| each(&keys[&bits].1.open(sealed)),
        batch: Some(Batch {
            seal: |keys, bits, messages| keys[&bits].0.seal_batch(messages),
            open: |keys, bits, sealed, each| {
                let mut buffer = [0; crate::BATCH_BYTES];
                keys[&bits].1.open_batch(sealed, &mut buffer, each);
            },
        }),
    }
}

fn josekit() -> Local<HashMap<usize, (RsaesJweEncrypter, RsaesJweDecrypter)>> {
    let load = |bits| {
        let recipient = recipient::<AwsLc>(bits);
        let spki = recipient.public_key().spki_der();
        let encrypter = RSA_OAEP_256.encrypter_from_der(spki);
        let decrypter = RSA_OAEP_256.decrypter_from_der(pkcs8_der(bits));
        (
            encrypter.expect("a public key"),
            decrypter.expect("a private key"),
        )
    };
    Local {
        state: per_size(load),
        seal: |keys, bits, message| {
            let mut header = JweHeader::new();
            header.set_content_encryption("A256GCM");
            let sealed = jwe::serialize_compact(message, &header, &keys[&bits].0);
            sealed.expect("it seals").into_bytes()
        },
        open: |keys, bits, sealed, each| {
            let sealed = str::from_utf8(sealed).expect("it is ASCII");
            let (message, _) = jwe::deserialize_compact(sealed, &keys[&bits].1).expect("it opens");
            each(&message);
        },
        batch: None,
    }
}

fn age_rsa() -> Local<HashMap<usize, (ssh::Recipient, ssh::Identity)>> {
    let load = |bits| {
        // Made by run.sh: age reads no PKCS#8.
        let folder = env::var("PEERS_WORK").expect("run.sh sets it");
        let path = format!("{folder}/{bits}.pkcs1.pem");
        let file = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let identity = ssh::Identity::from_buffer(&*file, None).expect("a private key");
        let recipient = ssh::Recipient::try_from(identity.clone()).ok();
        (recipient.expect("an RSA key"), identity)
    };
    Local {
        state: per_size(load),
        seal: |keys, bits, message| age::encrypt(&keys[&bits].0, message).expect("it seals"),
        open: |keys, bits, sealed, each| {
            each(&age::decrypt(&keys[&bits].1, sealed).expect("it opens"));
        },
        batch: None,
    }
}

fn age_x25519() -> Local<(age::x25519::Recipient, age::x25519::Identity)> {
    let identity = age::x25519::Identity::generate();
    Local {
        state: (identity.to_public(), identity),
        seal: |keys, _, message| age::encrypt(&keys.0, message).expect("it seals"),
        open: |keys, _, sealed, each| each(&age::decrypt(&keys.1, sealed).expect("it opens")),
        batch: None,
    }
}

type Kem = hpke::kem::X25519HkdfSha256;
type Kdf = hpke::kdf::HkdfSha256;
type Aead = hpke::aead::AesGcm256;

fn hpke_x25519() -> Local<(
    <Kem as hpke::Kem>::PublicKey,
    <Kem as hpke::Kem>::PrivateKey,
)> {
    let (private, public) = Kem::gen_keypair();
    Local {
        state: (public, private),
        seal: |keys, _, message| {
            let (encapsulated, ciphertext) = hpke::single_shot_seal::<Aead, Kdf, Kem>(
                &OpModeS::Base,
                &keys.0,
                b"agent-1",
                message,
                b"",
            )
            .expect("it seals");
            [encapsulated.to_bytes().as_slice(), &ciphertext].concat()
        },
        open: |keys, _, sealed, each| {
            let (encapsulated, ciphertext) = sealed.split_at(32);
            let encapsulated =
                <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).expect("a point");
            let opened = hpke::single_shot_open::<Aead, Kdf, Kem>(
                &OpModeR::Base,
                &keys.1,
                &encapsulated,
                b"agent-1",
                ciphertext,
                b"",
            );
            each(&opened.expect("it opens"));
        },
        batch: None,
    }
}
