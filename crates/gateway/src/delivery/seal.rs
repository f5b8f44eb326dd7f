//! What a message to an agent says of a submission.

use std::sync::Arc;

use sealpost_channel::{Create, Head, Kind, Names, gateway::Place};
use sealpost_context::{OwnedContext, Owner};
use zeroize::Zeroizing;

use crate::{
    auth::Principal,
    idempotency::{IdempotencyKey, IdempotencySecret},
    problem::Problem,
    request_id::RequestId,
    submission::Submission,
};

/// A checked request.
pub(crate) struct Order {
    pub(crate) submission: Submission,
    pub(crate) owner: Owner,
    pub(crate) caller: Arc<Principal>,
    /// There if the request has one.
    pub(crate) key: Option<IdempotencyKey>,
}

impl Order {
    /// The body of the message. It holds the value, and is wiped when dropped.
    ///
    /// # Errors
    ///
    /// The answer: what was checked always fits.
    pub(super) fn body(
        &self,
        secret: &IdempotencySecret,
        id: &RequestId,
        place: &Place,
    ) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let owner = &self.owner;
        let marks = |payload: &dyn Fn() -> [u8; 32]| {
            let key = self.key.as_ref()?;
            Some(secret.marks(&self.caller, key, owner, payload()))
        };
        let context;
        let (kind, names, marks, content) = match &self.submission {
            Submission::Clear(clear) => {
                context = clear.context(*owner);
                let marks = marks(&|| secret.clear_payload(&context, clear.value()));
                (Kind::Clear, Some(names(&context)), marks, clear.value())
            }
            Submission::AtSource(sealed) => {
                let marks = marks(&|| secret.sealed_payload(owner, sealed.as_bytes()));
                let names = sealed.context().map(names);
                (sealed.kind(), names, marks, sealed.as_bytes())
            }
        };
        let head = Head {
            verb: Head::CREATE,
            kind: kind.number(),
            caller: secret.tag(&owner.agent, &self.caller),
            issued: place.issued,
            deadline: place.deadline,
            request_id: id.as_str(),
        };
        let create = Create {
            marks,
            project: owner.project,
            names,
            content,
        };
        create.encode(&head).map_err(Problem::failed)
    }
}

fn names(context: &OwnedContext) -> Names<'_> {
    Names {
        name: context.name().as_str(),
        key: context.key().map(|key| key.as_str()),
        secret_type: context
            .secret_type()
            .map(|secret_type| secret_type.as_str()),
    }
}
