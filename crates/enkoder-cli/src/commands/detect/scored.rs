//! Scored rows as CSV or as JSON lines: a line for each, with its number from 1, its time and series where it has them, the columns that
//! are kept, its score, its p-value, whether it is flagged, and why.

use std::collections::BTreeMap;
use std::io::{self, Write};

use enkoder::anomaly::{Counterfactual, Detector, Movement, NoScore};
use serde::Serialize;

use super::keeping::Keeping;
use super::reasons::{by_column, change_in_words, sentence, sentences, value};
use super::scoring::ScoredRow;

/// What scored rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoredFormat {
    Csv,
    JsonLines,
}

/// What is written of scored rows.
#[derive(Clone, Debug)]
pub struct Layout {
    pub format: ScoredFormat,
    /// How many columns a flagged row is explained by; with none there are no columns for that.
    pub explain: usize,
    /// The score below which the smallest change of a flagged row is searched for; none where it is not.
    pub counterfactual: Option<f32>,
    pub keeping: Keeping,
}

impl Layout {
    /// The header of CSV.
    pub fn write_header(&self, detector: &Detector, out: &mut dyn Write) -> io::Result<()> {
        if self.format == ScoredFormat::JsonLines {
            return Ok(());
        }
        let columns = detector.series_columns();
        let beside = columns.time.iter().chain(&columns.group).chain(self.keeping.names()).cloned();
        let reasons = (self.explain > 0).then(|| "reasons".to_owned());
        let parts = ["column", "was", "expected"];
        let moved = (1..=self.explain).flat_map(|number| parts.map(|part| format!("{part}_{number}")));
        let own = ["score", "p_value", "flagged"].map(str::to_owned);
        let change = self.counterfactual.map(|_| "counterfactual".to_owned());
        let header = ["row".to_owned()].into_iter().chain(beside).chain(own).chain(reasons).chain(moved).chain(change);
        let mut record = Record { out, begun: false };
        header.into_iter().try_for_each(|name| record.text(&name))?;
        record.end()
    }

    pub fn write_row(
        &self,
        detector: &Detector,
        row: &ScoredRow<'_>,
        flagged: bool,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let moved = match flagged && self.explain > 0 {
            true => by_column(detector, (row.reasons)(usize::MAX)?, self.explain),
            false => Vec::new(),
        };
        let change = match self.counterfactual.filter(|_| flagged) {
            Some(limit) => detector.counterfactual(row.values, limit)?,
            None => None,
        };
        let p_value = row.score.map(|score| detector.calibration().p_value(score));
        match self.format {
            ScoredFormat::Csv => self.write_csv(detector, row, p_value, flagged, (&moved, change.as_ref()), out)?,
            ScoredFormat::JsonLines => {
                let named = |movement| Explained { text: sentence(movement), movement };
                let line = Line {
                    row: row.number + 1,
                    time: row.beside.time,
                    series: row.beside.group,
                    kept: self
                        .keeping
                        .names()
                        .iter()
                        .map(String::as_str)
                        .zip(row.kept.iter().map(String::as_str))
                        .collect(),
                    score: row.score,
                    p_value,
                    flagged: row.score.map(|_| flagged),
                    unscored: row.no_score.map(NoScore::to_string).or(row.unread.map(str::to_owned)),
                    reasons: moved.iter().map(named).collect(),
                    counterfactual: change.as_ref().map(|change| Counter { text: change_in_words(change), change }),
                };
                serde_json::to_writer(&mut *out, &line).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }

    fn write_csv(
        &self,
        detector: &Detector,
        row: &ScoredRow<'_>,
        p_value: Option<f64>,
        flagged: bool,
        (moved, change): (&[Movement], Option<&Counterfactual>),
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let columns = detector.series_columns();
        let mut record = Record { out, begun: false };
        record.number(format_args!("{}", row.number + 1))?;
        for (_, text) in [(&columns.time, row.beside.time), (&columns.group, row.beside.group)]
            .into_iter()
            .filter(|(column, _)| column.is_some())
        {
            record.text(text.unwrap_or_default())?;
        }
        // A row that cannot be read has nothing to keep.
        let kept = |place: usize| row.kept.get(place).map_or("", String::as_str);
        (0..self.keeping.names().len()).try_for_each(|place| record.text(kept(place)))?;
        match row.score.zip(p_value) {
            Some((score, p_value)) => {
                record.number(format_args!("{score}"))?;
                record.number(format_args!("{p_value:.6}"))?;
                record.number(format_args!("{}", u8::from(flagged)))?;
            }
            None => record.empty(3)?,
        }
        if self.explain > 0 {
            record.text(&sentences(moved))?;
            for number in 0..self.explain {
                match moved.get(number) {
                    Some(movement) => {
                        record.text(&movement.column)?;
                        record.text(&value(&movement.was))?;
                        record.text(&value(&movement.expected))?;
                    }
                    None => record.empty(3)?,
                }
            }
        }
        if self.counterfactual.is_some() {
            record.text(&change.map(change_in_words).unwrap_or_default())?;
        }
        record.end()
    }
}

/// A record of CSV that is written cell by cell.
struct Record<'a> {
    out: &'a mut dyn Write,
    begun: bool,
}

impl Record<'_> {
    fn number(&mut self, number: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.next()?;
        self.out.write_fmt(number)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.next()?;
        match text.contains([',', '"', '\n', '\r']) {
            true => write!(self.out, "\"{}\"", text.replace('"', "\"\"")),
            false => self.out.write_all(text.as_bytes()),
        }
    }

    fn empty(&mut self, cells: usize) -> io::Result<()> {
        (0..cells).try_for_each(|_| self.text(""))
    }

    fn next(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) { self.out.write_all(b",") } else { Ok(()) }
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }
}

/// A row as JSON.
#[derive(Serialize)]
struct Line<'a> {
    row: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    kept: BTreeMap<&'a str, &'a str>,
    score: Option<f32>,
    p_value: Option<f64>,
    flagged: Option<bool>,
    /// Why it has no score.
    #[serde(skip_serializing_if = "Option::is_none")]
    unscored: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Explained<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterfactual: Option<Counter<'a>>,
}

#[derive(Serialize)]
struct Counter<'a> {
    #[serde(flatten)]
    change: &'a Counterfactual,
    text: String,
}

#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    movement: &'a Movement,
    text: String,
}
