//! Where a secret is: the path of a request.

/// The project, and the location of regional secrets.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) project: String,
    /// Secrets of one region, with an endpoint of its own.
    pub(crate) location: Option<String>,
}

impl Place {
    /// Returns the address of the service.
    pub(crate) fn endpoint(&self) -> String {
        match &self.location {
            Some(location) => format!("https://secretmanager.{location}.rep.googleapis.com"),
            None => "https://secretmanager.googleapis.com".to_owned(),
        }
    }

    /// Returns what the service calls a secret. Names have no character that a path must escape.
    pub(crate) fn secret(&self, name: &str) -> String {
        let Self { project, location } = self;
        match location {
            Some(location) => format!("projects/{project}/locations/{location}/secrets/{name}"),
            None => format!("projects/{project}/secrets/{name}"),
        }
    }

    /// Returns the path of a secret, or of something of it: `suffix` is as `/versions/1:access`.
    pub(crate) fn path(&self, name: &str, suffix: &str) -> String {
        format!("/v1/{}{suffix}", self.secret(name))
    }

    /// Returns the path that creates a secret.
    pub(crate) fn creation(&self, name: &str) -> String {
        let folder = self.path("", "");
        format!("{}?secretId={name}", folder.trim_end_matches('/'))
    }
}

/// Returns whether a project or a location is one that the service could know: it is part of addresses.
pub(crate) fn is_clean(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.len() <= 63
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Returns whether a project is one that the service could know: an old one has a domain before a colon.
pub(crate) fn is_project(text: &str) -> bool {
    match text.split_once(':') {
        Some((domain, project)) => domain.split('.').all(is_clean) && is_clean(project),
        None => is_clean(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regional_secrets_have_an_endpoint_and_a_path_of_their_own() {
        let mut place = Place {
            project: "p1".to_owned(),
            location: None,
        };
        assert_eq!(place.endpoint(), "https://secretmanager.googleapis.com");
        assert_eq!(
            place.path("n", "/versions/1"),
            "/v1/projects/p1/secrets/n/versions/1"
        );
        assert_eq!(place.creation("n"), "/v1/projects/p1/secrets?secretId=n");
        place.location = Some("europe-west3".to_owned());
        assert_eq!(
            place.endpoint(),
            "https://secretmanager.europe-west3.rep.googleapis.com"
        );
        assert_eq!(
            place.creation("n"),
            "/v1/projects/p1/locations/europe-west3/secrets?secretId=n"
        );
    }

    #[test]
    fn what_would_change_an_address_is_no_project() {
        for text in ["p1", "my-project-1", "123456", "example.com:p1"] {
            assert!(is_project(text), "{text}");
        }
        for text in [
            "", "-a", "a-", "a/b", "a.b", "a b", "a?b", "a#b", "A", "é", "a:b:c", ":a", "a@b",
        ] {
            assert!(!is_project(text), "{text}");
        }
    }
}
