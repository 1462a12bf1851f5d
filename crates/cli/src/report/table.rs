//! Aligned columns for a terminal.

use unicode_width::UnicodeWidthStr;

/// A column: its heading, and the side to which it leans.
#[derive(Clone, Copy, Debug)]
pub struct Heading {
    text: &'static str,
    right: bool,
}

/// A column of words.
#[must_use]
pub fn left(text: &'static str) -> Heading {
    Heading { text, right: false }
}

/// A column of numbers.
#[must_use]
pub fn right(text: &'static str) -> Heading {
    Heading { text, right: true }
}

/// Rows under headings.
#[derive(Debug)]
pub struct Table<const N: usize> {
    headings: [Heading; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// No rows yet.
    #[must_use]
    pub fn new(headings: [Heading; N]) -> Self {
        Self { headings, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The lines of the table, headings first, without blanks at their ends.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let widths = self.widths();
        let headings = self.headings.map(|heading| heading.text.to_owned());
        let lines = std::iter::once(&headings).chain(&self.rows).map(|row| self.line(row, widths));
        lines.collect::<Vec<_>>().into_iter()
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.headings.map(|heading| heading.text.width());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        widths
    }

    fn line(&self, row: &[String; N], widths: [usize; N]) -> String {
        let mut line = String::new();
        for ((cell, heading), width) in row.iter().zip(self.headings).zip(widths) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            match heading.right {
                true => line.extend(["  ", &padding, cell]),
                false => line.extend(["  ", cell, &padding]),
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lean_left_and_numbers_right_whatever_their_script() {
        let mut table = Table::new([left("KEY"), right("N"), left("LAST")]);
        table.row(["a".into(), "1,000".into(), "x".into()]);
        table.row(["日本".into(), "7".into(), String::new()]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines, ["  KEY       N  LAST", "  a     1,000  x", "  日本      7"]);
    }
}
