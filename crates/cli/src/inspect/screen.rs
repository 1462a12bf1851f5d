//! A look as a picture on a terminal of any size. Draws, and does nothing else.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

use super::look::{Key, Limit, Look};
use super::text::{fingerprint, short, summary};
use crate::text::grouped;

/// Cells of the bar that shows how much of a limit is used.
const BAR: usize = 12;

/// How it is shown.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// Whether the terminal has colours that are wanted.
    pub(super) colours: bool,
    /// The time between two looks.
    pub(super) interval: Duration,
    /// Why the last look failed, if it did: what is shown is older then.
    pub(super) trouble: Option<String>,
}

impl Manner {
    fn coloured(&self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn dim(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The colour of a limit of which so much is used.
    fn level(&self, used: f64) -> Style {
        self.coloured(match used {
            u if u >= 1.0 => Color::Red,
            u if u >= 0.8 => Color::Yellow,
            _ => Color::Green,
        })
    }
}

/// Draws the look on the whole of the terminal.
pub(super) fn draw(frame: &mut Frame<'_>, look: &Look, manner: &Manner) {
    let lines = summary(look);
    let [top, keys, bottom] = Layout::vertical([
        Constraint::Length(lines.len() as u16 + 1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(heading(&lines, manner)), top);
    draw_keys(frame, keys, look, manner);
    frame.render_widget(status(manner), bottom);
}

fn heading(lines: &[(&'static str, String)], manner: &Manner) -> Vec<Line<'static>> {
    let line = |(label, value): &(&'static str, String)| {
        Line::from(vec![Span::styled(format!("{label:<11}"), manner.dim()), Span::raw(value.clone())])
    };
    lines.iter().map(line).collect()
}

fn status(manner: &Manner) -> Line<'static> {
    let often = format!("every {}", short(manner.interval));
    match &manner.trouble {
        Some(trouble) => Line::styled(format!("{trouble} (q quits)"), manner.coloured(Color::Red)),
        None => Line::styled(format!("q or Esc quits; looks {often}"), manner.dim()),
    }
}

fn draw_keys(frame: &mut Frame<'_>, area: Rect, look: &Look, manner: &Manner) {
    let is_not_asked = |key: &&Key| !look.asked.iter().any(|asked| asked.fingerprint == key.fingerprint);
    let keys: Vec<_> = look.asked.iter().chain(look.top.iter().filter(is_not_asked)).collect();
    let widest = keys.iter().flat_map(|key| &key.limits).map(|limit| numbers(limit).len()).max();
    let rows = keys.iter().flat_map(|key| rows(key, manner)).take(usize::from(area.height));
    let widths = [
        Constraint::Length(16),
        Constraint::Min(6),
        Constraint::Length(10),
        Constraint::Length(BAR as u16),
        Constraint::Length(widest.unwrap_or(0) as u16),
        Constraint::Length(8),
    ];
    let names = ["FINGERPRINT", "KEY", "LIMIT", "USED", "", "RESET IN"];
    let header = Row::new(names).style(Style::new().add_modifier(Modifier::BOLD));
    frame.render_widget(Table::new(rows, widths).header(header), area);
}

/// One row a limit; the key stands on the first of its rows.
fn rows(key: &Key, manner: &Manner) -> Vec<Row<'static>> {
    let row = |(i, limit): (usize, &Limit)| {
        let once = |text: String| if i == 0 { text } else { String::new() };
        let used = limit.used() as f64 / limit.capacity.max(1) as f64;
        Row::new([
            Cell::from(once(fingerprint(key.fingerprint))),
            Cell::from(once(key.name.clone().unwrap_or_else(|| "-".to_owned()))),
            Cell::from(limit.name.clone()),
            Cell::from(bar(used)).style(manner.level(used)),
            Cell::from(numbers(limit)),
            Cell::from(Line::from(short(limit.reset)).right_aligned()),
        ])
    };
    key.limits.iter().enumerate().map(row).collect()
}

fn numbers(limit: &Limit) -> String {
    format!("{} of {}", grouped(limit.used()), grouped(limit.capacity))
}

fn bar(used: f64) -> String {
    let full = (used * BAR as f64).ceil() as usize;
    (0..BAR).map(|cell| if cell < full { '█' } else { '·' }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Buffer;

    use super::*;

    fn look(names: &[String]) -> Look {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quota");
        let builder = tidegate::Limiter::builder("100/minute; 10/second token-bucket burst=20");
        let limiter =
            builder.max_keys(1000).clock(tidegate::ManualClock::new()).segment(&path).build().unwrap();
        for n in 0..30 {
            limiter.check_n(format!("user {n}"), 1 + n % 20).unwrap();
        }
        Look::at(&path, names, 50).unwrap()
    }

    fn drawn(look: &Look, manner: &Manner, (width, height): (u16, u16)) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, look, manner)).unwrap();
        terminal.backend().buffer().clone()
    }

    fn lines(buffer: &Buffer) -> Vec<String> {
        let width = usize::from(buffer.area.width);
        let symbols: Vec<_> = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        symbols.chunks(width).map(|line| line.concat()).collect()
    }

    fn manner(colours: bool) -> Manner {
        Manner { colours, interval: Duration::from_secs(1), trouble: None }
    }

    #[test]
    fn a_small_terminal_shows_the_whole_and_the_keys_that_used_most() {
        let look = look(&["user 7".to_owned(), "nobody".to_owned()]);
        let lines = lines(&drawn(&look, &manner(true), (80, 24)));
        let line = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap_or(99);
        assert_eq!((line("segment"), line("policy"), line("processes")), (0, 1, 5), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("30 of ") && line.contains("places live")));
        let (asked, absent, most) = (line("user 7"), line("nobody"), line("20 of 20 "));
        assert!(line("FINGERPRINT") < asked && asked < absent && absent < most && most < 23, "{lines:#?}");
        assert!(lines.last().unwrap().starts_with("q or Esc quits; looks every 1.0 s"));
    }

    #[test]
    fn any_size_can_be_drawn() {
        let look = look(&[]);
        for size in [(1, 1), (10, 3), (40, 10), (80, 24), (300, 100)] {
            drawn(&look, &manner(true), size);
        }
    }

    #[test]
    fn without_colours_there_are_none() {
        let look = look(&[]);
        let is_coloured = |colours| {
            let buffer = drawn(&look, &manner(colours), (80, 24));
            buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
        };
        assert!(is_coloured(true) && !is_coloured(false));
    }

    #[test]
    fn trouble_is_told_below_the_last_picture() {
        let manner = Manner { trouble: Some("there is no such file".to_owned()), ..manner(false) };
        let lines = lines(&drawn(&look(&[]), &manner, (80, 24)));
        assert!(lines.last().unwrap().starts_with("there is no such file (q quits)"));
    }

    #[test]
    fn a_bar_is_full_when_nothing_is_left_and_empty_when_all_is() {
        assert_eq!((bar(0.0), bar(1.0)), ("·".repeat(BAR), "█".repeat(BAR)));
        assert!(bar(0.001).starts_with("█·"));
    }
}
