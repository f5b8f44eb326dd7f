//! RFC 8259 read into a tree, as far as a text is JSON. Shares no code with the crate.

#![allow(clippy::unwrap_used, reason = "a test's own code")]

use sealpost_validator::ViolationKind;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Other,
}

/// A value as far as it was read.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    /// Behind the last byte, once `closed`.
    pub(crate) end: usize,
    pub(crate) closed: bool,
    pub(crate) role: Role,
    pub(crate) members: Vec<Member>,
    pub(crate) items: Vec<Node>,
    /// Of a string: UTF-16 code units or whole characters, and where they stand.
    pub(crate) units: Vec<(usize, Unit)>,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Node,
    pub(crate) value: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Char(char),
    Escaped(u16),
}

impl Node {
    /// Code points, half surrogates among them.
    pub(crate) fn decoded(&self) -> Vec<u32> {
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

    pub(crate) fn reads(&self, text: &str) -> bool {
        self.decoded() == text.chars().map(u32::from).collect::<Vec<_>>()
    }

    pub(crate) fn reads_in_another_case(&self, text: &str) -> bool {
        let lower = |c: u32| char::from_u32(c).map(|c| c.to_ascii_lowercase());
        let folded: Option<String> = self.decoded().into_iter().map(lower).collect();
        !self.reads(text) && folded.as_deref() == Some(text)
    }

    /// Where the first half surrogate in this value stands.
    pub(crate) fn first_lone(&self) -> Option<usize> {
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

    pub(crate) fn members_with_news(&self) -> impl Iterator<Item = (&Member, bool)> {
        self.members.iter().enumerate().map(|(i, member)| {
            let same = |other: &Member| other.name.decoded() == member.name.decoded();
            (member, !self.members[..i].iter().any(same))
        })
    }

    /// The innermost known place that is not closed.
    pub(crate) fn open_place(&self, pointer: &str) -> String {
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
pub(crate) enum Role {
    Request,
    Secret,
    Value,
    Other,
}

pub(crate) struct Document {
    pub(crate) has_mark: bool,
    pub(crate) root: Option<Node>,
    pub(crate) error: Option<(usize, ViolationKind)>,
    /// A half surrogate in a name that has no colon yet.
    pub(crate) pending: Option<usize>,
}

/// Reads as far as the text is JSON.
pub(crate) fn read(input: &[u8], role: Role) -> Document {
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
    let has_mark = text.starts_with('\u{FEFF}');
    if has_mark {
        reader.at = 3;
    }
    reader.whitespace();
    let root = reader.value(64, role);
    reader.whitespace();
    if reader.error.is_none() && (reader.at < text.len() || valid < input.len()) {
        reader.fail(ViolationKind::Syntax);
    }
    Document {
        has_mark,
        root,
        error: reader.error,
        pending: reader.pending,
    }
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
