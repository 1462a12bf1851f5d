//! A look as text: what the file is, then the keys.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anstyle::Style;

use super::look::{Key, Look};
use crate::report::{HEADING, Table, left, right};
use crate::text::{count, date_time, grouped, span};

const LABEL: Style = Style::new().dimmed();

/// Process numbers that are named; of more only the count is.
const NAMED: usize = 12;

pub(super) fn render(look: &Look) -> String {
    let mut out = String::new();
    for (label, value) in summary(look) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{LABEL}{label:<10}{LABEL:#} {value}");
    }
    section(&mut out, "Keys asked for", &look.asked);
    section(&mut out, "Keys that have used most", &look.top);
    out
}

/// What there is to say about the segment as a whole.
pub(super) fn summary(look: &Look) -> Vec<(&'static str, String)> {
    let (len, used) = look.size;
    let mut lines = vec![
        ("segment", format!("{} (layout version {})", look.path.display(), look.layout_version)),
        ("policy", look.policy.to_string()),
        ("created", created(look)),
        ("file", format!("{} bytes long, {} in use", grouped(len), grouped(used))),
        ("keys", keys(look)),
        ("processes", processes(&look.pids)),
    ];
    if look.locked > 0 {
        lines.push(("locked", format!("{} being written to, not shown", count(look.locked, "key"))));
    }
    if look.is_manual {
        lines.push(("clock", "moved by hand: times are those of the last admission".to_owned()));
    }
    lines
}

fn created(look: &Look) -> String {
    let seconds = look.created.get() / 1_000_000_000;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = date_time(look.created);
    let at = at.split_once('.').map_or(at.as_str(), |(whole, _)| whole);
    format!("{at} UTC ({} ago)", span(now.saturating_sub(seconds)))
}

fn keys(look: &Look) -> String {
    format!(
        "{} of {} places live ({:.1}%), {} more recovered",
        grouped(look.live),
        grouped(look.max_keys),
        look.occupancy(),
        grouped(look.keys.saturating_sub(look.live)),
    )
}

fn processes(pids: &[u32]) -> String {
    let named: Vec<_> = pids.iter().take(NAMED).map(u32::to_string).collect();
    match pids.len() {
        0 => "none".to_owned(),
        1..=NAMED => format!("{} (pid {})", pids.len(), named.join(", ")),
        count => format!("{count} (pid {}, …)", named.join(", ")),
    }
}

fn section(out: &mut String, heading: &str, keys: &[Key]) {
    if keys.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{HEADING}{heading}{HEADING:#}");
    let table = table(keys);
    let mut lines = table.lines();
    let _ = writeln!(out, "{LABEL}{}{LABEL:#}", lines.next().unwrap_or_default());
    lines.for_each(|line| out.extend([&line, "\n"]));
}

/// One row a limit; the key stands on the first of its rows.
fn table(keys: &[Key]) -> Table<7> {
    let mut table = Table::new([
        left("FINGERPRINT"),
        left("KEY"),
        left("LIMIT"),
        right("USED"),
        right("OF"),
        right("REMAINING"),
        right("RESET IN"),
    ]);
    for key in keys {
        for (i, limit) in key.limits.iter().enumerate() {
            let once = |text: String| if i == 0 { text } else { String::new() };
            table.row([
                once(fingerprint(key.fingerprint)),
                once(key.name.clone().unwrap_or_else(|| "-".to_owned())),
                limit.name.clone(),
                grouped(limit.used()),
                grouped(limit.capacity),
                grouped(limit.remaining),
                short(limit.reset),
            ]);
        }
    }
    table
}

/// Sixteen hexadecimal digits.
pub(super) fn fingerprint(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// A time in the unit that suits it: `820 ms`, `59.2 s`, `12.5 min`.
pub(super) fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0 => "-".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", (s * 1000.0).ceil()),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{:.1} min", s / 60.0),
        s if s < 86_400.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let texts = [0, 1, 820_000, 59_200_000, 750_000_000, 5_400_000_000, 129_600_000_000]
            .map(|micros| short(Duration::from_micros(micros)));
        assert_eq!(texts, ["-", "1 ms", "820 ms", "59.2 s", "12.5 min", "1.5 h", "1.5 d"]);
    }

    #[test]
    fn many_processes_are_counted_and_some_named() {
        assert_eq!(processes(&[]), "none");
        assert_eq!(processes(&[7, 9]), "2 (pid 7, 9)");
        let many: Vec<u32> = (1..40).collect();
        assert_eq!(processes(&many), "39 (pid 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …)");
    }
}
