//! The plane of codes of two numbers, decoded on a grid: what the network makes of each place in it.

use enkoder::{Autoencoder, ModelError};
use ndarray::{Array2, ArrayView2};

use super::{View, Viewer};
use crate::picture::Picture;

/// Places along each side.
const SIDE: usize = 15;
const MOST_PIXELS: usize = 40;
/// The grid reaches over so much of the codes in each direction, from the middle.
const SHARE: f64 = 0.96;

/// Decoded pictures.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    /// The ends of the first and the second number.
    pub(crate) ends: [[f32; 2]; 2],
    /// The first number rises to the right, the second upwards: the first row has its highest.
    pub(crate) rows: Vec<Vec<Picture>>,
}

/// The plane over these codes; `None` where a code does not have two numbers, or samples are no pictures.
pub(super) fn of(
    model: &Autoencoder,
    codes: ArrayView2<'_, f32>,
    viewer: &Viewer,
) -> Result<Option<Plane>, ModelError> {
    if codes.ncols() != 2 || codes.nrows() == 0 {
        return Ok(None);
    }
    let ends = [0, 1].map(|number| {
        let mut values = codes.column(number).to_vec();
        values.sort_by(f32::total_cmp);
        let last = (values.len() - 1) as f64;
        [0.5 - SHARE / 2.0, 0.5 + SHARE / 2.0].map(|share| values[(last * share).round() as usize])
    });
    let at = |[low, high]: [f32; 2], step: usize| low + (high - low) * step as f32 / (SIDE - 1) as f32;
    let places = Array2::from_shape_fn((SIDE * SIDE, 2), |(place, number)| match number {
        0 => at(ends[0], place % SIDE),
        _ => at(ends[1], SIDE - 1 - place / SIDE),
    });
    let decoded = model.decode(places.view())?;
    let picture = |values: Vec<f32>| match viewer.view(&values, MOST_PIXELS) {
        View::Picture(picture) => Some(picture),
        View::Values(_) => None,
    };
    let pictures: Option<Vec<Picture>> = decoded.rows().into_iter().map(|row| picture(row.to_vec())).collect();
    Ok(pictures.map(|pictures| Plane { ends, rows: pictures.chunks(SIDE).map(<[Picture]>::to_vec).collect() }))
}
