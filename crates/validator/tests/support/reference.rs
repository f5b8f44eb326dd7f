//! The rules once more, slow and obvious: each looks at the tree that the text was read into.
//! Allocates, recurses, compares every name with every other.

use std::ops::Range;

use sealpost_validator::ViolationKind;

use crate::reader::{Document, Kind, Member, Node, Role, read};

/// What the reference has to say about an input.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Pointer, position and kind, in document order.
    pub(crate) violations: Vec<(String, Option<usize>, ViolationKind)>,
    /// What was sent, if there is no violation.
    pub(crate) parts: Option<Parts>,
}

/// The fields of a request, decoded, and where the value stands.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) name: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) secret_type: Option<String>,
    pub(crate) value: Range<usize>,
}

/// Checks a request whose value may have `limit` members.
pub(crate) fn request(body: &[u8], limit: usize) -> Verdict {
    let mut rules = Rules {
        found: Vec::new(),
        naming: true,
        limit,
    };
    if body.len() > 131_072 {
        rules.add("#", Some(0), ViolationKind::TooLarge);
        return rules.verdict(None);
    }
    let document = read(body, Role::Request);
    let mut parts = None;
    if let Some(root) = &document.root {
        parts = rules.request(root);
    }
    rules.whole(&document, "#");
    rules.verdict(parts)
}

/// Checks a value that stands alone.
pub(crate) fn value(value: &[u8], key: Option<&str>, naming: bool, limit: usize) -> Verdict {
    let mut rules = Rules {
        found: Vec::new(),
        naming,
        limit,
    };
    if value.len() > 131_072 {
        rules.add("#/secret/value", Some(0), ViolationKind::TooLarge);
        return rules.verdict(None);
    }
    let key: Option<Vec<u32>> = key.map(|key| key.chars().map(u32::from).collect());
    let mut key_is_sound = true;
    if let Some(key) = &key {
        key_is_sound = rules.text("key", key, None);
    }
    let document = read(value, Role::Value);
    let mut parts = None;
    if let Some(root) = &document.root {
        if let Some(names) = rules.value(root)
            && let Some(key) = &key
            && key_is_sound
            && !names.contains(key)
        {
            rules.add("#/secret/key", None, unknown(key));
        }
        parts = Some(Parts {
            value: root.start..root.end,
            ..Parts::default()
        });
    }
    rules.whole(&document, "#/secret/value");
    rules.verdict(parts)
}

struct Rules {
    found: Vec<(String, Option<usize>, ViolationKind)>,
    naming: bool,
    limit: usize,
}

impl Rules {
    fn add(&mut self, pointer: &str, position: impl Into<Option<usize>>, kind: ViolationKind) {
        self.found.push((pointer.to_owned(), position.into(), kind));
    }

    fn verdict(mut self, parts: Option<Parts>) -> Verdict {
        self.found.sort_by_key(|(_, position, _)| *position);
        let parts = parts.filter(|_| self.found.is_empty());
        Verdict {
            violations: self.found,
            parts,
        }
    }

    /// A byte-order mark, what ended the reading, and half surrogates that came right before.
    fn whole(&mut self, document: &Document, root: &str) {
        if document.has_mark {
            self.add(root, 0, ViolationKind::ByteOrderMark);
        }
        let Some((at, kind)) = document.error else {
            return;
        };
        let pointer = document
            .root
            .as_ref()
            .map_or(root.to_owned(), |node| node.open_place(root));
        if let Some(lone) = document.pending {
            self.add(&pointer, lone, ViolationKind::LoneSurrogate);
        }
        self.add(&pointer, at, kind);
    }

    fn request(&mut self, root: &Node) -> Option<Parts> {
        if root.kind != Kind::Object {
            self.add("#", root.start, ViolationKind::WrongType);
            self.lone(root, "#");
            return None;
        }
        let mut parts = None;
        self.names(root, "#", 64, true);
        for (member, is_new) in root.members_with_news() {
            if is_new && member.name.reads("secret") {
                if let Some(node) = &member.value {
                    parts = self.secret(node);
                }
            } else if let Some(node) = &member.value {
                self.lone(node, "#");
            }
        }
        self.missing(root, "secret", "#/secret");
        parts
    }

    fn secret(&mut self, node: &Node) -> Option<Parts> {
        const PLACE: &str = "#/secret";
        if node.kind != Kind::Object {
            self.add(PLACE, node.start, ViolationKind::WrongType);
            self.lone(node, PLACE);
            return None;
        }
        self.names(node, PLACE, 64, true);
        let (mut name, mut key, mut secret_type) = (None, None, None);
        let mut names = None;
        let mut value = None;
        for (member, is_new) in node.members_with_news() {
            let Some(node) = &member.value else { continue };
            let field = ["name", "key", "type", "value"]
                .into_iter()
                .find(|f| member.name.reads(f));
            match field.filter(|_| is_new) {
                Some("name") => name = self.string_field("name", node),
                Some("key") => key = self.string_field("key", node).map(|key| (key, node.start)),
                Some("type") => secret_type = self.string_field("type", node),
                Some(_) => {
                    names = self.value(node);
                    value = Some(node.start..node.end);
                }
                None => self.lone(node, PLACE),
            }
        }
        self.missing(node, "name", "#/secret/name");
        self.missing(node, "value", "#/secret/value");
        if let (Some((key, position)), Some(names), true) = (&key, names, node.closed)
            && !names.contains(key)
        {
            self.add("#/secret/key", *position, unknown(key));
        }
        let text = |code_points: Vec<u32>| -> String {
            code_points
                .into_iter()
                .map(|c| char::from_u32(c).unwrap_or('\u{FFFD}'))
                .collect()
        };
        Some(Parts {
            name: Some(text(name?)),
            key: key.map(|(key, _)| text(key)),
            secret_type: secret_type.map(text),
            value: value?,
        })
    }

    /// A field that has to be a string: its decoded text, if nothing is wrong with it.
    fn string_field(&mut self, field: &str, node: &Node) -> Option<Vec<u32>> {
        let pointer = format!("#/secret/{field}");
        if node.kind != Kind::String {
            self.add(&pointer, node.start, ViolationKind::WrongType);
            self.lone(node, &pointer);
            return None;
        }
        self.lone(node, &pointer);
        if !node.closed {
            return None;
        }
        let sound = self.text(field, &node.decoded(), Some(node.start));
        (sound && node.first_lone().is_none()).then(|| node.decoded())
    }

    /// The rules for texts.
    fn text(&mut self, field: &str, text: &[u32], position: Option<usize>) -> bool {
        let before = self.found.len();
        let pointer = format!("#/secret/{field}");
        if field == "type" {
            let letter = |c: u32| u8::try_from(c).is_ok_and(|c| c.is_ascii_alphabetic());
            let other = |c: u32| c == u32::from(b'_') || (48..58).contains(&c);
            let fits = !text.is_empty()
                && text.len() <= 64
                && letter(text[0])
                && text.iter().all(|&c| letter(c) || other(c));
            if !fits {
                self.add(&pointer, position, ViolationKind::Form);
            }
            return fits;
        }
        let max = if field == "key" { 256 } else { 512 };
        let bytes: usize = text
            .iter()
            .map(|&c| char::from_u32(c).map_or(3, char::len_utf8))
            .sum();
        if bytes == 0 {
            self.add(&pointer, position, ViolationKind::Empty);
        }
        if bytes > max {
            self.add(&pointer, position, ViolationKind::TooLong);
        }
        if text.iter().any(|&c| c < 0x20 || c == 0x7F) {
            self.add(&pointer, position, ViolationKind::ControlCharacter);
        }
        self.found.len() == before
    }

    /// The rules for the value. Its names, if all of them are known.
    fn value(&mut self, node: &Node) -> Option<Vec<Vec<u32>>> {
        const PLACE: &str = "#/secret/value";
        let is_object = node.kind == Kind::Object;
        if is_object {
            self.names(node, PLACE, self.limit, self.naming);
            for member in &node.members {
                if let Some(value) = &member.value {
                    self.lone(value, PLACE);
                }
            }
        } else {
            self.add(PLACE, node.start, ViolationKind::WrongType);
            self.lone(node, PLACE);
        }
        if node.closed && node.end - node.start > 65_536 {
            self.add(PLACE, node.start, ViolationKind::TooLarge);
        }
        let known = is_object && node.closed && node.members.len() <= self.limit;
        known.then(|| {
            node.members
                .iter()
                .map(|member| member.name.decoded())
                .collect()
        })
    }

    /// The rules for the names of an object's members.
    fn names(&mut self, object: &Node, place: &str, limit: usize, naming: bool) {
        let mut distinct: Vec<(Vec<u32>, usize)> = Vec::new();
        let fields: &[&str] = match place {
            "#" => &["secret"],
            "#/secret" => &["name", "key", "type", "value"],
            _ => &[],
        };
        for (i, Member { name, .. }) in object.members.iter().enumerate() {
            if let Some(lone) = name.first_lone() {
                self.add(place, lone, ViolationKind::LoneSurrogate);
            }
            if i == limit {
                self.add(place, name.start, ViolationKind::TooManyMembers);
            }
            let decoded = name.decoded();
            if distinct.iter().any(|(other, _)| *other == decoded) {
                let mut pointer = place.to_owned();
                let text: String = decoded
                    .iter()
                    .map(|&c| char::from_u32(c).unwrap_or('\u{FFFD}'))
                    .collect();
                if naming && text.len() <= 64 {
                    pointer += "/";
                    pointer += &escape(&text);
                }
                self.add(&pointer, name.start, ViolationKind::Duplicate);
                continue;
            }
            if distinct.len() < limit {
                distinct.push((decoded, name.start));
            }
            for field in fields {
                if !name.reads(field) && name.reads_in_another_case(field) {
                    self.add(
                        &format!("#/secret/{field}").replace("/secret/secret", "/secret"),
                        name.start,
                        ViolationKind::WrongCase,
                    );
                }
            }
        }
    }

    fn missing(&mut self, object: &Node, field: &str, pointer: &str) {
        let meant =
            |member: &Member| member.name.reads(field) || member.name.reads_in_another_case(field);
        if object.closed && !object.members.iter().any(meant) {
            self.add(pointer, object.end - 1, ViolationKind::Missing);
        }
    }

    /// The first half surrogate in a member's value.
    fn lone(&mut self, node: &Node, place: &str) {
        if let Some(lone) = node.first_lone() {
            self.add(place, lone, ViolationKind::LoneSurrogate);
        }
    }
}

/// What is said of a key that the value does not have.
fn unknown(key: &[u32]) -> ViolationKind {
    match key.contains(&u32::from(b'.')) {
        true => ViolationKind::NestedKey,
        false => ViolationKind::NoSuchProperty,
    }
}

/// RFC 6901 §3 and §6.
fn escape(token: &str) -> String {
    let token = token.replace('~', "~0").replace('/', "~1");
    let allowed = "-._~!$&'()*+,;=:@/?";
    token
        .bytes()
        .map(|byte| {
            let c = char::from(byte);
            if c.is_ascii_alphanumeric() || (byte < 0x80 && allowed.contains(c)) {
                c.to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
