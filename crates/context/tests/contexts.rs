//! Contexts, borrowed and owned, and what of them is read.
#![cfg(feature = "alloc")]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use sealpost_context::{
    AgentId, OwnedContext, Owner, ProjectId, PropertyKey, SecretContext, SecretId, SecretName,
    SecretType, error::Field,
};

fn full() -> OwnedContext {
    let agent: AgentId = "agent-1".parse().unwrap();
    let owner = Owner {
        agent,
        project: Some(ProjectId::from_bytes([0x12; 16])),
    };
    let secret = SecretId::new(SecretName::try_from("näme").unwrap())
        .with_key(PropertyKey::try_from("user").unwrap())
        .with_type(SecretType::try_from("PASSWORD").unwrap());
    OwnedContext::new(owner, secret)
}

#[test]
fn borrowed_and_owned_are_the_same() {
    let owned = full();
    let borrowed = owned.borrow();
    assert_eq!(borrowed.agent_id(), "agent-1");
    assert_eq!(borrowed.project_id(), owned.project());
    assert_eq!((borrowed.name(), borrowed.key()), ("näme", Some("user")));
    assert_eq!(borrowed.secret_type(), Some("PASSWORD"));
    assert_eq!(OwnedContext::check(&borrowed), Ok(owned.clone()));
    let bare = OwnedContext::new(*owned.agent(), SecretId::new(owned.name()));
    assert_eq!(bare.borrow(), SecretContext::unchecked("agent-1", "näme"));
    assert_ne!(bare, owned);
}

#[test]
fn any_text_goes_until_it_is_checked() {
    let context = SecretContext::unchecked("a b", "")
        .with_unchecked_key("a\n")
        .with_unchecked_type("1");
    let broken = OwnedContext::check(&context).unwrap_err();
    let fields: Vec<_> = broken
        .iter()
        .map(sealpost_context::InvalidIdentifier::field)
        .collect();
    assert_eq!(
        fields,
        [Field::AgentId, Field::Name, Field::Key, Field::Type]
    );
    for (context, field) in [
        (SecretContext::unchecked("a b", "n"), Field::AgentId),
        (SecretContext::unchecked("a", "\n"), Field::Name),
        (
            SecretContext::unchecked("a", "n").with_unchecked_key(""),
            Field::Key,
        ),
        (
            SecretContext::unchecked("a", "n").with_unchecked_type(""),
            Field::Type,
        ),
    ] {
        let broken = OwnedContext::check(&context).unwrap_err();
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].field(), field);
    }
}

#[test]
fn a_urn_names_the_agent() {
    assert_eq!(full().agent().urn(), "urn:sealpost:agent:agent-1");
}

#[cfg(feature = "serde")]
#[test]
fn what_is_absent_is_left_out() {
    let json = |context: &OwnedContext| serde_json::to_string(context).unwrap();
    let project = "12121212-1212-1212-1212-121212121212";
    assert_eq!(
        json(&full()),
        format!(
            r#"{{"agent":"agent-1","project":"{project}","name":"näme","key":"user","type":"PASSWORD"}}"#
        )
    );
    let bare = OwnedContext::new(*full().agent(), SecretId::new(full().name()));
    assert_eq!(json(&bare), r#"{"agent":"agent-1","name":"näme"}"#);
    let owner: Owner = serde_json::from_str(r#"{"agent":"agent-1"}"#).unwrap();
    assert_eq!(&owner, bare.owner());
    for wrong in [
        r#"{"agent":"a b"}"#,
        r#"{"agent":"a","project":"x"}"#,
        r#"{"agent":"a","x":1}"#,
    ] {
        assert!(serde_json::from_str::<Owner>(wrong).is_err(), "{wrong}");
    }
}
