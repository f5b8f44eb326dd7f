//! The AWS Encryption SDK with a raw RSA keyring (OAEP with SHA-256), as a peer process.
//!
//! `aws-esdk KEYS`: reads lines `seal|open BITS BYTES COUNT`, answers the COUNT times it took, in nanoseconds. The keyring is
//! made and the message to open is sealed before the clock runs. The suite is the one that commits to the key and signs
//! nothing, which is the nearest to what the others do; its default signs every message with ECDSA as well.

use std::{collections::HashMap, env, error::Error, fs, io, process::Command, time::Instant};

use aws_esdk::{
    client::Client,
    material_providers::{
        client::Client as Providers,
        types::{
            EsdkAlgorithmSuiteId, PaddingScheme, keyring::KeyringRef,
            material_providers_config::MaterialProvidersConfig,
        },
    },
    types::aws_encryption_sdk_config::AwsEncryptionSdkConfig,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).expect("usage: aws-esdk KEYS");
    let client = Client::from_conf(AwsEncryptionSdkConfig::builder().build()?)?;
    let mut keyrings = HashMap::new();
    for bits in [2048, 3072, 4096] {
        keyrings.insert(bits, keyring(&folder, bits).await?);
    }
    println!("aws-esdk 1.2.4, aws-lc-sys 0.39");
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [op, bits, bytes, count] = words[..] else {
            panic!("not a task: {line}")
        };
        let keyring = &keyrings[&bits.parse::<usize>()?];
        let message = vec![b'x'; bytes.parse()?];
        let sealed = seal(&client, keyring, &message).await?;
        assert_eq!(
            open(&client, keyring, &sealed).await?,
            message,
            "it does not open"
        );
        let mut times = Vec::new();
        for _ in 0..count.parse()? {
            let start = Instant::now();
            if op == "seal" {
                drop(seal(&client, keyring, &message).await?);
            } else {
                drop(open(&client, keyring, &sealed).await?);
            }
            times.push(start.elapsed().as_nanos().to_string());
        }
        println!("{}", times.join(" "));
    }
    Ok(())
}

async fn keyring(folder: &str, bits: usize) -> Result<KeyringRef, Box<dyn Error>> {
    let private = fs::read(format!("{folder}/agent-a{bits}.key.pem"))?;
    let certificate = format!("{folder}/agent-a{bits}.pem");
    let public = Command::new("openssl")
        .args(["x509", "-noout", "-pubkey", "-in", &certificate])
        .output()?;
    let providers = Providers::from_conf(MaterialProvidersConfig::builder().build()?)?;
    let keyring = providers
        .create_raw_rsa_keyring()
        .key_namespace("sealpost")
        .key_name("peer")
        .padding_scheme(PaddingScheme::OaepSha256Mgf1)
        .public_key(public.stdout)
        .private_key(private);
    Ok(keyring.send().await?)
}

async fn seal(
    client: &Client,
    keyring: &KeyringRef,
    message: &[u8],
) -> Result<Vec<u8>, Box<dyn Error>> {
    let answer = client
        .encrypt()
        .plaintext(message)
        .keyring(keyring.clone())
        .encryption_context(context())
        .algorithm_suite_id(EsdkAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKey);
    Ok(answer
        .send()
        .await?
        .ciphertext
        .expect("a ciphertext")
        .into_inner())
}

async fn open(
    client: &Client,
    keyring: &KeyringRef,
    sealed: &[u8],
) -> Result<Vec<u8>, Box<dyn Error>> {
    let answer = client
        .decrypt()
        .ciphertext(sealed)
        .keyring(keyring.clone())
        .encryption_context(context());
    Ok(answer
        .send()
        .await?
        .plaintext
        .expect("a plaintext")
        .into_inner())
}

fn context() -> HashMap<String, String> {
    HashMap::from([
        ("agent".into(), "agent-1".into()),
        ("name".into(), "my-secret".into()),
    ])
}
