//! What the demo says in the terminal.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use tidegate::Policy;
use tidegate_cli::show::{Table, count, grouped, left, right};
use tidegate_reference::{Algorithm, Limit};

use crate::answers::{Case, Same};
use crate::judge::{self, Tally};
use crate::log::Requests;
use crate::run::{Calls, Flood};
use crate::timeline::unit;
use crate::traffic::Server;

const HEADING: Style = Style::new().bold();
const LABEL: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// `C, Go and Node`.
#[must_use]
pub fn listed(servers: &[Server]) -> String {
    let names: Vec<_> = servers.iter().map(|server| server.name.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Before the log is sent.
pub fn begin(servers: &[Server], policy: &Policy, requests: &Requests) {
    anstream::println!("\n{HEADING}Servers in {} on one quota{HEADING:#}", listed(servers));
    for server in servers {
        anstream::println!("  {:<7} {LABEL}{}{LABEL:#}", server.name, server.url);
    }
    let (number, keys) =
        (count(requests.order.len() as u64, "request"), count(requests.keys.len() as u64, "key"));
    anstream::println!("\n{HEADING}The log's callers, and a flood between them{HEADING:#}");
    anstream::println!("  {policy}\n  {LABEL}{number} of {keys}, each to the next server{LABEL:#}\n");
}

/// After the log was sent.
pub fn calls(calls: &Calls) {
    let mut table =
        Table::new([left("SERVER"), right("SENT"), right("ADMITTED"), right("DENIED"), right("UNANSWERED")]);
    for (server, tally) in calls.servers.iter().zip(&calls.tallies) {
        table.row(row(&server.name, tally));
    }
    let mut all = Tally::default();
    for tally in &calls.tallies {
        all.sent += tally.sent;
        all.admitted += tally.admitted;
        all.denied += tally.denied;
        all.unanswered += tally.unanswered + tally.other;
    }
    table.row(row("together", &all));
    let (exact, none) = (&calls.exact, String::new);
    let [admitted, denied] = [exact.admitted, exact.denied].map(grouped);
    table.row(["by the model".to_owned(), none(), admitted, denied, none()]);
    show(&table);
    verdict(&exact.differences, &format!("equal, for each of {}", count(calls.keys as u64, "key")));
    bytes(calls);
}

fn row(name: &str, tally: &Tally) -> [String; 5] {
    let numbers = [tally.sent, tally.admitted, tally.denied, tally.unanswered + tally.other];
    let [sent, admitted, denied, unanswered] = numbers.map(grouped);
    [name.to_owned(), sent, admitted, denied, unanswered]
}

fn bytes(calls: &Calls) {
    anstream::println!("\n{HEADING}Headers and bodies, byte by byte{HEADING:#}");
    for answer in &calls.answers {
        match answer {
            Ok(Same { case, lines }) => {
                let number = count(lines.len() as u64, "line");
                anstream::println!(
                    "  {GOOD}same{GOOD:#}   {:<22} {LABEL}{number}{LABEL:#}",
                    case.to_string()
                );
                // The others are on the page.
                for line in lines.iter().filter(|_| *case == Case::Denied) {
                    anstream::println!("         {LABEL}{}{LABEL:#}", shortened(line));
                }
            }
            Err(why) => anstream::println!("  {BAD}differ{BAD:#} {why}"),
        }
    }
}

/// A line as wide as a terminal.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(88) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

/// Before the flood.
pub fn begin_flood(policy: &Policy, seconds: u64) {
    anstream::println!("\n{HEADING}A flood on one key{HEADING:#}");
    anstream::println!(
        "  {policy}\n  {LABEL}{} of everything on one key{LABEL:#}\n",
        count(seconds, "second")
    );
}

/// After the flood.
pub fn flood(flood: &Flood) {
    let mut table =
        Table::new([left("SERVER"), right("SENT"), right("ADMITTED"), right("DENIED"), right("UNANSWERED")]);
    for (server, tally) in flood.servers.iter().zip(judge::by_server(&flood.samples, flood.servers.len())) {
        table.row(row(&server.name, &tally));
    }
    table.row(row("together", &Tally::of(&flood.samples)));
    show(&table);
    for line in most(flood) {
        anstream::println!("  {line}");
    }
    if let Some((at, server)) = flood.killed.and_then(|(at, server)| Some((at, flood.servers.get(server)?))) {
        anstream::println!(
            "  a worker of {} was killed after {:.1} s (kill -9)",
            server.name,
            at.as_secs_f64()
        );
    }
    verdict(&flood.faults, "no window holds more than its limit");
}

/// For each sliding window, the most that was for certain admitted in one, in words.
#[must_use]
pub fn most(flood: &Flood) -> Vec<String> {
    let is_log = |limit: &&Limit| limit.algorithm == Algorithm::SlidingWindowLog;
    let words = |limit: &Limit| {
        let most = judge::most_within(&flood.samples, flood.servers.len(), limit.window);
        format!("at most {most} admitted within any {}; the quota is {}", unit(limit.window), limit.quota)
    };
    flood.limits.iter().filter(is_log).map(words).collect()
}

fn show(table: &Table<5>) {
    let mut lines = table.lines();
    anstream::println!("{LABEL}{}{LABEL:#}", lines.next().unwrap_or_default());
    lines.for_each(|line| anstream::println!("{line}"));
}

/// How many differences are told one by one.
const TOLD: usize = 10;

fn verdict(differences: &[String], otherwise: &str) {
    if differences.is_empty() {
        anstream::println!("  {GOOD}{otherwise}{GOOD:#}");
    }
    for difference in differences.iter().take(TOLD) {
        anstream::println!("  {BAD}{difference}{BAD:#}");
    }
}

/// The last word.
pub fn end(differences: &[String], page: &Path) {
    match differences {
        [] => anstream::println!("\n{GOOD}No difference.{GOOD:#} The page: {}", page.display()),
        some => {
            anstream::println!(
                "\n{BAD}{}.{BAD:#} The page: {}",
                count(some.len() as u64, "difference"),
                page.display()
            );
            for difference in some.iter().take(TOLD) {
                anstream::eprintln!("  {difference}");
            }
        }
    }
}
