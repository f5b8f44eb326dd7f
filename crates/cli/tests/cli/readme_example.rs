// The code of README.md, word for word; the test beside it compares the two.

use sealpost_envelope::{
    AwsLc, Identity, OsRng, Recipient, SecretContext, Trust, UnixTime, context::AgentId, open, seal,
};

pub(super) fn seal_and_open(
    certificate: &[u8],
    pin: &str,
    identity: &[u8],
    agent_id: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    // Who seals has the agent's certificate, and its fingerprint from the agent's operator.
    let trust = [pin.parse()?];
    let recipient = Recipient::<AwsLc>::from_certificate_pem(
        certificate,
        &Trust::Pinned(&trust),
        UnixTime::now(),
    )?;
    let agent: AgentId = agent_id.parse()?;
    let context =
        SecretContext::new(&agent, "prod/warehouse".try_into()?).with_key("password".try_into()?);
    let secret = br#"{"password":"P@ssw0rd123"}"#;
    let envelope = seal(&[recipient], &context, secret, &mut OsRng)?;

    // Who opens has the private key, and must name the very context that it was sealed for.
    let identity = Identity::<AwsLc>::from_pem(identity)?;
    let opened = open(&identity, &envelope, &context, &mut OsRng)?;
    assert_eq!(&opened[..], secret);
    let other =
        SecretContext::new(&agent, "prod/other".try_into()?).with_key("password".try_into()?);
    assert!(open(&identity, &envelope, &other, &mut OsRng).is_err());
    Ok(())
}
