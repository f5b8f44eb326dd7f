//! The parameters in path, query and headers: `agentId`, `projectId` and `Idempotency-Key`.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{Uri, request::Parts},
};
use sealpost_context::{AgentId, ProjectId};
use sealpost_rest::ProblemType;

use crate::{idempotency::IdempotencyKey, rejection::Rejection};

/// The parameters that could be read, and the violations of those that could not.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    /// `None` if it is not an agent id.
    pub(crate) agent: Option<AgentId>,
    /// `None` if it is not a project id or is given twice; `Some(None)` if it is missing.
    pub(crate) project: Option<Option<ProjectId>>,
    /// `None` if it is not a key; `Some(None)` if it is missing.
    pub(crate) idempotency_key: Option<Option<IdempotencyKey>>,
    /// In the order path, query, header.
    pub(crate) violations: Vec<String>,
}

impl Parameters {
    /// Rejects the request for what is wrong with the parameters and with the body, together and in that order.
    pub(crate) fn reject(self, body: Option<Rejection>) -> Rejection {
        let mut rejection = Rejection::new(ProblemType::InvalidParameter, self.violations);
        if let Some(Rejection { kind, violations }) = body {
            rejection.kind = kind;
            rejection.violations.extend(violations);
        }
        rejection
    }

    fn read_agent(&mut self, text: &str) {
        match text.parse() {
            Ok(agent) => self.agent = Some(agent),
            Err(error) => self.violations.push(error.to_string()),
        }
    }

    /// Ignores unknown parameters, as unknown members of the body are ignored. A misspelt `projectId` is a violation:
    /// without its project the secret would get another name.
    fn read_project(&mut self, uri: &Uri) {
        let mut given = None;
        let mut is_valid = true;
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if name == PROJECT_ID {
                if given.replace(value).is_some() {
                    self.violations
                        .push("projectId: is given twice; give it once".into());
                    is_valid = false;
                }
            } else if folded(&name) == folded(PROJECT_ID) {
                self.violations
                    .push("projectId: is misspelt; write it exactly like this".into());
                is_valid = false;
            }
        }
        match given.map(|value| value.parse()).transpose() {
            Ok(project) if is_valid => self.project = Some(project),
            Ok(_) => {}
            Err(error) if is_valid => self.violations.push(ToString::to_string(&error)),
            Err(_) => {}
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let mut parameters = Self::default();
        // axum rejects a path that is not UTF-8 once decoded: that is not an agent id either.
        let agent = match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) => params
                .iter()
                .find(|(name, _)| *name == "agentId")
                .map(|(_, id)| id.to_owned()),
            Err(_) => None,
        };
        parameters.read_agent(&agent.unwrap_or_default());
        parameters.read_project(&parts.uri);
        match IdempotencyKey::from_headers(&parts.headers) {
            Ok(key) => parameters.idempotency_key = Some(key),
            Err(violation) => parameters.violations.push(violation),
        }
        Ok(parameters)
    }
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !"-_".contains(*c))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

const PROJECT_ID: &str = "projectId";

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";

    fn query(query: &str) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.read_project(&format!("/x?{query}").parse().unwrap());
        parameters
    }

    #[test]
    fn a_project_may_be_there_or_not() {
        assert_eq!(query("").project, Some(None));
        assert_eq!(query("trace=1&a=b&a=c").project, Some(None));
        assert_eq!(
            query(&format!("projectId={ID}")).project,
            Some(ID.parse().ok())
        );
        assert_eq!(
            query(&format!("project%49d={}", ID.replace('-', "%2D"))).project,
            Some(ID.parse().ok())
        );
    }

    #[test]
    fn everything_ambiguous_is_a_violation() {
        for text in [
            "projectId=".to_owned(),
            "projectId".to_owned(),
            "projectId=%FF".to_owned(),
            format!("projectId={}", ID.replace('-', "")),
            format!("projectId={{{ID}}}"),
            format!("projectId={ID}&projectId={ID}"),
            format!("projectid={ID}"),
            format!("project_id={ID}&projectId={ID}"),
        ] {
            let parameters = query(&text);
            assert_eq!(parameters.project, None, "{text}");
            assert_eq!(
                parameters.violations.len(),
                1,
                "{text}: {:?}",
                parameters.violations
            );
            assert!(parameters.violations[0].starts_with("projectId: "));
        }
    }
}
