//! `--keep`: columns of the data that come back beside the scores.

use std::collections::HashSet;

use enkoder::anomaly::Detector;
use enkoder::{Dataset, Schema};

use super::moments::kept_columns;
use crate::failure::Usage;

/// The names that the columns of scored rows have.
const TAKEN: [&str; 5] = ["row", "score", "p_value", "flagged", "reasons"];

/// The columns to give back, and where each comes from.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    names: Vec<String>,
    places: Vec<Place>,
    /// How many columns are read as text.
    texts: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// A column that is read as text, by its number among these.
    Text(usize),
    /// A column of the detector.
    Column(usize),
    Label,
}

/// What `--keep` was given: nothing, names, or itself alone, which means all columns there are.
pub fn names(
    asked: &Option<Vec<String>>,
    all: impl FnOnce() -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<Vec<String>> {
    let names = match asked {
        None => return Ok(Vec::new()),
        Some(names) if names.iter().all(String::is_empty) => all()?,
        Some(names) => names.clone(),
    };
    if let Some(taken) = names.iter().find(|name| TAKEN.contains(&name.as_str())) {
        let why = format!("column {taken:?} cannot be kept: what is written has a column of that name");
        return Err(Usage::new(why)
            .with_hint("name the columns to be kept as --keep=a,b, or give it another name")
            .into());
    }
    let mut seen = HashSet::new();
    Ok(names.into_iter().filter(|name| seen.insert(name.clone())).collect())
}

impl Keeping {
    /// These columns, and the names of those that are to be read as text: time and group, which are given back anyway, and whatever is
    /// kept and neither a reading nor the label.
    pub fn new(names: Vec<String>, detector: &Detector, label: Option<&str>) -> (Self, Vec<String>) {
        let mut texts = kept_columns(detector.series_columns());
        let given_anyway = texts.clone();
        let columns = detector.schema().map_or(&[][..], |schema| &schema.columns);
        let mut keeping = Self::default();
        for name in names {
            if given_anyway.contains(&name) {
                continue;
            }
            keeping.places.push(if let Some(at) = columns.iter().position(|column| column.name == name) {
                Place::Column(at)
            } else if label == Some(&*name) {
                Place::Label
            } else {
                texts.push(name.clone());
                Place::Text(texts.len() - 1)
            });
            keeping.names.push(name);
        }
        keeping.texts = texts.len();
        (keeping, texts)
    }

    /// The label of a row, where it is kept.
    pub fn label(&self, data: &Dataset, place: usize) -> String {
        if !self.places.iter().any(|place| matches!(place, Place::Label)) {
            return String::new();
        }
        let label = || Some(data.classes()?[data.label(place)? as usize].clone());
        label().unwrap_or_default()
    }

    /// Columns whose cells are at hand.
    pub fn of_names(names: Vec<String>) -> Self {
        Self { names, ..Self::default() }
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of a row, which is row `place` of `data` and row `row` of what was read as text.
    pub fn cells(
        &self,
        data: &Dataset,
        schema: Option<&Schema>,
        place: usize,
        kept: &[Vec<String>],
        row: usize,
    ) -> Vec<String> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let mut values = vec![0.0; data.features()];
        data.copy_row(place, &mut values);
        let columns: Vec<String> =
            schema.map_or(Vec::new(), |schema| schema.decode_row(&values).map(|cell| cell.to_string()).collect());
        let cell = |of: &Place| match *of {
            Place::Text(number) => kept[number][row].clone(),
            Place::Column(number) => columns.get(number).cloned().unwrap_or_default(),
            // Of rows that were put in order the labels are one more text.
            Place::Label => kept.get(self.texts).map_or_else(|| self.label(data, place), |labels| labels[row].clone()),
        };
        self.places.iter().map(cell).collect()
    }
}
