//! What the fuzz targets do with their bytes, as plain functions, so that the ordinary tests run
//! them too and they cannot rot. Each panics on what must not be.

use tidegate::{Error, Policy, PolicyFile};
use tidegate_cli::log::{Format, Selector, network, parse_line};

use crate::pair;
use crate::script::Script;

/// Any text gives a policy that survives being written, or an error with a place within it.
///
/// # Panics
/// If not.
pub fn notation(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            let written = policy.to_string();
            let again = Policy::parse(&written);
            assert_eq!(again.as_ref().ok(), Some(&policy), "{text:?} is written {written:?}: {again:?}");
            assert_eq!(again.map(|policy| policy.to_string()).ok(), Some(written), "{text:?}");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let Error::Notation { text: said, at, len, .. } = error else {
                unreachable!("{text:?} gives {error:?}")
            };
            assert!(said == text && text.get(at..at + len).is_some(), "{text:?}, {len} bytes at {at}");
        }
    }
}

/// Any text gives the policies of a file, or an error that says why not.
///
/// # Panics
/// If not.
pub fn policy_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = PolicyFile::from_toml(text) {
        assert!(!error.to_string().is_empty());
    }
}

/// Any line gives a record whose values can be asked for, or an error that says why not, in few
/// words.
///
/// # Panics
/// If not.
pub fn log_line(data: &[u8]) {
    let selectors = ["ip", "header:user-agent", "header:referer", "header:a.b", "field:1", "field:9"];
    for format in [Format::Auto, Format::Combined, Format::Common, Format::Json] {
        match parse_line(data, format) {
            Ok(record) => {
                let _ = record.time();
                for selector in selectors.into_iter().filter_map(|text| text.parse::<Selector>().ok()) {
                    if let Ok(Some(value)) = record.get(&selector) {
                        assert!(!value.is_empty());
                        let _ = (network(&value, 64), network(&value, 0));
                    }
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(!said.is_empty() && said.len() < 1000, "{said}");
            }
        }
    }
}

/// Any calls on any policy are decided as the model decides them.
///
/// # Panics
/// If not.
pub fn operations(data: &[u8]) {
    let mut words =
        data.chunks(8).map(|chunk| chunk.iter().rev().fold(0, |word, &b| word << 8 | u64::from(b)));
    let (start, limits) = (words.next().unwrap_or(0), words.next().unwrap_or(0) % 8);
    let policy: Vec<_> = (0..=limits).map_while(|_| words.next()).collect();
    let script = Script::new(start, &policy, &words.collect::<Vec<_>>());
    let outcome = pair::run(&script);
    assert!(
        outcome.is_ok(),
        "{}\n{script:#?}",
        outcome.map_or_else(|mismatch| mismatch.0, |()| String::new())
    );
}
