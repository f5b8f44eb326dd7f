//! Bodies, outcomes and tags: what is written, and what is read.

use proptest::{option, prelude::*};
use sealpost_context::ProjectId;
use sealpost_envelope::{AwsLc, Format, Message, UnixTime, backend::Backend as _};

use super::support::*;
use crate::{CallerKey, CallerTag, Certainty, Create, Head, Kind, Marks, Names, Outcome};

fn parse(body: &[u8]) -> Result<(Head<'_>, Create<'_>), crate::Malformed> {
    let (head, rest) = Head::parse(body)?;
    Ok((
        head,
        Create::parse(Kind::from_number(head.kind).unwrap(), rest)?,
    ))
}

/// The vector of the specification.
#[test]
fn vector_of_the_page() {
    let issued = UnixTime::from_secs(1_800_000_000);
    let deadline = UnixTime::from_secs(1_800_000_030);
    let body = body(br#"{"password":"hunter2"}"#, issued, deadline).unwrap();
    assert_eq!(
        hex(caller("ci").as_bytes()),
        "2de15b9d0c11abe068eef9816d4b56d4"
    );
    assert_eq!(body.len(), 91);
    assert_eq!(
        hex(&AwsLc::sha256(&[&body])),
        "68c19f1a2e3af64607b17afe2acb3fbead3131afee4173769a059f4e8291d1ea"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_caller_has_another_tag_at_each_agent() {
    let tag = |agent: &str, issuer: &str, subject| {
        CallerKey::new(&[5; 32]).tag(&agent.parse().unwrap(), issuer, subject)
    };
    let one = tag("agent-1", "https://issuer.example", Some("ci"));
    assert_eq!(one, tag("agent-1", "https://issuer.example", Some("ci")));
    for other in [
        tag("agent-2", "https://issuer.example", Some("ci")),
        tag("agent-1", "https://issuer.exampl", Some("eci")),
        tag("agent-1", "https://issuer.example", Some("")),
        tag("agent-1", "https://issuer.example", None),
        CallerKey::new(&[6; 32]).tag(&agent_id(), "https://issuer.example", Some("ci")),
    ] {
        assert_ne!(one, other);
    }
    // No more than 4 bytes in a log.
    assert_eq!(format!("{:?}", caller("ci")), "CallerTag(2de15b9d…)");
}

#[test]
fn opt_2() {
    let good = body(b"{}", at(0), at(30)).unwrap();
    // The presence bytes of marks, project, key and type.
    let name = 47 + 2 + "db-login".len();
    for presence in [45, 46, name, name + 1 + 2 + "password".len()] {
        for value in [2, 0x80, 0xff] {
            let mut body = good.clone();
            assert!(body[presence] < 2, "{presence}");
            body[presence] = value;
            assert!(parse(&body).is_err(), "{presence}");
        }
    }
}

#[test]
fn name_empty_and_texts_too_long() {
    let with = |name: &str, key: Option<&str>, secret_type: Option<&str>| {
        let mut create = create(b"{}");
        create.names = Some(Names {
            name,
            key,
            secret_type,
        });
        create.encode(&head(at(0), at(30))).is_ok()
    };
    let long = "n".repeat(513);
    assert!(with("n", None, None));
    assert!(with(&long[..512], Some(&long[..256]), Some(&long[..64])));
    assert!(!with("", None, None));
    assert!(!with("n", Some(""), None));
    assert!(!with("n", None, Some("")));
    assert!(!with(&long, None, None));
    assert!(!with("n", Some(&long[..257]), None));
    assert!(!with("n", None, Some(&long[..65])));
    let mut body = body(b"{}", at(0), at(30)).unwrap();
    body[50] = 0xff;
    assert!(parse(&body).is_err(), "not UTF-8");
}

#[test]
fn request_id_65() {
    let long = "x".repeat(65);
    for (id, good) in [
        (&long[..64], true),
        (&long[..65], false),
        (&long[..8], true),
        (&long[..7], false),
        ("", false),
        ("a-Z_0.99", true),
        ("a b c d e", false),
        ("naïve-id", false),
        ("12345678\n", false),
    ] {
        let mut head = head(at(0), at(30));
        head.request_id = id;
        assert_eq!(create(b"{}").encode(&head).is_ok(), good, "{id}");
    }
}

/// The agent is that of the opening: a context that names one does not parse as another context.
#[test]
fn context_agent_inside() {
    let good = body(b"{}", at(0), at(30)).unwrap();
    let inside = [&good[..47], b"\x00\x07agent-1", &good[47..]].concat();
    assert!(parse(&inside).is_err());
}

#[test]
fn kind_3_with_name() {
    let mut head = head(at(0), at(30));
    head.kind = Kind::Cms.number();
    let mut with = create(b"\x30\x80");
    assert!(with.encode(&head).is_err(), "it has no place for names");
    with.names = None;
    let body = with.encode(&head).unwrap();
    assert_eq!(parse(&body).unwrap().1, with);
    // Names sent all the same are the front of what should be CMS, and are not.
    let mut clear = self::body(b"\x30\x80", at(0), at(30)).unwrap();
    clear[1] = Kind::Cms.number();
    let (_, create) = parse(&clear).unwrap();
    assert!(Message::parse_as(Format::Cms, create.content).is_err());
    // And the other kinds have no place for a value without names.
    head.kind = Kind::Jwe.number();
    assert!(with.encode(&head).is_err());
}

#[test]
fn body_132094() {
    let (name, content) = ("n".repeat(512), vec![b'x'; 131_072]);
    let mut create = Create {
        marks: Some(Marks {
            scope: [1; 32],
            payload: [2; 32],
        }),
        project: Some(ProjectId::from_bytes([3; 16])),
        names: Some(Names {
            name: &name,
            key: Some(&name[..256]),
            secret_type: Some(&name[..64]),
        }),
        content: &content,
    };
    let id = "x".repeat(64);
    let mut head = head(at(0), at(30));
    head.request_id = &id;
    for kind in [Kind::Jwe, Kind::Native] {
        head.kind = kind.number();
        assert_eq!(create.encode(&head).unwrap().len(), 132_093);
    }
    let longer = [&content[..], b"x"].concat();
    create.content = &longer;
    assert!(create.encode(&head).is_err());
    create.content = b"";
    assert!(create.encode(&head).is_err(), "no value");
    head.kind = Kind::Clear.number();
    create.content = &content[..65_536];
    assert!(create.encode(&head).is_ok());
    create.content = &content[..65_537];
    assert!(create.encode(&head).is_err());
    let forged = Forgery::new(0).make();
    assert!(forged.requests.seal(&[0; 8], &vec![0; 132_093]).is_ok());
    assert!(forged.requests.seal(&[0; 8], &vec![0; 132_094]).is_err());
}

#[test]
fn outcomes_there_and_back() {
    let texts = |n: usize| vec!["#/secret/name: is taken ü".to_owned(); n];
    for outcome in [
        stored(),
        Outcome::Refused(texts(1)),
        Outcome::Refused(texts(64)),
        Outcome::Exists,
        Outcome::PendingDeletion,
        Outcome::Unreadable("byte 7".into()),
        Outcome::DoesNotOpen,
        Outcome::NotAccepted(vec![]),
        Outcome::NotAccepted(vec![1, 2, 4]),
        Outcome::ContextMismatch(texts(2)),
        Outcome::KeyReused,
        Outcome::Busy,
        Outcome::Expired,
        Outcome::Failed,
        Outcome::Reused,
        Outcome::UnknownVerb(vec![1]),
        Outcome::Malformed,
    ] {
        assert_eq!(Outcome::parse(&outcome.encode()), Ok(outcome));
    }
    // Cut at a character, and after 64.
    let long = "ü".repeat(600);
    let Ok(Outcome::Refused(cut)) = Outcome::parse(&Outcome::Refused(vec![long; 70]).encode())
    else {
        panic!("it is a refusal");
    };
    assert_eq!((cut.len(), cut[0].len()), (64, 1000));
    // What can't be said: the agent's side never claims more than it knows.
    for unsayable in [
        Outcome::Refused(vec![]),
        Outcome::Unreadable(String::new()),
        Outcome::NotAccepted(vec![2, 1]),
        Outcome::Stored {
            resolver_ref: String::new(),
            vault_secret_name: "n".into(),
        },
        Outcome::Stored {
            resolver_ref: "r".repeat(40_000),
            vault_secret_name: "n".repeat(40_000),
        },
    ] {
        assert_eq!(Outcome::parse(&unsayable.encode()), Ok(Outcome::Failed));
    }
}

#[test]
fn outcomes_that_break_the_format() {
    for broken in [
        &b""[..],
        b"\x03x",
        b"\x01\x00\x01r",
        b"\x01\x00\x01r\x00\x00",
        b"\x02\x00",
        b"\x02\x41",
        b"\x02\x01\x03\xe9",
        b"\x05\x00\x01\xff",
        b"\x07\x02\x02\x01",
        b"\x07\x02\x01\x01",
        b"\x07\x03\x01\x02",
    ] {
        assert!(Outcome::parse(broken).is_err(), "{broken:?}");
    }
    // Of a later release.
    for code in [0, 16, 255] {
        assert_eq!(Outcome::parse(&[code, 1, 2]), Ok(Outcome::Failed));
    }
}

#[test]
fn what_an_outcome_says_for_all_replicas() {
    assert_eq!(Outcome::Exists.certainty(), Certainty::Holds);
    assert_eq!(Outcome::DoesNotOpen.certainty(), Certainty::NotStoredHere);
    for unknown in [
        Outcome::Busy,
        Outcome::Expired,
        Outcome::Failed,
        Outcome::Reused,
        Outcome::UnknownVerb(vec![]),
        Outcome::Malformed,
    ] {
        assert_eq!(unknown.certainty(), Certainty::Unknown);
    }
}

proptest! {
    /// There is one spelling: what is written is read, and what is read is written the same.
    #[test]
    fn one_spelling(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        tag: [u8; 16],
        times in (0_u64.., 0_u64..),
        id in "[A-Za-z0-9_.-]{8,64}",
        marks in option::of(any::<([u8; 32], [u8; 32])>()),
        project in option::of(any::<[u8; 16]>()),
        name in ".{1,40}",
        key in option::of(".{1,20}"),
        secret_type in option::of("[a-z]{1,64}"),
        content in prop::collection::vec(any::<u8>(), 1..99),
        bit in any::<prop::sample::Index>(),
    ) {
        let names = Names { name: &name, key: key.as_deref(), secret_type: secret_type.as_deref() };
        let create = Create {
            marks: marks.map(|(scope, payload)| Marks { scope, payload }),
            project: project.map(ProjectId::from_bytes),
            names: (kind != Kind::Cms).then_some(names),
            content: &content,
        };
        let head = Head {
            verb: Head::CREATE,
            kind: kind.number(),
            caller: CallerTag::from_bytes(tag),
            issued: UnixTime::from_secs(times.0),
            deadline: UnixTime::from_secs(times.1),
            request_id: &id,
        };
        let body = create.encode(&head).unwrap();
        prop_assert_eq!(parse(&body).unwrap(), (head, create));
        let mut changed = body.to_vec();
        changed[bit.index(body.len())] ^= 1 << (times.0 % 8);
        if let Ok((head, rest)) = Head::parse(&changed)
            && head.verb == Head::CREATE
            && let Some(kind) = Kind::from_number(head.kind)
            && let Ok(create) = Create::parse(kind, rest)
        {
            prop_assert_eq!(&*create.encode(&head).unwrap(), &changed);
        }
    }
}
