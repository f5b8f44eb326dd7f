use std::fs;

use sealpost_envelope::UnixTime;

use super::*;
use crate::configuration::document::{self, Checked, Readable};

const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// `[auth]` alone.
struct Auth(Tokens);

impl Readable for Auth {
    const VARIABLES: &'static str = "SEALPOST_GATEWAY__";

    fn read(root: &mut Section<'_>, _now: UnixTime) -> Option<Self> {
        read(root).map(Self)
    }
}

/// Checks an `[auth]` with these lines beside a key set with these members.
fn check(keys: &str, issuer: &str, more: &str) -> Checked<Auth> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("jwks.json"),
        format!(r#"{{"keys":[{keys}]}}"#),
    )
    .unwrap();
    let file =
        format!("[auth]\nissuer = {issuer}\naudience = \"a\"\njwks_file = \"jwks.json\"\n{more}\n");
    let path = folder.path().join("gateway.toml");
    let environment = std::iter::empty();
    document::check(&path, file.as_bytes(), environment, UnixTime::now()).unwrap()
}

fn findings(checked: &Checked<Auth>) -> Vec<String> {
    let findings = checked.findings.iter().map(ToString::to_string);
    findings.collect()
}

#[test]
fn an_issuer_or_audience_with_surrounding_blanks_or_a_line_break_is_an_error() {
    for text in [
        r#"" i""#,
        r#""i ""#,
        r#""i\n""#,
        r#""\ti""#,
        r#""i\r\n""#,
        r#""i\nj""#,
        r#""i\u0000j""#,
        r#""i\u007f""#,
        r#""i\u0085""#,
        r#""i\u00a0""#,
        r#""i\u2028j""#,
        r#""\ufeffi""#,
        r#""i\u200b""#,
        r#""i\u2060""#,
        r#""\u202ei""#,
        r#""i\u00adj""#,
        r#""i\u2000j""#,
        r#""i\u3164""#,
        r#""i\ufe0f""#,
        r#""i\u2800""#,
        r#""i\U000e0020""#,
        r#""i\U00013430""#,
        r#""i\U00013455""#,
        r#""i\U000110bd""#,
        r#""i\U000110cd""#,
        r#""i\U00016fe4""#,
        r#""i\U0001bca0""#,
        r#""i\U0001d159""#,
        r#""i\U0001d17a""#,
        r#""i\u0600""#,
        r#""i\ufdd0""#,
        r#""i\ufffe""#,
        r#""i\uffff""#,
        r#""i\U0001fffe""#,
        r#""i\U0010ffff""#,
        r#"" ""#,
        "\"\"\"i\n\"\"\"",
    ] {
        let issuer = check(KEY, text, "");
        assert!(issuer.configuration.is_none(), "{text}");
        let [finding] = &findings(&issuer)[..] else {
            panic!("{:?}", issuer.findings)
        };
        assert!(finding.starts_with("auth.issuer: "), "{finding}");
        assert!(finding.ends_with("; remove it"), "{finding}");
    }
    for text in [
        r#""i j""#,
        r#""https://issuer.example/""#,
        r#""é""#,
        r#""🔑日本""#,
    ] {
        let checked = check(KEY, text, "");
        assert!(checked.configuration.is_some(), "{:?}", checked.findings);
    }
    // The audience likewise.
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("jwks.json"),
        format!(r#"{{"keys":[{KEY}]}}"#),
    )
    .unwrap();
    let file = b"auth = { issuer = \"i\", audience = \"a\\n\", jwks_file = \"jwks.json\" }";
    let path = folder.path().join("gateway.toml");
    let checked: Checked<Auth> =
        document::check(&path, file, std::iter::empty(), UnixTime::now()).unwrap();
    assert!(findings(&checked)[0].starts_with("auth.audience: "));
}

#[test]
fn a_key_set_file_with_odd_members_starts() {
    for member in [
        r#""a string""#,
        "null",
        r#"{"kid":7}"#,
        r#"{"kty":"RSA","n":"!"}"#,
    ] {
        let checked = check(&format!("{member},{KEY}"), r#""i""#, "");
        assert!(checked.configuration.is_some(), "{:?}", checked.findings);
        let [finding] = &findings(&checked)[..] else {
            panic!("{:?}", checked.findings)
        };
        assert!(
            finding.contains("keys[0] is left out: ") && finding.ends_with("(notice)"),
            "{finding}"
        );
        // Without another one it starts, too, and accepts no token.
        let checked = check(member, r#""i""#, "");
        assert!(checked.configuration.is_some(), "{:?}", checked.findings);
        assert_eq!(checked.findings[1].weight, Weight::Degraded);
    }
    let withdrawn = check("", r#""i""#, "");
    assert!(withdrawn.configuration.is_some());
    assert!(findings(&withdrawn)[0].ends_with("(it starts without)"));
    // A key for something else is no reason for a notice.
    let usual = check(
        &format!("{},{KEY}", KEY.replace("}", r#","use":"enc"}"#)),
        r#""i""#,
        "",
    );
    assert!(usual.findings.is_empty(), "{:?}", usual.findings);
    let malformed = check("}", r#""i""#, "");
    assert!(malformed.configuration.is_none());
}

#[test]
fn keys_must_be_fetched_again_before_they_are_stale() {
    let stale = |more| {
        let checked = check(KEY, r#""i""#, more);
        let found = findings(&checked);
        match checked.configuration {
            Some(Auth(Tokens {
                keys: TokenKeysSource::Refreshed { refresh, .. },
                ..
            })) => Ok(refresh.max_stale.as_secs() / 60),
            _ => Err(found.concat()),
        }
    };
    assert_eq!(stale(""), Ok(24 * 60));
    assert_eq!(stale("jwks_max_stale = \"6m\""), Ok(6));
    assert_eq!(
        stale("jwks_max_age = \"24h\"\njwks_max_stale = \"30d\""),
        Ok(30 * 24 * 60)
    );
    for more in [
        "jwks_max_stale = \"5m\"",
        "jwks_max_stale = \"1s\"",
        "jwks_max_age = \"24h\"",
        "jwks_max_age = \"1h\"\njwks_max_stale = \"59m\"",
    ] {
        let error = stale(more).unwrap_err();
        assert!(error.starts_with("auth.jwks_max_stale: "), "{error}");
        assert!(error.contains("jwks_max_age"), "{error}");
    }
    for more in [
        "jwks_max_stale = 5",
        "jwks_max_stale = \"31d\"",
        "jwks_max_stale = \"0s\"",
    ] {
        assert!(
            stale(more).unwrap_err().contains("a duration in quotes"),
            "{more}"
        );
    }
}
