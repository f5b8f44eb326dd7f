use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use sealpost_client::{ClientError, Token, error::BoxError, token::TokenProvider};

use crate::server::{Act, Server, created, problem, secret};

/// Counts; gives `token-0`, and after each renewal the next one, up to the last.
#[derive(Clone, Default)]
struct Tokens {
    current: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    renewals: Arc<AtomicUsize>,
    last: usize,
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self) -> Result<Token, BoxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Token::new(format!(
            "token-{}",
            self.current.load(Ordering::SeqCst)
        )))
    }

    async fn renew(&self) -> Result<bool, BoxError> {
        self.renewals.fetch_add(1, Ordering::SeqCst);
        let more = self.current.load(Ordering::SeqCst) < self.last;
        if more {
            self.current.fetch_add(1, Ordering::SeqCst);
        }
        Ok(more)
    }
}

async fn call(server: &Server, tokens: &Tokens) -> Result<(), ClientError> {
    let client = server
        .builder()
        .token_provider(tokens.clone())
        .build()
        .unwrap();
    client.create_secret("a", None, &secret()).await.map(drop)
}

fn sent(server: &Server) -> Vec<String> {
    let header =
        |request: &crate::server::Request| request.header("authorization").unwrap().to_owned();
    server.requests().iter().map(header).collect()
}

#[tokio::test]
async fn after_a_403_another_token_is_tried_once() {
    let tokens = Tokens {
        last: 9,
        ..Tokens::default()
    };
    let server = Server::start([problem(403, "forbidden"), created()]).await;
    call(&server, &tokens).await.unwrap();
    assert_eq!(sent(&server), ["Bearer token-0", "Bearer token-1"]);

    let server = Server::start(vec![problem(403, "forbidden"); 5]).await;
    let error = call(&server, &tokens).await.unwrap_err();
    assert!(matches!(error, ClientError::Problem(_)), "{error}");
    assert_eq!(sent(&server), ["Bearer token-1", "Bearer token-2"]);

    let none_left = Tokens::default();
    let server = Server::start([problem(403, "forbidden"), created()]).await;
    assert!(call(&server, &none_left).await.is_err());
    assert_eq!(
        (
            server.connections(),
            none_left.renewals.load(Ordering::SeqCst)
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn the_provider_is_asked_before_every_attempt() {
    let tokens = Tokens::default();
    let server = Server::start([Act::Drop, problem(504, "agent-timeout"), created()]).await;
    call(&server, &tokens).await.unwrap();
    assert_eq!(tokens.asked.load(Ordering::SeqCst), 3);
    assert_eq!(tokens.renewals.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_is_open_stays_open_over_a_renewal() {
    let tokens = Tokens {
        last: 9,
        ..Tokens::default()
    };
    let script = [
        Act::Drop,
        problem(403, "forbidden"),
        problem(409, "secret-exists"),
    ];
    let server = Server::start(script).await;
    let error = call(&server, &tokens).await.unwrap_err();
    assert!(error.may_have_been_created(), "{error}");
    assert_eq!(server.requests().len(), 3);
}

struct NoToken;

#[async_trait]
impl TokenProvider for NoToken {
    async fn token(&self) -> Result<Token, BoxError> {
        Err("the identity provider is away".into())
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let server = Server::start([created()]).await;
    let client = server.builder().token_provider(NoToken).build().unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no token: the identity provider is away"
    );
    assert_eq!(server.connections(), 0);
}

struct Broken;

#[async_trait]
impl TokenProvider for Broken {
    async fn token(&self) -> Result<Token, BoxError> {
        Ok(Token::new("canary\nx: y".to_owned()))
    }
}

#[tokio::test]
async fn a_token_cannot_add_headers() {
    let server = Server::start([created()]).await;
    let client = server.builder().token_provider(Broken).build().unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Token));
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert_eq!(server.connections(), 0);
}
