//! Credentials against doubles of what issues tokens.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};

use super::*;

type Asked = Arc<Mutex<Vec<String>>>;

/// Issues tokens as Google's service for tokens and as the metadata server do. A subject `wrong` is refused, with a text that
/// must not be seen.
async fn issuer() -> (String, Asked) {
    let asked = Asked::default();
    let answer = async |State(asked): State<Asked>, uri: Uri, headers: HeaderMap, body: Bytes| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let mut asked = asked.lock().unwrap();
        let flavor = headers.get("metadata-flavor").map(|f| f.to_str().unwrap());
        asked.push(format!(
            "{} {} {body}",
            uri.path(),
            flavor.unwrap_or_default()
        ));
        if body.contains("subject_token=wrong") {
            return (
                StatusCode::BAD_REQUEST,
                "{\"error\":\"invalid_grant\",\"error_description\":\"canary wrong\"}".to_owned(),
            );
        }
        let token = format!(
            "{{\"access_token\":\"ya29.{}\",\"issued_token_type\":\"urn:ietf:params:oauth:token-type:access_token\",\
              \"token_type\":\"Bearer\",\"expires_in\":3600}}",
            asked.len()
        );
        (StatusCode::OK, token)
    };
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, asked)
}

/// Writes a configuration of workload identity whose subject is this.
fn workload_identity(folder: &Path, issuer: &str, subject: &str) -> PathBuf {
    let token = folder.join("subject");
    std::fs::write(&token, subject).unwrap();
    let path = folder.join("credentials.json");
    let config = serde_json::json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("http://{issuer}/v1/token"),
        "credential_source": {"file": token},
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

#[tokio::test]
async fn workload_identity_exchanges_the_token_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, asked) = issuer().await;
    let path = workload_identity(folder.path(), &issuer, "subject-1");
    let credentials = GoogleCredentials::new(Some(path));
    credentials.check().await.unwrap();
    let first = credentials.token(false).await.unwrap();
    let second = credentials.token(false).await.unwrap();
    assert_eq!(first, second);
    let fresh = credentials.token(true).await.unwrap();
    assert_ne!(first, fresh);
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with("/v1/token") && asked[0].contains("subject_token=subject-1"));
    assert!(asked.len() >= 2, "{asked:?}");
}

#[tokio::test]
async fn what_is_refused_is_said_without_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, _) = issuer().await;
    let path = workload_identity(folder.path(), &issuer, "wrong");
    let refused = GoogleCredentials::new(Some(path)).token(false).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, VaultFailure::Unauthenticated(_)),
        "{refused:?}"
    );
    assert!(!format!("{refused} {refused:?}").contains("canary"));
}

#[tokio::test]
async fn a_file_that_holds_no_credentials_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    for content in [
        "",
        "canary",
        "{}",
        "{\"type\":\"canary\"}",
        "{\"type\":\"service_account\",\"private_key\":\"canary\"}",
        "{\"type\":\"external_account\",\"audience\":\"canary\"}",
    ] {
        std::fs::write(&path, content).unwrap();
        let credentials = GoogleCredentials::new(Some(path.clone()));
        let failure = match credentials.check().await {
            Err(failure) => failure,
            // A key is looked at when a token is made.
            Ok(()) => credentials.token(false).await.unwrap_err(),
        };
        let text = format!("{failure} {failure:?}");
        assert!(
            matches!(failure, VaultFailure::Unauthenticated(_)),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }
    std::fs::remove_file(&path).unwrap();
    let gone = GoogleCredentials::new(Some(path))
        .check()
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("key.json"), "{gone}");
}

/// Google's crate reads the environment, which a test can set for another process alone: this one again.
fn with_environment(test: &str, variables: &[(&str, &str)]) {
    let done = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            &format!("credentials::tests::{test}"),
        ])
        .env_remove("GOOGLE_APPLICATION_CREDENTIALS")
        .env("HOME", "/nonexistent")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && output.contains("1 passed"),
        "{output}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn application_default_credentials_are_those_of_the_environment_or_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, asked) = issuer().await;
    let file = workload_identity(folder.path(), &issuer, "from-the-environment");
    let file = file.to_str().unwrap();
    with_environment(
        "a_token_is_given",
        &[("GOOGLE_APPLICATION_CREDENTIALS", file)],
    );
    assert!(asked.lock().unwrap()[0].contains("subject_token=from-the-environment"));
    asked.lock().unwrap().clear();
    with_environment("a_token_is_given", &[("GCE_METADATA_HOST", &issuer)]);
    let asked = asked.lock().unwrap();
    let metadata = "/computeMetadata/v1/instance/service-accounts/default/token Google";
    assert!(
        asked.iter().any(|asked| asked.starts_with(metadata)),
        "{asked:?}"
    );
}

#[tokio::test]
#[ignore = "runs within another test, in an environment of its own"]
async fn a_token_is_given() {
    let token = GoogleCredentials::new(None).token(false).await.unwrap();
    assert!(token.starts_with("ya29."));
}
