//! How a run goes, while it goes: a bar for each server at a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tidegate_cli::show::grouped;

use crate::traffic::{Live, Server};

/// Without a terminal, a line each.
const EVERY: Duration = Duration::from_secs(2);

/// Watches one run.
pub struct Progress<'a> {
    servers: &'a [Server],
    live: &'a [Live],
    bars: Vec<ProgressBar>,
    said: Duration,
}

impl<'a> Progress<'a> {
    /// Of a run in which each server has so much to do: requests, or milliseconds.
    #[must_use]
    pub fn new(servers: &'a [Server], live: &'a [Live], each: u64) -> Self {
        let all = MultiProgress::new();
        let bar = |server: &Server| {
            let bar = all.add(ProgressBar::new(each));
            bar.set_style(style());
            bar.set_prefix(server.name.clone());
            bar
        };
        let bars = if stderr().is_terminal() { servers.iter().map(bar).collect() } else { Vec::new() };
        Self { servers, live, bars, said: Duration::ZERO }
    }

    /// To be called often, with the time since the beginning; `done` is how far each server is.
    pub fn look(&mut self, elapsed: Duration, done: impl Fn(&Live) -> u64) {
        for (bar, live) in self.bars.iter().zip(self.live) {
            bar.set_position(done(live));
            bar.set_message(numbers(live));
        }
        if self.bars.is_empty() && elapsed >= self.said + EVERY {
            self.said = elapsed;
            let each = self.servers.iter().zip(self.live);
            let each: Vec<_> =
                each.map(|(server, live)| format!("{} {}", server.name, grouped(answered(live)))).collect();
            anstream::eprintln!("  {:>3} s  answered: {}", elapsed.as_secs(), each.join(", "));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
    }
}

/// All that have an outcome.
#[must_use]
pub fn answered(live: &Live) -> u64 {
    live.admitted.load(Relaxed) + live.denied.load(Relaxed) + live.failed.load(Relaxed)
}

fn numbers(live: &Live) -> String {
    let [admitted, denied] = [&live.admitted, &live.denied].map(|count| grouped(count.load(Relaxed)));
    format!("{admitted:>7} admitted {denied:>7} denied")
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("  {prefix:<7} {bar:36.cyan/dim} {msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}
