//! A text that is one string.

use super::Scanner;
use crate::string::JsonStr;

impl<'a> JsonStr<'a> {
    /// Takes exactly one JSON string with its quotes, without whitespace around it.
    ///
    /// `None` if it is anything else, or if it escapes half of a surrogate pair.
    ///
    /// ```
    /// use sealpost_json::JsonStr;
    ///
    /// let text = JsonStr::from_json(r#""caf\u00e9""#).unwrap();
    /// assert_eq!(text, *"café");
    /// assert_eq!(text.raw(), r"caf\u00e9");
    /// assert!(JsonStr::from_json(r#""\ud800""#).is_none());
    /// ```
    #[must_use]
    pub fn from_json(json: &'a str) -> Option<Self> {
        let mut scan = Scanner::new(json.as_bytes());
        if !json.starts_with('"') {
            return None;
        }
        let token = scan.string().ok()?;
        let whole = scan.at() == json.len() && scan.take_lone_surrogate().is_none();
        whole.then(|| scan.json_str(token))
    }
}
