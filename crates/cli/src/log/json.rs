//! A JSON line. Its fields are found first and decoded only when asked for.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate::Nanos;

use super::error::{LineError, shorten};
use super::{Selector, time};

/// Where servers and log shippers put the time.
const TIME_FIELDS: [&str; 12] = [
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "time_iso8601",
    "time_local",
    "date",
    "datetime",
    "msec",
    "start_time",
    "event_time",
    "t",
];

/// Where they put the client's address.
const ADDRESS_FIELDS: [&str; 15] = [
    "remote_addr",
    "client_ip",
    "ip",
    "remote_ip",
    "client_addr",
    "client_address",
    "remote_address",
    "remote_host",
    "client",
    "address",
    "source_ip",
    "request.client_ip",
    "request.remote_ip",
    "source.ip",
    "httpRequest.remoteIp",
];

/// Where they put the header NAME, beside a field NAME itself.
const HEADER_PLACES: [&str; 4] = ["http_", "headers.", "request.headers.", "req.headers."];

/// How many objects a name with dots may reach into: each is a call within the last one.
const DEEPEST: usize = 16;

/// The fields of an object in their order, undecoded.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Cow<'a, RawValue>)>);

impl<'a> Object<'a> {
    /// Reads a line. Bytes that are no UTF-8 are taken as U+FFFD.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        match String::from_utf8_lossy(line) {
            Cow::Borrowed(text) => Fields::parse(text).map(Self),
            Cow::Owned(text) => {
                Fields::parse(&text).map(|fields| Self(fields.into_iter().map(owned).collect()))
            }
        }
        .map_err(|error| unreadable(&error))
    }

    /// The time, from the field of that name or from the first of the usual ones.
    pub(super) fn time(&self, name: Option<&str>) -> Result<Nanos, LineError> {
        let text = self
            .usual(name, &TIME_FIELDS)?
            .ok_or_else(|| LineError::NoField { what: "time", name: name.map(str::to_owned) })?;
        time::parse(&text).ok_or_else(|| LineError::Time { text: shorten(&text, 40) })
    }

    /// The value that `selector` names.
    pub(super) fn get(
        &self,
        selector: &Selector,
        address_field: Option<&str>,
    ) -> Result<Option<Cow<'_, [u8]>>, LineError> {
        match selector {
            Selector::Address => match self.usual(address_field, &ADDRESS_FIELDS)? {
                None => Err(LineError::NoField { what: "ip", name: address_field.map(str::to_owned) }),
                found => Ok(found),
            },
            Selector::Header(name) => self.header(name),
            Selector::Field(_) => Err(LineError::Unanswerable {
                reason: "a JSON line has no columns: name a field with header:NAME".to_owned(),
            }),
        }
    }

    fn usual(&self, name: Option<&str>, usual: &[&str]) -> Result<Option<Cow<'_, [u8]>>, LineError> {
        match name {
            Some(name) => self.value(name),
            None => first(usual.iter().map(|name| self.value(name))),
        }
    }

    fn header(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, LineError> {
        let elsewhere = HEADER_PLACES.iter().map(|place| self.value(&format!("{place}{name}")));
        first(std::iter::once_with(|| self.value(name)).chain(elsewhere))
    }

    /// The value at a path: a field of that whole name, else the first part's object's rest.
    fn value(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, LineError> {
        if let Some(raw) = self.raw(path) {
            return decode(raw.get());
        }
        if path.matches('.').count() > DEEPEST {
            return Ok(None);
        }
        let Some((outer, inner)) = path.split_once('.') else { return Ok(None) };
        let Some(raw) = self.raw(outer).filter(|raw| raw.get().starts_with('{')) else { return Ok(None) };
        let nested = Object::parse(raw.get().as_bytes())?;
        Ok(nested.value(inner)?.map(|value| Cow::Owned(value.into_owned())))
    }

    fn raw(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(field, _)| same_name(field, name)).map(|(_, raw)| raw.as_ref())
    }
}

/// The first value that is there, or the first error.
fn first<'a>(
    values: impl Iterator<Item = Result<Option<Cow<'a, [u8]>>, LineError>>,
) -> Result<Option<Cow<'a, [u8]>>, LineError> {
    values.map(Result::transpose).find_map(|value| value).transpose()
}

/// Whether two names differ at most in case and in `_` or `-` between words, since
/// `remote_addr`, `remoteAddr` and `Remote-Addr` are all in use.
fn same_name(a: &str, b: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> {
        name.bytes().filter(|b| !matches!(b, b'_' | b'-')).map(|b| b.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// A value as bytes: a string's text, a number's digits, the first item of a list. An object
/// and `null` are nothing.
fn decode(raw: &str) -> Result<Option<Cow<'_, [u8]>>, LineError> {
    match raw.as_bytes() {
        [b'"', text @ .., b'"'] if !text.contains(&b'\\') => Ok(Some(Cow::Borrowed(text))),
        [b'"', ..] => {
            let text: String = read(raw)?;
            Ok(Some(Cow::Owned(text.into_bytes())))
        }
        [b'[', ..] => {
            let items: Vec<&RawValue> = read(raw)?;
            // A list in a list is no header.
            items
                .first()
                .filter(|item| !item.get().starts_with('['))
                .map_or(Ok(None), |item| decode(item.get()))
        }
        [b'{', ..] | b"null" => Ok(None),
        scalar => Ok(Some(Cow::Borrowed(scalar))),
    }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, LineError> {
    serde_json::from_str(raw).map_err(|error| unreadable(&error))
}

/// The reader counts lines within its text, of which a log line has one; and it repeats a text that
/// should have been an object, however long.
fn unreadable(error: &serde_json::Error) -> LineError {
    let reason = error.to_string().replace(" at line 1 column ", " at column ");
    LineError::Json { reason: shorten(reason.as_bytes(), 120) }
}

type Field<'a> = (Cow<'a, str>, Cow<'a, RawValue>);

fn owned(field: Field<'_>) -> Field<'static> {
    (Cow::Owned(field.0.into_owned()), Cow::Owned(field.1.into_owned()))
}

/// Collects an object's fields without building a map of values.
struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> serde_json::Result<Vec<Field<'a>>> {
        serde_json::from_str::<Fields<'a>>(text).map(|fields| fields.0)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some((Name(name), raw)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            fields.push((name, Cow::Borrowed(raw)));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str, key: &str) -> Option<String> {
        let object = Object::parse(line.as_bytes()).ok()?;
        let found = object.get(&key.parse().ok()?, None).ok()??;
        Some(String::from_utf8_lossy(&found).into_owned())
    }

    fn time(line: &str, name: Option<&str>) -> Result<u64, String> {
        let object = Object::parse(line.as_bytes()).map_err(|e| e.to_string())?;
        object.time(name).map(Nanos::get).map_err(|e| e.to_string())
    }

    #[test]
    fn the_usual_names_are_guessed() {
        for line in [
            r#"{"remote_addr":"192.0.2.7"}"#,
            r#"{"remoteAddr":"192.0.2.7"}"#,
            r#"{"x":{"ip":"no"},"Client-IP":"192.0.2.7"}"#,
            r#"{"request":{"remote_ip":"192.0.2.7"}}"#,
            r#"{"source.ip":"192.0.2.7"}"#,
            r#"{"client_ip":null,"ip":"192.0.2.7"}"#,
            r#"{"ip":["192.0.2.7","192.0.2.8"]}"#,
            r#"{"ip":"192.\u0030.2.7"}"#,
        ] {
            assert_eq!(value(line, "ip").as_deref(), Some("192.0.2.7"), "{line}");
        }
    }

    #[test]
    fn headers_are_found_where_servers_put_them() {
        for line in [
            r#"{"user_agent":"A B"}"#,
            r#"{"http_user_agent":"A B"}"#,
            r#"{"headers":{"User-Agent":"A B"}}"#,
            r#"{"request":{"headers":{"User-Agent":["A B"]}}}"#,
        ] {
            assert_eq!(value(line, "header:user-agent").as_deref(), Some("A B"), "{line}");
        }
        assert_eq!(value(r#"{"user":{"id":17}}"#, "header:user.id").as_deref(), Some("17"));
        assert_eq!(value(r#"{"a":{}}"#, "header:a"), None);
        assert_eq!(value(r#"{"a":[[1]]}"#, "header:a"), None);
        assert_eq!(value(r#"{"a":1}"#, "header:a.b.c"), None);
    }

    #[test]
    fn the_time_is_guessed_or_named() {
        assert_eq!(time(r#"{"ts":1431857103.25}"#, None), Ok(1_431_857_103_250_000_000));
        assert_eq!(time(r#"{"msec":"1431857103.250"}"#, None), Ok(1_431_857_103_250_000_000));
        assert_eq!(time(r#"{"@timestamp":"2015-05-17T10:05:03Z"}"#, None), Ok(1_431_857_103_000_000_000));
        assert_eq!(time(r#"{"time":"no","at":{"end":5}}"#, Some("at.end")), Ok(5_000_000_000));
        assert!(
            time(r#"{"time":"soon"}"#, None).is_err_and(|e| e.starts_with("cannot read the time `soon`"))
        );
        assert!(time("{}", None).is_err_and(|e| e.contains("--time-field")));
        assert_eq!(time("{}", Some("at")), Err("no field `at` with time".to_owned()));
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for line in ["", "[]", "17", "{", r#"{"a":1} x"#, r#"{"a"}"#, "null"] {
            assert!(Object::parse(line.as_bytes()).is_err(), "{line}");
        }
        assert!(value("{\"ip\":\"\\ud800\"}", "ip").is_none());
    }

    #[test]
    fn bytes_that_are_no_text_are_tolerated() {
        let object = Object::parse(b"{\"ts\":5,\"agent\":\"\xff\"}");
        assert_eq!(object.and_then(|o| o.time(None)).map(Nanos::get), Ok(5_000_000_000));
    }
}
