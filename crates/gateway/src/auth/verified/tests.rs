use tokio::time::advance;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);
const LATER: f64 = 2_000_003_600.0;

fn keys() -> Arc<KeySet> {
    Arc::new(KeySet::default())
}

/// The tokens, with one that `keys` verified at `NOW` and that expires at `expires_at`.
fn knows(token: &str, keys: &Arc<KeySet>, expires_at: f64) -> VerifiedTokens {
    let tokens = VerifiedTokens::default();
    assert_eq!(tokens.get(&TokenDigest::of(token), keys, NOW), None);
    add(&tokens, token, keys, expires_at);
    tokens
}

fn add(tokens: &VerifiedTokens, token: &str, keys: &Arc<KeySet>, expires_at: f64) {
    let principal = Arc::new(Principal {
        subject: Some(token.into()),
        ..Principal::default()
    });
    let digest = TokenDigest::of(token);
    tokens.add(digest, keys, (&principal, expires_at), NOW);
}

fn subject(
    tokens: &VerifiedTokens,
    token: &str,
    keys: &Arc<KeySet>,
    now: UnixTime,
) -> Option<String> {
    let known = tokens.get(&TokenDigest::of(token), keys, now)?;
    known.subject.clone()
}

fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_token_is_known_for_a_minute_by_either_clock() {
    let keys = keys();
    let tokens = knows("a", &keys, LATER);
    assert_eq!(subject(&tokens, "a", &keys, NOW).as_deref(), Some("a"));
    assert_eq!(
        subject(&tokens, "a", &keys, after(59)).as_deref(),
        Some("a")
    );
    assert_eq!(subject(&tokens, "b", &keys, NOW), None);
    assert_eq!(subject(&tokens, "a", &keys, after(60)), None);

    let tokens = knows("a", &keys, LATER);
    advance(Duration::from_secs(59)).await;
    assert_eq!(subject(&tokens, "a", &keys, NOW).as_deref(), Some("a"));
    advance(Duration::from_secs(1)).await;
    assert_eq!(subject(&tokens, "a", &keys, NOW), None);
    assert_eq!(tokens.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_known_once_it_has_expired_nor_before_it_was_verified() {
    let keys = keys();
    let tokens = knows("a", &keys, 2_000_000_010.5);
    assert_eq!(
        subject(&tokens, "a", &keys, after(10)).as_deref(),
        Some("a")
    );
    assert_eq!(subject(&tokens, "a", &keys, after(11)), None);

    let tokens = knows("a", &keys, LATER);
    let before = UnixTime::from_secs(NOW.as_secs() - 1);
    assert_eq!(subject(&tokens, "a", &keys, before), None);
}

#[tokio::test(start_paused = true)]
async fn other_keys_forget_it_even_if_they_are_equal() {
    let (old, new) = (keys(), keys());
    let tokens = knows("a", &old, LATER);
    assert_eq!(subject(&tokens, "a", &new, NOW), None);
    assert_eq!(tokens.len(), 0);
    // Verified with the old ones while the new ones came.
    add(&tokens, "a", &old, LATER);
    assert_eq!(tokens.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn they_are_bounded_and_the_oldest_of_a_bucket_goes() {
    let keys = keys();
    let tokens = knows("first", &keys, LATER);
    let rivals: Vec<_> = (0..u32::MAX)
        .map(|number| number.to_string())
        .filter(|token| TokenDigest::of(token).bucket() == TokenDigest::of("first").bucket())
        .take(WAYS)
        .collect();
    for token in &rivals {
        advance(Duration::from_millis(1)).await;
        add(&tokens, token, &keys, LATER);
        // The same again takes no second place.
        add(&tokens, token, &keys, LATER);
    }
    assert_eq!(subject(&tokens, "first", &keys, NOW), None);
    for token in &rivals {
        assert_eq!(subject(&tokens, token, &keys, NOW).as_ref(), Some(token));
    }
    for number in 0..40_000 {
        add(&tokens, &format!("other {number}"), &keys, LATER);
    }
    assert_eq!(tokens.len(), BUCKETS * WAYS);
}

#[test]
fn debug_tells_nothing_of_tokens() {
    let tokens = VerifiedTokens::default();
    assert_eq!(format!("{tokens:?}"), "VerifiedTokens { .. }");
}
