//! Seeds get where they are meant to.

use sealpost_envelope::{
    AwsLcRng, Certificate, ContextPolicy, Message,
    jwe::{Jwe, JweError},
    open,
    trust::{ChainPolicy, TrustAnchors},
};

use super::*;
use crate::{input, keys::AWS_LC};

/// A target whose seeds are all refused at the door would find nothing.
#[test]
fn seeds_go_deep() {
    for sealed in sealed() {
        let opened = open(AWS_LC.current(), sealed, &CONTEXT, &mut AwsLcRng);
        assert!(opened.is_ok());
    }
    let policy = ContextPolicy::AcceptUnbound(None);
    for sealed in jwe_compact()[..2].iter().chain(&jwe_json()) {
        let jwe = Message::parse(sealed).expect("it was sealed");
        assert!(jwe.open(&AWS_LC, policy, &mut AwsLcRng).is_ok());
    }
    let misplaced = jwe_misplaced();
    assert!(Jwe::parse(&misplaced[0]).is_ok());
    for sealed in &misplaced[1..] {
        assert!(matches!(Jwe::parse(sealed), Err(JweError::Unprotected(_))));
    }
    for sealed in cms() {
        let cms = Message::parse(&sealed).expect("it was sealed");
        assert!(cms.open(&AWS_LC, policy, &mut AwsLcRng).is_ok());
    }
    let trusted = |seed: &Vec<u8>| {
        let (anchors, file) = input::two(seed).expect("it has two parts");
        let anchors = TrustAnchors::from_pem_or_der(anchors).expect("they are authorities");
        let certificate = Certificate::from_pem_or_der(file).expect("it is one");
        certificate.agent_ids().any(|agent| {
            let policy = ChainPolicy::new(&anchors, agent);
            Trust::Chain(policy).check(&certificate, NOW).is_ok()
        })
    };
    assert!(trust().iter().filter(|seed| trusted(seed)).count() >= 6);
}
