//! Latent traversals: one number of a typical code is moved through its usual range while the others stay, and every step is
//! decoded. What changes is what this number stands for.

use enkoder::{Autoencoder, ModelError, Scaler};
use ndarray::{Array2, ArrayView2};

use super::{View, Viewer};

/// Steps from the 5th to the 95th percentile, both included.
pub(crate) const STEPS: usize = 9;
/// At most this many dimensions are shown, those that change the most.
pub(crate) const MOST_DIMENSIONS: usize = 12;
/// Among at most this many dimensions.
const MOST_TRIED: usize = 256;
const MOST_PIXELS: usize = 48;
const MOST_PIXELS_OF_FIELDS: usize = 96;

/// Fields are wide, and there are fewer beside each other.
const STEPS_OF_FIELDS: usize = 5;

/// The journeys of a model's dimensions.
#[derive(Clone, Debug)]
pub(crate) struct Traversals {
    pub(crate) all: Vec<Traversal>,
    /// Of fields, of which the change from the mean code's is shown: the largest.
    pub(crate) most: Option<f64>,
}

/// One dimension's journey.
#[derive(Clone, Debug)]
pub(crate) struct Traversal {
    /// The number's place in the code, from 0.
    pub(crate) dimension: usize,
    pub(crate) low: f32,
    pub(crate) high: f32,
    /// The squared distance between the decoded ends, in scaled units.
    pub(crate) change: f64,
    pub(crate) views: Vec<View>,
}

/// Traversals of a model's dimensions, in their order, around the mean of these codes.
pub(super) fn of(
    model: &Autoencoder,
    codes: ArrayView2<'_, f32>,
    scaler: &Scaler,
    viewer: &Viewer,
) -> Result<Traversals, ModelError> {
    let latent = codes.ncols();
    let mean: Vec<f32> = codes
        .columns()
        .into_iter()
        .map(|column| (column.iter().map(|&value| f64::from(value)).sum::<f64>() / column.len().max(1) as f64) as f32)
        .collect();
    let decode = |dimension: usize, values: &[f32]| {
        let mut moved = Array2::from_shape_fn((values.len(), latent), |(_, at)| mean[at]);
        moved.column_mut(dimension).iter_mut().zip(values).for_each(|(to, &from)| *to = from);
        model.decode(moved.view())
    };
    let mut tried = Vec::new();
    for dimension in 0..latent.min(MOST_TRIED) {
        let mut values = codes.column(dimension).to_vec();
        values.sort_by(f32::total_cmp);
        let percentile = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let (low, high) = if values.is_empty() { (0.0, 0.0) } else { (percentile(0.05), percentile(0.95)) };
        let mut ends = decode(dimension, &[low, high])?;
        for mut end in ends.rows_mut() {
            if let Some(end) = end.as_slice_mut() {
                scaler.transform_row(end);
            }
        }
        let changes =
            ends.row(0).iter().zip(ends.row(1)).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>();
        tried.push((dimension, low, high, changes));
    }
    tried.sort_by(|a, b| b.3.total_cmp(&a.3).then(a.0.cmp(&b.0)));
    tried.truncate(MOST_DIMENSIONS);
    tried.sort_by_key(|&(dimension, ..)| dimension);
    let steps = if viewer.is_field() { STEPS_OF_FIELDS } else { STEPS };
    let mut decoded = Vec::new();
    for &(dimension, low, high, _) in &tried {
        let at = |step: usize| low + (high - low) * step as f32 / (steps - 1) as f32;
        decoded.push(decode(dimension, &(0..steps).map(at).collect::<Vec<f32>>())?);
    }
    // Fields are alike, so what changes in them is shown.
    let mut most = None;
    if viewer.is_field() {
        let middle = model.decode(Array2::from_shape_fn((1, latent), |(_, at)| mean[at]).view())?;
        decoded.iter_mut().for_each(|rows| *rows -= &middle);
        let changes =
            decoded.iter().flatten().map(|change| f64::from(change.abs())).filter(|change| change.is_finite());
        most = Some(changes.fold(0.0, f64::max));
    }
    let view = |row: &[f32]| {
        most.map_or_else(|| viewer.view(row, MOST_PIXELS), |most| viewer.change(row, most, MOST_PIXELS_OF_FIELDS))
    };
    let all = tried.into_iter().zip(decoded).map(|((dimension, low, high, change), rows)| {
        let views = rows.rows().into_iter().map(|row| view(&row.to_vec())).collect();
        Traversal { dimension, low, high, change, views }
    });
    Ok(Traversals { all: all.collect(), most })
}
