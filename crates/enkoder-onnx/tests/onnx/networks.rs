//! Networks of random layers with random parameters, to be exported.

use enkoder::layers::{Concat, Convolution, TransposedConvolution};
use enkoder::{Activation, Architecture, Autoencoder, Dataset, LayerSpec, PerAxis, Program, Scaler, Scaling};
use ndarray::Array2;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Most numbers of a value: small networks show as much as large ones.
const MOST_VALUES: usize = 1500;

/// The model of a number: always the same.
pub fn model(number: u64) -> Autoencoder {
    let random = &mut ChaCha8Rng::seed_from_u64(number);
    let architecture = architecture(random);
    let scaler = scaler(random, architecture.features());
    let parameters = parameters(random, &architecture);
    Autoencoder::from_parameters(architecture, parameters, scaler, "random").expect("the layers fit together")
}

/// Rows as the scaler of a model may have seen them, some with a missing value, some with an infinite one.
pub fn rows(model: &Autoencoder, count: usize, number: u64) -> Vec<f32> {
    let random = &mut ChaCha8Rng::seed_from_u64(number);
    let features = model.architecture().features();
    let mut values = vec![0.0; count * features];
    for row in values.chunks_exact_mut(features) {
        row.iter_mut().for_each(|value| *value = random.random_range(-1.0..1.0));
        model.scaler().inverse_row(row);
        match random.random_range(0..10) {
            0 => row[random.random_range(0..features)] = f32::INFINITY,
            1..4 => {
                let at = random.random_range(0..features);
                row[at..].iter_mut().step_by(4).for_each(|value| *value = f32::NAN);
            }
            _ => {}
        }
    }
    values
}

fn architecture(random: &mut ChaCha8Rng) -> Architecture {
    let input_shape = match random.random_range(0..5) {
        0 => vec![random.random_range(2..40)],
        1 => vec![random.random_range(4..13), random.random_range(4..13)],
        2 => vec![random.random_range(8..40), 1, random.random_range(1..4)],
        3 => vec![8, 12, random.random_range(1..5)],
        _ => vec![random.random_range(4..13), random.random_range(4..13), random.random_range(2..5)],
    };
    let features = input_shape.iter().product();
    let mut architecture =
        Architecture { input_shape, encoder: vec![], decoder: vec![], output_shape: None, residual: false };
    for _ in 0..random.random_range(0..6) {
        let layer = layer(random, &architecture);
        push(&mut architecture, false, layer);
    }
    if architecture.encoder.is_empty() || random.random_bool(0.6) {
        let code = LayerSpec::dense(random.random_range(1..9), activation(random));
        push(&mut architecture, false, code);
    }
    for _ in 0..random.random_range(0..6) {
        let layer = layer(random, &architecture);
        push(&mut architecture, true, layer);
    }
    architecture.residual = random.random_bool(0.2);
    let last = if architecture.residual { Activation::Linear } else { activation(random) };
    if architecture.decoder.is_empty() || architecture.validate().is_err() || random.random_bool(0.3) {
        push(&mut architecture, true, LayerSpec::dense(features, last));
    }
    architecture.validate().expect("it ends in as many values as a sample has");
    architecture
}

/// Adds a layer where it fits.
fn push(architecture: &mut Architecture, decoder: bool, layer: LayerSpec) {
    let before = architecture.layers().len();
    let layers = if decoder { &mut architecture.decoder } else { &mut architecture.encoder };
    layers.push(layer);
    let fits = |layers: &[enkoder::LayerSummary]| {
        layers.len() == before + 1 && layers.iter().all(|layer| layer.outputs <= MOST_VALUES)
    };
    if !fits(&architecture.layers()) {
        let layers = if decoder { &mut architecture.decoder } else { &mut architecture.encoder };
        layers.pop();
    }
}

fn layer(random: &mut ChaCha8Rng, architecture: &Architecture) -> LayerSpec {
    let layers = architecture.layers();
    let shape = layers.last().map_or(&architecture.input_shape, |layer| &layer.output_shape);
    let earlier = |random: &mut ChaCha8Rng| {
        let names: Vec<&str> = layers.iter().map(|layer| &layer.name[..]).chain(["input"]).collect();
        (*names.choose(random).expect("there is the input")).to_owned()
    };
    let channels = random.random_range(1..6);
    match random.random_range(0..14) {
        0 => LayerSpec::dense(random.random_range(1..30), activation(random)),
        1..4 => {
            let padding = random.random_bool(0.5).then(|| axes(random, 0..3));
            let (kernel, stride) = (axes(random, 1..5), axes(random, 1..3));
            Convolution { channels, kernel, stride, padding, activation: activation(random) }.into()
        }
        4..6 => {
            let (kernel, stride) = (axes(random, 1..5), axes(random, 1..3));
            let padding = random.random_bool(0.4).then(|| axes(random, 0..2));
            let output_padding = random.random_bool(0.4).then(|| axes(random, 0..2));
            let activation = activation(random);
            TransposedConvolution { channels, kernel, stride, padding, output_padding, activation }.into()
        }
        6 => LayerSpec::max_pool(axes(random, 1..4)),
        7 => LayerSpec::average_pool(axes(random, 1..4)),
        8 => LayerSpec::upsample(axes(random, 1..3)),
        9 => LayerSpec::pixel_unshuffle(axes(random, 1..3)),
        10 => LayerSpec::pixel_shuffle(axes(random, 1..3)),
        11 => LayerSpec::batch_norm(activation(random)),
        12 if random.random_bool(0.5) => LayerSpec::add(earlier(random)),
        12 => Concat { from: earlier(random) }.into(),
        _ => {
            let values: usize = shape.iter().product();
            let divisors: Vec<usize> = (1..=values).filter(|&divisor| values.is_multiple_of(divisor)).collect();
            let height = *divisors.choose(random).expect("1 is one");
            let rest: Vec<usize> =
                divisors.iter().copied().filter(|width| (values / height).is_multiple_of(*width)).collect();
            let width = *rest.choose(random).expect("1 is one");
            LayerSpec::reshape([height, width, values / height / width])
        }
    }
}

fn axes(random: &mut ChaCha8Rng, sizes: std::ops::Range<usize>) -> PerAxis {
    let both = random.random_range(sizes.clone());
    if random.random_bool(0.7) { both.into() } else { [both, random.random_range(sizes)].into() }
}

fn activation(random: &mut ChaCha8Rng) -> Activation {
    *Activation::ALL.choose(random).expect("there are some")
}

fn scaler(random: &mut ChaCha8Rng, features: usize) -> Scaler {
    let kinds = [Scaling::None, Scaling::UnitRange, Scaling::MinMax, Scaling::Standard];
    let kind = *kinds.choose(random).expect("there are some");
    let values = Array2::from_shape_fn((30, features), |(_, feature)| {
        random.random_range(-1.0..1.0) * (1 + feature % 7) as f32 + (feature % 5) as f32
    });
    let rows = Dataset::from_f32("rows", values).expect("it has rows and columns");
    Scaler::fit(kind, &rows).expect("such rows can be scaled")
}

/// Parameters under which values stay of the order of 1 from layer to layer.
fn parameters(random: &mut ChaCha8Rng, architecture: &Architecture) -> Vec<f32> {
    let program = Program::new(architecture).expect("the layers fit together");
    let mut parameters = Vec::new();
    for node in program.nodes() {
        for tensor in node.tensors() {
            let inputs = match (node.kind(), tensor.name) {
                (_, "bias" | "shift" | "mean") => 12.0,
                ("transposed_convolution", _) => tensor.shape[0] as f32,
                (_, "weight") => {
                    (tensor.shape.iter().product::<usize>() / tensor.shape.last().expect("a matrix")) as f32
                }
                _ => {
                    parameters.extend((0..tensor.range.len()).map(|_| random.random_range(0.4..1.6f32)));
                    continue;
                }
            };
            let most = (3.0 / inputs).sqrt();
            parameters.extend((0..tensor.range.len()).map(|_| random.random_range(-most..most)));
        }
    }
    parameters
}
