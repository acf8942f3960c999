//! Opening a model, by its file or by the folder that training wrote it to.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use enkoder::codec::SampleSource;
use enkoder::{Autoencoder, ModelError, ModelFileError, TensorFileError};
use enkoder_data::Arrays;

use crate::failure::Failure;
use crate::standard_input;

/// The model's name in the folder that training writes.
pub const FILE_NAME: &str = "model.safetensors";

/// The file that a user means: itself, or the one in the folder named.
pub fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() }
}

/// Whether a file begins as safetensors do, with the length of a header and the header's brace, or is called so.
pub fn is_tensor_file(path: &Path) -> bool {
    let mut start = [0; 9];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let named = path.extension().is_some_and(|extension| extension == "safetensors");
    match read {
        Ok(()) => (start[8] == b'{' && start[5..8] == [0; 3]) || named,
        Err(_) => named && path.is_file(),
    }
}

/// Loads a model.
pub fn load(path: &Path) -> anyhow::Result<Autoencoder> {
    let path = standard_input::file(&file_of(path))?;
    Autoencoder::load(&path).map_err(|error| match error {
        // It names the file itself.
        ModelFileError::File(TensorFileError::Read { .. }) => error.into(),
        _ => anyhow::Error::new(error).context(format!("{} cannot be used as a model", path.display())),
    })
}

/// What black and white are to a model of pictures, in the units of its data, where its training tells: 0 and 255 of bytes, or the
/// smallest and the largest value of numbers that were brought to 0..1.
pub fn range(model: &Autoencoder) -> Option<(f32, f32)> {
    if model.record().data.bytes_per_value == 1 {
        return Some((0.0, 255.0));
    }
    let scaler = model.scaler();
    let ends = |end: f32| {
        let mut row = vec![end; scaler.features()];
        scaler.inverse_row(&mut row);
        row.into_iter()
    };
    let (black, white) = (ends(0.0).fold(f32::INFINITY, f32::min), ends(1.0).fold(f32::NEG_INFINITY, f32::max));
    (scaler.is_unit_interval() && black < white).then_some((black, white))
}

/// Says that a model and some data do not belong together, before the reason.
pub fn check(model: &Autoencoder, path: &Path, data: &enkoder::Dataset) -> anyhow::Result<()> {
    model.check(data).with_context(|| format!("the model {} does not fit {}", path.display(), data.name()))
}

/// Says that a model and some arrays do not belong together, with the way out.
pub fn check_arrays(model: &Autoencoder, path: &Path, arrays: &Arrays) -> anyhow::Result<()> {
    let (expected, found) = (&model.architecture().input_shape, arrays.shape());
    let features = model.architecture().features();
    let error = match found.iter().product::<usize>() {
        other if other != features => ModelError::Features { found: other, expected: features },
        _ if found != expected && found.len() > 1 && expected.len() > 1 => {
            ModelError::Shape { found: found.to_vec(), expected: expected.clone() }
        }
        _ => return Ok(()),
    };
    let message = format!("the model {} does not fit {}", path.display(), arrays.name());
    let words = |axes: &[usize]| axes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let variables = arrays.layout().variables.len().max(1);
    // What one variable has of a sample of the model.
    let part = match expected.split_first() {
        Some((&first, rest)) if variables > 1 && first == variables => rest,
        _ => expected,
    };
    let axes = arrays.array();
    let can_be_cut = part.len() <= axes.len()
        && part.iter().zip(&axes[axes.len() - part.len()..]).all(|(&side, &axis)| side as u64 <= axis);
    let sample = words(expected);
    let hint = if axes.iter().skip(1).eq(part.iter().map(|&side| side as u64).collect::<Vec<_>>().iter()) {
        format!("the model takes samples of {sample}, each step of the leading axis: leave out --block")
    } else if can_be_cut && arrays.layout().block != part {
        format!("the model takes samples of {sample}: cut the arrays into such blocks with --block {}", words(part))
    } else {
        format!("the model takes samples of {sample}; train one for these arrays with `enkoder train`")
    };
    Err(Failure::new(message, hint, error).into())
}
