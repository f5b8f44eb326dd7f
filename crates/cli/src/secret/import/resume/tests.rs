//! What a resume file remembers, what it refuses, and what it tells.

use std::fs;

use super::*;

const URL: &str = "https://gateway.example";

fn open(path: &Path) -> Result<Resume, Failure> {
    Resume::open(path, URL, "a")
}

fn line(text: &str) -> Line<'_> {
    Line::parse(text.as_bytes()).unwrap()
}

/// Stands for a line that was stored.
fn stored(byte: u8) -> Recognised {
    Recognised {
        name: [byte; 16],
        members: [byte; 16],
        value: [byte; 8],
    }
}

#[test]
fn what_was_stored_is_known_to_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resume");
    let one = line(r#"{"name":"one","value":{"password":"x"}}"#);
    let mut resume = open(&path).unwrap();
    let own = resume.recognise(&one, None);
    assert_eq!(resume.known(&own), Known::New);
    resume
        .record(&[(own, Decision::Stored), (stored(1), Decision::Stored)])
        .unwrap();
    let key = resume.idempotency_key(&one, &own).unwrap();
    assert!(open(&path).is_err(), "one at a time");
    drop(resume);

    let resume = open(&path).unwrap();
    assert_eq!(resume.stored(), 2);
    assert_eq!(resume.recognise(&one, None), own);
    assert_eq!(resume.known(&own), Known::Stored);
    assert_eq!(resume.known(&stored(1)), Known::Stored);
    assert_eq!(resume.known(&stored(2)), Known::New);
    assert_eq!(resume.idempotency_key(&one, &own).unwrap(), key);
}

#[test]
fn a_value_corrected_between_two_runs_is_detected_and_is_not_another_line() {
    const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    let folder = tempfile::tempdir().unwrap();
    let mut resume = open(&folder.path().join("resume")).unwrap();
    let one = r#"{"name":"n","key":"k","value":{"k":1,"l":"\u0061"}}"#;
    let own = resume.recognise(&line(one), None);
    let key = resume.idempotency_key(&line(one), &own).unwrap();
    resume.done.insert(own.name, own);
    let in_project = format!(r#"{{"name":"n","key":"k","project":"{PROJECT}","value":{{"k":1}}}}"#);
    for (text, project, known, same_request) in [
        (one, None, Known::Stored, true),
        // The same line, written in another way.
        (
            r#" {"key":"k", "name":"\u006e", "value":{"k":1,"l":"\u0061"}} "#,
            None,
            Known::Stored,
            true,
        ),
        // The same value, written in another way: what is sent differs.
        (
            r#"{"name":"n","key":"k","value":{ "k" : 1, "l" : "a" }}"#,
            None,
            Known::Stored,
            false,
        ),
        (
            r#"{"name":"n","key":"k","value":{"l":"a","k":1}}"#,
            None,
            Known::Stored,
            false,
        ),
        (
            r#"{"name":"n","key":"k","value":{"k":2,"l":"a"}}"#,
            None,
            Known::OtherValue,
            false,
        ),
        (
            r#"{"name":"n","key":"k","value":{"k":1,"l":"a","m":1}}"#,
            None,
            Known::OtherValue,
            false,
        ),
        (
            r#"{"name":"n","type":"k","value":{"k":1,"l":"a"}}"#,
            None,
            Known::OtherMembers,
            false,
        ),
        (
            r#"{"name":"n","value":{"k":1,"l":"a"}}"#,
            None,
            Known::OtherMembers,
            false,
        ),
        // Other secrets.
        (
            r#"{"name":"nk","key":"k","value":{"k":1,"l":"a"}}"#,
            None,
            Known::New,
            false,
        ),
        (&in_project, None, Known::New, false),
        (one, Some(PROJECT), Known::New, false),
    ] {
        let read = line(text);
        let recognised = resume.recognise(&read, project);
        assert_eq!(resume.known(&recognised), known, "{text}");
        let same = resume.idempotency_key(&read, &recognised).unwrap() == key;
        assert_eq!(same, same_request, "{text}");
    }
    // One project can be written in more than one way.
    let (lower, upper) = (Some(PROJECT), PROJECT.to_uppercase());
    assert_eq!(
        resume.recognise(&line(one), lower),
        resume.recognise(&line(one), Some(&upper))
    );
}

#[test]
fn after_a_refusal_the_next_try_is_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resume");
    let one = line(r#"{"name":"n","value":{}}"#);
    let mut keys = Vec::new();
    for _ in 0..3 {
        let mut resume = open(&path).unwrap();
        let own = resume.recognise(&one, None);
        assert_eq!(resume.known(&own), Known::New);
        keys.push(resume.idempotency_key(&one, &own).unwrap());
        resume.record(&[(own, Decision::Refused)]).unwrap();
    }
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

/// The old line is the only one that finds out whether it was stored: its key must stay what it was.
#[test]
fn a_line_without_an_answer_is_remembered_and_keeps_its_key_while_another_content_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resume");
    let (old, new) = (
        line(r#"{"name":"n","value":{"p":"old"}}"#),
        line(r#"{"name":"n","value":{"p":"new"}}"#),
    );
    let mut resume = open(&path).unwrap();
    let own = resume.recognise(&old, None);
    let key = resume.idempotency_key(&old, &own).unwrap();
    resume.record(&[(own, Decision::Unknown)]).unwrap();
    drop(resume);

    let mut resume = open(&path).unwrap();
    let corrected = resume.recognise(&new, None);
    assert_eq!(resume.known(&corrected), Known::New);
    assert!(resume.may_have_stored_another(&corrected));
    assert!(!resume.may_have_stored_another(&own));
    resume.record(&[(corrected, Decision::Refused)]).unwrap();
    drop(resume);

    let resume = open(&path).unwrap();
    assert_eq!(resume.known(&own), Known::New);
    assert_eq!(resume.idempotency_key(&old, &own).unwrap(), key);
}

#[test]
fn a_torn_end_is_cut_off_and_everything_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resume");
    let mut resume = open(&path).unwrap();
    resume
        .record(&[1, 2].map(|byte| (stored(byte), Decision::Stored)))
        .unwrap();
    drop(resume);
    let whole = fs::read_to_string(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut resume = open(&path).unwrap();
        let lines = whole[..cut].matches('\n').count();
        assert_eq!(resume.done.len(), lines.saturating_sub(1), "{cut}");
        resume.record(&[(stored(3), Decision::Stored)]).unwrap();
        drop(resume);
        let known = open(&path).unwrap().known(&stored(3));
        assert_eq!(known, Known::Stored, "{cut}");
    }
    let (head, _) = whole.split_once('\n').unwrap();
    for bad in [
        "secret",
        "secret\n",
        "{}\n",
        &whole.replace("import 4", "import 5"),
        &whole.replace("import 4", "import 3"),
        &whole.replacen("\n01", "\nx1", 1),
        &format!("{head}\n1 00\n"),
        &format!("{head}\n{0} {0}\n", "00".repeat(16)),
        &format!("{}\n", &head[..head.len() - 1]),
    ] {
        fs::write(&path, bad).unwrap();
        assert!(open(&path).is_err(), "{bad}");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            *bad,
            "it is left as it is"
        );
    }
    fs::write(&path, &whole).unwrap();
    assert!(Resume::open(&path, URL, "b").is_err());
    assert!(Resume::open(&path, "https://other.example", "a").is_err());
    assert!(Resume::open(&path, "https://gateway.example/", "a").is_ok());
}

#[test]
fn without_its_key_a_resume_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("resume"), folder.path().join("other"));
    let key = |path: &Path| PathBuf::from(format!("{}.key", path.display()));
    drop((open(&path).unwrap(), open(&other).unwrap()));
    let whole = fs::read(&path).unwrap();
    let own = fs::read(key(&path)).unwrap();
    let refused = || {
        let error = open(&path).err().expect("it is refused").to_string();
        assert!(
            error.contains(".key") && error.contains("hint: "),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), whole);
    };
    fs::remove_file(key(&path)).unwrap();
    refused();
    fs::copy(key(&other), key(&path)).unwrap();
    refused();
    fs::write(key(&path), "a secret\n").unwrap();
    refused();
    fs::write(key(&path), &own).unwrap();
    assert!(open(&path).is_ok());
    // A key whose file was never begun.
    fs::remove_file(&path).unwrap();
    assert!(open(&path).is_ok());
    assert_eq!(fs::read(key(&path)).unwrap(), own);
}

/// Who has the record alone can't test a guess: what it holds depends on a key that is not in it.
#[test]
fn it_is_private_and_tells_neither_names_nor_values() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let one = line(r#"{"name":"the-name","value":{"password":"canary"}}"#);
    let record = |name: &str| {
        let path = folder.path().join(name);
        let mut resume = open(&path).unwrap();
        let own = resume.recognise(&one, None);
        resume.record(&[(own, Decision::Stored)]).unwrap();
        let key_path = format!("{}.key", path.display());
        for path in [path.as_os_str(), key_path.as_ref()] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let text = fs::read_to_string(&path).unwrap();
        let key = fs::read_to_string(key_path).unwrap();
        let key = key.trim_end().strip_prefix(KEY_MAGIC).unwrap().to_owned();
        for secret in ["the-name", "canary", &key, &key[..32], &key[32..]] {
            assert!(!text.contains(secret), "{text}");
        }
        text
    };
    let (first, second) = (record("a"), record("b"));
    let parts =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    for (one, other) in parts(&first).iter().zip(parts(&second)).skip(2) {
        assert!(one.len() < 8 || *one != other, "{first}\n{second}");
    }
}
