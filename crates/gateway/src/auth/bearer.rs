//! The `Authorization` header (RFC 6750 §2.1, RFC 9110 §11.4).

use axum::http::{HeaderMap, header::AUTHORIZATION};

use super::denied::Denied;

/// Returns the bearer token, borrowed from the headers.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, Denied> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Denied::NoToken)?;
    if values.next().is_some() {
        return Err(Denied::NotBearer);
    }
    let text = value.to_str().map_err(|_| Denied::NotBearer)?;
    let (scheme, token) = text.split_once(' ').ok_or(Denied::NotBearer)?;
    // One space or more, and no tab.
    let token = token.trim_start_matches(' ');
    if token.len() > MAX_TOKEN {
        return Err(Denied::TooLong { limit: MAX_TOKEN });
    }
    if !scheme.eq_ignore_ascii_case(SCHEME) || token.is_empty() {
        return Err(Denied::NotBearer);
    }
    // RFC 6750 §2.1, `b64token`.
    if !token
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b))
    {
        return Err(Denied::NotBearer);
    }
    Ok(token)
}

/// The longest token that is read, in bytes. Real tokens have one or two thousand.
const MAX_TOKEN: usize = 8 * 1024;
const SCHEME: &str = "Bearer";

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(values: &[&str]) -> Result<String, Denied> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer_token(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_token_is_taken() {
        assert_eq!(token_of(&["Bearer a.b.c"]), Ok("a.b.c".into()));
        for value in [
            "bearer a.b.c",
            "bEARER a.b.c",
            "Bearer  a.b.c",
            "BEARER     a.b.c",
        ] {
            assert_eq!(token_of(&[value]), Ok("a.b.c".into()), "{value:?}");
        }
        assert_eq!(
            token_of(&[&format!("Bearer {}", "a".repeat(MAX_TOKEN))]).map(|t| t.len()),
            Ok(MAX_TOKEN)
        );
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(token_of(&[]), Err(Denied::NoToken));
        assert_eq!(
            token_of(&["Bearer a.b.c", "Bearer a.b.c"]),
            Err(Denied::NotBearer)
        );
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer   ",
            "Bearer\ta.b.c",
            "Bearer \ta.b.c",
            "Bearer\t a.b.c",
            "Bearer  a.b.c  d",
            " Bearer a.b.c",
            "Basic dTpw",
            "a.b.c",
            "Bearer a.b.c d",
            "Bearer a,b",
        ] {
            assert_eq!(token_of(&[value]), Err(Denied::NotBearer), "{value:?}");
        }
        assert_eq!(
            token_of(&[&format!("Bearer {}", "a".repeat(MAX_TOKEN + 1))]),
            Err(Denied::TooLong { limit: MAX_TOKEN })
        );
    }
}
