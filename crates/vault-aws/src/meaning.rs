//! What an answer means.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use sealpost_rest::ErrorChain;
use sealpost_vault::error::VaultFailure;

use crate::policy::{CREATE, DECRYPT, DELETE, DESCRIBE, GENERATE, GET, TAG};

/// What an answer means, whatever was asked.
#[derive(Debug)]
pub(crate) enum Meaning<T> {
    /// It was done.
    Done(T),
    /// There is no such secret, or no value of it.
    Absent,
    /// The name is taken.
    Taken,
    /// Not while the secret is as it is: it is to be deleted, or belongs to another service.
    State,
    /// The credentials are not accepted, or there are none.
    Credentials(VaultFailure),
    /// It can't be done now, or has perhaps been done. It may be asked again, after this time.
    Later(VaultFailure, Option<Duration>),
    /// It will not be done until a person acts.
    Never(VaultFailure),
}

/// Tells what came of a call that needs this permission. The text of an answer is compared with what is known and never passed
/// on: it is not known what it repeats.
pub(crate) fn meaning<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    permission: &'static str,
) -> Meaning<T>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let error = match result {
        Ok(done) => return Meaning::Done(done),
        Err(error) => error,
    };
    match &error {
        SdkError::ServiceError(service) => {
            let answer = service.raw();
            let wait = answer
                .headers()
                .get("retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs);
            told(
                error.code(),
                error.message().unwrap_or_default(),
                answer.status().as_u16(),
                wait,
                permission,
            )
        }
        SdkError::ResponseError(_) => later("its answer is not whole; it is asked again"),
        _ => not_sent(&error),
    }
}

/// What the code of an error means, or, without one, the status.
fn told<T>(
    code: Option<&str>,
    message: &str,
    status: u16,
    wait: Option<Duration>,
    permission: &'static str,
) -> Meaning<T> {
    match code.unwrap_or_default() {
        "ResourceNotFoundException" => Meaning::Absent,
        "ResourceExistsException" => Meaning::Taken,
        "InvalidRequestException" => Meaning::State,
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => {
            Meaning::Never(VaultFailure::Denied {
                permission: missing(message, permission),
            })
        }
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => {
            credentials("they have expired")
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId" => {
            credentials("their access key or session token is not known")
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" => {
            credentials(
                "the signature is not right: compare the secret access key, and this machine's clock",
            )
        }
        "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "OptInRequired" => {
            credentials("the signature is not complete, or the account may not use the service")
        }
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown" => Meaning::Later(VaultFailure::Throttled { wait }, wait),
        "LimitExceededException" => never(
            "a quota of the account is used up, such as that of secrets in the region; delete some, or ask AWS for more",
        ),
        "EncryptionFailure" => never(
            "its KMS key can't encrypt; look whether kms_key is an enabled symmetric key of this region",
        ),
        "DecryptionFailure" => {
            never("the KMS key of the secret can't decrypt; look whether it is enabled")
        }
        "InternalServiceError"
        | "InternalServiceErrorException"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException" => later("it fails; it is asked again"),
        _ => match status {
            429 => Meaning::Later(VaultFailure::Throttled { wait }, wait),
            500..=599 => later(&format!("it fails ({status}); it is asked again")),
            400 if code.is_some() => never(
                "it refuses a parameter; compare region, kms_key and endpoint in the configuration",
            ),
            _ => never(&format!(
                "it answers {status}, which it does not document; look whether a proxy answers in its place"
            )),
        },
    }
}

/// The request was not sent, or there was no answer.
fn not_sent<T, E>(error: &SdkError<E, HttpResponse>) -> Meaning<T>
where
    E: Error + 'static,
{
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<CredentialsError>() {
            return match error {
                CredentialsError::CredentialsNotLoaded(_) => {
                    credentials("there are none; docs/vaults/aws.md says where they are looked for")
                }
                CredentialsError::InvalidConfiguration(_) => credentials(
                    "the AWS profile is not valid; compare it with what `aws configure list` shows",
                ),
                // The metadata service or STS may serve later.
                _ => later(
                    "the source of its credentials fails; look at the role and whether the source can be reached",
                ),
            };
        }
        cause = error.source();
    }
    match error {
        SdkError::ConstructionFailure(_) => {
            never("no request can be made with this configuration; compare region and endpoint")
        }
        SdkError::TimeoutError(_) => later("its endpoint has not answered in time"),
        SdkError::DispatchFailure(dispatch) => {
            let text = dispatch
                .as_connector_error()
                .map(|error| ErrorChain(error).to_string());
            later(&format!(
                "its endpoint does not answer: {}",
                text.as_deref().unwrap_or("the connection failed")
            ))
        }
        _ => later("there is no answer"),
    }
}

/// Returns the permission that a refusal names, if it is one that is known.
fn missing(message: &str, permission: &'static str) -> Cow<'static, str> {
    let named = message.split("perform: ").nth(1).unwrap_or_default();
    let named = named.split_ascii_whitespace().next().unwrap_or_default();
    let known = [CREATE, TAG, DESCRIBE, GET, DELETE, GENERATE, DECRYPT];
    let permission = match known.into_iter().find(|known| *known == named) {
        Some(known) => known.to_owned(),
        None if message.contains("KMS") => {
            format!("{GENERATE} and {DECRYPT} (in the policy of the key, too)")
        }
        None => permission.to_owned(),
    };
    match message.contains("explicit deny") {
        // Granting it is not enough.
        true => format!(
            "{permission}, which another policy denies explicitly, and take that denial away"
        )
        .into(),
        false => format!("{permission} (sealpost vault policy prints what is needed)").into(),
    }
}

fn credentials<T>(text: &'static str) -> Meaning<T> {
    Meaning::Credentials(VaultFailure::unauthenticated(text))
}

fn later<T>(text: &str) -> Meaning<T> {
    Meaning::Later(VaultFailure::unavailable(text), None)
}

fn never<T>(text: &str) -> Meaning<T> {
    Meaning::Never(VaultFailure::unusable(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, message: &str) -> Meaning<()> {
        let code = Some(code).filter(|code| !code.is_empty());
        told(code, message, 400, None, CREATE)
    }

    #[test]
    fn a_refusal_names_the_missing_permission() {
        for (message, expected) in [
            (
                "User: arn:aws:iam::1:user/a is not authorized to perform: secretsmanager:TagResource on resource: n because no \
                 identity-based policy allows the secretsmanager:TagResource action",
                "secretsmanager:TagResource (",
            ),
            (
                "User: a is not authorized to perform: kms:Decrypt on resource: k",
                "kms:Decrypt (",
            ),
            (
                "Access to KMS is not allowed",
                "kms:GenerateDataKey and kms:Decrypt (in the policy of the key",
            ),
            (
                "User: a is not authorized to perform: canary on resource: k",
                "secretsmanager:CreateSecret (",
            ),
            ("", "secretsmanager:CreateSecret ("),
            (
                "User: a is not authorized to perform: secretsmanager:CreateSecret on resource: n with an explicit deny in a \
                 service control policy",
                "secretsmanager:CreateSecret, which another policy denies explicitly",
            ),
        ] {
            let Meaning::Never(VaultFailure::Denied { permission }) =
                of("AccessDeniedException", message)
            else {
                panic!("{message}");
            };
            assert!(permission.starts_with(expected), "{permission}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        assert!(matches!(of("ResourceExistsException", ""), Meaning::Taken));
        assert!(matches!(of("InvalidRequestException", ""), Meaning::State));
        assert!(matches!(
            of("ResourceNotFoundException", ""),
            Meaning::Absent
        ));
        for code in [
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
        ] {
            assert!(matches!(
                of(code, ""),
                Meaning::Credentials(VaultFailure::Unauthenticated(_))
            ));
        }
        for code in ["ThrottlingException", "TooManyRequestsException"] {
            assert!(matches!(
                of(code, ""),
                Meaning::Later(VaultFailure::Throttled { .. }, _)
            ));
        }
        assert!(matches!(
            of("InternalServiceError", ""),
            Meaning::Later(VaultFailure::Unavailable(_), _)
        ));
        for code in [
            "LimitExceededException",
            "EncryptionFailure",
            "ValidationException",
            "",
        ] {
            assert!(
                matches!(of(code, ""), Meaning::Never(VaultFailure::Unusable(_))),
                "{code}"
            );
        }
    }

    #[test]
    fn an_answer_is_never_repeated_in_an_error() {
        for code in [
            "AccessDeniedException",
            "InvalidRequestException",
            "ValidationException",
            "EncryptionFailure",
            "canary",
            "",
        ] {
            for message in [
                "canary",
                "perform: canary",
                "KMS canary",
                "explicit deny canary",
            ] {
                for status in [200, 302, 400, 403, 404, 429, 500, 503] {
                    let shown = format!("{:?}", told::<()>(Some(code), message, status, None, GET));
                    assert!(!shown.contains("canary"), "{shown}");
                }
            }
        }
    }
}
