//! Tables for people: columns as wide as they must be, numbers to the right.

use std::fmt::Write as _;

/// Ends a heading that stands over numbers; it is not shown.
const NUMBERS: char = '>';
/// What a table shows for what nobody knows.
pub(crate) const UNKNOWN: &str = "?";

/// A table that grows by rows.
pub(crate) struct Table {
    /// The headings, and then the rows.
    rows: Vec<Vec<String>>,
    /// Which columns stand to the right.
    is_number: Vec<bool>,
}

impl Table {
    /// A table with these headings. One that ends in `>` stands over numbers.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let is_number = headings.map(|heading| heading.ends_with(NUMBERS)).to_vec();
        let shown = headings.map(|heading| heading.strip_suffix(NUMBERS).unwrap_or(heading).to_owned());
        Self { rows: vec![shown.to_vec()], is_number }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(Vec::from(cells));
    }

    /// Whether nothing but the headings is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The table as text.
    pub(crate) fn text(&self) -> String {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.is_number.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), is_number) in row.iter().zip(&widths).zip(&self.is_number) {
                // Writing into a string does not fail.
                let _ = if *is_number {
                    write!(line, "{cell:>width$}  ")
                } else {
                    write!(line, "{cell:<width$}  ")
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A figure, or that nobody knows it.
pub(crate) fn figure<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

/// A time in the largest unit that leaves two digits to read.
pub(crate) fn age(ms: Option<u64>) -> String {
    let Some(ms) = ms else { return UNKNOWN.to_owned() };
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_numbers_are_right_aligned() {
        let mut table = Table::new(["queue", "messages>"]);
        table.row(["persist.0".to_owned(), figure(Some(12))]);
        table.row(["email".to_owned(), figure(None::<u64>)]);
        assert_eq!(table.text(), "queue      messages\npersist.0        12\nemail             ?\n");
    }

    #[test]
    fn what_a_value_ends_with_is_its_own() {
        let mut table = Table::new(["reason", "n>"]);
        table.row(["no address: Ann <ann@example.com>".to_owned(), "1>".to_owned()]);
        assert!(table.text().ends_with("no address: Ann <ann@example.com>  1>\n"), "{}", table.text());
    }

    #[test]
    fn ages_are_read_at_a_glance() {
        let shown = [None, Some(5), Some(3_500), Some(180_000), Some(8_000_000)].map(age);
        assert_eq!(shown, ["?", "5 ms", "3 s", "3 min", "2 h"]);
    }
}
