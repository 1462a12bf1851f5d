//! A progress bar on stderr, for a person at a terminal who has waited long enough to wonder.

use std::cell::Cell;
use std::io::{IsTerminal, Read, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work shows nothing.
const PATIENCE: Duration = Duration::from_millis(400);

/// How far the work is.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Whether the bar would be shown if it took long, and is not yet.
    waiting: Cell<bool>,
}

impl Progress {
    /// Of reading `total` bytes, if that is known.
    pub(crate) fn new(wanted: bool, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_style(style(match total {
            Some(_) => "  {msg} [{bar:40.cyan/dim}] {bytes} of {total_bytes}, {eta} left",
            None => "  {msg} {spinner:.cyan} {bytes}",
        }));
        bar.set_message("reading");
        Self { bar, started: Instant::now(), waiting: Cell::new(wanted && stderr().is_terminal()) }
    }

    /// The same bytes, counted.
    pub(crate) fn reading<R: Read>(&self, reader: R) -> impl Read + use<R> {
        self.bar.wrap_read(reader)
    }

    /// Begins to count `steps` of deciding.
    pub(crate) fn deciding(&self, steps: u64) {
        self.bar.reset();
        self.bar.set_length(steps);
        self.bar.set_style(style("  {msg} [{bar:40.cyan/dim}] {human_pos} of {human_len}, {eta} left"));
        self.bar.set_message("deciding");
    }

    /// `steps` more are done.
    pub(crate) fn advance(&self, steps: u64) {
        self.bar.inc(steps);
        self.look();
    }

    /// To be called now and then: shows the bar once the work has taken long enough.
    pub(crate) fn look(&self) {
        if self.waiting.get() && self.started.elapsed() > PATIENCE {
            self.waiting.set(false);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the bar away, so that what is written next stands alone.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    /// A failure is not told beside half a bar.
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
