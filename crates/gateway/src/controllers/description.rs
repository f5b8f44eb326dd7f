//! `GET /openapi.yaml` and `GET /openapi.json`: the description of the interface. They need no token.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};

use crate::{request_id::RequestId, request_record::RequestRecord, state::ApiState};

pub(crate) async fn get_yaml(
    State(state): State<Arc<ApiState>>,
    Extension(id): Extension<RequestId>,
    Extension(record): Extension<RequestRecord>,
) -> Response {
    record.answer(Ok(state.description.yaml()), &id)
}

pub(crate) async fn get_json(
    State(state): State<Arc<ApiState>>,
    Extension(id): Extension<RequestId>,
    Extension(record): Extension<RequestRecord>,
) -> Response {
    record.answer(Ok(state.description.json()), &id)
}
