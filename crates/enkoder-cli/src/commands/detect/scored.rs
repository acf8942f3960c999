//! Scored rows as CSV: a line for each, with its number from 1, its score, its p-value, whether it is flagged, and why.

use std::io::{self, Write};

use enkoder::Dataset;
use enkoder::anomaly::{Detector, Reason, Threshold, Value};

use crate::output::csv_error;

/// Writes scored rows.
pub struct ScoredWriter<'a, W: Write> {
    detector: &'a Detector,
    threshold: Threshold,
    /// How many reasons a flagged row is given; with none there is no column for them.
    explain: usize,
    out: csv::Writer<W>,
}

impl<'a, W: Write> ScoredWriter<'a, W> {
    /// A writer that has written the header.
    pub fn new(detector: &'a Detector, threshold: Threshold, explain: usize, out: W) -> io::Result<Self> {
        let mut writer = Self { detector, threshold, explain, out: csv::Writer::from_writer(out) };
        writer.record(&["row", "score", "p_value", "flagged", "reasons"].map(str::to_owned))?;
        Ok(writer)
    }

    /// The row of `data` with this index, as number `number` from 0.
    pub fn row(&mut self, number: usize, data: &Dataset, row: usize, score: f32) -> io::Result<()> {
        let flagged = self.threshold.flags(score);
        let p_value = self.detector.calibration().p_value(score);
        let reasons = if flagged && self.explain > 0 {
            self.detector.explain(data, row, self.explain).map_err(io::Error::other)?
        } else {
            Vec::new()
        };
        let reasons = reasons.iter().map(in_words).collect::<Vec<_>>().join("; ");
        let [number, score] = [(number + 1).to_string(), score.to_string()];
        self.record(&[number, score, format!("{p_value:.6}"), u8::from(flagged).to_string(), reasons])
    }

    /// A row that has no score.
    pub fn row_without_score(&mut self, number: usize) -> io::Result<()> {
        self.record(&[(number + 1).to_string(), String::new(), String::new(), String::new(), String::new()])
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn record(&mut self, cells: &[String; 5]) -> io::Result<()> {
        let cells = if self.explain > 0 { &cells[..] } else { &cells[..4] };
        self.out.write_record(cells).map_err(csv_error)
    }
}

/// `pressure 63 %: 9.1, expected 4.2, usual 3.8 to 4.6`
fn in_words(reason: &Reason) -> String {
    let value = |value: &Value| match value {
        Value::Number(number) => format!("{number:.4}"),
        Value::Word(word) => word.clone(),
        Value::Missing => "missing".to_owned(),
    };
    let Reason { column, share, observed, expected, usual } = reason;
    let usual = usual.map_or(String::new(), |(low, high)| format!(", usual {low:.4} to {high:.4}"));
    format!("{column} {:.0} %: {}, expected {}{usual}", share * 100.0, value(observed), value(expected))
}
