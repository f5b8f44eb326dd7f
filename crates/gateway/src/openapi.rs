//! The OpenAPI description that the gateway serves.

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use crate::base_path::BasePath;

/// The given description with our additions, as YAML and as JSON.
///
/// `openapi/given.yaml` is the public description, byte for byte. `openapi/openapi.yaml` is the same with lines inserted;
/// everything inserted is marked `x-sealpost-extension`. `openapi/openapi.json` has the same content. A test compares all
/// three.
#[derive(Clone, Debug)]
pub(crate) struct Description(Arc<(Bytes, Bytes)>);

impl Description {
    /// Describes a gateway whose routes begin at `base`.
    pub(crate) fn new(base: &BasePath) -> Self {
        if base.as_str().is_empty() {
            return Self(Arc::new((YAML.into(), JSON.into())));
        }
        let yaml = YAML.replacen("url: /\n", &format!("url: {base}\n"), 1);
        let json = JSON.replacen(r#""url": "/""#, &format!(r#""url": "{base}""#), 1);
        Self(Arc::new((yaml.into(), json.into())))
    }

    pub(crate) fn yaml(&self) -> Response {
        answer(&self.0.0, "application/yaml")
    }

    pub(crate) fn json(&self) -> Response {
        answer(&self.0.1, "application/json")
    }
}

fn answer(text: &Bytes, media_type: &'static str) -> Response {
    let media_type = HeaderValue::from_static(media_type);
    ([(header::CONTENT_TYPE, media_type)], text.clone()).into_response()
}

const YAML: &str = include_str!("../openapi/openapi.yaml");
const JSON: &str = include_str!("../openapi/openapi.json");
