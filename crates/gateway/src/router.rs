//! The routes.

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::{
    controllers::{certificate, description, fallback, secret_value},
    middleware::{Tracking, track},
    state::ApiState,
};

/// Returns the API: the operations, and their description.
pub(crate) fn api(state: ApiState, tracking: Tracking) -> Router {
    let at = |route| state.base_path.join(route);
    Router::new()
        .route(
            &at("/v1/secrets/{agentId}/secret-value"),
            post(secret_value::encrypt_and_store_secret),
        )
        .route(
            &at("/v1/agents/{agentId}/certificate"),
            get(certificate::get_certificate),
        )
        .route(&at("/openapi.yaml"), get(description::get_yaml))
        .route(&at("/openapi.json"), get(description::get_json))
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .with_state(Arc::new(state))
        .layer(middleware::from_fn_with_state(Arc::new(tracking), track))
}
