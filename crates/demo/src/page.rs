//! The result as one page that needs nothing else: no script, no network, no other file.

use maud::{Markup, html};
use tidegate_cli::show::{count, document, grouped, percent};

use crate::answers::Same;
use crate::judge::{self, Tally};
use crate::run::{Calls, Flood};
use crate::table::{listed, most};
use crate::timeline;
use crate::traffic::Server;

/// What the replay's pages don't have.
const OWN: &str = "
  .same { color: #1a7f37 } .differs { color: var(--denied) }
  .tag { display: inline-block; padding: 1px 9px; border: 1px solid currentColor; border-radius: 99px; font-size: 12px; font-weight: 600 }
  .total > * { border-top: 2px solid var(--line); font-weight: 600 }
  .model > * { color: var(--soft) }
  pre { margin: 8px 0 18px; padding: 12px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--ground); overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font: 12.5px/1.55 ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace }
  section > p { color: var(--soft) }
  section h3 { display: flex; gap: 10px; align-items: baseline; margin: 0 }
  section .tl { margin: 6px 0 10px }
  @media (prefers-color-scheme: dark) { .same { color: #3fb950 } }
";

/// The whole page.
#[must_use]
pub fn page(calls: &Calls, flood: &Flood) -> String {
    let body = html! {
        (head(calls, flood))
        main {
            (of_flood(flood))
            (of_calls(calls))
            (of_answers(calls))
        }
        footer { "Written by tidegate " (env!("CARGO_PKG_VERSION")) ". The same log, replayed against a policy: " a href="report.html" { "report.html" } }
    };
    document("tidegate: one quota, several languages", OWN, &body)
}

fn head(calls: &Calls, flood: &Flood) -> Markup {
    let differences: Vec<_> = calls.differences().into_iter().chain(flood.faults.clone()).collect();
    let all: Vec<_> = calls.tallies.iter().copied().chain([Tally::of(&flood.samples)]).collect();
    let sum = |of: fn(&Tally) -> u64| all.iter().map(of).sum::<u64>();
    let (sent, admitted, denied) = (sum(|t| t.sent), sum(|t| t.admitted), sum(|t| t.denied));
    html! {
        header {
            p.brand { "tidegate demo" }
            h1 { "One quota, held by servers in " (listed(&calls.servers)) }
            p.soft { "All of them on one segment and one policy file; asked over HTTP, and judged against the reference model." }
            dl.tiles {
                div { dt { "Requests" } dd { (grouped(sent)) } dd { "to " (count(calls.servers.len() as u64, "server")) } }
                div { dt { "Admitted" } dd { (grouped(admitted)) } dd { (percent(admitted, sent)) } }
                div { dt { "Denied" } dd { (grouped(denied)) } dd { (percent(denied, sent)) } }
                div.is-denied[!differences.is_empty()] {
                    dt { "Differences" } dd { (grouped(differences.len() as u64)) } dd { "from the model, or between servers" }
                }
            }
            @if !differences.is_empty() { ul.lines.differs { @for difference in differences.iter().take(50) { li { (difference) } } } }
        }
    }
}

fn of_flood(flood: &Flood) -> Markup {
    let tallies = judge::by_server(&flood.samples, flood.servers.len());
    html! {
        section {
            h2 { "A flood on one key" }
            p { code { (flood.policy) } }
            div.wide { (timeline::picture(flood)) }
            p {
                @for line in most(flood) { "Measured: " (line) ". " }
                @if flood.killed.is_some() { "What the killed worker left unanswered may have been admitted or not: it is judged as unknown." }
            }
            (tallied(&flood.servers, &tallies, None))
        }
    }
}

fn of_calls(calls: &Calls) -> Markup {
    let what = if calls.exact.differences.is_empty() {
        html! { span.tag.same { "equal for each of " (count(calls.keys as u64, "key")) } }
    } else {
        html! { span.tag.differs { (count(calls.exact.differences.len() as u64, "difference")) } }
    };
    html! {
        section {
            h2 { "The log's callers, and a flood between them " (what) }
            p { code { (calls.policy) } }
            p {
                "Each request goes to the next server. Nothing comes back while the run lasts, so the model's counts are the only right ones. "
                "The flood asked " (count(calls.flood.sent, "time")) " for one key, and was admitted " (grouped(calls.flood.admitted)) "."
            }
            (tallied(&calls.servers, &calls.tallies, Some((calls.exact.admitted, calls.exact.denied))))
        }
    }
}

/// Counts by server, their sum, and the model's.
fn tallied(servers: &[Server], tallies: &[Tally], model: Option<(u64, u64)>) -> Markup {
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let failed = |tally: &Tally| tally.unanswered + tally.other;
    let numbers = |numbers: [u64; 4]| html! { @for number in numbers { td.n { (grouped(number)) } } };
    html! {
        div.wide { table {
            thead { tr {
                th scope="col" { "Server" } th.n scope="col" { "Sent" } th.n scope="col" { "Admitted" }
                th.n scope="col" { "Denied" } th.n scope="col" { "Unanswered" }
            } }
            tbody {
                @for (server, tally) in servers.iter().zip(tallies) {
                    tr { th scope="row" { (server.name) } (numbers([tally.sent, tally.admitted, tally.denied, failed(tally)])) }
                }
                tr.total { th scope="row" { "together" } (numbers([sum(|t| t.sent), sum(|t| t.admitted), sum(|t| t.denied), sum(|t| t.unanswered + t.other)])) }
                @if let Some((admitted, denied)) = model {
                    tr.model { th scope="row" { "by the model" } td {} td.n { (grouped(admitted)) } td.n { (grouped(denied)) } td {} }
                }
            }
        } }
    }
}

fn of_answers(calls: &Calls) -> Markup {
    html! {
        section {
            h2 { "The same bytes from every server" }
            @for answer in &calls.answers {
                @match answer {
                    Ok(Same { case, lines }) => {
                        h3 { (case) span.tag.same { "same" } }
                        pre { (lines.join("\n")) }
                    }
                    Err(why) => { p.differs { (why) } }
                }
            }
        }
    }
}
