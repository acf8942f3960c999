//! How one sample is kept for showing: an image brought down to a readable size, or a row of values in their own units.

use enkoder::Scaler;

use super::DataFacts;
use crate::picture::{Layout, Picture};

/// Rows of values are averaged down to at most this many.
const MOST_VALUES: usize = 400;

/// A sample as it will be shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum View {
    Picture(Picture),
    /// Values in their own units: of a table all, of a longer row each the mean of as many neighbours as needed to make them few.
    Values(Vec<f32>),
}

/// Makes views of samples in their original units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer {
    layout: Layout,
    range: (f32, f32),
    /// Of fields, whether the south is first.
    field: Option<bool>,
    is_table: bool,
}

impl Viewer {
    pub(crate) fn new(data: &DataFacts) -> Self {
        let field = data.is_field().then(|| data.south_first());
        Self { layout: data.layout, range: data.range, field, is_table: data.is_table }
    }

    /// Whether samples are fields.
    pub(super) fn is_field(&self) -> bool {
        self.field.is_some()
    }

    /// A view of what changes in a field, by at most `most`.
    pub(super) fn change(&self, change: &[f32], most: f64, side: usize) -> View {
        let south_first = self.field.unwrap_or_default();
        match Picture::of_change(change, self.layout, most, south_first, side) {
            Some(picture) => View::Picture(picture),
            None => View::Values(change.to_vec()),
        }
    }

    /// A view whose values can be seen beside each other: those of a table are scaled, because each column has its own unit.
    pub(crate) fn comparable(&self, mut view: View, scaler: &Scaler) -> View {
        if let View::Values(values) = &mut view
            && self.is_table
        {
            let missing: Vec<bool> = values.iter().map(|value| value.is_nan()).collect();
            scaler.transform_row(values);
            values.iter_mut().zip(missing).filter(|(_, missing)| *missing).for_each(|(value, _)| *value = f32::NAN);
        }
        view
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
        // Columns of a table have nothing to do with their neighbours.
        let block = if self.is_table { 1 } else { sample.len().div_ceil(MOST_VALUES).max(1) };
        View::Values(sample.chunks(block).map(mean).collect())
    }
}

/// The mean of the values that are not missing; NaN where all are.
fn mean(values: &[f32]) -> f32 {
    let known = || values.iter().filter(|value| !value.is_nan());
    (known().map(|&value| f64::from(value)).sum::<f64>() / known().count() as f64) as f32
}
