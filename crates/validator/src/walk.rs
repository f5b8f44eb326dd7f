//! The one pass over a document: what the request's objects and the value have in common.

use sealpost_json::{
    Inserted, JsonKind, JsonValue, MAX_DEPTH, Malformed, MemberNames, Scanner, Token,
};

use crate::violation::{Findings, Place, Problem, Violation};
use crate::{MAX_BODY, MAX_VALUE};

/// Whether a message or a pointer may repeat the names of the value's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// They may: the reader of the message sent the value, or may know its shape.
    List,
    /// They may not: the value was sealed at the source, and the message goes to readers who may not know it.
    Withhold,
}

pub(crate) struct Walk<'v, 'a> {
    pub(crate) scan: Scanner<'a>,
    pub(crate) report: Findings<'v, 'a>,
    /// What a syntax error found now would point at.
    pub(crate) place: Place,
    pub(crate) naming: Naming,
}

/// What is known of `value` once it was walked over.
pub(crate) struct Value<'a> {
    /// The bytes as sent; `None` if they are no object.
    pub(crate) object: Option<JsonValue<'a>>,
    /// Whether all its names are known.
    pub(crate) complete: bool,
}

impl<'v, 'a> Walk<'v, 'a> {
    /// Runs `read` over the whole of `input`, which stands at `place`.
    pub(crate) fn run<T>(
        input: &'a [u8],
        place: Place,
        naming: Naming,
        mut report: Findings<'v, 'a>,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, Malformed>,
    ) -> Option<T> {
        if input.len() > MAX_BODY {
            report.add(place, Problem::TooLarge { bytes: input.len() }, 0);
            return None;
        }
        let mut walk = Self {
            scan: Scanner::new(input),
            report,
            place,
            naming,
        };
        if walk.scan.byte_order_mark() {
            walk.report.add(place, Problem::ByteOrderMark, 0);
        }
        let result = read(&mut walk).and_then(|found| walk.scan.finish().map(|()| found));
        match result {
            Ok(found) => found.filter(|_| walk.report.is_empty()),
            Err(error) => {
                walk.note_lone_surrogate(walk.place);
                walk.report.push(Violation::malformed(walk.place, error));
                None
            }
        }
    }

    /// Steps into an object at `place`. If there is something else, passes it, notes that and says
    /// `false`.
    pub(crate) fn open(&mut self, place: Place) -> Result<bool, Malformed> {
        self.place = place;
        match self.scan.kind()? {
            JsonKind::Object => {
                self.scan.open_object();
                Ok(true)
            }
            other => {
                self.report
                    .add(place, Problem::WrongType(other), self.scan.at());
                self.skip(place)?;
                Ok(false)
            }
        }
    }

    /// Passes a value of no interest.
    pub(crate) fn skip(&mut self, place: Place) -> Result<(), Malformed> {
        self.scan.skip_value(MAX_DEPTH)?;
        self.note_lone_surrogate(place);
        Ok(())
    }

    /// Notes what is wrong with a member's name as such, and says whether it is new.
    #[inline]
    pub(crate) fn note_name(
        &mut self,
        place: Place,
        token: Token,
        count: &mut usize,
        names: &mut MemberNames<'_, 'a>,
    ) -> Inserted {
        self.note_lone_surrogate(place);
        // Positions are those of the opening quote.
        let position = token.position();
        if *count == names.limit() {
            self.report
                .add(place, Problem::TooManyMembers { limit: *count }, position);
        }
        *count += 1;
        let inserted = names.insert(token);
        if let Inserted::Duplicate(first) = inserted {
            let name = (place != Place::Value || self.naming == Naming::List)
                .then(|| self.scan.json_str(token));
            self.report.add(
                place,
                Problem::Duplicate {
                    first: first - 1,
                    name,
                },
                position,
            );
        }
        inserted
    }

    /// Walks over `value` and notes what is wrong with it. Its names are in `names` afterwards.
    pub(crate) fn value(
        &mut self,
        names: &mut MemberNames<'_, 'a>,
    ) -> Result<Value<'a>, Malformed> {
        const PLACE: Place = Place::Value;
        self.place = PLACE;
        self.scan.kind()?;
        let start = self.scan.at();
        let is_object = self.open(PLACE)?;
        let mut count = 0;
        if is_object {
            let mut first = true;
            while let Some(token) = self.scan.member(&mut first)? {
                self.note_name(PLACE, token, &mut count, names);
                // The value itself is the first level.
                self.scan.skip_value(MAX_DEPTH - 1)?;
                self.note_lone_surrogate(PLACE);
            }
        }
        let sent = self.scan.since(start);
        let bytes = sent.as_bytes().len();
        if bytes > MAX_VALUE {
            self.report.add(PLACE, Problem::TooLarge { bytes }, start);
        }
        Ok(Value {
            object: is_object.then_some(sent),
            complete: count <= names.limit(),
        })
    }

    #[inline]
    pub(crate) fn note_lone_surrogate(&mut self, place: Place) {
        if let Some(position) = self.scan.take_lone_surrogate() {
            self.report.add(place, Problem::LoneSurrogate, position);
        }
    }
}
