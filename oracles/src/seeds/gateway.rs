//! Requests to the gateway: in clear, and sealed at the source in each format.

use sealpost_envelope::{SecretContext, UnixTime, binding::Binding, cms, jwe::Serialization};

use super::{BODIES, NOW, PLAINTEXT, REQUESTS, Seed, bodies, join, jwe, recipient, rng};
use crate::gateway::AGENT;

pub(super) fn seeds() -> Vec<Seed> {
    let seed = |name: &str, query: &str, headers: &str, body: &[u8]| {
        let parts = [query.as_bytes(), headers.as_bytes(), body];
        (name.to_owned(), join(&parts))
    };
    let good = REQUESTS[0].1;
    let mut seeds: Vec<_> = bodies()
        .into_iter()
        .map(|(name, body)| seed(&name, "", "application/json", &body))
        .collect();
    let project = format!("projectId={PROJECT}");
    seeds.extend([
        seed(
            "query",
            &project,
            "application/json; charset=utf-8",
            BODIES[0].as_bytes(),
        ),
        seed(
            "query_misspelt",
            "projectid=1&projectId=1",
            "application/json",
            good,
        ),
        seed(
            "query_twice",
            &format!("{project}&{project}"),
            "application/json",
            BODIES[2].as_bytes(),
        ),
        seed("query_form", "a=b&project%49d=1", "application/json", good),
        seed("charset", "", "application/json; charset=latin-1", good),
        seed("key", "", "application/json\ns\n\"8e03978e\"", good),
        seed("key_bare", "", "application/json\ns\n8e03978e", good),
        seed("key_open", "", "application/json\ns\n\"8e03978e", good),
        seed("key_empty", "projectId=", "application/json\ns\n\"\"", good),
    ]);
    for does in ["s", "r", "m", "e", "o", "t", "x"] {
        let headers = format!("application/json\n{does}");
        seeds.push(seed(&format!("agent_{does}"), "", &headers, good));
        let headers = format!("application/jose\n{does}");
        let sealed = at_source(None, Serialization::Compact);
        seeds.push(seed(&format!("sealed_{does}"), "", &headers, &sealed));
    }
    let cms = cms::seal(&[recipient()], PLAINTEXT, &mut rng()).expect("it can be sealed");
    let pem = cms::to_pem(&cms);
    let base64 = pem.lines().filter(|line| !line.starts_with('-'));
    let base64 = base64.collect::<Vec<_>>().join("\n");
    let compact = at_source(None, Serialization::Compact);
    let flattened = at_source(None, Serialization::Flattened);
    let of_project = at_source(Some(PROJECT), Serialization::Compact);
    seeds.extend([
        seed("jwe_json", "", "application/jose+json\ns\nk", &flattened),
        seed("jwe_other_type", "", "application/jose+json\ns", &compact),
        seed("jwe_project", &project, "application/jose\ns", &of_project),
        seed("jwe_elsewhere", "", "application/jose\ns", &of_project),
        seed(
            "jwe_unbound",
            "",
            "application/jose\ns",
            &jwe(&[recipient()], None, Serialization::Compact),
        ),
        seed(
            "cms",
            "",
            "application/pkcs7-mime; smime-type=authEnveloped-data\ns",
            &cms,
        ),
        seed(
            "cms_pem",
            &project,
            "application/pkcs7-mime\ns\nk",
            pem.as_bytes(),
        ),
        seed(
            "cms_base64",
            "",
            "application/pkcs7-mime\no",
            base64.as_bytes(),
        ),
        seed("cms_as_jwe", "", "application/jose\ns", &cms),
    ]);
    seeds
}

/// Sealed to the agent, to be taken for an hour.
fn at_source(project: Option<&str>, serialization: Serialization) -> Vec<u8> {
    let mut context = SecretContext::unchecked(AGENT, "db-login").with_unchecked_key("password");
    let id = project.map(|id| {
        id.parse::<sealpost_context::ProjectId>()
            .expect("it is one")
    });
    if let Some(id) = &id {
        context = context.with_project(*id);
    }
    let until = UnixTime::from_secs(NOW.as_secs() + 3600);
    let binding = Binding::new(&context).with_use("5c8ad1f0", until);
    let binding = binding.expect("it is in time");
    jwe(&[recipient()], Some(&binding), serialization)
}

const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
