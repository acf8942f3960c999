//! Denoisers: trained on whole images of any sizes, used on pictures of any size.

use enkoder::WholeImage;
use enkoder::denoising::{Denoiser, DenoisingError, estimate_sigma};
use numpy::ndarray::Array1;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray3, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::autoencoder::Model;
use crate::calling::call;
use crate::errors::value_error;
use crate::options::recipe;
use crate::watching::Watcher;

/// Trains on patches of whole images: bytes, height × width × channels each.
#[pyfunction]
#[pyo3(signature = (images, options, targets=None, progress=None))]
pub fn fit_images(
    py: Python<'_>,
    images: Vec<PyReadonlyArray3<'_, u8>>,
    options: &Bound<'_, PyDict>,
    targets: Option<Vec<PyReadonlyArray3<'_, u8>>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<(Model, Option<PyErr>)> {
    let images = whole(&images);
    let targets = targets.map(|targets| whole(&targets));
    let recipe = recipe(options)?;
    Watcher::new(progress).watch(py, recipe, |recipe| recipe.split_images("images", images, targets))
}

fn whole(images: &[PyReadonlyArray3<'_, u8>]) -> Vec<WholeImage> {
    let named = images.iter().enumerate();
    named
        .map(|(number, image)| WholeImage { name: format!("image {number}"), pixels: image.as_array().to_owned() })
        .collect()
}

/// A picture without its noise: values of 0..=peak, height × width or height × width × channels, in one row.
#[pyfunction]
pub fn denoise<'py>(
    py: Python<'py>,
    model: &Model,
    picture: PyReadonlyArrayDyn<'py, f32>,
    peak: f32,
    ensemble: bool,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let (shape, values) = row(&picture)?;
    let done = call(py, None, || -> Result<_, DenoisingError> {
        Denoiser::new(&model.model)?.with_ensemble(ensemble).denoise(&values, &shape, peak)
    })?;
    Ok(Array1::from(done).into_pyarray(py))
}

/// The standard deviation of a picture's noise, in its units.
#[pyfunction]
pub fn noise_level(py: Python<'_>, picture: PyReadonlyArrayDyn<'_, f32>) -> PyResult<f32> {
    let (shape, values) = row(&picture)?;
    call(py, None, || estimate_sigma(&values, &shape))
}

fn row(picture: &PyReadonlyArrayDyn<'_, f32>) -> PyResult<(Vec<usize>, Vec<f32>)> {
    let view = picture.as_array();
    match picture.shape() {
        [_, _] | [_, _, _] => Ok((picture.shape().to_vec(), view.iter().copied().collect())),
        shape => {
            let why = format!(
                "a picture has height and width, or height, width and channels, but here are {} axes",
                shape.len()
            );
            Err(value_error(why))
        }
    }
}
