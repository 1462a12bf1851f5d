//! Bars in panels, each panel with a scale of its own, as a picture that follows the reader's light or
//! dark scheme. The benches of other languages draw theirs by it too: `--bin chart`.

use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

/// Nanoseconds by who took them, in several situations.
#[derive(Deserialize)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// What a reader should know, in two lines.
    pub notes: [String; 2],
    /// The situations.
    pub panels: Vec<Panel>,
}

/// A situation.
#[derive(Deserialize)]
pub struct Panel {
    /// What fits above it.
    pub title: String,
    /// One a contender.
    pub bars: Vec<Bar>,
}

/// A contender's figure.
#[derive(Deserialize)]
pub struct Bar {
    /// What fits beside it.
    pub label: String,
    /// The figure.
    pub nanos: f64,
    /// Whether it is tidegate's.
    pub ours: bool,
}

const WIDTH: usize = 860;
const PANEL_WIDTH: usize = WIDTH / 2;
const LABELS: usize = 140;
const BARS: f64 = 210.0;
const ROW: usize = 22;
const HEAD: usize = 34;
const TOP: usize = 78;

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 16px }
  .head { font-weight: 600 }
  .note { fill: #59636e; font-size: 12px }
  .ours { fill: #0969da }
  .theirs { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .theirs { fill: #57606a }
  }
";

/// The chart as a document of its own.
#[must_use]
pub fn svg(Chart { title, notes, panels }: &Chart) -> String {
    let deepest = panels.iter().map(|panel| panel.bars.len()).max().unwrap_or(0);
    let panel_height = HEAD + ROW * deepest + 14;
    let height = TOP + panel_height * panels.len().div_ceil(2);
    let [first, second] = notes;
    let document = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(spoken(panels)) {
            style { (PreEscaped(STYLE)) }
            text.title x="12" y="24" { (title) }
            text.note x="12" y="44" { (first) }
            text.note x="12" y="61" { (second) }
            @for (index, panel) in panels.iter().enumerate() {
                (drawn_panel(panel, index % 2 * PANEL_WIDTH, TOP + index / 2 * panel_height))
            }
        }
    };
    document.into_string() + "\n"
}

fn drawn_panel(Panel { title, bars }: &Panel, x: usize, y: usize) -> Markup {
    let longest = bars.iter().map(|bar| bar.nanos).fold(f64::MIN_POSITIVE, f64::max);
    html! {
        g transform={ "translate(" (x) " " (y) ")" } {
            text.head x="12" y="20" { (title) }
            @for (row, bar) in bars.iter().enumerate() {
                (drawn_bar(bar, bar.nanos / longest * BARS, HEAD + row * ROW))
            }
        }
    }
}

fn drawn_bar(bar: &Bar, length: f64, y: usize) -> Markup {
    let baseline = y + 12;
    html! {
        text x=(LABELS) y=(baseline) text-anchor="end" { (bar.label) }
        rect class=(if bar.ours { "ours" } else { "theirs" })
            x=(LABELS + 8) y=(y) width=(format!("{length:.1}")) height="15" rx="2" {}
        text.note x=(format!("{:.1}", LABELS as f64 + 14.0 + length)) y=(baseline) { (format!("{:.0}", bar.nanos)) }
    }
}

/// The same for those who hear it.
fn spoken(panels: &[Panel]) -> String {
    let bar = |bar: &Bar| format!("{} {:.0}", bar.label, bar.nanos);
    let panel = |Panel { title, bars }: &Panel| {
        format!("{title}: {}", bars.iter().map(bar).collect::<Vec<_>>().join(", "))
    };
    format!("Nanoseconds a check. {}.", panels.iter().map(panel).collect::<Vec<_>>().join(". "))
}
