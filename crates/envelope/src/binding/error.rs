//! What may be wrong with a binding.

use core::fmt;

use sealpost_json::Malformed;

/// Why a [`Binding`](super::Binding) is refused. None holds anything of its content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BindingError {
    /// The value was sealed for another context.
    Differs(BindingMember),
    /// A member is there twice.
    Duplicate(BindingMember),
    /// A member does not have its one form.
    Form(BindingMember),
    /// It is no JSON object.
    Json(Malformed),
    /// A member is not there.
    Missing(BindingMember),
    /// A member is not a string.
    NotAString(BindingMember),
    /// There is a member beyond the seven.
    UnknownMember,
}

/// A member of a [`Binding`](super::Binding).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BindingMember {
    /// The agent's id.
    Agent,
    /// The project's UUID.
    Project,
    /// The secret's name.
    Name,
    /// The property that a reference points to.
    Key,
    /// The secret's type.
    Type,
    /// The identifier that is used once.
    Jti,
    /// When it ends.
    Exp,
}

impl BindingMember {
    /// In the order in which they are written.
    pub(super) const ALL: [Self; 7] = [
        Self::Agent,
        Self::Project,
        Self::Name,
        Self::Key,
        Self::Type,
        Self::Jti,
        Self::Exp,
    ];

    /// The member's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Project => "project",
            Self::Name => "name",
            Self::Key => "key",
            Self::Type => "type",
            Self::Jti => "jti",
            Self::Exp => "exp",
        }
    }
}

impl fmt::Display for BindingMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for BindingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the member \"sealpost\" ")?;
        match self {
            Self::Differs(member) => write!(
                f,
                "says another {member} than is asked for: it opens only for what it was sealed for"
            ),
            Self::Duplicate(member) => write!(f, "has \"{member}\" twice: leave one out"),
            Self::Form(BindingMember::Exp) => {
                f.write_str("has an \"exp\" that is not seconds since 1970 in decimal digits")
            }
            Self::Form(BindingMember::Project) => {
                f.write_str("has a \"project\" that is no UUID with hyphens in lower case")
            }
            Self::Form(member) => write!(
                f,
                "has a \"{member}\" that is not 1 to 64 of A-Z a-z 0-9 . _ ~ -"
            ),
            Self::Json(error) => write!(f, "is not read: {error}"),
            Self::Missing(member) => write!(f, "lacks \"{member}\": add it"),
            Self::NotAString(member) => {
                write!(f, "has a \"{member}\" that is not a string: quote it")
            }
            Self::UnknownMember => f.write_str(
                "has a member that is none of agent, project, name, key, type, jti, exp",
            ),
        }
    }
}

impl core::error::Error for BindingError {}
