//! The picture, drawn again and again until somebody has seen enough.

use std::io;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::look::Look;
use super::screen::{Manner, draw};
use crate::args::Inspect;
use crate::failure::{Failure, Result};

/// More keys than any terminal has lines.
const TOP: usize = 500;

/// Shows the segment, beginning with a look that was taken already.
pub(super) fn run(args: &Inspect, look: Look) -> Result<()> {
    let mut terminal = ratatui::try_init().map_err(Failure::while_doing("cannot draw on the terminal"))?;
    let shown = show(args, look, &mut terminal);
    ratatui::restore();
    shown.map_err(Failure::while_doing("cannot draw on the terminal"))
}

fn show(args: &Inspect, mut look: Look, terminal: &mut DefaultTerminal) -> io::Result<()> {
    let mut manner = Manner { colours: has_colours(), interval: args.interval, trouble: None };
    let mut next = Instant::now();
    loop {
        if next <= Instant::now() {
            // Opened anew each time: the file may have been replaced.
            match Look::at(&args.file, &args.key, args.top.unwrap_or(TOP)) {
                Ok(newer) => (look, manner.trouble) = (newer, None),
                Err(failure) => manner.trouble = Some(failure.message().to_owned()),
            }
            next = Instant::now() + manner.interval;
        }
        terminal.draw(|frame| draw(frame, &look, &manner))?;
        if is_over(next.saturating_duration_since(Instant::now()))? {
            return Ok(());
        }
    }
}

/// Waits for a key or a new size; whether that key ends it.
fn is_over(wait: Duration) -> io::Result<bool> {
    if !event::poll(wait)? {
        return Ok(false);
    }
    Ok(matches!(event::read()?, Event::Key(key) if key.kind == KeyEventKind::Press && quits(key)))
}

fn quits(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || (control && key.code == KeyCode::Char('c'))
}

/// As for everything else that the program writes.
fn has_colours() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_it() {
        let key = |code, modifiers| quits(KeyEvent::new(code, modifiers));
        assert!(key(KeyCode::Char('q'), KeyModifiers::NONE) && key(KeyCode::Esc, KeyModifiers::NONE));
        assert!(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!key(KeyCode::Char('c'), KeyModifiers::NONE) && !key(KeyCode::Enter, KeyModifiers::NONE));
    }
}
