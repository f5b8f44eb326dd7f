//! The issuer's keys, from a URL and from a file.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use sealpost_envelope::UnixTime;
use sealpost_gateway::{
    JwtAuthenticator, Limits, Listener, Metrics, TokenPolicy,
    auth::{
        Authenticator as _, Denied, IssuerKeys, JwksError, JwksRefresh, JwksSource, TokenAlgorithm,
    },
    serve,
};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    issuer::Issuer,
    tls::{Authority, Setup},
};

pub(crate) const NOW: u64 = 2_000_000_000;

/// What the issuer's server says, and how often it was asked.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answer: Arc<Mutex<Option<Vec<u8>>>>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn say(&self, jwks: Option<Vec<u8>>) {
        *self.answer.lock().unwrap() = jwks;
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn answer(&self) -> Response {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match &*self.answer.lock().unwrap() {
            Some(jwks) => jwks.clone().into_response(),
            None => StatusCode::BAD_GATEWAY.into_response(),
        }
    }

    fn router(&self) -> Router {
        let script = self.clone();
        Router::new()
            .route("/jwks", get(async move || script.answer()))
            .route("/moved", get(async || Redirect::permanent("/jwks")))
            .route("/slow", get(async || std::future::pending::<()>().await))
            .route("/large", get(async || vec![b' '; 300_000]))
    }

    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum_serve(listener, self.router()));
        address
    }
}

/// The gateway's own loop serves the issuer as well.
async fn axum_serve(listener: TcpListener, router: Router) {
    let listener = Listener::plain(listener).unwrap();
    serve(listener, router, Limits::default(), std::future::pending()).await;
}

pub(crate) fn source(address: SocketAddr, path: &str) -> JwksSource {
    let url = format!("http://{address}{path}");
    JwksSource::url(&url, Duration::from_millis(500), None).unwrap()
}

fn refresh(min_interval: Duration) -> JwksRefresh {
    JwksRefresh {
        max_age: Duration::from_secs(3600),
        min_interval,
        ..JwksRefresh::default()
    }
}

pub(crate) fn keys(source: JwksSource, min_interval: Duration) -> (Arc<IssuerKeys>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    let keys = IssuerKeys::new(source, refresh(min_interval), Arc::clone(&metrics));
    (Arc::new(keys), metrics)
}

pub(crate) fn authenticator(keys: &Arc<IssuerKeys>) -> JwtAuthenticator {
    let policy = TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE);
    JwtAuthenticator::new(policy, Arc::clone(keys))
}

pub(crate) async fn ask(authenticator: &JwtAuthenticator, token: &str) -> Result<(), Denied> {
    let principal = authenticator
        .authenticate(token, UnixTime::from_secs(NOW))
        .await;
    principal.map(|principal| assert_eq!(principal.subject.as_deref(), Some("tester")))
}

/// The issuer's keys under other ids, as after a rotation.
fn renamed(jwks: &[u8], suffix: &str) -> Vec<u8> {
    let mut set: serde_json::Value = serde_json::from_slice(jwks).unwrap();
    for key in set["keys"].as_array_mut().unwrap() {
        key["kid"] = format!("{}{suffix}", key["kid"].as_str().unwrap()).into();
    }
    set.to_string().into_bytes()
}

fn token(issuer: &Issuer, kid: &str) -> String {
    issuer.token_with(|header, _| header.kid = Some(kid.to_owned()))
}

#[tokio::test]
async fn keys_are_fetched_again_for_an_unknown_kid_and_not_too_often() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    script.say(Some(issuer.jwks()));
    let address = script.serve().await;
    let (keys, metrics) = keys(source(address, "/jwks"), Duration::from_secs(3600));
    let authenticator = authenticator(&keys);
    assert!(!authenticator.is_ready());
    // The first token fetches them.
    assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
    assert!(authenticator.is_ready());
    assert_eq!(script.asked(), 1);
    // Within the interval nothing is fetched, however many tokens come.
    script.say(Some(renamed(&issuer.jwks(), "-2")));
    let new = token(&issuer, "ed-2");
    for _ in 0..5 {
        assert_eq!(ask(&authenticator, &new).await, Err(Denied::UnknownKey));
    }
    assert_eq!(script.asked(), 1);
    // A fetch by the clock takes the new ones, and the old ones are gone.
    keys.fetch().await.unwrap();
    assert_eq!(ask(&authenticator, &new).await, Ok(()));
    assert_eq!(
        ask(&authenticator, &issuer.token()).await,
        Err(Denied::UnknownKey)
    );
    assert_eq!(script.asked(), 2);
    let text = metrics.encode().unwrap();
    assert!(
        text.contains(r#"sealpost_jwks_fetches_total{result="success"} 2"#),
        "{text}"
    );
}

#[tokio::test]
async fn many_who_need_a_new_key_make_one_fetch() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    script.say(Some(issuer.jwks()));
    let address = script.serve().await;
    let (keys, _) = keys(source(address, "/jwks"), Duration::ZERO);
    keys.fetch().await.unwrap();
    script.say(Some(renamed(&issuer.jwks(), "-2")));
    let authenticator = Arc::new(authenticator(&keys));
    let new = token(&issuer, "ed-2");
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (authenticator, token) = (Arc::clone(&authenticator), new.clone());
            tokio::spawn(async move { ask(&authenticator, &token).await })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), Ok(()));
    }
    assert_eq!(script.asked(), 2);
    // Keys that don't exist anywhere are asked for one by one: that is what the interval is for.
    assert_eq!(
        ask(&authenticator, &token(&issuer, "x")).await,
        Err(Denied::UnknownKey)
    );
    // A wrong signature, or an algorithm that is not of the key, asks nobody.
    let asked = script.asked();
    let stranger = token(&Issuer::new(NOW), "ed-2");
    assert_eq!(ask(&authenticator, &stranger).await, Err(Denied::Signature));
    assert_eq!(
        ask(&authenticator, &token(&issuer, "ec-2")).await,
        Err(Denied::UnknownKey)
    );
    assert_eq!(script.asked(), asked);
}

/// What a token says is read once; what is refused is looked at each time.
#[tokio::test]
async fn a_token_is_verified_once_until_it_expires_or_the_keys_change() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    script.say(Some(issuer.jwks()));
    let address = script.serve().await;
    let (keys, _) = keys(source(address, "/jwks"), Duration::ZERO);
    keys.fetch().await.unwrap();
    let authenticator = authenticator(&keys);
    let ask_at = async |token: &str, now: u64| {
        let now = UnixTime::from_secs(now);
        authenticator.authenticate(token, now).await
    };
    let token = issuer.token_with(|_, claims| claims["exp"] = (NOW + 30).into());
    let first = ask_at(&token, NOW).await.unwrap();
    let again = ask_at(&token, NOW + 29).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "verified again");
    // Within the leeway it is verified each time, and then refused.
    let late = ask_at(&token, NOW + 30).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &late), "known though expired");
    let refused = ask_at(&token, NOW + 90).await;
    assert_eq!(refused, Err(Denied::Expired));

    let token = issuer.token();
    let first = ask_at(&token, NOW).await.unwrap();
    let (start, signature) = token.rsplit_once('.').unwrap();
    // One that ends in an A may be the same with another.
    let first_digit = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{start}.{first_digit}{}", &signature[1..]);
    for _ in 0..2 {
        assert!(ask_at(&changed, NOW).await.is_err());
    }
    // A key that is withdrawn ends it at once, and so does a set that is fetched again.
    keys.fetch().await.unwrap();
    let other = ask_at(&token, NOW).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &other), "another set, and known");
    script.say(Some(renamed(&issuer.jwks(), "-2")));
    keys.fetch().await.unwrap();
    assert_eq!(ask_at(&token, NOW).await, Err(Denied::UnknownKey));
    let shown = format!("{authenticator:?}");
    let secret = token.rsplit('.').next().unwrap();
    assert!(
        !shown.contains(secret) && !shown.contains("tester"),
        "{shown}"
    );
}

/// The source gives up after half a second, which is longer than the pause.
#[tokio::test]
async fn the_pause_begins_when_the_fetch_ends() {
    let issuer = Issuer::new(NOW);
    let address = Script::default().serve().await;
    let (keys, metrics) = keys(source(address, "/slow"), Duration::from_millis(400));
    let authenticator = Arc::new(authenticator(&keys));
    let started = Instant::now();
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (authenticator, token) = (Arc::clone(&authenticator), issuer.token());
            tokio::spawn(async move { ask(&authenticator, &token).await })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), Err(Denied::UnknownKey));
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    let text = metrics.encode().unwrap();
    assert!(
        text.contains(r#"sealpost_jwks_fetches_total{result="failure"} 1"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_failed_fetch_leaves_the_last_good_keys() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    script.say(Some(issuer.jwks()));
    let address = script.serve().await;
    let (keys, metrics) = keys(source(address, "/jwks"), Duration::ZERO);
    let authenticator = authenticator(&keys);
    keys.fetch().await.unwrap();
    for bad in [
        None,
        Some(b"<html>".to_vec()),
        Some(b"[]".to_vec()),
        Some(br#"{"keys":null}"#.to_vec()),
    ] {
        script.say(bad);
        assert!(keys.fetch().await.is_err());
        assert_eq!(
            ask(&authenticator, &token(&issuer, "x")).await,
            Err(Denied::UnknownKey)
        );
        assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
    }
    let text = metrics.encode().unwrap();
    assert!(
        text.contains(r#"sealpost_jwks_fetches_total{result="failure"} 8"#),
        "{text}"
    );
}

#[tokio::test]
async fn what_can_go_wrong_says_so() {
    let script = Script::default();
    let address = script.serve().await;
    let error = async |source| keys(source, Duration::ZERO).0.fetch().await.unwrap_err();
    assert!(matches!(
        error(source(address, "/jwks")).await,
        JwksError::Status(502)
    ));
    assert!(matches!(
        error(source(address, "/moved")).await,
        JwksError::Status(308)
    ));
    assert!(matches!(
        error(source(address, "/large")).await,
        JwksError::TooLarge
    ));
    let started = Instant::now();
    let slow = error(source(address, "/slow")).await;
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(slow.to_string().contains("timed out"), "{slow}");
    let closed = error(source("127.0.0.1:1".parse().unwrap(), "/")).await;
    assert!(closed.to_string().contains("refused"), "{closed}");
    let url = "http://127.0.0.1:1/jwks?token=canary";
    let source = JwksSource::url(url, Duration::from_secs(1), None).unwrap();
    assert_eq!(format!("{source:?}"), r#"Url(Some("127.0.0.1"))"#);
    let private = error(source).await;
    assert!(
        !format!("{private} {private:?}").contains("canary"),
        "{private:?}"
    );
    let missing = error(JwksSource::file("/nowhere/at/all")).await;
    assert!(missing.to_string().contains("No such file"), "{missing}");
}

#[tokio::test]
async fn an_issuer_may_have_an_authority_of_its_own() {
    let (issuer, script, setup) = (Issuer::new(NOW), Script::default(), Setup::new());
    script.say(Some(issuer.jwks()));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/jwks",
        tcp.local_addr().unwrap().port()
    );
    let listener = Listener::tls(tcp, Arc::new(setup.load().unwrap()));
    tokio::spawn(serve(
        listener,
        script.router(),
        Limits::default(),
        std::future::pending(),
    ));
    let fetch = async |authority: &Authority| {
        let pem = authority.pem();
        let source = JwksSource::url(&url, Duration::from_secs(5), Some(pem.as_bytes()));
        keys(source.unwrap(), Duration::ZERO).0.fetch().await
    };
    fetch(&setup.authority).await.unwrap();
    let error = fetch(&Authority::new()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(script.asked(), 1);
}

#[tokio::test]
async fn a_file_is_read_again_too() {
    let issuer = Issuer::new(NOW);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, issuer.jwks()).unwrap();
    let (keys, _) = keys(JwksSource::file(&path), Duration::ZERO);
    let authenticator = authenticator(&keys);
    assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
    std::fs::write(&path, renamed(&issuer.jwks(), "-2")).unwrap();
    assert_eq!(ask(&authenticator, &token(&issuer, "ed-2")).await, Ok(()));
    std::fs::write(&path, vec![b' '; 300_000]).unwrap();
    assert!(matches!(keys.fetch().await, Err(JwksError::TooLarge)));
}

#[tokio::test]
async fn old_keys_are_fetched_again_in_the_background() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    let address = script.serve().await;
    let refresh = JwksRefresh {
        max_age: Duration::from_millis(150),
        min_interval: Duration::from_millis(20),
        ..JwksRefresh::default()
    };
    let keys = IssuerKeys::new(source(address, "/jwks"), refresh, Arc::new(Metrics::new()));
    let keys = Arc::new(keys);
    let authenticator = authenticator(&keys);
    let background = tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { keys.keep_fresh().await }
    });
    let until = async |condition: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !condition() {
            assert!(started.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // There are none yet: it goes on trying.
    until(&|| script.asked() >= 3).await;
    assert!(!authenticator.is_ready());
    script.say(Some(issuer.jwks()));
    until(&|| authenticator.is_ready()).await;
    let asked = script.asked();
    until(&|| script.asked() >= asked + 2).await;
    background.abort();
}

#[tokio::test]
async fn algorithms_can_be_narrowed() {
    let issuer = Issuer::new(NOW);
    let mut policy = TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE);
    policy.algorithms = vec![TokenAlgorithm::Rs256, TokenAlgorithm::Es256];
    policy.leeway = Duration::ZERO;
    let keys = sealpost_gateway::auth::KeySet::from_jwks(&issuer.jwks()).unwrap();
    let authenticator = JwtAuthenticator::new(policy, keys);
    let of = |algorithm, kid: &str| {
        issuer.token_with(|header, _| {
            header.alg = algorithm;
            header.kid = Some(kid.into());
        })
    };
    use jsonwebtoken::Algorithm as A;
    assert_eq!(ask(&authenticator, &of(A::RS256, "rsa")).await, Ok(()));
    assert_eq!(ask(&authenticator, &of(A::ES256, "ec")).await, Ok(()));
    assert_eq!(
        ask(&authenticator, &of(A::PS256, "rsa")).await,
        Err(Denied::Algorithm)
    );
    assert_eq!(
        ask(&authenticator, &of(A::EdDSA, "ed")).await,
        Err(Denied::Algorithm)
    );
    // And so can the leeway.
    let expired = issuer.token_with(|header, claims| {
        header.alg = A::ES256;
        header.kid = Some("ec".into());
        claims["exp"] = NOW.into();
    });
    assert_eq!(ask(&authenticator, &expired).await, Err(Denied::Expired));
}
