use insta::assert_snapshot;

use super::support::{AGENT, agent, other_agent, run};

fn sealed_for_two(form: &[&str]) -> Vec<u8> {
    let (first, second) = (agent().certificate(), other_agent().certificate());
    let trust = "--danger-trust-any-certificate";
    let seal = [
        "seal",
        "--to",
        &first,
        "--to",
        &second,
        trust,
        "--agent-id",
        AGENT,
        "--name",
        "db",
    ];
    run(&[&seal[..], form].concat(), b"canary of inspect").stdout()
}

#[test]
fn shows_the_structure_to_people_and_to_programs() {
    let envelope = sealed_for_two(&[]);
    assert_snapshot!("people", run(&["inspect"], &envelope).transcript());
    assert_snapshot!(
        "programs",
        run(&["inspect", "--json"], &envelope).transcript()
    );
    assert_eq!(
        run(&["inspect"], &sealed_for_two(&["--binary"])).code(),
        0,
        "the binary form is recognised"
    );
}

#[test]
fn refuses_what_is_no_envelope() {
    assert_snapshot!(run(&["inspect"], b"-----BEGIN CMS-----\n").transcript());
    assert_eq!(run(&["inspect"], b"").code(), 1);
    assert_eq!(run(&["inspect"], b"sealpost.v2.AAAA").code(), 1);
    assert_eq!(run(&["inspect", "/nonexistent"], b"").code(), 2);
}
