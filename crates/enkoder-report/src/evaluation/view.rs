//! How one sample is kept for showing: an image brought down to a readable size, or a row of scaled values.

use enkoder::Scaler;

use super::DataFacts;
use crate::picture::{Layout, Picture};

/// Rows of values are averaged down to at most this many.
const MOST_VALUES: usize = 400;

/// A sample as it will be shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum View {
    Picture(Picture),
    /// Scaled values, each the mean of as many neighbours as needed to make them few.
    Values(Vec<f32>),
}

/// Makes views of samples in their original units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer<'a> {
    layout: Layout,
    range: (f32, f32),
    /// Of fields, whether the south is first.
    field: Option<bool>,
    scaler: &'a Scaler,
}

impl<'a> Viewer<'a> {
    pub(crate) fn new(data: &DataFacts, scaler: &'a Scaler) -> Self {
        let field = data.is_field().then(|| data.south_first());
        Self { layout: data.layout, range: data.range, field, scaler }
    }

    /// A view of one sample; images get sides of at most `most` pixels.
    pub(crate) fn view(&self, sample: &[f32], most: usize) -> View {
        let picture = match self.field {
            Some(south_first) => Picture::of_field(sample, self.layout, self.range, south_first, most),
            None => Picture::of_sample(sample, self.layout, self.range, most),
        };
        if let Some(picture) = picture {
            return View::Picture(picture);
        }
        let mut scaled = sample.to_vec();
        self.scaler.transform_row(&mut scaled);
        // What was missing has no place in a picture of the original.
        for (scaled, original) in scaled.iter_mut().zip(sample) {
            if original.is_nan() {
                *scaled = f32::NAN;
            }
        }
        let block = scaled.len().div_ceil(MOST_VALUES).max(1);
        View::Values(scaled.chunks(block).map(mean).collect())
    }
}

/// The mean of the values that are not missing; NaN where all are.
fn mean(values: &[f32]) -> f32 {
    let known = || values.iter().filter(|value| !value.is_nan());
    (known().map(|&value| f64::from(value)).sum::<f64>() / known().count() as f64) as f32
}
