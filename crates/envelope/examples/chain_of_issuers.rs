//! Seals to a certificate because an authority issued it to the agent, through an intermediate one, and to no other.
//!
//!     cargo run -p sealpost-envelope --features aws-lc --example chain_of_issuers
//!
//! The feature brings the verifiers of signatures: AWS-LC's.

use std::{error::Error, fs};

use sealpost_envelope::{
    AwsLc, Certificate, OsRng, Recipient, SecretContext, TrustPolicy, UnixTime, context::AgentId,
    seal, trust::TrustAnchors,
};

fn main() -> Result<(), Box<dyn Error>> {
    // The authorities that may certify agents: your own, not those of the web.
    let anchors = TrustAnchors::from_pem(&fs::read(format!("{FOLDER}/ca-rsa.pem"))?)?;
    let policy = TrustPolicy::chain(anchors);
    // The agent's certificate comes first, then the intermediate ones.
    let certificate = Certificate::from_pem(&fs::read(format!("{FOLDER}/chain-rsa.pem"))?)?;

    let agent: AgentId = "a2048".parse()?;
    let trust = policy.for_agent(agent.as_str());
    let recipient = Recipient::<AwsLc>::from_certificate(&certificate, &trust, UnixTime::now())?;
    let context = SecretContext::new(&agent, "prod/warehouse".try_into()?);
    let envelope = seal(&[recipient], &context, b"secret", &mut OsRng)?;
    println!("sealed for {}: {} bytes", agent.as_str(), envelope.len());

    let other = policy.for_agent("b2048");
    let refused = Recipient::<AwsLc>::from_certificate(&certificate, &other, UnixTime::now())
        .expect_err("the authority issued it to another agent");
    println!("refused for b2048: {refused}");
    Ok(())
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/certificates");
