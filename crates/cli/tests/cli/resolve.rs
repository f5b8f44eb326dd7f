use std::fs;

use insta::assert_snapshot;

use super::server::Dev;
use super::support::{path, run};

/// Byte for byte also means: white space, the order of members, the digits of numbers, escapes.
const VALUE: &str = "{ \"text\" : \"a \\u00e9 \\n \\ud83d\\ude00 \",\n\t\"number\": 1.50e+400, \"list\": [1,  {}],\
                     \"yes\":true,\"none\":null, \"key with blank\": \"x\", \"deep\":{\"a\":1,\"a\":2} }";

#[test]
fn gives_whole_objects_and_properties_with_and_without_dev() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data);
    let request = format!(r#"{{"secret":{{"name":"prod/x y","value":{VALUE}}}}}"#);
    let created = dev.post(request.as_bytes());
    assert_eq!(created.status, 201, "{}", created.body);
    let created: serde_json::Value = serde_json::from_str(&created.body).unwrap();
    let whole = created["resolver_ref"].as_str().unwrap();

    let data = path(&data);
    let resolve = |key: &str| run(&["resolve", "--data", &data, &format!("{whole}{key}")], b"");
    let check = || {
        assert_eq!(resolve("").text(), VALUE);
        assert_eq!(resolve("#text").text(), "a é \n 😀 ");
        assert_eq!(resolve("#number").text(), "1.50e+400");
        assert_eq!(resolve("#list").text(), "[1,  {}]");
        assert_eq!(resolve("#yes").text(), "true");
        assert_eq!(resolve("#none").text(), "null");
        assert_eq!(resolve("#key%20with%20blank").text(), "x");
        assert_eq!(resolve("#deep").text(), r#"{"a":1,"a":2}"#);
        assert_snapshot!("no_such_property", resolve("#nothing").transcript());
        let unknown = run(&["resolve", "--data", &data, "secret:nothing"], b"");
        assert_snapshot!("no_such_secret", unknown.transcript());
    };
    check();
    dev.kill();
    // Checks the file of the killed process once, so that what follows is quiet.
    resolve("").text();
    check();
}

#[test]
fn says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path());
    let resolve = |reference: &str| run(&["resolve", "--data", &data, reference], b"").transcript();
    assert_snapshot!("no_reference", resolve("my-secret"));
    assert_snapshot!("not_canonical", resolve("secret:my%2dsecret"));
    assert_snapshot!("no_vault", resolve("secret:my-secret"));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a vault was made"
    );

    fs::create_dir(folder.path().join("vault")).unwrap();
    fs::write(folder.path().join("vault/vault.redb"), "not a database").unwrap();
    let broken = run(&["resolve", "--data", &data, "secret:my-secret"], b"");
    assert_eq!(broken.code(), 2, "{}", broken.transcript());
}
