//! The request as a whole.

use core::fmt;

use sealpost_context::InvalidIdentifier;
use sealpost_context::rules::{self, Measure};
use sealpost_json::{Inserted, JsonKind, JsonStr, JsonValue, Key, Malformed, MemberNames, Slot};

use crate::MAX_REQUEST_MEMBERS;
use crate::violation::{Place, Problem, Violations};
use crate::walk::{Naming, Value, Walk};

/// A request that breaks no rule. Everything is borrowed from its body.
///
/// `Debug` shows lengths only.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The name to store the secret under.
    pub name: JsonStr<'a>,
    /// The top-level property of `value` that the reference is to resolve.
    pub key: Option<JsonStr<'a>>,
    /// The kind of secret, such as `PASSWORD`.
    pub secret_type: Option<JsonStr<'a>>,
    /// The JSON object to store, byte for byte as it was sent, and where it stands in the body.
    pub value: JsonValue<'a>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("name", &self.name)
            .field("key", &self.key)
            .field("secret_type", &self.secret_type)
            .field(
                "value",
                &format_args!("{} bytes", self.value.as_bytes().len()),
            )
            .finish()
    }
}

/// Checks the body of a request to store a secret (`UnencryptedSecretRequest` of the OpenAPI
/// description) in one pass, and returns its parts if it breaks no rule.
///
/// Otherwise `violations` holds every violation in document order, or the first `N` of them. What
/// it held before is forgotten. `scratch` needs one slot for each top-level member of `value`; its
/// length, but at most [`MAX_MEMBERS`](crate::MAX_MEMBERS), is the limit. What it holds on entry
/// does not matter.
///
/// ```
/// use sealpost_validator::{MAX_MEMBERS, Slot, Violations, validate_request};
///
/// let body = br#"{"secret": {"name": "db", "key": "password", "value": {"password": "x\"y"}}}"#;
/// let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
/// let mut violations = Violations::<16>::new();
/// let request = validate_request(body, &mut scratch, &mut violations).unwrap();
/// assert_eq!(request.name, *"db");
/// assert_eq!(request.value.as_str(), r#"{"password": "x\"y"}"#);
/// ```
pub fn validate_request<'a, const N: usize>(
    body: &'a [u8],
    scratch: &mut [Slot],
    violations: &mut Violations<'a, N>,
) -> Option<Request<'a>> {
    Walk::run(
        body,
        Place::Request,
        Naming::List,
        violations.report(),
        |walk| walk.request(scratch),
    )
}

impl<'a> Walk<'_, 'a> {
    fn request(&mut self, scratch: &mut [Slot]) -> Result<Option<Request<'a>>, Malformed> {
        if !self.open(Place::Request)? {
            return Ok(None);
        }
        let mut slots = [Slot::EMPTY; MAX_REQUEST_MEMBERS];
        let mut members = Members::new(Place::Request, &REQUEST, self, &mut slots);
        let mut request = None;
        while let Some(member) = members.next(self)? {
            match member {
                Some(_) => request = self.secret(scratch)?,
                None => self.skip(Place::Request)?,
            }
            self.place = Place::Request;
        }
        members.note_missing(self, &REQUEST);
        Ok(request)
    }

    fn secret(&mut self, scratch: &mut [Slot]) -> Result<Option<Request<'a>>, Malformed> {
        if !self.open(Place::Secret)? {
            return Ok(None);
        }
        let mut slots = [Slot::EMPTY; MAX_REQUEST_MEMBERS];
        let mut members = Members::new(Place::Secret, &SECRET, self, &mut slots);
        let mut names = MemberNames::new(self.scan.text(), scratch);
        let (mut name, mut key, mut secret_type) = (None, None, None);
        let mut value = Value {
            object: None,
            complete: false,
        };
        while let Some(member) = members.next(self)? {
            match member {
                Some(Place::Name) => name = self.text(Place::Name)?,
                Some(Place::Key) => key = self.text(Place::Key)?,
                Some(Place::Type) => secret_type = self.text(Place::Type)?,
                Some(_) => value = self.value(&mut names)?,
                None => self.skip(Place::Secret)?,
            }
            self.place = Place::Secret;
        }
        members.note_missing(self, &[Place::Name, Place::Value]);
        let (key, position) = key.unzip();
        let wanted = key.map(Key::Sent);
        self.note_missing_property(wanted, &value, &names, position);
        Ok(name.zip(value.object).map(|((name, _), value)| Request {
            name,
            key,
            secret_type: secret_type.map(|(secret_type, _)| secret_type),
            value,
        }))
    }

    /// Reads a string and notes what is wrong with it. Returns it with its position, if nothing is.
    fn text(&mut self, place: Place) -> Result<Option<(JsonStr<'a>, usize)>, Malformed> {
        self.place = place;
        let kind = self.scan.kind()?;
        let position = self.scan.at();
        if kind != JsonKind::String {
            self.report.add(place, Problem::WrongType(kind), position);
            self.skip(place)?;
            return Ok(None);
        }
        let token = self.scan.string()?;
        let text = self.scan.json_str(token);
        let mut sound = true;
        if let Some(position) = self.scan.take_lone_surrogate() {
            self.report.add(place, Problem::LoneSurrogate, position);
            sound = false;
        }
        let mut note = |broken: InvalidIdentifier| {
            self.report
                .add(place, Problem::Identifier(broken), position);
            sound = false;
        };
        match place {
            Place::Key => rules::key(&measure(text)).for_each(&mut note),
            // Of what is not ASCII one byte is as wrong as the character.
            Place::Type => match text.as_str() {
                Some(plain) => rules::secret_type(plain.bytes().map(char::from)),
                None => rules::secret_type(text.chars()),
            }
            .into_iter()
            .for_each(&mut note),
            _ => rules::name(&measure(text)).for_each(&mut note),
        }
        Ok(sound.then_some((text, position)))
    }
}

/// What the rules ask of what a JSON string spells.
fn measure(text: JsonStr<'_>) -> Measure {
    match text.as_str() {
        Some(plain) => plain.into(),
        None => text.chars().collect(),
    }
}

/// The members of the request or of `secret`, some of which are known.
struct Members<'s, 'a> {
    place: Place,
    known: &'static [Place],
    names: MemberNames<'s, 'a>,
    first: bool,
    count: usize,
    /// Two bits for each of `known`: it was there; it was there in another case.
    met: u32,
}

impl<'s, 'a> Members<'s, 'a> {
    fn new(
        place: Place,
        known: &'static [Place],
        walk: &Walk<'_, 'a>,
        slots: &'s mut [Slot],
    ) -> Self {
        let names = MemberNames::new(walk.scan.text(), slots);
        Self {
            place,
            known,
            names,
            first: true,
            count: 0,
            met: 0,
        }
    }

    /// Steps to the next member's value and tells its place, if it is known and new. What is wrong
    /// with its name is noted.
    fn next(&mut self, walk: &mut Walk<'_, 'a>) -> Result<Option<Option<Place>>, Malformed> {
        let Some(token) = walk.scan.member(&mut self.first)? else {
            return Ok(None);
        };
        let inserted = walk.note_name(self.place, token, &mut self.count, &mut self.names);
        let name = walk.scan.json_str(token);
        if let Some(i) = self.known.iter().position(|place| name == *place.name()) {
            let there = 1 << (2 * i);
            let new = self.met & there == 0;
            self.met |= there;
            return Ok(Some(self.known.get(i).copied().filter(|_| new)));
        }
        if !matches!(inserted, Inserted::Duplicate(_)) {
            for (i, &place) in self.known.iter().enumerate() {
                let folded = name.chars().map(|c| c.to_ascii_lowercase());
                if folded.eq(place.name().chars()) {
                    self.met |= 2 << (2 * i);
                    walk.report.add(place, Problem::WrongCase, token.position());
                }
            }
        }
        Ok(Some(None))
    }

    /// Once the object is closed: notes which of `required` were not there. One that was there in
    /// another case was noted before.
    fn note_missing(&self, walk: &mut Walk<'_, 'a>, required: &[Place]) {
        for (i, place) in self.known.iter().enumerate() {
            if self.met >> (2 * i) & 3 == 0 && required.contains(place) {
                walk.report
                    .add(*place, Problem::Missing, walk.scan.at() - 1);
            }
        }
    }
}

/// The known members of the request.
const REQUEST: [Place; 1] = [Place::Secret];

/// The known members of `secret`.
const SECRET: [Place; 4] = [Place::Name, Place::Key, Place::Type, Place::Value];
