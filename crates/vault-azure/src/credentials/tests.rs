//! Credentials against doubles of what issues tokens.

use std::process::Command;
use std::sync::Mutex as Guarded;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method as Verb, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use azure_core::error::{Error, ErrorKind};

use super::*;

type Asked = Arc<Guarded<Vec<String>>>;

/// Issues tokens as Microsoft Entra and the machine's service do. A body with `wrong` is refused with a text that must not be
/// seen; one with `busy` is, at first.
async fn issuer() -> (String, Asked) {
    let asked = Asked::default();
    let answer = async |State(asked): State<Asked>,
                        verb: Verb,
                        uri: Uri,
                        headers: HeaderMap,
                        body: String|
           -> Response {
        let mut asked = asked.lock().unwrap();
        let header = |name| {
            headers
                .get(name)
                .map(|value: &HeaderValue| value.to_str().unwrap())
        };
        let own = header("x-identity-header").or(header("metadata"));
        asked.push(format!("{verb} {uri} {} {body}", own.unwrap_or_default()));
        if body.contains("wrong") {
            // As the service writes it, with an escape in it.
            let text = r#"{"error":"invalid_client","error_description":"AADSTS7000215: canary wrong.\r\nTrace ID: canary"}"#;
            return (StatusCode::UNAUTHORIZED, text).into_response();
        }
        if body.contains("busy") && asked.len() < 3 {
            let wait = [("retry-after", "0")];
            return (StatusCode::TOO_MANY_REQUESTS, wait, "canary").into_response();
        }
        if body.contains("proxy") {
            return "<html>canary</html>".into_response();
        }
        let token = format!(
            r#"{{"access_token":"eyJ.{}","expires_in":3600,"expires_on":"4102444800","resource":"r","token_type":"Bearer"}}"#,
            asked.len()
        );
        token.into_response()
    };
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://{address}"), asked)
}

async fn credentials(method: Method, authority: Option<&str>) -> AzureCredentials {
    let resource = "https://vault.azure.net";
    AzureCredentials::new(method, authority, resource, Connection::default())
        .await
        .unwrap()
}

async fn application(proof: Proof, authority: &str) -> AzureCredentials {
    let method = Method::Application {
        tenant_id: "tenant".to_owned(),
        client_id: "client".to_owned(),
        proof,
    };
    credentials(method, Some(authority)).await
}

#[tokio::test]
async fn managed_identity_asks_the_machine() {
    let (issuer, asked) = issuer().await;
    for client_id in [None, Some("c-1".to_owned())] {
        let method = Method::ManagedIdentity { client_id };
        let credentials = credentials(method, Some(&issuer)).await;
        let first = credentials.token(false).await.unwrap();
        assert_eq!(first, credentials.token(false).await.unwrap());
        assert_ne!(first, credentials.token(true).await.unwrap());
    }
    let asked = asked.lock().unwrap();
    let path = "GET /metadata/identity/oauth2/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net";
    let (system, other) = (
        format!("{path} true "),
        format!("{path}&client_id=c-1 true "),
    );
    assert_eq!(*asked, [&*system, &system, &other, &other]);
}

/// Microsoft's crate reads the environment, which a test can set for another process alone: this one again.
#[tokio::test(flavor = "multi_thread")]
async fn managed_identity_of_an_app_service_is_asked_for_where_the_environment_says() {
    let (issuer, asked) = issuer().await;
    let ask = |variables: &[(&str, &str)]| {
        let done = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "credentials::tests::a_token_is_given",
            ])
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&done.stdout).into_owned();
        (done.status.success() && output.contains("1 passed"), output)
    };
    let endpoint = format!("{issuer}/msi/token");
    let own = ("IDENTITY_HEADER", "own-header");
    let (is_given, output) = ask(&[("IDENTITY_ENDPOINT", &endpoint), own]);
    assert!(is_given, "{output}");
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net own-header "
        ]
    );
    // Azure Arc.
    let (is_given, output) = ask(&[("IDENTITY_ENDPOINT", &endpoint), ("IMDS_ENDPOINT", &issuer)]);
    assert!(!is_given && output.contains("App Service"), "{output}");
}

#[tokio::test]
#[ignore = "runs within another test, in an environment of its own"]
async fn a_token_is_given() {
    let method = Method::ManagedIdentity { client_id: None };
    let token = credentials(method, None).await.token(false).await.unwrap();
    assert!(token.starts_with("eyJ."));
}

#[tokio::test]
async fn a_secret_and_a_token_of_a_pod_are_read_each_time_and_a_token_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, asked) = issuer().await;
    let file = folder.path().join("secret");
    std::fs::write(&file, "s+1/\n").unwrap();
    let credentials = application(Proof::Secret(file.clone()), &issuer).await;
    credentials.check().await.unwrap();
    let first = credentials.token(false).await.unwrap();
    assert_eq!(first, credentials.token(false).await.unwrap());
    std::fs::write(&file, "s2").unwrap();
    assert_ne!(first, credentials.token(true).await.unwrap());
    let pod = application(Proof::Token(file), &issuer).await;
    pod.token(false).await.unwrap();
    let asked: Vec<_> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|asked| sorted(asked))
        .collect();
    let common = "client_id=client&grant_type=client_credentials&scope=https%3A%2F%2Fvault.azure.net%2F.default";
    let assertion = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=s2";
    let expected = [
        format!("{common}&client_secret=s%2B1%2F"),
        format!("{common}&client_secret=s2"),
        format!("{common}&{assertion}"),
    ];
    let expected = expected.map(|form| sorted(&format!("POST /tenant/oauth2/v2.0/token  {form}")));
    assert_eq!(asked, expected);
}

/// The order of a form's parts means nothing.
fn sorted(asked: &str) -> String {
    let (what, form) = asked.rsplit_once(' ').unwrap();
    let mut parts: Vec<_> = form.split('&').collect();
    parts.sort_unstable();
    format!("{what} {}", parts.join("&"))
}

#[tokio::test]
async fn what_is_refused_is_said_by_its_number_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, _) = issuer().await;
    let file = folder.path().join("secret");
    std::fs::write(&file, "wrong-canary").unwrap();
    let credentials = application(Proof::Secret(file.clone()), &issuer).await;
    let refused = credentials.token(false).await.unwrap_err();
    let text = format!("{refused} {refused:?} {credentials:?}");
    assert!(
        matches!(refused, VaultFailure::Unauthenticated(_)),
        "{text}"
    );
    assert!(
        text.contains("401, AADSTS7000215") && !text.contains("canary"),
        "{text}"
    );
    std::fs::remove_file(file).unwrap();
    let gone = credentials.check().await.unwrap_err();
    assert!(gone.to_string().contains("secret"), "{gone}");
    let gone = credentials.token(true).await.unwrap_err();
    assert!(matches!(gone, VaultFailure::Unauthenticated(_)), "{gone}");
}

#[tokio::test]
async fn an_issuer_that_is_busy_is_asked_again_and_what_is_in_its_place_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, asked) = issuer().await;
    let file = folder.path().join("secret");
    std::fs::write(&file, "busy").unwrap();
    let credentials = application(Proof::Secret(file.clone()), &issuer).await;
    credentials.token(false).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 3);
    std::fs::write(&file, "proxy").unwrap();
    let refused = credentials.token(true).await.unwrap_err();
    let text = format!("{refused} {refused:?}");
    assert!(
        matches!(refused, VaultFailure::Unavailable(_)) && text.contains("proxy answers"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_failure_is_told_by_what_the_transport_said_or_by_the_status() {
    let ours = VaultFailure::unauthenticated("ours");
    let error = Error::new(ErrorKind::Io, ours)
        .with_context("canary")
        .with_context("canary");
    let told = format!("{:?}", failure(&error));
    assert!(told.contains("ours") && !told.contains("canary"), "{told}");
    let kind = ErrorKind::HttpResponse {
        status: 503.into(),
        error_code: None,
        raw_response: None,
    };
    let error = Error::with_message(kind, "canary");
    let error = Error::with_error(ErrorKind::Credential, error, "canary");
    let told = format!("{:?}", failure(&error));
    assert!(
        told.contains("fails (503)") && !told.contains("canary"),
        "{told}"
    );
}

#[test]
fn an_assertion_is_signed_by_the_key_of_the_certificate() {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = key.as_der().unwrap();
    let pem = |label, der: &[u8]| {
        pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der).unwrap()
    };
    let private = pem("PRIVATE KEY", der.as_ref());
    // Nobody here reads the certificate: it is hashed.
    let certificate = pem("CERTIFICATE", b"leaf");
    let file = format!("{private}\n{certificate}{}", pem("CERTIFICATE", b"issuer"));
    let jwt = assertion::signed(file.as_bytes(), "client", "https://login.example/t").unwrap();
    let jwt = str::from_utf8(&jwt).unwrap();
    let parts: Vec<_> = jwt.split('.').collect();
    let decoded = |part| Base64UrlUnpadded::decode_vec(part).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"leaf");
    assert_eq!(
        header["x5t#S256"],
        Base64UrlUnpadded::encode_string(hash.as_ref())
    );
    assert_eq!(header["alg"], "PS256");
    let claims: serde_json::Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
    assert_eq!(claims["aud"], "https://login.example/t");
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&"client".into(), &"client".into())
    );
    let signed = jwt.rsplit_once('.').unwrap().0;
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref())
        .verify(signed.as_bytes(), &decoded(parts[2]))
        .unwrap();

    for wrong in [
        "",
        "canary",
        &private,
        &certificate,
        &private.replace("PRIVATE", "ENCRYPTED PRIVATE"),
    ] {
        assert!(assertion::signed(wrong.as_bytes(), "c", "a").is_err());
    }
}
