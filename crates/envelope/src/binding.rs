//! The context as JSON: how formats without a place for it carry whose secret a value is.

mod error;
mod json;

use alloc::string::{String, ToString as _};

use sealpost_context::{ProjectId, SecretContext};
use sealpost_json::{JsonStr, members};

pub use self::error::{BindingError, BindingMember};
pub(crate) use self::json::Object;
use crate::time::UnixTime;

/// A context in JSON: the member `sealpost` of a JWE's protected header, and of a [wrapper](crate::wrapper).
///
/// ```json
/// {"agent":"agent-1","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","name":"db-login","key":"password",
///  "type":"PASSWORD","jti":"5c8ad1f0","exp":"1800000000"}
/// ```
///
/// `agent` and `name` are always there, nothing but these seven is, and none twice; all are strings. `project` is a
/// UUID with hyphens in lower case. `jti` and `exp` are for values that are sealed at the source: an identifier that
/// is used once (1 to 64 of `A-Z a-z 0-9 . _ ~ -`), and the time from which on the value is not taken any more (seconds
/// since 1970, in decimal digits), after RFC 7519 §4.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    agent: String,
    project: Option<ProjectId>,
    name: String,
    key: Option<String>,
    secret_type: Option<String>,
    jti: Option<String>,
    expires_at: Option<UnixTime>,
}

impl Binding {
    /// Binds to this context.
    #[must_use]
    pub fn new(context: &SecretContext<'_>) -> Self {
        Self {
            agent: context.agent_id().into(),
            project: context.project_id(),
            name: context.name().into(),
            key: context.key().map(Into::into),
            secret_type: context.secret_type().map(Into::into),
            jti: None,
            expires_at: None,
        }
    }

    /// To be taken once, and until a time.
    ///
    /// # Errors
    ///
    /// [`BindingError::Form`] if `jti` is not of the form that the type's description gives.
    pub fn with_use(mut self, jti: &str, expires_at: UnixTime) -> Result<Self, BindingError> {
        check_jti(jti)?;
        self.jti = Some(jti.into());
        self.expires_at = Some(expires_at);
        Ok(self)
    }

    /// Reads the JSON object.
    ///
    /// # Errors
    ///
    /// A [`BindingError`]: it is not exactly what the type's description says.
    pub fn parse(json: &str) -> Result<Self, BindingError> {
        let mut parts: [Option<JsonStr<'_>>; 7] = [None; 7];
        for member in members(json.as_bytes()) {
            let (name, value) = member.map_err(BindingError::Json)?;
            let known = BindingMember::ALL
                .into_iter()
                .zip(parts.iter_mut())
                .find(|(known, _)| name == *known.as_str());
            let (known, part) = known.ok_or(BindingError::UnknownMember)?;
            let text = JsonStr::from_json(value.as_str()).ok_or(BindingError::NotAString(known))?;
            if part.replace(text).is_some() {
                return Err(BindingError::Duplicate(known));
            }
        }
        let [agent, project, name, key, secret_type, jti, exp] = parts.map(|part| part.map(decode));
        if let Some(jti) = &jti {
            check_jti(jti)?;
        }
        Ok(Self {
            agent: agent.ok_or(BindingError::Missing(BindingMember::Agent))?,
            project: project.map(|text| parse_project(&text)).transpose()?,
            name: name.ok_or(BindingError::Missing(BindingMember::Name))?,
            key,
            secret_type,
            jti,
            expires_at: exp.map(|text| parse_time(&text)).transpose()?,
        })
    }

    /// The JSON object, without white space.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = Object::new();
        object.text("agent", &self.agent);
        if let Some(project) = &self.project {
            object.text("project", &project.to_string());
        }
        object.text("name", &self.name);
        for (name, part) in [
            ("key", &self.key),
            ("type", &self.secret_type),
            ("jti", &self.jti),
        ] {
            if let Some(part) = part {
                object.text(name, part);
            }
        }
        if let Some(time) = self.expires_at {
            object.text("exp", &time.as_secs().to_string());
        }
        object.finish()
    }

    /// Whose secret it is.
    #[must_use]
    pub fn context(&self) -> SecretContext<'_> {
        let mut context = SecretContext::unchecked(&self.agent, &self.name);
        if let Some(project) = self.project {
            context = context.with_project(project);
        }
        if let Some(key) = &self.key {
            context = context.with_unchecked_key(key);
        }
        if let Some(secret_type) = &self.secret_type {
            context = context.with_unchecked_type(secret_type);
        }
        context
    }

    /// The identifier that is used once.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// The time from which on the value is not to be taken.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// Fails unless it is for exactly this context.
    ///
    /// # Errors
    ///
    /// [`BindingError::Differs`] with the first part that differs, and nothing of its content.
    pub fn check(&self, expected: &SecretContext<'_>) -> Result<(), BindingError> {
        let own = self.context();
        let parts = [
            (own.agent_id() == expected.agent_id(), BindingMember::Agent),
            (
                own.project_id() == expected.project_id(),
                BindingMember::Project,
            ),
            (own.name() == expected.name(), BindingMember::Name),
            (own.key() == expected.key(), BindingMember::Key),
            (
                own.secret_type() == expected.secret_type(),
                BindingMember::Type,
            ),
        ];
        match parts.iter().find(|(equal, _)| !equal) {
            Some((_, member)) => Err(BindingError::Differs(*member)),
            None => Ok(()),
        }
    }
}

fn decode(text: JsonStr<'_>) -> String {
    text.chars().collect()
}

/// One form alone, so that reading and writing are inverses.
fn parse_project(text: &str) -> Result<ProjectId, BindingError> {
    let malformed = BindingError::Form(BindingMember::Project);
    let project = text.parse().map_err(|_| malformed)?;
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(malformed);
    }
    Ok(project)
}

fn parse_time(text: &str) -> Result<UnixTime, BindingError> {
    let canonical =
        text.bytes().all(|b| b.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
    text.parse()
        .ok()
        .filter(|_| canonical)
        .map(UnixTime::from_secs)
        .ok_or(BindingError::Form(BindingMember::Exp))
}

fn check_jti(jti: &str) -> Result<(), BindingError> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
    if (1..=MAX_JTI).contains(&jti.len()) && jti.bytes().all(good) {
        Ok(())
    } else {
        Err(BindingError::Form(BindingMember::Jti))
    }
}

const MAX_JTI: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    const FULL: &str = r#"{"agent":"agent-1","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","name":"db-login","key":"password","type":"PASSWORD","jti":"5c8ad1f0","exp":"1800000000"}"#;

    #[test]
    fn every_member_is_read_and_written() {
        let binding = Binding::parse(FULL).unwrap();
        assert_eq!(binding.to_json(), FULL);
        assert_eq!(binding.context().name(), "db-login");
        assert_eq!(binding.jti(), Some("5c8ad1f0"));
        assert_eq!(
            binding.expires_at(),
            Some(UnixTime::from_secs(1_800_000_000))
        );
        let escaped = r#"{"agent":"\"\\/","name":"\u0000\u001f \u00e9"}"#;
        let written = r#"{"agent":"\"\\/","name":"\u0000\u001f \u00e9"}"#;
        assert_eq!(Binding::parse(escaped).unwrap().to_json(), written);
        for exp in ["0", "10", "18446744073709551615"] {
            let json = format!(r#"{{"agent":"a","name":"b","exp":"{exp}"}}"#);
            assert_eq!(Binding::parse(&json).unwrap().to_json(), json);
        }
    }

    /// What `json.dumps(text)` of Python writes, to the byte.
    #[test]
    fn texts_are_written_as_python_writes_them() {
        let name =
            "a/\"\\\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f} ~\u{7f}\u{80}é\u{2028}日\u{ffff}😀\u{10ffff}";
        let written = concat!(
            r#"{"agent":"x","name":"a/\"\\\u0000\b\t\n\u000b\f\r\u001f ~\u007f\u0080\u00e9\u2028\u65e5\uffff"#,
            r#"\ud83d\ude00\udbff\udfff"}"#
        );
        let context = SecretContext::unchecked("x", name);
        let binding = Binding::new(&context);
        assert_eq!(binding.to_json(), written);
        assert_eq!(Binding::parse(written), Ok(binding));
    }

    #[test]
    fn nothing_else_is_taken() {
        use BindingMember as Member;
        for (json, expected) in [
            (r#"{"agent":"a"}"#, BindingError::Missing(Member::Name)),
            (r#"{"name":"a"}"#, BindingError::Missing(Member::Agent)),
            (
                r#"{"agent":"a","name":"b","x":""}"#,
                BindingError::UnknownMember,
            ),
            (
                r#"{"agent":"a","name":"b","Key":"x"}"#,
                BindingError::UnknownMember,
            ),
            (
                r#"{"agent":"a","name":"b","n\u0061me":"b"}"#,
                BindingError::Duplicate(Member::Name),
            ),
            (
                r#"{"agent":"a","name":null}"#,
                BindingError::NotAString(Member::Name),
            ),
            (
                r#"{"agent":"a","name":"b","exp":1}"#,
                BindingError::NotAString(Member::Exp),
            ),
            (
                r#"{"agent":"a","name":"b","exp":"01"}"#,
                BindingError::Form(Member::Exp),
            ),
            (
                r#"{"agent":"a","name":"b","exp":"+1"}"#,
                BindingError::Form(Member::Exp),
            ),
            (
                r#"{"agent":"a","name":"b","exp":"18446744073709551616"}"#,
                BindingError::Form(Member::Exp),
            ),
            (
                r#"{"agent":"a","name":"b","jti":""}"#,
                BindingError::Form(Member::Jti),
            ),
            (
                r#"{"agent":"a","name":"b","jti":"a b"}"#,
                BindingError::Form(Member::Jti),
            ),
            (
                r#"{"agent":"a","name":"b","project":"0B9C4F6E-7d1a-4a52-8f37-1a2b3c4d5e6f"}"#,
                BindingError::Form(Member::Project),
            ),
        ] {
            assert_eq!(Binding::parse(json), Err(expected), "{json}");
        }
        for json in ["", "[]", "{}x", "{\"agent\":\"a\",\"name\":\"\\ud800\"}"] {
            assert!(Binding::parse(json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_differs_is_named_and_not_shown() {
        let binding = Binding::new(&SecretContext::unchecked("a", "n").with_unchecked_key("k"));
        assert_eq!(
            binding.check(&SecretContext::unchecked("a", "n").with_unchecked_key("k")),
            Ok(())
        );
        let other = SecretContext::unchecked("a", "n").with_unchecked_key("other");
        assert_eq!(
            binding.check(&other),
            Err(BindingError::Differs(BindingMember::Key))
        );
        let none = SecretContext::unchecked("a", "n");
        assert_eq!(
            binding.check(&none),
            Err(BindingError::Differs(BindingMember::Key))
        );
    }

    proptest! {
        #[test]
        fn writing_and_reading_are_inverses(
            agent: String, name: String, key: Option<String>, kind: Option<String>, project: Option<[u8; 16]>,
        ) {
            let mut context = SecretContext::unchecked(&agent, &name);
            if let Some(key) = &key { context = context.with_unchecked_key(key); }
            if let Some(kind) = &kind { context = context.with_unchecked_type(kind); }
            if let Some(project) = project { context = context.with_project(ProjectId::from_bytes(project)); }
            let binding = Binding::new(&context).with_use("j-1", UnixTime::from_secs(7)).unwrap();
            let json = binding.to_json();
            prop_assert_eq!(Binding::parse(&json), Ok(binding.clone()), "{}", json);
            prop_assert_eq!(binding.check(&context), Ok(()));
            // No white space but what is in the texts.
            let parts = [Some(agent), Some(name), key, kind];
            let spaces = parts.iter().flatten().any(|text| text.contains(' '));
            prop_assert!(spaces || !json.contains(' '));
        }
    }
}
