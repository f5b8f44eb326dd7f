//! Creates a secret, and repeats the call while that can help: nothing is created twice.
//!
//!     cargo run -p sealpost-client --example create_with_retries
//!
//! By itself it calls a gateway that fails once. With `sealpost dev` running, it calls that:
//!
//!     . ./sealpost-data/dev.env && cargo run -p sealpost-client --example create_with_retries

use std::{env, error::Error, time::Duration};

use sealpost_client::{
    Client, ClientError, IdempotencyKey, NewSecret, ProblemType, Token, retry::RetryPolicy,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, token) = match (env::var("GATEWAY"), env::var("SEALPOST_TOKEN")) {
        (Ok(url), Ok(token)) => (url, token),
        _ => (gateway_that_fails_once()?, "a-token".to_owned()),
    };
    let client = Client::builder(url)
        .token(Token::new(token))
        // Five attempts by default; pauses double, and are random.
        .retries(
            RetryPolicy::attempts(3)
                .with_pauses(Duration::from_millis(100), Duration::from_secs(2)),
        )
        .timeout(Duration::from_secs(20))
        .build()?;

    // Written down before the call, it makes the call repeatable even after a crash.
    let key = IdempotencyKey::new("import-7:line-12")?;
    let secret = NewSecret::new(
        "my-retried-secret",
        br#"{"password":"P@ssw0rd123"}"#.to_vec(),
    )
    .with_key("password")
    .with_idempotency_key(key);
    match client.create_secret("dev-agent", None, &secret).await {
        Ok(created) => println!("stored: {}", created.resolver_ref),
        Err(ClientError::Problem(problem)) if problem.kind == Some(ProblemType::SecretExists) => {
            println!("the name is taken, and not by an earlier attempt of this call");
        }
        // With the same key the call can be repeated later.
        Err(error) if error.may_have_been_created() => {
            println!("not known whether it was stored: {error}");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Answers 504, then 201 if the second attempt has the idempotency key of the first.
fn gateway_that_fails_once() -> std::io::Result<String> {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut first = None;
        loop {
            let (mut stream, _) = listener.accept()?;
            let (mut reader, mut length, mut key) = (BufReader::new(&stream), 0, String::new());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let (name, value) = line.split_once(':').unwrap_or((line.trim(), ""));
                match name.to_ascii_lowercase().as_str() {
                    "" => break,
                    "content-length" => length = value.trim().parse().unwrap_or(0),
                    "idempotency-key" => value.trim().clone_into(&mut key),
                    _ => {}
                }
            }
            reader.read_exact(&mut vec![0; length])?;
            let (status, media_type, body) = match first.replace(key.clone()) {
                None => (
                    "504 Gateway Timeout",
                    "application/problem+json",
                    r#"{"type":"urn:sealpost:problem:agent-offline","title":"t","status":504,"detail":"d"}"#,
                ),
                Some(earlier) => {
                    assert_eq!(earlier, key, "every attempt has the same key");
                    (
                        "201 Created",
                        "application/json",
                        r#"{"resolver_ref":"secret:my-retried-secret#password","vaultSecretName":"my-retried-secret"}"#,
                    )
                }
            };
            println!("a gateway answers {status}");
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )?;
        }
    });
    Ok(url)
}
