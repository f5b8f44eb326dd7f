use super::*;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

/// What the engine would store: the object `data` of the request.
fn data(value: &[u8]) -> String {
    let body = body(value, &Mark::of(value, &OPERATION));
    let data = sealpost_json::find_property(&body, "data")
        .unwrap()
        .unwrap();
    data.as_str().to_owned()
}

fn read(data: &str) -> Result<Vec<u8>, Edited> {
    value(data).map(|value| value.to_vec())
}

#[test]
fn what_is_stored_is_read_byte_for_byte() {
    for value in [
        &br#"{"password": "correct horse", "port": 5432.0}"#[..],
        br#"{"n":[12345678901234567890,-0,1.0,1e400]}"#,
        br#" {"a" : "\u0041\n<>&", "" : "" } "#,
        br#"{"z":1,"z":2}"#,
        br#"{"lone":"\ud800"}"#,
        br#"{"sealpost":{"text":"theirs"},"a":1}"#,
        b"",
        b"[1]",
        b"\xff\x00\x01",
        "{\"raw\":\"\u{7f}\u{2028}\u{1F600}\"}".as_bytes(),
    ] {
        assert_eq!(read(&data(value)).unwrap(), value);
        assert!(has_mark(&data(value), &Mark::of(value, &OPERATION)));
    }
}

#[test]
fn a_mark_is_of_one_operation_with_one_value() {
    let stored = data(b"{}");
    let other = OperationId::from_bytes([8; 32]);
    for (value, operation) in [
        (&b"{}"[..], other),
        (b"{ }", OPERATION),
        (b"", OPERATION),
        (br#"{"a":1}"#, OPERATION),
    ] {
        assert!(!has_mark(&stored, &Mark::of(value, &operation)));
    }
    // The operation itself is not stored: with it, a guessed value could be tried.
    assert!(!stored.contains(&hex(OPERATION.as_bytes())), "{stored}");
}
#[test]
fn a_person_reads_fields_and_numbers_stand_in_strings_alone() {
    let stored = data(br#"{"password":"a\"b\u00e9","port":5432.0,"on":true,"list":[1, 2]}"#);
    assert!(
        stored.starts_with(
            r#"{"password":"a\"bé","port":"5432.0","on":"true","list":"[1, 2]","sealpost":{"#
        ),
        "{stored}"
    );
}

#[test]
fn more_members_than_the_engine_takes_are_in_the_text_alone() {
    for (count, is_in_fields) in [(MAX_FIELDS, true), (MAX_FIELDS + 1, false), (1_024, false)] {
        let members: Vec<_> = (0..count).map(|i| format!("\"m{i}\":\"v\"")).collect();
        let value = format!("{{{}}}", members.join(","));
        let stored = data(value.as_bytes());
        assert_eq!(stored.starts_with(r#"{"m0":"v","#), is_in_fields, "{count}");
        assert_eq!(read(&stored).unwrap(), value.as_bytes());
    }
}

#[test]
fn an_edited_field_is_followed_and_the_others_keep_their_text() {
    let stored = data(br#"{"password": "old", "port": 5432.0, "user": "u"}"#);
    // `bao kv patch secret/name password=new`
    let patched = stored.replacen(r#""password":"old""#, r#""password":"new""#, 1);
    assert_eq!(
        read(&patched).unwrap(),
        br#"{"password":"new","port":5432.0,"user":"u"}"#
    );
    let numbered = stored.replacen(r#""port":"5432.0""#, r#""port":5433"#, 1);
    assert_eq!(
        read(&numbered).unwrap(),
        br#"{"password":"old","port":5433,"user":"u"}"#
    );
    let removed = stored.replacen(r#""password":"old","#, "", 1);
    assert_eq!(read(&removed).unwrap(), br#"{"port":5432.0,"user":"u"}"#);
    let added = stored.replacen('{', r#"{"more":"1","#, 1);
    assert_eq!(
        read(&added).unwrap(),
        br#"{"password":"old","port":5432.0,"user":"u","more":"1"}"#
    );
}

#[test]
fn a_secret_that_was_written_as_a_whole_is_read_as_it_is() {
    let put = r#"{"password":"new"}"#;
    assert_eq!(read(put).unwrap(), put.as_bytes());
    assert!(!has_mark(put, &Mark::of(put.as_bytes(), &OPERATION)));
}

#[test]
fn an_edited_text_never_gives_the_old_value() {
    let stored = data(br#"{"password":"old"}"#);
    // The text alone: fields and text disagree, and the hash says that the text is not what was stored.
    let text = stored.replacen(r#"\"old\""#, r#"\"new\""#, 1);
    assert_eq!(read(&text), Err(Edited));
    // Text and field alike: that is the newest, whatever the hash says.
    let both = text.replacen(r#""password":"old""#, r#""password":"new""#, 1);
    assert_eq!(read(&both).unwrap(), br#"{"password":"new"}"#);
    for broken in [
        r#"{"sealpost":"text"}"#,
        r#"{"sealpost":{}}"#,
        r#"{"sealpost":{"text":"{}"}}"#,
        r#"{"sealpost":{"text":1,"sha256":""}}"#,
        r#"{"sealpost":{"text":"{}","sha256":"","more":""}}"#,
        r#"{"a":1"#,
        "null",
    ] {
        assert_eq!(read(broken), Err(Edited), "{broken}");
    }
    // A value that is not an object has no fields to merge.
    let other = data(b"[1]").replacen('{', r#"{"more":"1","#, 1);
    assert_eq!(read(&other), Err(Edited));
}
