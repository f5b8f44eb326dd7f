use insta::assert_snapshot;

use super::support::run;

#[test]
fn help_says_what_there_is() {
    assert_snapshot!("help", run(&["--help"], b"").transcript());
    for command in [
        "keygen", "seal", "open", "inspect", "wrap", "validate", "name", "demo", "dev", "gateway",
        "resolve",
    ] {
        assert_snapshot!(command, run(&[command, "--help"], b"").transcript());
    }
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &[][..],
        &["unseal"],
        &["seal", "--no-such-flag"],
        &["name", "a", "b"],
    ] {
        assert_eq!(run(arguments, b"").code(), 2, "{arguments:?}");
    }
}
