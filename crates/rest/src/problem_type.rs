//! The table of problem types (RFC 9457).

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// No: the request, the token or the vault's content must change first, or an operator must look.
    Never,
    /// Yes: unchanged, after the time in `Retry-After` if the answer has one.
    Later,
}

/// Whether the secret may have been stored although the answer is a problem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stored {
    No,
    Maybe,
}

/// Defines the type, and every property of it, from one table.
macro_rules! problem_types {
    ($($(#[$doc:meta])+ $variant:ident: $name:literal, $status:literal, $retry:ident, $stored:ident, $title:literal;)+) => {
        /// What kind of problem an answer reports.
        ///
        /// The URNs and statuses are stable: programs decide by them. Titles may change.
        ///
        /// Matches on it are exhaustive on purpose: a new type makes every decision be looked at.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum ProblemType {
            $($(#[$doc])+ $variant,)+
        }

        impl ProblemType {
            /// Every type, in the order of the table.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Returns the last part of the URN, for logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the URN: `type` in the body.
            #[must_use]
            pub const fn urn(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("urn:sealpost:problem:", $name),)+
                }
            }

            /// Returns the HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                }
            }

            /// Returns the title: `title` in the body.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            /// Returns whether the same request may succeed later.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self {
                    $(Self::$variant => Retry::$retry,)+
                }
            }

            const fn stored(self) -> Stored {
                match self {
                    $(Self::$variant => Stored::$stored,)+
                }
            }
        }
    };
}

problem_types! {
    /// The request breaks rules.
    InvalidRequest: "invalid-request", 400, Never, No, "The request breaks rules";
    /// A parameter in the path, the query or a header is wrong, and nothing else.
    InvalidParameter: "invalid-parameter", 400, Never, No, "A parameter in the path, the query or a header is wrong";
    /// The body is not JSON.
    MalformedJson: "malformed-json", 400, Never, No, "The body is not valid JSON";
    /// The body or the value is too large.
    TooLarge: "too-large", 400, Never, No, "The request is too large";
    /// The gateway does not read bodies of this media type.
    UnsupportedMediaType: "unsupported-media-type", 400, Never, No, "The body is of a type that is not read here";
    /// The agent does not accept the format that the value is sealed in.
    FormatNotAccepted: "format-not-accepted", 400, Never, No, "The agent does not take this format";
    /// The value is sealed for another agent or project than it was sent to.
    ContextMismatch: "context-mismatch", 400, Never, No, "The value is sealed for something else";
    /// The sealed value can't be read.
    SealedUnreadable: "sealed-unreadable", 400, Never, No, "The sealed value can't be read";
    /// The sealed value does not open.
    SealedDoesNotOpen: "sealed-does-not-open", 400, Never, No, "The sealed value does not open";
    /// The idempotency key was used for another request.
    IdempotencyKeyReused: "idempotency-key-reused", 400, Never, No, "The idempotency key was used for another request";
    /// The connection ended before the body was complete.
    BodyIncomplete: "body-incomplete", 400, Never, No, "The body ended before it was complete";
    /// The body arrived too slowly.
    BodyTimeout: "body-timeout", 400, Never, No, "The body came too slowly";
    /// The gateway does not know the agent.
    UnknownAgent: "unknown-agent", 400, Never, No, "There is no such agent";
    /// The agent's certificate is not valid now.
    CertificateExpired: "certificate-expired", 400, Never, No, "The agent's certificate is not valid now";
    /// The token is missing or bad, or does not permit this.
    Forbidden: "forbidden", 403, Never, No, "The token does not permit this";
    /// The name is taken.
    SecretExists: "secret-exists", 409, Never, No, "The secret exists already";
    /// The name was deleted, and the vault still holds it.
    SecretPendingDeletion: "secret-pending-deletion", 409, Never, No, "The secret is being deleted";
    /// The gateway or the agent failed. The secret may have been stored.
    Internal: "internal", 500, Never, Maybe, "Something failed here";
    /// The agent is not connected.
    AgentOffline: "agent-offline", 504, Later, No, "The agent is not connected";
    /// The agent did not answer in time. The secret may have been stored.
    AgentTimeout: "agent-timeout", 504, Later, Maybe, "The agent did not answer in time";
    /// The agent can take no more requests for now. The secret may have been stored, by another process of the agent.
    AgentBusy: "agent-busy", 504, Later, Maybe, "The agent can take no more for now";
    /// This caller has sent too many requests.
    RateLimited: "rate-limited", 504, Later, No, "Too many requests";
    /// The gateway had no room for the request before its deadline.
    Overloaded: "overloaded", 504, Later, No, "There was no room for the request in time";
    /// The gateway has no such route.
    NotFound: "not-found", 404, Never, No, "There is no such route";
    /// The route does not have this method.
    MethodNotAllowed: "method-not-allowed", 405, Never, No, "The route has no such method";
}

impl ProblemType {
    /// Returns the type with this URN; `None` if this release does not know it.
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.urn() == urn)
    }

    /// Returns whether the secret may have been stored all the same.
    #[must_use]
    pub const fn may_have_been_stored(self) -> bool {
        matches!(self.stored(), Stored::Maybe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_urn_and_by_no_other_text() {
        for problem in ProblemType::ALL {
            assert_eq!(ProblemType::from_urn(problem.urn()), Some(problem));
            assert_eq!(
                problem.urn().strip_prefix("urn:sealpost:problem:"),
                Some(problem.name())
            );
        }
        for text in [
            "",
            "urn:sealpost:problem:",
            "internal",
            "urn:sealpost:problem:teapot",
        ] {
            assert_eq!(ProblemType::from_urn(text), None, "{text}");
        }
    }

    #[test]
    fn statuses_are_errors_and_only_a_504_may_be_retried() {
        for problem in ProblemType::ALL {
            assert!((400..600).contains(&problem.status()), "{problem:?}");
            assert_eq!(
                problem.retry() == Retry::Later,
                problem.status() == 504,
                "{problem:?}"
            );
            assert!(
                !problem.may_have_been_stored() || problem.status() >= 500,
                "{problem:?}"
            );
        }
    }
}
