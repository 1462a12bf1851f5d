//! Who asks: the clients of an access log, and one who floods.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use tidegate_cli::log::{Format, Selector, parse_line};

use crate::Result;

/// Who asks how often between the requests of the log: one request in six is of the flood.
const FLOOD_EVERY: usize = 5;

/// The name of the key that floods.
pub const FLOOD: &str = "flood";

/// Requests in order, by the numbers of their keys.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// The API keys. An address can be none, so that no client is counted as another's address.
    pub keys: Vec<String>,
    /// The key of each request.
    pub order: Vec<usize>,
}

impl Requests {
    /// The first `most` requests of the log, with the flood between them.
    ///
    /// # Errors
    /// The log can't be read, or no line of it.
    pub fn read(path: &Path, most: usize) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let requests = Self::of(bytes.split(|byte| *byte == b'\n').filter_map(client).take(most));
        if requests.keys.len() < 2 {
            return Err(format!("{}: no line could be read as a request", path.display()));
        }
        Ok(requests)
    }

    /// The requests of these clients, with the flood between them.
    pub fn of(clients: impl Iterator<Item = String>) -> Self {
        let mut requests = Self { keys: vec![FLOOD.to_owned()], order: Vec::new() };
        let mut numbers = HashMap::new();
        for (i, client) in clients.enumerate() {
            let number = *numbers.entry(client).or_insert_with_key(|client| {
                requests.keys.push(format!("client-{client}"));
                requests.keys.len() - 1
            });
            requests.order.push(number);
            if i % FLOOD_EVERY == 0 {
                requests.order.push(0);
            }
        }
        requests
    }
}

/// The client of a line of a log.
fn client(line: &[u8]) -> Option<String> {
    let record = parse_line(line, Format::Auto).ok()?;
    let client = record.get(&Selector::Address).ok()??;
    let text = std::str::from_utf8(&client).ok()?;
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flood_stands_between_the_clients() {
        let clients = ["a", "b", "a", "a", "a", "c"].map(str::to_owned);
        let requests = Requests::of(clients.into_iter());
        assert_eq!(requests.keys, ["flood", "client-a", "client-b", "client-c"]);
        assert_eq!(requests.order, [1, 0, 2, 1, 1, 1, 3, 0]);
    }
}
