//! How a sample is seen and given: a picture, the columns of a table, or a row of values.

use enkoder::{Autoencoder, Dataset, Quantity, Schema};
use serde::Serialize;

use crate::evaluation::{LONGEST_NAME, quantity_in_words};
use crate::number::name;
use crate::palette::{ColourMap, MISSING};
use crate::picture::Layout;

/// A table of more columns is given as a row of values.
const MOST_FIELDS: usize = 200;
/// Colours of a map; the page mixes those between them.
const STOPS: usize = 33;

/// What the values of a sample are.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Units {
    /// Pixels; `low` is black and `high` white, or the ends of a field's colours.
    Image { height: usize, width: usize, channels: usize, low: f32, high: f32, field: Option<Field> },
    /// Cells; a column of categories has a value of 0 or 1 for each.
    Table { columns: Vec<Column> },
    /// Values in order, those of one step beside each other.
    Series { channels: usize },
}

/// How a field is drawn, one number a pixel.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Field {
    /// The quantity with its unit.
    legend: String,
    south_first: bool,
    /// Colours from the lowest to the highest value, those of deviations from the most negative, and that of a missing one.
    colours: Vec<[u8; 3]>,
    deviations: Vec<[u8; 3]>,
    missing: [u8; 3],
}

impl Field {
    pub(super) fn of(quantity: Option<&Quantity>) -> Self {
        let stops = |map: ColourMap| (0..STOPS).map(|stop| map.colour(stop as f64 / (STOPS - 1) as f64)).collect();
        Self {
            legend: quantity_in_words(quantity),
            south_first: quantity.is_some_and(|quantity| quantity.south_first),
            colours: stops(ColourMap::Viridis),
            deviations: stops(ColourMap::Deviations),
            missing: MISSING,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Column {
    name: String,
    categories: Option<Vec<String>>,
}

impl Units {
    /// `field` is how samples are drawn whose pixels are no brightness.
    pub(super) fn of(shape: &[usize], schema: Option<&Schema>, range: (f32, f32), field: Option<Field>) -> Self {
        if let Layout::Image { width, height, channels } = Layout::of(shape) {
            let field = field.filter(|_| channels == 1);
            return Self::Image { height, width, channels, low: range.0, high: range.1, field };
        }
        match schema.filter(|schema| schema.columns.len() <= MOST_FIELDS) {
            Some(schema) => Self::Table { columns: schema.columns.iter().map(Column::of).collect() },
            None => {
                let channels = if let [_, 1, channels] = *shape { channels } else { 1 };
                Self::Series { channels }
            }
        }
    }
}

impl Column {
    fn of(column: &enkoder::Column) -> Self {
        let categories = column.categories().map(|all| all.iter().map(|word| name(word, LONGEST_NAME)).collect());
        Self { name: name(&column.name, LONGEST_NAME), categories }
    }
}

/// What black and white are: as bytes or scaling say, else as the samples do.
pub(super) fn range(model: &Autoencoder, samples: Option<&Dataset>) -> (f32, f32) {
    if model.record().data.bytes_per_value == 1 && model.architecture().output_shape.is_none() {
        return (0.0, 255.0);
    }
    let scaler = model.scaler();
    if !scaler.is_unit_interval()
        && let Some(summary) = samples.map(Dataset::summary).filter(|summary| summary.min < summary.max)
    {
        return (summary.min, summary.max);
    }
    // Without samples, two deviations around the mean of what is scaled so.
    let ends = if scaler.is_unit_interval() { [0.0, 1.0] } else { [-2.0, 2.0] };
    let [low, high] = ends.map(|end| {
        let mut row = vec![end; scaler.features()];
        scaler.inverse_row(&mut row);
        row
    });
    let low = low.into_iter().fold(f32::INFINITY, f32::min);
    let high = high.into_iter().fold(f32::NEG_INFINITY, f32::max);
    if low < high { (low, high) } else { (0.0, 1.0) }
}
