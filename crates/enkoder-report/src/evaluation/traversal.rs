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

/// One dimension's journey.
#[derive(Clone, Debug)]
pub(crate) struct Traversal {
    /// The number's place in the code, from 0.
    pub(crate) dimension: usize,
    pub(crate) low: f32,
    pub(crate) high: f32,
    pub(crate) views: Vec<View>,
}

/// Traversals of a model's dimensions, in their order, around the mean of these codes.
pub(super) fn of(
    model: &Autoencoder,
    codes: ArrayView2<'_, f32>,
    scaler: &Scaler,
    viewer: &Viewer<'_>,
) -> Result<Vec<Traversal>, ModelError> {
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
    tried
        .into_iter()
        .map(|(dimension, low, high, _)| {
            let at = |step: usize| low + (high - low) * step as f32 / (STEPS - 1) as f32;
            let steps: Vec<f32> = (0..STEPS).map(at).collect();
            let decoded = decode(dimension, &steps)?;
            let views = decoded.rows().into_iter().map(|row| viewer.view(&row.to_vec(), MOST_PIXELS)).collect();
            Ok(Traversal { dimension, low, high, views })
        })
        .collect()
}
