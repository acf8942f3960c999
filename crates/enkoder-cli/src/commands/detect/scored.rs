//! Scored rows as CSV: a line for each, with its number from 1, its time and series where it has them, its score, its p-value,
//! whether it is flagged, and why.

use std::io::{self, Write};

use enkoder::anomaly::{Detector, Reason, Threshold, Value};

use super::scoring::ScoredRow;
use crate::output::csv_error;

/// Writes scored rows.
pub struct ScoredWriter<'a, W: Write> {
    detector: &'a Detector,
    threshold: Threshold,
    /// How many reasons a flagged row is given; with none there is no column for them.
    explain: usize,
    out: csv::Writer<W>,
    cell: String,
}

impl<'a, W: Write> ScoredWriter<'a, W> {
    /// A writer that has written the header.
    pub fn new(detector: &'a Detector, threshold: Threshold, explain: usize, out: W) -> io::Result<Self> {
        let out = csv::Writer::from_writer(out);
        let mut writer = Self { detector, threshold, explain, out, cell: String::new() };
        let columns = detector.series_columns();
        let beside = columns.time.iter().chain(&columns.group).map(String::as_str);
        let reasons = (explain > 0).then_some("reasons");
        let header = ["row"].into_iter().chain(beside).chain(["score", "p_value", "flagged"]).chain(reasons);
        writer.out.write_record(header).map_err(csv_error)?;
        Ok(writer)
    }

    pub fn row(&mut self, row: &ScoredRow<'_>) -> anyhow::Result<()> {
        self.cell(format_args!("{}", row.number + 1))?;
        let columns = self.detector.series_columns();
        for (_, text) in [(&columns.time, row.beside.time), (&columns.group, row.beside.group)]
            .into_iter()
            .filter(|(column, _)| column.is_some())
        {
            self.out.write_field(text.unwrap_or_default()).map_err(csv_error)?;
        }
        let flagged = row.score.is_some_and(|score| self.threshold.flags(score));
        match row.score {
            Some(score) => {
                self.cell(format_args!("{score}"))?;
                self.cell(format_args!("{:.6}", self.detector.calibration().p_value(score)))?;
                self.cell(format_args!("{}", u8::from(flagged)))?;
            }
            None => ["", "", ""].iter().try_for_each(|empty| self.out.write_field(empty)).map_err(csv_error)?,
        }
        if self.explain > 0 {
            let reasons = if flagged { (row.reasons)(self.explain)? } else { Vec::new() };
            let reasons = reasons.iter().map(in_words).collect::<Vec<_>>().join("; ");
            self.out.write_field(reasons).map_err(csv_error)?;
        }
        Ok(self.out.write_record(None::<&[u8]>).map_err(csv_error)?)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn cell(&mut self, content: std::fmt::Arguments<'_>) -> io::Result<()> {
        use std::fmt::Write;
        self.cell.clear();
        // Writing to a string does not fail.
        let _ = self.cell.write_fmt(content);
        self.out.write_field(&self.cell).map_err(csv_error)
    }
}

/// `pressure 63 %: 9.1, expected 4.2, usual 3.8 to 4.6`
fn in_words(reason: &Reason) -> String {
    let value = |value: &Value| match value {
        Value::Number(number) => format!("{number:.4}"),
        Value::Word(word) => word.clone(),
        Value::Missing => "missing".to_owned(),
    };
    let Reason { column, share, observed, expected, usual, .. } = reason;
    let usual = usual.map_or(String::new(), |(low, high)| format!(", usual {low:.4} to {high:.4}"));
    format!("{column} {:.0} %: {}, expected {}{usual}", share * 100.0, value(observed), value(expected))
}
