//! The rules once more, slow and obvious: RFC 8259 read into a tree, then each rule looks at the
//! tree. Shares no code with the crate. Allocates, recurses, compares every name with every other.

#![allow(clippy::unwrap_used, reason = "a test's own code")]

use std::ops::Range;

use sealpost_validator::ViolationKind;

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
    let (document, lone) = read(body, Role::Request, &mut rules);
    let mut parts = None;
    if let Some(root) = &document.root {
        parts = rules.request(root);
    }
    rules.end(&document, lone, "#");
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
    let (document, lone) = read(value, Role::Value, &mut rules);
    let mut parts = None;
    if let Some(root) = &document.root {
        if let Some(names) = rules.value(root)
            && let Some(key) = &key
            && key_is_sound
            && !names.contains(key)
        {
            rules.add("#/secret/key", None, ViolationKind::NoSuchProperty);
        }
        parts = Some(Parts {
            value: root.start..root.end,
            ..Parts::default()
        });
    }
    rules.end(&document, lone, "#/secret/value");
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

    /// What ended the reading, and half surrogates in a name that has no colon yet.
    fn end(&mut self, document: &Document, lone: Option<usize>, root: &str) {
        let Some((at, kind)) = document.error else {
            return;
        };
        let pointer = document
            .root
            .as_ref()
            .map_or(root.to_owned(), |node| node.open_place(root));
        if let Some(lone) = lone {
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
            self.add("#/secret/key", *position, ViolationKind::NoSuchProperty);
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
        if field == "key" && text.contains(&u32::from(b'.')) {
            self.add(&pointer, position, ViolationKind::NestedKey);
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

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Object,
    Array,
    String,
    Other,
}

/// A value as far as it was read.
#[derive(Debug)]
struct Node {
    kind: Kind,
    start: usize,
    /// Behind the last byte, once `closed`.
    end: usize,
    closed: bool,
    role: Role,
    members: Vec<Member>,
    items: Vec<Node>,
    /// Of a string: UTF-16 code units or whole characters, and where they stand.
    units: Vec<(usize, Unit)>,
}

#[derive(Debug)]
struct Member {
    name: Node,
    value: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Char(char),
    Escaped(u16),
}

impl Node {
    /// Code points, half surrogates among them.
    fn decoded(&self) -> Vec<u32> {
        self.paired().into_iter().map(|(_, c)| c).collect()
    }

    fn paired(&self) -> Vec<(usize, u32)> {
        let mut result = Vec::new();
        let mut i = 0;
        while i < self.units.len() {
            let (at, unit) = self.units[i];
            i += 1;
            let c = match (unit, self.units.get(i)) {
                (Unit::Char(c), _) => u32::from(c),
                (Unit::Escaped(high), Some((_, Unit::Escaped(low)))) => {
                    match char::decode_utf16([high, *low]).next().unwrap() {
                        Ok(c) if c > '\u{FFFF}' => {
                            i += 1;
                            u32::from(c)
                        }
                        _ => u32::from(high),
                    }
                }
                (Unit::Escaped(unit), _) => u32::from(unit),
            };
            result.push((at, c));
        }
        result
    }

    fn reads(&self, text: &str) -> bool {
        self.decoded() == text.chars().map(u32::from).collect::<Vec<_>>()
    }

    fn reads_in_another_case(&self, text: &str) -> bool {
        let lower = |c: u32| char::from_u32(c).map(|c| c.to_ascii_lowercase());
        let folded: Option<String> = self.decoded().into_iter().map(lower).collect();
        !self.reads(text) && folded.as_deref() == Some(text)
    }

    /// Where the first half surrogate in this value stands.
    fn first_lone(&self) -> Option<usize> {
        let own = self
            .paired()
            .into_iter()
            .find(|(_, c)| char::from_u32(*c).is_none());
        let members = self
            .members
            .iter()
            .flat_map(|m| [Some(&m.name), m.value.as_ref()])
            .flatten();
        let below = members.chain(&self.items).filter_map(Node::first_lone);
        own.map(|(at, _)| at).into_iter().chain(below).min()
    }

    fn members_with_news(&self) -> impl Iterator<Item = (&Member, bool)> {
        self.members.iter().enumerate().map(|(i, member)| {
            let same = |other: &Member| other.name.decoded() == member.name.decoded();
            (member, !self.members[..i].iter().any(same))
        })
    }

    /// The innermost known place that is not closed.
    fn open_place(&self, pointer: &str) -> String {
        if self.closed || !matches!(self.role, Role::Request | Role::Secret) {
            return pointer.to_owned();
        }
        let Some((member, true)) = self.members_with_news().last() else {
            return pointer.to_owned();
        };
        if self.kind != Kind::Object || member.value.as_ref().is_some_and(|value| value.closed) {
            return pointer.to_owned();
        }
        let fields: &[&str] = match self.role {
            Role::Request => &["secret"],
            _ => &["name", "key", "type", "value"],
        };
        match fields.iter().find(|field| member.name.reads(field)) {
            Some(field) => {
                let pointer = format!("{pointer}/{field}");
                member
                    .value
                    .as_ref()
                    .map_or(pointer.clone(), |value| value.open_place(&pointer))
            }
            None => pointer.to_owned(),
        }
    }
}

/// What an object is for. It decides how deep its members may nest.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Request,
    Secret,
    Value,
    Other,
}

struct Document {
    root: Option<Node>,
    error: Option<(usize, ViolationKind)>,
}

fn read(input: &[u8], role: Role, rules: &mut Rules) -> (Document, Option<usize>) {
    let valid = match std::str::from_utf8(input) {
        Ok(_) => input.len(),
        Err(error) => error.valid_up_to(),
    };
    let text = std::str::from_utf8(&input[..valid]).unwrap();
    let mut reader = Reader {
        text,
        at: 0,
        error: None,
        pending: None,
    };
    if text.starts_with('\u{FEFF}') {
        let pointer = if role == Role::Request {
            "#"
        } else {
            "#/secret/value"
        };
        rules.add(pointer, 0, ViolationKind::ByteOrderMark);
        reader.at = 3;
    }
    reader.whitespace();
    let root = reader.value(64, role);
    reader.whitespace();
    if reader.error.is_none() && (reader.at < text.len() || valid < input.len()) {
        reader.fail(ViolationKind::Syntax);
    }
    (
        Document {
            root,
            error: reader.error,
        },
        reader.pending,
    )
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    error: Option<(usize, ViolationKind)>,
    /// A half surrogate in the name that is being read.
    pending: Option<usize>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Takes `wanted` or stops here.
    fn expect(&mut self, wanted: char) -> bool {
        self.take(wanted) || self.fail(ViolationKind::Syntax)
    }

    fn fail(&mut self, kind: ViolationKind) -> bool {
        self.error.get_or_insert((self.at, kind));
        false
    }

    fn whitespace(&mut self) {
        while let Some(' ' | '\t' | '\n' | '\r') = self.peek() {
            self.at += 1;
        }
    }

    /// `levels` more may open here.
    fn value(&mut self, levels: usize, role: Role) -> Option<Node> {
        let kind = match self.peek() {
            Some('{') => Kind::Object,
            Some('[') => Kind::Array,
            Some('"') => Kind::String,
            Some('-' | '0'..='9' | 't' | 'f' | 'n') => Kind::Other,
            _ => {
                self.fail(ViolationKind::Syntax);
                return None;
            }
        };
        let mut node = Node {
            kind,
            start: self.at,
            end: 0,
            closed: false,
            role,
            members: Vec::new(),
            items: Vec::new(),
            units: Vec::new(),
        };
        if matches!(kind, Kind::Object | Kind::Array) && levels == 0 {
            self.fail(ViolationKind::TooDeep);
            return Some(node);
        }
        node.closed = match self.peek() {
            Some('{') => self.object(&mut node, levels),
            Some('[') => self.array(&mut node, levels),
            Some('"') => self.string(&mut node),
            Some('t') => "true".chars().all(|c| self.expect(c)),
            Some('f') => "false".chars().all(|c| self.expect(c)),
            Some('n') => "null".chars().all(|c| self.expect(c)),
            _ => self.number(),
        };
        node.end = self.at;
        Some(node)
    }

    fn object(&mut self, node: &mut Node, levels: usize) -> bool {
        self.take('{');
        self.whitespace();
        if self.take('}') {
            return true;
        }
        loop {
            self.whitespace();
            if self.peek() != Some('"') {
                return self.fail(ViolationKind::Syntax);
            }
            let name = self.value(0, Role::Other).unwrap();
            let known = matches!(node.role, Role::Request | Role::Secret | Role::Value);
            if known {
                self.pending = name.first_lone();
            }
            let is_whole = name.closed;
            self.whitespace();
            if !is_whole || !self.expect(':') {
                if !known {
                    // Belongs to the value around it.
                    node.members.push(Member { name, value: None });
                }
                return false;
            }
            if known {
                self.pending = None;
            }
            let same = |other: &Member| other.name.decoded() == name.decoded();
            let is_new = !node.members.iter().any(same);
            let (levels, role) = match node.role {
                Role::Request if is_new && name.reads("secret") => (64, Role::Secret),
                Role::Secret if is_new && name.reads("value") => (64, Role::Value),
                Role::Request | Role::Secret => (64, Role::Other),
                Role::Value | Role::Other => (levels - 1, Role::Other),
            };
            self.whitespace();
            let value = self.value(levels, role);
            let is_whole = value.as_ref().is_some_and(|value| value.closed);
            node.members.push(Member { name, value });
            if !is_whole {
                return false;
            }
            self.whitespace();
            if self.take('}') {
                return true;
            }
            if !self.expect(',') {
                return false;
            }
        }
    }

    fn array(&mut self, node: &mut Node, levels: usize) -> bool {
        self.take('[');
        self.whitespace();
        if self.take(']') {
            return true;
        }
        loop {
            self.whitespace();
            let item = self.value(levels - 1, Role::Other);
            let is_whole = item.as_ref().is_some_and(|item| item.closed);
            node.items.extend(item);
            if !is_whole {
                return false;
            }
            self.whitespace();
            if self.take(']') {
                return true;
            }
            if !self.expect(',') {
                return false;
            }
        }
    }

    fn string(&mut self, node: &mut Node) -> bool {
        self.take('"');
        loop {
            let at = self.at;
            let Some(c) = self.peek() else {
                return self.fail(ViolationKind::Syntax);
            };
            match c {
                '"' => return self.take('"'),
                '\\' => {
                    self.take('\\');
                    let Some(unit) = self.escape() else {
                        return self.fail(ViolationKind::Syntax);
                    };
                    node.units.push((at, unit));
                }
                '\0'..='\x1F' => return self.fail(ViolationKind::Syntax),
                _ => {
                    self.take(c);
                    node.units.push((at, Unit::Char(c)));
                }
            }
        }
    }

    fn escape(&mut self) -> Option<Unit> {
        let c = self.peek()?;
        let decoded = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                self.take('u');
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = self.peek()?.to_digit(16)?;
                    self.at += 1;
                    unit = unit * 16 + u16::try_from(digit).unwrap();
                }
                return Some(Unit::Escaped(unit));
            }
            _ => return None,
        };
        self.take(c);
        Some(Unit::Char(decoded))
    }

    fn number(&mut self) -> bool {
        self.take('-');
        if !self.take('0') && !self.digits() {
            return false;
        }
        if self.take('.') && !self.digits() {
            return false;
        }
        if self.take('e') || self.take('E') {
            let _ = self.take('+') || self.take('-');
            return self.digits();
        }
        true
    }

    fn digits(&mut self) -> bool {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.fail(ViolationKind::Syntax);
        }
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        true
    }
}
