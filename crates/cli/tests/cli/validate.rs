use insta::assert_snapshot;

use super::support::{path, run, testdata};

#[test]
fn the_examples_are_fine() {
    for name in [
        "kubernetes-tls",
        "oauth-client",
        "postgres-connection",
        "service-account",
        "warehouse-password",
    ] {
        let file = path(&testdata(&format!("requests/{name}.json")));
        assert!(run(&["validate", &file], b"").stdout().is_empty());
        assert_eq!(run(&["validate", "--json", &file], b"").text(), "[]\n");
    }
}

#[test]
fn the_others_are_refused_one_violation_a_line() {
    let mut transcript = String::new();
    for name in [
        "cut-off",
        "many-mistakes",
        "nested-key",
        "value-not-an-object",
    ] {
        let file = path(&testdata(&format!("requests/refused/{name}.json")));
        transcript += &format!("{name}: {}", run(&["validate", &file], b"").transcript());
    }
    assert_snapshot!(transcript);
    let file = path(&testdata("requests/refused/many-mistakes.json"));
    assert_snapshot!(
        "json",
        run(&["validate", "--json", &file], b"").transcript()
    );
}

#[test]
fn never_repeats_a_value() {
    let canary = "canary-7f3a";
    for body in [
        format!(r#"{{"secret":{{"name":"n","value":"{canary}"}}}}"#),
        format!(r#"{{"secret":{{"name":"n","value":{{"a":"{canary}","a":"{canary}"}}}}}}"#),
        format!(r#"{{"secret":{{"name":"n","value":{{"a":"{canary}\x"}}}}}}"#),
        format!(r#"{{"secret":{{"name":"n","key":"b","value":{{"a":"{canary}"}}}}}} {canary}"#),
    ] {
        let refused = run(&["validate"], body.as_bytes());
        assert_eq!(refused.code(), 1);
        assert!(
            !refused.transcript().contains(canary),
            "{}",
            refused.transcript()
        );
    }
}

#[test]
fn says_so_when_there_are_too_many_to_list() {
    let members: String = (0..700).map(|i| format!(r#""m{}":1,"#, i / 2)).collect();
    let body = format!(r#"{{"secret":{{"name":"n","value":{{{members}"z":1}}}}}}"#);
    let lines = run(&["validate"], body.as_bytes());
    let (stdout, _) = lines.streams();
    let text = str::from_utf8(stdout).unwrap();
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with("#: there are more than"),
        "{text}"
    );
}
