//! The data on the page: codes of many samples, some of the samples themselves, and how large errors usually are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use enkoder::{Autoencoder, Dataset, ModelError, Scaling, fit_pca};
use ndarray::{Array2, Axis};
use serde::Serialize;

use crate::evaluation::{LONGEST_NAME, chunk_rows};
use crate::number::name;
use crate::palette::CLASS_COLOURS;

/// Points that a browser draws at a good pace.
const MOST_POINTS: usize = 100_000;
/// Numbers of all codes on a page together.
const MOST_CODE_NUMBERS: usize = 1_000_000;
/// Bytes of all samples on a page together.
const MOST_SAMPLE_BYTES: usize = 3_000_000;
/// Errors on a page: so many tell where a new one stands among more.
const MOST_ERRORS: usize = 2000;
/// What a sample without a label has for a class.
const NO_CLASS: u16 = u16::MAX;

/// Samples as points of the latent space.
pub(super) struct Points {
    pub(super) codes: Array2<f32>,
    pub(super) facts: PointsFacts,
    /// The codes, 32-bit numbers in base64.
    pub(super) codes_text: String,
    /// The number of each point's class, 16-bit numbers in base64.
    pub(super) classes_text: String,
    /// The error of each point's sample, 32-bit numbers in base64.
    pub(super) errors_text: String,
    /// Samples in base64, of bytes or of 32-bit numbers.
    pub(super) samples_text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct PointsFacts {
    name: String,
    /// Of how many samples these are some.
    of: usize,
    points: usize,
    /// Point `p` is sample `p · step`.
    step: usize,
    /// Of point `n · sample_step` the sample is there.
    sample_step: usize,
    samples: usize,
    bytes_per_value: usize,
    classes: Vec<Class>,
    components: Option<Components>,
}

#[derive(Debug, Serialize)]
struct Class {
    name: String,
    /// Its own colour's number; none of classes that share one.
    colour: Option<usize>,
}

/// The two directions along which codes vary most: `(code · weight + bias)`, and back.
#[derive(Debug, Serialize)]
struct Components {
    weight: Vec<f32>,
    bias: Vec<f32>,
    weight_back: Vec<f32>,
}

impl Points {
    pub(super) fn of(model: &Autoencoder, data: &Dataset, decodes: bool) -> Result<Self, ModelError> {
        model.check(data)?;
        let latent = model.architecture().latent();
        let most = if decodes { MOST_POINTS.min(MOST_CODE_NUMBERS / latent.max(1)).max(1) } else { MOST_ERRORS };
        let step = data.len().div_ceil(most);
        let chosen: Vec<usize> = (0..data.len()).step_by(step).collect();
        let mut codes = Array2::zeros((0, if decodes { latent } else { 0 }));
        let mut errors = Vec::with_capacity(chosen.len());
        for chunk in chosen.chunks(chunk_rows(data.features())) {
            let samples = data.select(chunk);
            if decodes {
                // They are as wide as the others.
                let _ = codes.append(Axis(0), model.encode(&samples)?.view());
            }
            if model.architecture().output_shape.is_none() {
                errors.extend(model.reconstruction_error(&samples)?);
            }
        }
        let classes = data.classes().unwrap_or_default();
        let class_of =
            |&index: &usize| data.label(index).map_or(NO_CLASS, |class| class.min(u32::from(NO_CLASS)) as u16);
        let class_numbers: Vec<u16> = chosen.iter().map(class_of).collect();
        let bytes_per_value = data.bytes_per_value();
        let most_samples = (MOST_SAMPLE_BYTES / (data.features() * bytes_per_value).max(1)).max(1);
        let sample_step = chosen.len().div_ceil(most_samples);
        let with_sample: Vec<usize> = chosen.iter().copied().step_by(sample_step).collect();
        let facts = PointsFacts {
            name: name(data.name(), LONGEST_NAME),
            of: data.len(),
            points: chosen.len(),
            step,
            sample_step,
            samples: with_sample.len(),
            bytes_per_value,
            classes: coloured(classes, &class_numbers),
            components: if decodes && latent > 2 { Components::of(&codes) } else { None },
        };
        Ok(Self {
            codes_text: base64_of(codes.iter().map(|code| code.to_le_bytes())),
            classes_text: base64_of(class_numbers.iter().map(|class| class.to_le_bytes())),
            errors_text: base64_of(errors.iter().map(|error| error.to_le_bytes())),
            samples_text: samples_text(data, &with_sample),
            codes,
            facts,
        })
    }
}

/// The samples, byte after byte.
fn samples_text(data: &Dataset, chosen: &[usize]) -> String {
    if data.is_u8() {
        let mut row = vec![0; data.features()];
        let mut bytes = Vec::with_capacity(chosen.len() * row.len());
        for &index in chosen {
            data.copy_row_u8(index, &mut row);
            bytes.extend_from_slice(&row);
        }
        return STANDARD.encode(bytes);
    }
    let mut row = vec![0.0; data.features()];
    let mut bytes = Vec::with_capacity(chosen.len() * row.len() * 4);
    for &index in chosen {
        data.copy_row(index, &mut row);
        bytes.extend(row.iter().flat_map(|value: &f32| value.to_le_bytes()));
    }
    STANDARD.encode(bytes)
}

pub(super) fn base64_of<const N: usize>(numbers: impl Iterator<Item = [u8; N]>) -> String {
    STANDARD.encode(numbers.flatten().collect::<Vec<u8>>())
}

/// The classes; the most frequent have a colour of their own.
fn coloured(classes: &[String], numbers: &[u16]) -> Vec<Class> {
    let mut frequent: Vec<(usize, usize)> = (0..classes.len()).map(|class| (class, 0)).collect();
    for &number in numbers {
        if let Some((_, count)) = frequent.get_mut(usize::from(number)) {
            *count += 1;
        }
    }
    frequent.sort_by_key(|&(class, count)| (std::cmp::Reverse(count), class));
    let mut own: Vec<usize> = frequent.into_iter().take(CLASS_COLOURS).map(|(class, _)| class).collect();
    own.sort_unstable();
    let class = |(number, class): (usize, &String)| Class {
        name: name(class, LONGEST_NAME),
        colour: own.iter().position(|&owner| owner == number),
    };
    classes.iter().enumerate().map(class).collect()
}

impl Components {
    fn of(codes: &Array2<f32>) -> Option<Self> {
        let finite = |row: &ndarray::ArrayView1<'_, f32>| row.iter().all(|value| value.is_finite());
        let rows: Vec<usize> =
            codes.rows().into_iter().enumerate().filter(|(_, row)| finite(row)).map(|(index, _)| index).collect();
        let data = Dataset::from_f32("codes", codes.select(Axis(0), &rows)).ok()?;
        let pca = fit_pca(&data, &data, 2, Scaling::None).ok()?;
        let (weight, bias) = pca.weights(0);
        let (back, _) = pca.weights(1);
        Some(Self {
            weight: weight.iter().copied().collect(),
            bias: bias.to_vec(),
            weight_back: back.iter().copied().collect(),
        })
    }
}

/// How large errors usually are.
#[derive(Debug, Serialize)]
pub(super) struct SampleErrors {
    /// What the samples are.
    of: String,
    samples: usize,
    /// Evenly spread ranks of the errors, smallest first; all of them where they are few.
    sorted: Vec<f32>,
}

impl SampleErrors {
    pub(super) fn of(model: &Autoencoder, data: &Dataset, what: &str) -> Result<Self, ModelError> {
        let mut errors = model.reconstruction_error(data)?;
        errors.retain(|error| error.is_finite());
        errors.sort_by(f32::total_cmp);
        let samples = errors.len();
        let sorted = if samples > MOST_ERRORS {
            // The ranks of both ends are among them.
            (0..MOST_ERRORS).map(|rank| errors[rank * (samples - 1) / (MOST_ERRORS - 1)]).collect()
        } else {
            errors
        };
        Ok(Self { of: name(what, LONGEST_NAME), samples, sorted })
    }
}
