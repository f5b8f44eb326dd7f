use insta::assert_snapshot;

use super::support::run;

const PROJECT: &str = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

#[test]
fn every_vault_has_a_name_for_it() {
    let mut transcript = String::new();
    for vault in ["embedded", "kv2", "aws", "azure", "google"] {
        for extra in [&[][..], &["--project", PROJECT, "--key", "pass word"]] {
            let arguments = [&["name", "--vault", vault, "prod/Warehouse"][..], extra].concat();
            transcript += &format!("{vault} {extra:?}\n{}", run(&arguments, b"").text());
        }
    }
    assert_snapshot!(transcript);
}

#[test]
fn json_has_the_names_of_the_endpoint() {
    let json = run(
        &[
            "name",
            "--vault",
            "aws",
            "--key",
            "password",
            "--json",
            "my-secret",
        ],
        b"",
    );
    let expected = r#"{"vaultSecretName":"my-secret","resolver_ref":"secret:my-secret#password"}"#;
    assert_eq!(json.text(), format!("{expected}\n"));
}

#[test]
fn refuses_what_the_endpoint_refuses() {
    assert_snapshot!(
        "vault",
        run(&["name", "--vault", "keepass", "x"], b"").transcript()
    );
    assert_snapshot!(
        "empty",
        run(&["name", "--vault", "aws", ""], b"").transcript()
    );
    assert_eq!(
        run(&["name", "--vault", "aws", "--key", "", "x"], b"").code(),
        1
    );
    // What resolves: a member's name may have a dot.
    let dotted = run(&["name", "--vault", "aws", "--key", "tls.crt", "x"], b"");
    assert!(dotted.text().contains("secret:x#tls.crt"));
    assert_eq!(
        run(&["name", "--vault", "aws", "--project", "x", "x"], b"").code(),
        1
    );
}
