//! `GET /v1/agents/{agentId}/certificate`: what a caller needs to seal a value at its source.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sealpost_envelope::UnixTime;
use serde::Serialize;

use super::secret_value::{find, refused};
use crate::{
    AgentEntry, Gateway, auth::admit, body, parameters::Parameters, problem::Problem,
    report::Report, request_id::RequestId,
};

/// The certificate, and what is needed to check it and to name its key.
#[derive(Serialize)]
struct Described<'a> {
    agent_id: &'a str,
    /// SHA-256 of the certificate's DER, in hexadecimal: what is pinned.
    fingerprint: String,
    /// The `x5t#S256` of a JWE: the same in base64url.
    #[serde(rename = "x5t#S256")]
    x5t: String,
    /// The `kid` of a JWE.
    kid: String,
    not_before: String,
    not_after: String,
    pem: &'a str,
}

pub(crate) async fn get_certificate(
    State(gateway): State<Arc<Gateway>>,
    Extension(id): Extension<RequestId>,
    Extension(report): Extension<Report>,
    request: Request,
) -> Response {
    let result = get(&gateway, request, &report).await;
    report.answer(result, &id)
}

/// As for storing a secret: who may not, does not learn which agents there are.
async fn get(gateway: &Gateway, request: Request, report: &Report) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let parameters = Parameters::of(&mut parts).await;
    body::linger(&parts.headers, body);
    admit(gateway, &parts, &parameters, report).await?;
    let agent = match &parameters.agent {
        Some(agent) if parameters.violations.is_empty() => agent,
        _ => return Err(refused(parameters, None)),
    };
    let entry = find(gateway, agent).await?;
    Ok(answer(&parts, &entry))
}

fn answer(parts: &Parts, entry: &AgentEntry) -> Response {
    let mut response = if prefers_json(&parts.headers) {
        Json(describe(entry)).into_response()
    } else {
        let pem = HeaderValue::from_static("application/pem-certificate-chain");
        ([(header::CONTENT_TYPE, pem)], entry.pem().to_owned()).into_response()
    };
    let accept = HeaderValue::from_static("Accept");
    response.headers_mut().insert(header::VARY, accept);
    response
}

fn describe(entry: &AgentEntry) -> Described<'_> {
    let certificate = entry.certificate();
    let (fingerprint, key_id) = (certificate.fingerprint(), certificate.public_key().key_id());
    Described {
        agent_id: entry.id().as_str(),
        fingerprint: fingerprint.to_string(),
        x5t: BASE64_URL_SAFE_NO_PAD.encode(fingerprint.as_bytes()),
        kid: BASE64_URL_SAFE_NO_PAD.encode(key_id.as_bytes()),
        not_before: rfc_3339(certificate.not_before()),
        not_after: rfc_3339(certificate.not_after()),
        pem: entry.pem(),
    }
}

/// Does `Accept` name JSON, and not refuse it? PEM is what everybody else gets.
fn prefers_json(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    let mut ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
        let is_refused = parts.any(|parameter| {
            let weight = parameter
                .strip_prefix("q=")
                .or_else(|| parameter.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32))
        });
        is_json && !is_refused
    })
}

fn rfc_3339(time: UnixTime) -> String {
    // Certificates end in the year 9999 at the latest (RFC 5280 §4.1.2.5).
    let time = UNIX_EPOCH + Duration::from_secs(time.as_secs());
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_ask() {
        let prefers = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            prefers_json(&headers)
        };
        for yes in [
            "application/json",
            "text/html, Application/JSON;q=0.5",
            "application/json; charset=utf-8",
        ] {
            assert!(prefers(yes), "{yes}");
        }
        for no in [
            "*/*",
            "application/*",
            "application/problem+json",
            "application/json;q=0",
            "application/json; q=0.000",
        ] {
            assert!(!prefers(no), "{no}");
        }
        assert!(!prefers_json(&HeaderMap::new()));
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(
            rfc_3339(UnixTime::from_secs(2_000_000_000)),
            "2033-05-18T03:33:20Z"
        );
    }
}
