use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::sync::Barrier;
use std::time::Duration;

use insta::assert_snapshot;

use super::server::{Dev, answer};
use super::support::{path, run};

fn request(name: &str) -> Vec<u8> {
    format!(r#"{{"secret":{{"name":"{name}","value":{{"password":"P@ss {name}"}}}}}}"#).into_bytes()
}

#[test]
fn what_it_prints_works_when_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("it's data"));
    let line = |start: &str| {
        let found: Vec<_> = dev
            .welcome
            .lines()
            .filter(|line| line.contains(start))
            .collect();
        assert_eq!(found.len(), 1, "{start}: {}", dev.welcome);
        found[0]
    };
    // Nothing but the printed line brings token and command along.
    let source = line("dev.env");
    let shell = |command: &str| {
        let output = Command::new("sh")
            .args(["-c", &format!("{source}\n{command}")])
            .env_remove("SEALPOST_TOKEN")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        shell(line("sealpost secret create")),
        "secret:first#password\n"
    );
    shell(line("sealpost secret import"));
    let curl = line("curl ");
    if Command::new("curl").arg("--version").output().is_ok() {
        let expected = r#"{"resolver_ref":"secret:fourth#password","vaultSecretName":"fourth"}"#;
        assert_eq!(shell(curl), format!("{expected}\n"));
    } else {
        println!("not pasted: there is no curl command");
        let (_, body) = curl.split_once("-d '").unwrap();
        assert_eq!(dev.post(body.trim_end_matches('\'').as_bytes()).status, 201);
    }
    let resolve = line("sealpost resolve");
    assert_eq!(shell(resolve), "P@ssw0rd123");
    for (name, value) in [
        ("second#password", "P@ssw0rd456"),
        ("third#password", "P@ssw0rd789"),
    ] {
        assert_eq!(shell(&resolve.replace("fourth#password", name)), value);
    }
    assert!(dev.welcome.ends_with('\n') && dev.welcome.lines().count() < 24);
}

#[test]
fn the_file_to_source_has_what_a_caller_needs() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data);
    let file = data.join("dev.env");
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "it holds the token");
    let variable = |name: &str| {
        let print = format!(". {}; printf %s \"${name}\"", path(&file));
        let output = Command::new("sh").args(["-c", &print]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(variable("GATEWAY"), dev.url());
    assert_eq!(variable("AGENT"), "dev-agent");
    assert_eq!(variable("SEALPOST_TOKEN"), dev.token);
    // The pin that is printed is the certificate's: a value sealed under it is taken.
    let (certificate, pin) = (variable("CERTIFICATE"), variable("FINGERPRINT"));
    assert!(dev.welcome.contains(&pin));
    let arguments = ["seal", "--to", &certificate, "--pin", &pin];
    let context = ["--agent-id", "dev-agent", "--name", "n"];
    run(&[arguments.as_slice(), &context].concat(), b"{}").stdout();
}

#[test]
fn token_and_fingerprint_stand_apart_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("data"));
    assert_eq!(dev.post(&request("a")).status, 201);
    let log = fs::read_to_string(&dev.log).unwrap();
    assert!(!log.is_empty() && !log.contains(&dev.token), "{log}");
    for label in ["token", "fingerprint"] {
        assert!(dev.welcome.lines().any(|line| line.starts_with(label)));
    }
    assert!(!dev.welcome.contains("INFO"), "{}", dev.welcome);
}

#[test]
fn secrets_last_between_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut first = Dev::start(&data);
    let token = first.token.clone();
    assert_eq!(first.post(&request("a")).status, 201);
    first.signal("TERM");
    assert!(first.wait().success());
    assert!(!data.join("resolve.sock").exists());

    let mut second = Dev::start(&data);
    assert_eq!(
        second.post(&request("a")).status,
        409,
        "what was stored is there"
    );
    assert_eq!(second.post(&request("b")).status, 201);
    second.token = token;
    assert_eq!(
        second.post(&request("c")).status,
        201,
        "the issuer is the same"
    );
    second.signal("INT");
    assert!(second.wait().success());
}

#[test]
fn a_201_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for round in 0..3 {
        let dev = Dev::start(&data);
        let name = format!("secret-{round}");
        assert_eq!(dev.post(&request(&name)).status, 201);
        dev.kill();
        let resolve = ["resolve", "--data", &path(&data), &format!("secret:{name}")];
        assert_eq!(
            run(&resolve, b"").text(),
            format!(r#"{{"password":"P@ss {name}"}}"#)
        );
    }
}

#[test]
fn of_two_at_once_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("data"));
    for round in 0..10 {
        let name = format!("race-{round}");
        let start = Barrier::new(2);
        let mut statuses = std::thread::scope(|scope| {
            let post = || {
                start.wait();
                dev.post(&request(&name)).status
            };
            let both = [scope.spawn(post), scope.spawn(post)];
            both.map(|one| one.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{name}");
    }
}

#[test]
fn sigterm_lets_a_running_request_finish() {
    let folder = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(&folder.path().join("data"));
    let body = request("slow");
    let mut stream = dev.connect();
    let target = "/v1/secrets/dev-agent/secret-value";
    stream
        .write_all(dev.head(target, body.len()).as_bytes())
        .unwrap();
    stream.write_all(&body[..10]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    dev.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(&body[10..]).unwrap();
    assert_eq!(answer(stream).status, 201);
    assert!(dev.wait().success());
}

#[test]
fn one_at_a_time_for_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data);
    let again = run(
        &["dev", "--listen", "127.0.0.1:0", "--data", &path(&data)],
        b"",
    );
    assert_snapshot!(again.transcript());
    assert_eq!(dev.post(&request("still-served")).status, 201);
}

#[test]
fn everything_private_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let dev = Dev::start(&data);
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for file in [
        "identity.pem",
        "issuer.pem",
        "resolve.sock",
        "vault/vault.key",
        "vault/vault.redb",
    ] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    dev.kill();
    fs::set_permissions(data.join("issuer.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = run(
        &["dev", "--listen", "127.0.0.1:0", "--data", &path(&data)],
        b"",
    );
    assert_snapshot!("exposed_issuer", exposed.transcript());

    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(home.join("something"), "else").unwrap();
    let refused = run(
        &["dev", "--listen", "127.0.0.1:0", "--data", &path(&home)],
        b"",
    );
    assert_snapshot!("a_folder_of_others", refused.transcript());
    assert_eq!(
        fs::metadata(&home).unwrap().permissions().mode() & 0o777,
        0o755
    );
}

#[test]
fn says_what_is_wrong_with_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(&folder.path().join("data"));
    let dev = |listen: &str| run(&["dev", "--listen", listen, "--data", &data], b"").transcript();
    assert_snapshot!("not_loopback", dev("0.0.0.0:8080"));
    assert_snapshot!("no_address", dev("localhost"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_snapshot!(
        "port_taken",
        dev(&address).replace(&address, "127.0.0.1:<port>")
    );
    let long = path(&folder.path().join("d".repeat(120)));
    let too_long = run(&["dev", "--listen", "127.0.0.1:0", "--data", &long], b"").transcript();
    assert_snapshot!(
        "path_too_long",
        too_long.replace(&"d".repeat(120), "<120 d>")
    );
}
