//! Credentials against doubles of what issues tokens.

use std::sync::{Arc, Mutex as Guarded};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method as Verb, StatusCode, Uri};

use super::*;

type Asked = Arc<Guarded<Vec<String>>>;

/// Issues tokens as Microsoft Entra and the machine's service do. A body with `wrong` is refused with a text that must not be
/// seen.
async fn issuer() -> (String, Asked) {
    let asked = Asked::default();
    let answer = async |State(asked): State<Asked>,
                        verb: Verb,
                        uri: Uri,
                        headers: HeaderMap,
                        body: String| {
        let mut asked = asked.lock().unwrap();
        let metadata = headers.get("metadata").map(|value| value.to_str().unwrap());
        asked.push(format!(
            "{verb} {uri} {} {body}",
            metadata.unwrap_or_default()
        ));
        if body.contains("wrong") {
            let text =
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: canary wrong"}"#;
            return (StatusCode::UNAUTHORIZED, text.to_owned());
        }
        let token = format!(
            r#"{{"access_token":"eyJ.{}","expires_in":"3600","token_type":"Bearer"}}"#,
            asked.len()
        );
        (StatusCode::OK, token)
    };
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://{address}"), asked)
}

async fn credentials(method: Method, authority: &str) -> AzureCredentials {
    let resource = "https://vault.azure.net";
    AzureCredentials::new(method, Some(authority), resource, Connection::default())
        .await
        .unwrap()
}

fn secret(file: PathBuf) -> Method {
    Method::Secret {
        tenant_id: "tenant".to_owned(),
        client_id: "client".to_owned(),
        secret_file: file,
    }
}

#[tokio::test]
async fn managed_identity_asks_the_machine() {
    let (issuer, asked) = issuer().await;
    for client_id in [None, Some("c-1".to_owned())] {
        let credentials = credentials(Method::ManagedIdentity { client_id }, &issuer).await;
        credentials.token(false).await.unwrap();
    }
    let asked = asked.lock().unwrap();
    let path = "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net";
    assert_eq!(asked[0], format!("{path} true "));
    assert_eq!(asked[1], format!("{path}&client_id=c-1 true "));
}

#[tokio::test]
async fn a_secret_and_a_token_of_a_pod_are_read_each_time_and_a_token_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, asked) = issuer().await;
    let file = folder.path().join("secret");
    std::fs::write(&file, "s+1/\n").unwrap();
    let credentials = credentials(secret(file.clone()), &issuer).await;
    credentials.check().await.unwrap();
    let first = credentials.token(false).await.unwrap();
    assert_eq!(first, credentials.token(false).await.unwrap());
    std::fs::write(&file, "s2").unwrap();
    assert_ne!(first, credentials.token(true).await.unwrap());
    let pod = Method::WorkloadIdentity {
        tenant_id: "tenant".to_owned(),
        client_id: "client".to_owned(),
        token_file: file,
    };
    super::tests::credentials(pod, &issuer)
        .await
        .token(false)
        .await
        .unwrap();
    let asked = asked.lock().unwrap();
    let form = "POST /tenant/oauth2/v2.0/token  client_id=client&grant_type=client_credentials&scope=https%3A%2F%2Fvault.azure.net%2F.default";
    let assertion = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=s2";
    assert_eq!(
        *asked,
        [
            format!("{form}&client_secret=s%2B1%2F"),
            format!("{form}&client_secret=s2"),
            format!("{form}&{assertion}"),
        ]
    );
}

#[tokio::test]
async fn what_is_refused_is_said_by_its_number_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, _) = issuer().await;
    let file = folder.path().join("secret");
    std::fs::write(&file, "wrong-canary").unwrap();
    let credentials = credentials(secret(file.clone()), &issuer).await;
    let refused = credentials.token(false).await.unwrap_err();
    let text = format!("{refused} {refused:?} {credentials:?}");
    assert!(
        matches!(refused, VaultFailure::Unauthenticated(_)),
        "{text}"
    );
    assert!(
        text.contains("AADSTS7000215") && !text.contains("canary"),
        "{text}"
    );
    std::fs::remove_file(file).unwrap();
    let gone = credentials.check().await.unwrap_err();
    assert!(gone.to_string().contains("secret"), "{gone}");
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
