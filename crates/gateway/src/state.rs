//! What the handlers of the API work with.

use std::{sync::Arc, time::Duration};

use sealpost_protocol::Clock;

use crate::{
    admission::Admission, agents::Agents, audit::Trail, base_path::BasePath,
    body_memory::BodyMemory, delivery::Delivery, openapi::Description, workload::Workload,
};

/// The parts of a running gateway. Handlers pass on the parts that a step needs, never the whole.
#[derive(Debug)]
pub(crate) struct ApiState {
    pub(crate) admission: Admission,
    pub(crate) agents: Agents,
    pub(crate) body_memory: BodyMemory,
    pub(crate) workload: Workload,
    pub(crate) delivery: Delivery,
    pub(crate) trail: Arc<Trail>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The time for a whole request.
    pub(crate) deadline: Duration,
    /// The time to send a request's body.
    pub(crate) body_timeout: Duration,
    pub(crate) base_path: BasePath,
    pub(crate) description: Description,
}
