//! The same question to every server, and whether they answer with the same bytes.
//!
//! What is compared: every header of ours (those of rate limits, `Retry-After`, `Cache-Control`), and of
//! refusals also `Content-Type`, `Content-Length` and the body. Names are compared without their case,
//! since HTTP/1.1 servers write them as they like and HTTP/2 has none; values byte by byte.
//!
//! `Retry-After` and `RateLimit` count down, so the servers have to be asked while no second passes. The
//! first one is asked again at the end: these numbers only ever fall, or only ever rise, so if it says
//! the same then all have been asked about the same. Else it is tried again, with another key; so is what
//! differs, since a reset within a hair of a full second may be rounded both ways.

use std::fmt;

use crate::client::{Answer, Client, Question};
use crate::traffic::Server;

/// How often a question is asked before it counts that the answers differ.
pub const ATTEMPTS: usize = 12;

/// A body beyond `max_body` of the policy.
const TOO_LARGE: usize = 2_000;

/// A question whose answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// The first request of a key.
    Admitted,
    /// A request of a key that has spent its quota.
    Denied,
    /// The same, of a caller who prefers a problem (RFC 9457).
    Problem,
    /// A body that is too large.
    TooLarge,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Admitted, Self::Denied, Self::Problem, Self::TooLarge];

    /// The status that is expected.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Admitted => 200,
            Self::Denied | Self::Problem => 429,
            Self::TooLarge => 413,
        }
    }

    fn question(self, key: &str) -> Question<'_> {
        let plain = Question { key, ..Question::default() };
        match self {
            Self::Admitted | Self::Denied => plain,
            Self::Problem => Question { accept: Some("application/problem+json"), ..plain },
            Self::TooLarge => Question { body: TOO_LARGE, ..plain },
        }
    }

    /// The key of the `nth` question of an attempt: one that was never seen, or one that is spent.
    fn key(self, attempt: usize, nth: usize, spent: &[String]) -> Option<String> {
        match self {
            Self::Admitted => Some(format!("newcomer-{attempt}-{nth}")),
            _ => spent.get(attempt % spent.len().max(1)).cloned(),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admitted => "200 OK",
            Self::Denied => "429 Too Many Requests",
            Self::Problem => "429, as a problem",
            Self::TooLarge => "413 Content Too Large",
        })
    }
}

/// What all servers answered alike: the lines, and the body where it is a refusal's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    /// The question.
    pub case: Case,
    /// Headers in the order of their names; then the body.
    pub lines: Vec<String>,
}

/// Asks all servers until they say the same, or it is certain that they don't. `spent` are keys that
/// have nothing left.
///
/// # Errors
/// What differs, in words.
pub fn compare(servers: &[Server], case: Case, spent: &[String]) -> Result<Same, String> {
    let (client, mut why) = (Client::default(), "the numbers changed during every attempt".to_owned());
    for attempt in 0..ATTEMPTS {
        let round = servers.iter().chain(servers.first()).enumerate();
        let answers = round.map(|(nth, server)| {
            let key = case.key(attempt, nth, spent).ok_or("no key has spent its quota")?;
            client
                .ask(&server.url, case.question(&key))
                .map_err(|error| format!("{} does not answer: {error}", server.name))
        });
        let answers = answers.collect::<Result<Vec<_>, _>>()?;
        match difference(servers, case, &answers) {
            Ok(Some(same)) => return Ok(same),
            Ok(None) => {}
            Err(difference) => why = difference,
        }
    }
    Err(format!("{case}: {why}"))
}

/// Compares one round of answers: one of each server in order, then the first server's again. `None` if
/// the numbers changed meanwhile.
///
/// # Errors
/// What differs.
pub fn difference(servers: &[Server], case: Case, answers: &[Answer]) -> Result<Option<Same>, String> {
    let mut rounds = answers.iter().map(|answer| lines(answer, case.status() >= 400));
    let (Some(first), Some(again)) = (rounds.next(), rounds.next_back()) else { return Ok(None) };
    if let Some((server, answer)) = servers.iter().zip(answers).find(|(_, a)| a.status != case.status()) {
        return Err(format!("{} answers with {}", server.name, answer.status));
    }
    if first != again {
        return Ok(None);
    }
    let names = servers.iter().map(|server| server.name.as_str());
    let name = names.clone().next().unwrap_or_default();
    for (other, lines) in names.skip(1).zip(rounds) {
        if lines != first {
            return Err(told_apart(name, &first, other, &lines));
        }
    }
    Ok(Some(Same { case, lines: first }))
}

fn told_apart(name: &str, first: &[String], other: &str, lines: &[String]) -> String {
    let missing = |lines: &[String], within: &[String]| {
        let lines: Vec<_> = lines.iter().filter(|line| !within.contains(line)).cloned().collect();
        if lines.is_empty() { "nothing".to_owned() } else { format!("`{}`", lines.join("`, `")) }
    };
    format!("{name} says {} where {other} says {}", missing(first, lines), missing(lines, first))
}

/// What is compared of an answer.
fn lines(answer: &Answer, is_refusal: bool) -> Vec<String> {
    let ours = |name: &str| name.contains("ratelimit") || matches!(name, "retry-after" | "cache-control");
    let of_body = |name: &str| is_refusal && matches!(name, "content-type" | "content-length");
    let headers = answer.headers.iter().filter(|(name, _)| ours(name) || of_body(name));
    let mut lines: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    lines.sort();
    if is_refusal {
        lines.push(answer.body.clone());
    }
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn servers() -> Vec<Server> {
        ["C", "Go", "Node"].map(|name| Server { name: name.to_owned(), url: String::new() }).into()
    }

    fn answer(retry_after: u64) -> Answer {
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("date", format!("second {retry_after}")),
            ("retry-after", retry_after.to_string()),
            ("x-ratelimit-limit", "40".to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        Answer { status: 429, headers: headers.into(), body: format!("in {retry_after}") }
    }

    fn of(answers: [Answer; 4]) -> Result<Option<Same>, String> {
        difference(&servers(), Case::Denied, &answers)
    }

    #[test]
    fn equal_answers_are_the_same_whatever_else_servers_send() {
        let [mut one, two] = [answer(7), answer(7)];
        one.headers.reverse();
        one.headers.push(("server".to_owned(), "one".to_owned()));
        let same = of([one, two.clone(), two.clone(), two]).unwrap().unwrap();
        assert_eq!(
            same.lines,
            ["content-type: application/json", "retry-after: 7", "x-ratelimit-limit: 40", "in 7"]
        );
    }

    #[test]
    fn a_second_that_passes_decides_nothing() {
        assert_eq!(of([answer(7), answer(7), answer(6), answer(6)]), Ok(None));
    }

    #[test]
    fn an_altered_byte_is_found() {
        let mut altered = answer(7);
        altered.headers[3].1 = "41".to_owned();
        let said = of([answer(7), altered, answer(7), answer(7)]).unwrap_err();
        assert_eq!(said, "C says `x-ratelimit-limit: 40` where Go says `x-ratelimit-limit: 41`");
        let mut altered = answer(7);
        altered.body.push('\n');
        assert!(of([answer(7), answer(7), altered, answer(7)]).unwrap_err().contains("Node says"));
    }

    #[test]
    fn a_header_that_is_missing_or_there_twice_is_found() {
        let (mut without, mut twice) = (answer(7), answer(7));
        without.headers.pop();
        let said = of([answer(7), without, answer(7), answer(7)]).unwrap_err();
        assert_eq!(said, "C says `x-ratelimit-limit: 40` where Go says nothing");
        twice.headers.push(("retry-after".to_owned(), "7".to_owned()));
        assert!(of([answer(7), answer(7), twice, answer(7)]).is_err());
    }

    #[test]
    fn another_status_is_found() {
        let admitted = Answer { status: 200, ..answer(7) };
        assert_eq!(of([answer(7), admitted, answer(7), answer(7)]), Err("Go answers with 200".to_owned()));
    }
}
