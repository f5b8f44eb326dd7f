//! `GET /v1/agents/{agentId}/certificate`: the certificate that a caller seals a value with.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Serialize;

use crate::{
    admission::Admission, agents::Agents, body, directory::AgentEntry, parameters::Parameters,
    problem::Problem, request_id::RequestId, request_record::RequestRecord, state::ApiState,
    time::rfc3339,
};

/// The answer: the certificate, and what is needed to check it and to name its key.
#[derive(Serialize)]
struct CertificateDocument<'a> {
    agent_id: &'a str,
    /// SHA-256 of the certificate's DER, in hexadecimal: what callers pin.
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
    State(state): State<Arc<ApiState>>,
    Extension(id): Extension<RequestId>,
    Extension(record): Extension<RequestRecord>,
    request: Request,
) -> Response {
    let result = get(&state.admission, &state.agents, request, &record).await;
    record.answer(result, &id)
}

/// Asks for the same token as storing a secret: callers without permission do not learn which agents exist.
async fn get(
    admission: &Admission,
    agents: &Agents,
    request: Request,
    record: &RequestRecord,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Ok(parameters) = Parameters::from_request_parts(&mut parts, &()).await;
    body::linger(&parts.headers, body);
    admission.admit(&parts, &parameters, record).await?;
    let agent = match &parameters.agent {
        Some(agent) if parameters.violations.is_empty() => agent,
        Some(_) | None => return Err(parameters.reject(None).into()),
    };
    let entry = agents.find(agent).await?;
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

fn describe(entry: &AgentEntry) -> CertificateDocument<'_> {
    let certificate = entry.certificate();
    let (fingerprint, key_id) = (certificate.fingerprint(), certificate.public_key().key_id());
    CertificateDocument {
        agent_id: entry.id().as_str(),
        fingerprint: fingerprint.to_string(),
        x5t: BASE64_URL_SAFE_NO_PAD.encode(fingerprint.as_bytes()),
        kid: BASE64_URL_SAFE_NO_PAD.encode(key_id.as_bytes()),
        not_before: rfc3339(certificate.not_before()),
        not_after: rfc3339(certificate.not_after()),
        pem: entry.pem(),
    }
}

/// Returns whether `Accept` names JSON and does not refuse it. All other callers get PEM.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_callers_who_ask_for_it() {
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
}
