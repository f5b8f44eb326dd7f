use std::time::Duration;

use sealpost_envelope::{backend::Backend as _, key::PublicKey};
use tokio::time::timeout;

use super::*;

fn identity(pem: &[u8]) -> Identity<AwsLc> {
    Identity::from_pem(pem).unwrap()
}

fn keyring(places: usize) -> LocalKeyring {
    LocalKeyring::with_places(Keyring::new(identity(KEY)), places)
}

fn encrypted(keyring: &LocalKeyring) -> (KeyId, Vec<u8>) {
    let keys = keyring.keys();
    let key: &PublicKey = keys.current().as_ref();
    let mut ciphertext = vec![0; key.modulus_len()];
    let ready = AwsLc::public_key(key.spki_der()).unwrap();
    AwsLc::oaep_encrypt(&ready, &mut AwsLcRng, b"seed", &mut ciphertext).unwrap();
    (key.key_id(), ciphertext)
}

#[tokio::test]
async fn no_more_decryptions_than_places() {
    let keyring = keyring(2);
    let (id, ciphertext) = encrypted(&keyring);
    let taken = Arc::clone(&keyring.places).acquire_many_owned(2).await;
    let waiting = timeout(Duration::from_millis(20), keyring.decrypt(id, &ciphertext));
    assert!(waiting.await.is_err(), "there was no place");
    drop(taken);
    let answer = keyring.decrypt(id, &ciphertext).await;
    assert!(matches!(answer, KeyAnswer::Seed(seed) if **seed == *b"seed"));
}

/// One place, and a caller that leaves while the work waits for a thread: the place is held until the work is done.
#[test]
fn a_place_is_given_back_when_the_work_is_done() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_time().build();
    runtime.unwrap().block_on(async {
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let busy = spawn_blocking(move || gate.recv());
        let keyring = keyring(1);
        let (id, ciphertext) = encrypted(&keyring);
        let asking = timeout(Duration::from_millis(20), keyring.decrypt(id, &ciphertext));
        assert!(asking.await.is_err(), "there was no thread");
        assert_eq!(keyring.places.available_permits(), 0);
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        let place = timeout(Duration::from_secs(60), keyring.places.acquire()).await;
        assert!(place.is_ok(), "the place was not given back");
    });
}

#[test]
fn a_key_is_held_once() {
    let twice = LocalKeyring::with_old(identity(KEY), [identity(KEY)]);
    assert!(twice.is_err());
}

const KEY: &[u8] = include_bytes!("../../../../../testdata/keys/agent-a2048.key.pem");
