//! The result as one page that needs nothing else: no script, no network, no other file.
//!
//! Everything that comes from a log goes through maud, which escapes it; and should that fail,
//! the page's own policy forbids it to run or load anything.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Chart, Layer, highest, legend};
use super::{Report, quota, text::signed, title};
use crate::log::shorten;
use crate::replay::Outcome;
use crate::text::{clock_minute, count, date_time, grouped, percent, span};

const STYLE: &str = include_str!("style.css");
const SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The longest key that is shown whole.
const KEY_LENGTH: usize = 120;

pub(super) fn render(report: &Report<'_>) -> String {
    let title = format!("tidegate: {}", report.sources.join(", "));
    let body = html! {
        (head(report))
        main {
            (over_time(report))
            @if report.main.denied() > 0 { (by_limit(report.main)) (keys(report)) }
            @if !report.what_if.is_empty() { (what_if(report)) }
            @if report.trace.malformed > 0 { (malformed(report)) }
        }
        footer { "Written by tidegate " (env!("CARGO_PKG_VERSION")) ". All times in UTC." }
    };
    document(&title, "", &body)
}

/// A page of ours: in our style, with more of its own, and forbidden to run or load anything.
#[must_use]
pub fn document(title: &str, own_style: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(SECURITY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(own_style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

fn head(report: &Report<'_>) -> Markup {
    let main = report.main;
    html! {
        header {
            p.brand { "tidegate replay" }
            h1 { (headline(report)) }
            p.policy { code { (title(&main.policy)) } }
            p.soft {
                (report.sources.join(", "))
                @if let Some((first, last)) = report.trace.span() {
                    " · " (date_time(first)) " to " (date_time(last)) " UTC"
                    " (" (span(last.saturating_since(first).as_secs())) ")"
                }
                " · by " (report.key)
                @if report.cost != "1" { " · cost " (report.cost) }
            }
            (tiles(report))
        }
    }
}

fn headline(report: &Report<'_>) -> String {
    let requests = count(report.requests(), "request");
    match report.main.denied() {
        0 => format!("None of {requests} would have been denied"),
        denied => format!("{} of {requests} would have been denied", grouped(denied)),
    }
}

fn tiles(report: &Report<'_>) -> Markup {
    let (main, requests) = (report.main, report.requests());
    let keys = report.trace.keys.len() as u64;
    html! {
        dl.tiles {
            div { dt { "Requests" } dd { (grouped(requests)) } dd { "from " (count(keys, "key")) } }
            div { dt { "Admitted" } dd { (grouped(main.allowed)) } dd { (percent(main.allowed, requests)) } }
            div.is-denied[main.denied() > 0] {
                dt { "Denied" } dd { (grouped(main.denied())) } dd { (percent(main.denied(), requests)) }
            }
            div { dt { "Keys denied" } dd { (grouped(main.denied_keys())) } dd { (percent(main.denied_keys(), keys)) " of all" } }
            @if let Some(minute) = main.busiest {
                div {
                    dt { "Busiest minute" }
                    dd { (grouped(minute.requests)) }
                    dd { (clock_minute(minute.start)) ", " (grouped(minute.denied)) " denied" }
                }
            }
        }
    }
}

fn over_time(report: &Report<'_>) -> Markup {
    let series = &report.main.series;
    let values = |of: fn(&crate::replay::Slot) -> u64| series.slots.iter().map(of).collect();
    let layers = vec![
        Layer { name: "admitted".into(), class: "admitted".into(), values: values(|slot| slot.allowed) },
        Layer { name: "denied".into(), class: "denied".into(), values: values(crate::replay::Slot::denied) },
    ];
    let unit = span(series.slot_seconds);
    let unit = unit.strip_prefix("1 ").unwrap_or(&unit);
    html! {
        section {
            h2 { "Over time" }
            (figure(&format!("Requests per {unit}"), report.main, layers, None, 260.0))
            @if report.main.denied() > 0 {
                (figure(&format!("Denied per {unit}, by limit"), report.main, by_limits(report.main), None, 140.0))
                (numbers(report.main))
            }
        }
    }
}

/// A chart with its caption and legend; `most` gives several the same scale.
fn figure(caption: &str, outcome: &Outcome, layers: Vec<Layer>, most: Option<u64>, height: f64) -> Markup {
    let most = most.unwrap_or_else(|| highest(&layers));
    let total = |layer: &Layer| format!("{} {}", grouped(layer.values.iter().sum()), layer.name);
    let totals: Vec<_> = layers.iter().map(total).collect();
    let label = format!("{caption}: in all {}", totals.join(", "));
    let legend = legend(&layers);
    let chart = Chart { label, height, series: &outcome.series, layers, most };
    html! {
        figure {
            figcaption { span { (caption) } (legend) }
            div.wide { (chart.svg()) }
        }
    }
}

fn by_limits(outcome: &Outcome) -> Vec<Layer> {
    let layer = |(i, limit): (usize, &tidegate::Limit)| Layer {
        name: limit.name().to_owned(),
        class: format!("limit-{i}"),
        values: outcome.series.slots.iter().map(|slot| slot.denied_by.get(i).copied().unwrap_or(0)).collect(),
    };
    outcome.policy.limits().iter().enumerate().map(layer).collect()
}

/// The chart's numbers as a table: for those who cannot point at a bar. Quiet times are left out.
fn numbers(outcome: &Outcome) -> Markup {
    let slots = outcome.series.slots.iter().enumerate().filter(|(_, slot)| slot.denied() > 0);
    html! {
        details {
            summary { "The times with denials, as a table" }
            div.wide { table {
                thead { tr { th scope="col" { "From" } th.n scope="col" { "Admitted" } th.n scope="col" { "Denied" } } }
                tbody {
                    @for (i, slot) in slots {
                        tr {
                            th.when scope="row" { (date_time(outcome.series.start_of(i))) }
                            td.n { (grouped(slot.allowed)) }
                            td.n { (grouped(slot.denied())) }
                        }
                    }
                }
            } }
        }
    }
}

fn by_limit(outcome: &Outcome) -> Markup {
    let most = outcome.denied_by.iter().copied().max().unwrap_or(0);
    let limits = outcome.policy.limits().iter().zip(&outcome.denied_by).enumerate();
    html! {
        section {
            h2 { "By limit" }
            div.wide { table {
                thead { tr {
                    th scope="col" { "Limit" } th scope="col" { "Quota" }
                    th.n scope="col" { "Denied" } th.n scope="col" { "Share" } th.bar { }
                } }
                tbody {
                    @for (i, (limit, &denied)) in limits {
                        tr {
                            th scope="row" { (limit.name()) }
                            td { code { (quota(limit)) } }
                            td.n { (grouped(denied)) }
                            td.n { (percent(denied, outcome.denied())) }
                            (bar(&format!("limit-{i}"), denied, most))
                        }
                    }
                }
            } }
        }
    }
}

/// A table cell with a bar, which repeats a number beside it.
fn bar(class: &str, part: u64, most: u64) -> Markup {
    let width = format!("width:{:.1}%", 100.0 * part as f64 / most.max(1) as f64);
    html! { td.bar aria-hidden="true" { @if part > 0 { span.(class) style=(width) {} } } }
}

fn keys(report: &Report<'_>) -> Markup {
    let top = report.main.top_denied(report.top);
    let most = top.first().map_or(0, |(_, key)| key.denied);
    html! {
        section {
            h2 { "Most denied keys" }
            div.wide { table {
                thead { tr {
                    th scope="col" { "Key" } th.n scope="col" { "Requests" } th.n scope="col" { "Denied" }
                    th.n scope="col" { "Share" } th scope="col" { "First denied" } th scope="col" { "Last denied" } th.bar { }
                } }
                tbody {
                    @for (number, key) in top {
                        tr {
                            th scope="row" { code { (shorten(report.trace.key(number), KEY_LENGTH)) } }
                            td.n { (grouped(key.requests)) }
                            td.n { (grouped(key.denied)) }
                            td.n { (percent(key.denied, key.requests)) }
                            td.when { (date_time(key.denied_first)) }
                            td.when { (date_time(key.denied_last)) }
                            (bar("denied", key.denied, most))
                        }
                    }
                }
            } }
        }
    }
}

fn what_if(report: &Report<'_>) -> Markup {
    let most = report.outcomes().map(|outcome| highest(&by_limits(outcome))).max();
    let unit = span(report.main.series.slot_seconds);
    let unit = unit.strip_prefix("1 ").unwrap_or(&unit).to_owned();
    html! {
        section {
            h2 { "What if" }
            (policies(report))
            h3 { "Denied per " (unit) ", by policy" }
            @for outcome in report.outcomes() {
                (figure(&title(&outcome.policy), outcome, by_limits(outcome), most, 110.0))
            }
        }
    }
}

fn policies(report: &Report<'_>) -> Markup {
    let most = report.outcomes().map(Outcome::denied).max().unwrap_or(0);
    html! {
        div.wide { table {
            thead { tr {
                th scope="col" { "Policy" } th.n scope="col" { "Admitted" } th.n scope="col" { "Denied" }
                th.n scope="col" { "Share" } th.n scope="col" { "Difference" } th.n scope="col" { "Keys denied" } th.bar { }
            } }
            tbody {
                @for (i, outcome) in report.outcomes().enumerate() {
                    tr.is-main[i == 0] {
                        th scope="row" { code { (title(&outcome.policy)) } }
                        td.n { (grouped(outcome.allowed)) }
                        td.n { (grouped(outcome.denied())) }
                        td.n { (percent(outcome.denied(), report.requests())) }
                        td.n { @if i == 0 { "–" } @else { (signed(outcome.denied() as i64 - report.main.denied() as i64)) } }
                        td.n { (grouped(outcome.denied_keys())) }
                        (bar("denied", outcome.denied(), most))
                    }
                }
            }
        } }
    }
}

fn malformed(report: &Report<'_>) -> Markup {
    let trace = report.trace;
    html! {
        section {
            h2 { "Lines that could not be read" }
            p { (count(trace.malformed, "line")) " left out of all numbers above." }
            ul.lines {
                @for line in &trace.named { li { code { (line.source) ":" (line.line) } " " (line.reason) } }
                @if trace.malformed > trace.named.len() as u64 { li { "…" } }
            }
        }
    }
}
