//! The call.

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;

use crate::{ClientBuilder, ClientError, Created, NewSecret, Problem, body};

/// A client of one gateway. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: Url,
    pub(crate) authorization: Option<HeaderValue>,
}

impl Client {
    /// A client of the gateway at `url`, such as `https://gateway.example` or `https://gateway.example/dpc`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// Has `agent` store a new secret, in `project` if one is given (a UUID).
    ///
    /// # Errors
    ///
    /// [`ClientError::Problem`] with what the gateway says. After [`ClientError::Timeout`],
    /// [`ClientError::Connection`] and the problem
    /// [`AgentTimeout`](crate::ProblemKind::AgentTimeout) it is not known whether the secret was created.
    pub async fn create_secret(
        &self,
        agent: &str,
        project: Option<&str>,
        secret: &NewSecret,
    ) -> Result<Created, ClientError> {
        let mut request = self
            .http
            .request(Method::POST, self.secret_value_url(agent, project)?)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body::build(secret)?);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let response = request.send().await.map_err(ClientError::from_http)?;
        let status = response.status();
        let request_id = request_id(&response);
        let body = read(response).await?;
        let unexpected = ClientError::Unexpected {
            status: status.as_u16(),
        };
        if status == StatusCode::CREATED {
            let Answer {
                resolver_ref,
                vault_secret_name,
            } = serde_json::from_slice(&body).map_err(|_| unexpected)?;
            return Ok(Created {
                resolver_ref,
                vault_secret_name,
                request_id,
            });
        }
        match Problem::parse(status.as_u16(), &body, request_id) {
            Some(problem) => Err(ClientError::Problem(Box::new(problem))),
            None => Err(unexpected),
        }
    }

    fn secret_value_url(&self, agent: &str, project: Option<&str>) -> Result<Url, ClientError> {
        // These would change the path instead of standing in it.
        if ["", ".", ".."].contains(&agent) {
            return Err(ClientError::AgentId);
        }
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Url("it must have a host"))?
            .pop_if_empty()
            .extend(["v1", "secrets", agent, "secret-value"]);
        if let Some(project) = project {
            url.query_pairs_mut().append_pair("projectId", project);
        }
        Ok(url)
    }
}

/// `ResolverSecretReferenceResponse` of the endpoint's description.
#[derive(Deserialize)]
struct Answer {
    resolver_ref: String,
    #[serde(rename = "vaultSecretName")]
    vault_secret_name: String,
}

fn request_id(response: &Response) -> Option<String> {
    Some(
        response
            .headers()
            .get("x-request-id")?
            .to_str()
            .ok()?
            .to_owned(),
    )
}

/// The body, or as much of it as an honest answer has.
async fn read(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::from_http)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::Unexpected {
                status: response.status().as_u16(),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Two thousand violations of 500 bytes.
const MAX_ANSWER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_escaped_in_the_url() {
        let client = Client::builder("http://localhost/dpc/").build().unwrap();
        let url = client.secret_value_url("a/../b?c", Some("x&y")).unwrap();
        assert_eq!(
            url.as_str(),
            "http://localhost/dpc/v1/secrets/a%2F..%2Fb%3Fc/secret-value?projectId=x%26y"
        );
        for agent in ["", ".", ".."] {
            assert!(matches!(
                client.secret_value_url(agent, None),
                Err(ClientError::AgentId)
            ));
        }
    }
}
