//! All requests of the logs, in the order of their times: what a replay runs over.

use std::borrow::Cow;

use indexmap::IndexSet;
use tidegate::{MAX_KEY_BYTES, Nanos};

use crate::cost::{Cost, Costs, StoredCost};
use crate::failure::{Failure, Result};
use crate::input::Source;
use crate::log::{LineError, Parser, Record, Selector, network, shorten};
use crate::progress::Progress;

/// How many malformed lines are named; the others are only counted.
const NAMED_MALFORMED: usize = 5;

/// The key of requests that do not say whose they are.
const NO_KEY: &[u8] = b"-";

/// One request. 16 bytes, since a log has many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) time: Nanos,
    /// The number of its key in [`Trace::keys`].
    pub(crate) key: u32,
    /// To be read with [`Trace::cost`].
    pub(crate) cost: StoredCost,
}

/// How a line becomes an [`Event`].
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) parser: Parser,
    pub(crate) key: Selector,
    pub(crate) cost: Cost,
    pub(crate) ipv6_prefix: u8,
}

/// A line that could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) source: String,
    /// Counted from 1.
    pub(crate) line: u64,
    pub(crate) reason: LineError,
}

/// The requests of all logs.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// In the order of their times; those of one time as they were read.
    pub(crate) events: Vec<Event>,
    pub(crate) keys: IndexSet<Box<[u8]>, ahash::RandomState>,
    pub(crate) costs: Costs,
    pub(crate) malformed: u64,
    /// The first of the malformed lines.
    pub(crate) named: Vec<Malformed>,
    /// Requests that had no key of their own.
    pub(crate) keyless: u64,
    /// Gzip files with something behind it that is none.
    pub(crate) leftovers: Vec<String>,
}

impl Trace {
    /// Reads all of `sources`.
    pub(crate) fn read(sources: &[Source], reading: &Reading, progress: &Progress) -> Result<Self> {
        let mut trace = Self::default();
        for source in sources {
            trace.read_source(source, reading, progress)?;
        }
        // Servers write a line when its request has ended, so logs are never quite in order.
        trace.events.sort_by_key(|event| event.time);
        Ok(trace)
    }

    fn read_source(&mut self, source: &Source, reading: &Reading, progress: &Progress) -> Result<()> {
        let mut lines = source.open(progress)?;
        let mut number = 0;
        while let Some(line) = lines.next().map_err(source.cannot_read())? {
            number += 1;
            if number % 4096 == 0 {
                progress.look();
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            match self.event(line, reading) {
                Ok(event) => self.events.push(event),
                Err(reason) => self.note_malformed(source, number, reason),
            }
        }
        if lines.had_leftover() {
            self.leftovers.push(source.to_string());
        }
        Ok(())
    }

    fn event(&mut self, line: &[u8], reading: &Reading) -> Result<Event, LineError> {
        let record = reading.parser.parse(line)?;
        let cost = self.costs.store(reading.cost(&record)?)?;
        let key = match reading.key(&record)? {
            Some(key) => self.number_of(&key)?,
            None => {
                self.keyless += 1;
                self.number_of(NO_KEY)?
            }
        };
        Ok(Event { time: record.time(), key, cost })
    }

    fn number_of(&mut self, key: &[u8]) -> Result<u32, LineError> {
        let number = self.keys.get_index_of(key).unwrap_or_else(|| self.keys.insert_full(key.into()).0);
        u32::try_from(number)
            .map_err(|_| LineError::Value { reason: "more than 4,294,967,296 keys".to_owned() })
    }

    fn note_malformed(&mut self, source: &Source, line: u64, reason: LineError) {
        self.malformed += 1;
        if self.named.len() < NAMED_MALFORMED {
            self.named.push(Malformed { source: source.to_string(), line, reason });
        }
    }

    /// The key of that number as the log has it.
    pub(crate) fn key(&self, number: u32) -> &[u8] {
        self.keys.get_index(number as usize).map_or(NO_KEY, |key| key)
    }

    pub(crate) fn cost(&self, event: &Event) -> u64 {
        self.costs.get(event.cost)
    }

    /// The times of the first and the last request.
    pub(crate) fn span(&self) -> Option<(Nanos, Nanos)> {
        Some((self.events.first()?.time, self.events.last()?.time))
    }
}

impl Reading {
    fn key<'r>(&self, record: &'r Record<'_>) -> Result<Option<Cow<'r, [u8]>>, LineError> {
        let Some(value) = record.get(&self.key)? else { return Ok(None) };
        if value.len() > MAX_KEY_BYTES {
            let reason = format!("the key has {} bytes; at most {MAX_KEY_BYTES} are allowed", value.len());
            return Err(LineError::Value { reason });
        }
        Ok(Some(match (&self.key, value) {
            (Selector::Address, Cow::Borrowed(address)) => network(address, self.ipv6_prefix),
            (Selector::Address, Cow::Owned(address)) => {
                Cow::Owned(network(&address, self.ipv6_prefix).into_owned())
            }
            (_, value) => value,
        }))
    }

    fn cost(&self, record: &Record<'_>) -> Result<u64, LineError> {
        let selector = match &self.cost {
            Cost::Fixed(cost) => return Ok(*cost),
            Cost::Value(selector) => selector,
        };
        let Some(value) = record.get(selector)? else { return Ok(1) };
        let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse::<u64>().ok());
        number.map(|cost| cost.max(1)).ok_or_else(|| LineError::Value {
            reason: format!("the cost `{}` is no whole number up to {}", shorten(&value, 40), u64::MAX),
        })
    }
}

/// What a person should know before reading the numbers.
pub(crate) fn warnings(trace: &Trace, key: &Selector) -> Vec<String> {
    let mut warnings: Vec<String> =
        trace.named.iter().map(|m| format!("{}:{}: {}", m.source, m.line, m.reason)).collect();
    let unnamed = trace.malformed - trace.named.len() as u64;
    if unnamed > 0 {
        warnings.push(format!("{} like these", crate::text::count(unnamed, "more line")));
    }
    let ignored = "what stands behind the gzip data is no gzip and was ignored";
    warnings.extend(trace.leftovers.iter().map(|source| format!("warning: {source}: {ignored}")));
    if trace.events.is_empty() {
        warnings.push("warning: no line could be read as a request".to_owned());
    } else if trace.keyless == trace.events.len() as u64 {
        warnings
            .push(format!("warning: no request has a value for the key {key}; all of them share one quota"));
    }
    warnings
}

/// The total size of all sources, if it is known.
pub(crate) fn total_size(sources: &[Source]) -> Result<Option<u64>, Failure> {
    let sizes = sources.iter().map(Source::size).collect::<Result<Vec<_>>>()?;
    Ok(sizes.into_iter().sum())
}
