//! The model on the page: what each node computes as JSON, and all weights as numbers of 16 bits where that is enough.

use enkoder::{Autoencoder, Dataset, ModelError, Node, Scaler};
use half::f16;
use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;
use serde_json::{Value, json};

use super::samples::base64_of;
use super::units::{Field, Units, range};

/// Parameters of the largest model that a page holds: 43 MB of text as 16-bit numbers.
pub(super) const MOST_PARAMETERS: usize = 16_000_000;
/// By how much 16-bit weights may change an output, in scaled units: half a grey level.
const MOST_CHANGE: f32 = 0.5 / 255.0;
/// How many samples or codes are tried with 16-bit weights.
const TRIED: usize = 100;

#[derive(Debug, Serialize)]
pub(super) struct ModelData {
    nodes: Vec<Value>,
    shapes: Vec<Vec<usize>>,
    code: usize,
    decodes: bool,
    reconstructs: bool,
    weights: &'static str,
    scaler: Value,
    #[serde(rename = "outputScaler")]
    output_scaler: Value,
    input: Units,
    output: Units,
    latents: Vec<LatentRange>,
}

/// Where one number of the codes lies.
#[derive(Debug, Serialize)]
struct LatentRange {
    low: f32,
    high: f32,
    mean: f32,
}

impl ModelData {
    /// What the page knows of the model, and its weights in base64.
    pub(super) fn of(
        model: &Autoencoder,
        codes: Option<ArrayView2<'_, f32>>,
        samples: Option<&Dataset>,
    ) -> Result<(Self, String), ModelError> {
        let architecture = model.architecture();
        let program = model.program();
        let decodes = architecture.needs_sample().is_none();
        let latents = LatentRange::all(model, codes);
        let halves = halves_are_enough(model, &latents, codes, samples, decodes)?;
        let parameters = model.parameters();
        let text = if halves {
            base64_of(parameters.iter().map(|&value| f16::from_f32(value).to_le_bytes()))
        } else {
            base64_of(parameters.iter().map(|value| value.to_le_bytes()))
        };
        let range = range(model, samples);
        let quantity = samples.and_then(Dataset::quantity);
        let is_field = model.record().data.bytes_per_value != 1 && (quantity.is_some() || range != (0.0, 1.0));
        let field = || is_field.then(|| Field::of(quantity));
        let input = Units::of(&architecture.input_shape, model.schema(), range, field());
        let output = match &architecture.output_shape {
            Some(shape) => Units::of(shape, None, scaled_ends(model.output_scaler()), None),
            None => Units::of(&architecture.input_shape, model.schema(), range, field()),
        };
        let data = Self {
            nodes: program.nodes().iter().map(node).collect(),
            shapes: (0..=program.output()).map(|value| program.shape(value).to_vec()).collect(),
            code: program.code(),
            decodes,
            reconstructs: architecture.output_shape.is_none(),
            weights: if halves { "f16" } else { "f32" },
            scaler: scaler(model.scaler()),
            output_scaler: scaler(model.output_scaler()),
            input,
            output,
            latents,
        };
        Ok((data, text))
    }

    pub(super) fn is_image(&self) -> bool {
        matches!(self.input, Units::Image { .. })
    }

    pub(super) fn is_field(&self) -> bool {
        matches!(self.input, Units::Image { field: Some(_), .. })
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.input, Units::Table { .. })
    }
}

/// A node with the options of its layer, and where each tensor lies.
fn node(node: &Node) -> Value {
    // A layer is plain data.
    let mut data = node.layer().and_then(|layer| serde_json::to_value(layer).ok()).unwrap_or_else(|| json!({}));
    data["kind"] = node.kind().into();
    data["activation"] = node.activation().name().into();
    data["reads"] = node.reads().into();
    data["writes"] = node.writes().into();
    let tensor = |tensor: &enkoder::Tensor| json!([tensor.name, tensor.range.start, tensor.range.end]);
    data["tensors"] = node.tensors().iter().map(tensor).collect();
    data
}

fn scaler(scaler: &Scaler) -> Value {
    let numbers = scaler.coefficients();
    json!({ "offset": numbers.offset, "scale": numbers.scale, "fill": numbers.fill })
}

/// What scaled values of 0 and 1 are in the units of an output.
fn scaled_ends(scaler: &Scaler) -> (f32, f32) {
    let numbers = scaler.coefficients();
    let (offset, scale) = (numbers.offset[0], numbers.scale[0]);
    (offset, offset + 1.0 / scale)
}

impl LatentRange {
    /// By the codes, or, without any, three spreads around 0, as far as the model knows them.
    fn all(model: &Autoencoder, codes: Option<ArrayView2<'_, f32>>) -> Vec<Self> {
        let spread = |number: usize| {
            let known = model.calibration().and_then(|calibration| calibration.code_spread.get(number));
            known.copied().filter(|&spread| spread > 0.0).unwrap_or(1.0)
        };
        let around_zero = |number| Self { low: -3.0 * spread(number), high: 3.0 * spread(number), mean: 0.0 };
        let of = |number: usize| {
            let Some(column) =
                codes.filter(|codes| codes.ncols() > number).map(|codes| codes.column(number).to_owned())
            else {
                return around_zero(number);
            };
            let finite = || column.iter().copied().filter(|value| value.is_finite());
            let (low, high) = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
            if low > high {
                return around_zero(number);
            }
            let mean = (finite().map(f64::from).sum::<f64>() / finite().count() as f64) as f32;
            let room = if low < high { 0.0 } else { spread(number) };
            Self { low: low - room, high: high + room, mean }
        };
        (0..model.architecture().latent()).map(of).collect()
    }
}

/// Whether weights of 16 bits give the same outputs to within half a grey level, tried on codes, or on samples where a code alone
/// cannot be decoded.
fn halves_are_enough(
    model: &Autoencoder,
    latents: &[LatentRange],
    codes: Option<ArrayView2<'_, f32>>,
    samples: Option<&Dataset>,
    decodes: bool,
) -> Result<bool, ModelError> {
    let rounded = model.parameters().iter().map(|&value| f16::from_f32(value).to_f32()).collect::<Vec<f32>>();
    if rounded.iter().any(|value| !value.is_finite()) {
        return Ok(false);
    }
    let rounded = model.clone().with_parameters(rounded)?;
    let mut outputs: Vec<[Array2<f32>; 2]> = Vec::new();
    if decodes {
        // Corners and middle of where the sliders lead.
        let mut tried = vec![Array2::from_shape_fn((TRIED, latents.len()), |(row, number)| {
            let LatentRange { low, high, .. } = latents[number];
            low + (high - low) * ((row * 37 + number * 11) % TRIED) as f32 / (TRIED - 1) as f32
        })];
        if let Some(codes) = codes.filter(|codes| codes.nrows() > 0) {
            let step = codes.nrows().div_ceil(TRIED);
            tried.push(codes.select(Axis(0), &(0..codes.nrows()).step_by(step).collect::<Vec<usize>>()));
        }
        for codes in tried {
            outputs.push([model.decode(codes.view())?, rounded.decode(codes.view())?]);
        }
    }
    if let Some(samples) = samples.filter(|samples| !samples.is_empty()) {
        let tried = samples.head(TRIED.min(samples.len()));
        outputs.push([model.reconstruct(&tried)?, rounded.reconstruct(&tried)?]);
    } else if !decodes {
        return Ok(false);
    }
    let scales = model.output_scaler().coefficients().scale;
    let close = |[exact, near]: &[Array2<f32>; 2]| {
        exact.indexed_iter().zip(near).all(|(((_, feature), exact), near)| {
            let change = (exact - near) * scales[feature % scales.len()];
            change.abs() <= MOST_CHANGE || exact.is_nan()
        })
    };
    Ok(outputs.iter().all(close))
}
