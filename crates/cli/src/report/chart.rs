//! Bars over time as SVG. Drawn by hand: a chart crate writes colours into the picture, and
//! this one takes them from the page, so that it follows the reader's light or dark scheme,
//! and has a tooltip on every slot without a script.

use maud::{Markup, html};

use super::scale;
use crate::replay::Series;
use crate::text::{date_time, grouped};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// One colour of the stacked bars.
pub(super) struct Layer {
    /// Its name in the legend and the tooltips.
    pub(super) name: String,
    /// Its class in the page's style sheet.
    pub(super) class: String,
    /// One number for each slot.
    pub(super) values: Vec<u64>,
}

/// Stacked bars over the slots of a series.
pub(super) struct Chart<'a> {
    /// What a reader who cannot see it is told.
    pub(super) label: String,
    pub(super) height: f64,
    pub(super) series: &'a Series,
    /// From the bottom upwards.
    pub(super) layers: Vec<Layer>,
    /// The number that the vertical axis reaches at least.
    pub(super) most: u64,
}

/// The highest stack of the layers.
pub(super) fn highest(layers: &[Layer]) -> u64 {
    let slots = layers.iter().map(|layer| layer.values.len()).max().unwrap_or(0);
    (0..slots).map(|slot| layers.iter().filter_map(|layer| layer.values.get(slot)).sum()).max().unwrap_or(0)
}

/// The names and colours of the layers, top of the stack first.
pub(super) fn legend(layers: &[Layer]) -> Markup {
    html! {
        ul.legend {
            @for layer in layers.iter().rev() {
                li { span.swatch.(layer.class) {} (layer.name) }
            }
        }
    }
}

impl Chart<'_> {
    pub(super) fn svg(&self) -> Markup {
        let numbers = scale::numbers(self.most, if self.height > 150.0 { 5 } else { 3 });
        let top = numbers.last().copied().unwrap_or(1);
        html! {
            svg viewBox={ "0 0 " (WIDTH) " " (self.height) } role="img" aria-label=(self.label) {
                g.grid { @for number in &numbers { (self.grid_line(*number, top)) } }
                g.marks { @for mark in self.marks() { (self.mark(&mark)) } }
                @for slot in 0..self.series.slots.len() { (self.slot(slot, top)) }
                line.axis x1=(LEFT) x2=(WIDTH - RIGHT) y1=(self.floor()) y2=(self.floor()) {}
            }
        }
    }

    /// Where the bars stand.
    fn floor(&self) -> f64 {
        self.height - BOTTOM
    }

    fn y(&self, number: u64, top: u64) -> f64 {
        self.floor() - (self.floor() - TOP) * number as f64 / top.max(1) as f64
    }

    fn slot_width(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.series.slots.len().max(1) as f64
    }

    fn grid_line(&self, number: u64, top: u64) -> Markup {
        let y = px(self.y(number, top));
        html! {
            line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
            text x=(LEFT - 8.0) y=(y) { (grouped(number)) }
        }
    }

    fn marks(&self) -> Vec<scale::Mark> {
        let seconds = self.series.slot_seconds.saturating_mul(self.series.slots.len() as u64);
        scale::times(self.series.start, seconds, 10)
    }

    fn mark(&self, mark: &scale::Mark) -> Markup {
        let slots = mark.at.saturating_since(self.series.start).as_secs_f64()
            / self.series.slot_seconds.max(1) as f64;
        let x = LEFT + slots * self.slot_width();
        // A label at the very edge would be cut off.
        let anchor = if x > WIDTH - 30.0 { "end" } else { "middle" };
        html! {
            line x1=(px(x)) x2=(px(x)) y1=(self.floor()) y2=(self.floor() + 5.0) {}
            text x=(px(x)) y=(self.height - 6.0) text-anchor=(anchor) { (mark.label) }
        }
    }

    /// The bars of a slot, and over its whole height a place to point at.
    fn slot(&self, slot: usize, top: u64) -> Markup {
        let width = self.slot_width();
        let x = LEFT + width * slot as f64;
        let gap = if width > 4.0 { 1.0 } else { 0.0 };
        let mut below = 0;
        html! {
            g.slot {
                title { (self.tooltip(slot)) }
                rect.hit x=(px(x)) y=(TOP) width=(px(width)) height=(px(self.floor() - TOP)) {}
                @for layer in &self.layers {
                    @let value = layer.values.get(slot).copied().unwrap_or(0);
                    @let bottom = self.y(below, top);
                    @let upper = self.y(below + value, top);
                    @if value > 0 {
                        rect.(layer.class) x=(px(x)) y=(px(upper)) width=(px(width - gap)) height=(px(bottom - upper)) {}
                    }
                    ({ below += value; "" })
                }
            }
        }
    }

    fn tooltip(&self, slot: usize) -> String {
        let parts = self.layers.iter().rev().map(|layer| {
            let value = layer.values.get(slot).copied().unwrap_or(0);
            format!("\n{} {}", grouped(value), layer.name)
        });
        let from = date_time(self.series.start_of(slot));
        let until = date_time(self.series.start_of(slot + 1));
        format!("{from} to {until} UTC{}", parts.collect::<String>())
    }
}

/// A coordinate; a tenth of a unit is finer than any screen.
fn px(number: f64) -> String {
    format!("{number:.1}")
}
