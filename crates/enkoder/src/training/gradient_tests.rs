//! The engine's gradient against finite differences of its own loss, for every layer, loss and penalty.

use ndarray::Array2;

use super::batches::{Known, Samples};
use super::config::TrainingConfig;
use super::corruption::Corruption;
use super::gradient::{Engine, Position};
use super::objective::{Loss, Penalty};
use crate::dataset::Dataset;
use crate::network::layers::{Convolution, TransposedConvolution};
use crate::network::{Activation, Architecture, LayerSpec, Network};
use crate::scaling::{Scaler, Scaling};

const ROWS: usize = 12;
const FEATURES: usize = 7;

fn data(features: usize) -> Dataset {
    let values = Array2::from_shape_fn((ROWS, features), |(row, column)| {
        0.5 + 0.45 * ((row * 31 + column * 17) as f32 * 0.37).sin()
    });
    Dataset::from_f32("waves", values).unwrap()
}

/// For each parameter the gradient that the engine computes and the one that differences of its objective give; `None` where
/// two differences disagree, because a corner (of a rectifier, of an absolute value) lies between them.
fn gradients(
    architecture: &Architecture,
    config: &TrainingConfig,
    data: &Dataset,
    codes: Option<&Dataset>,
) -> Vec<(f64, Option<f64>)> {
    let features = architecture.features();
    let scaler = Scaler::fit(Scaling::None, data).unwrap();
    let code_scaler = codes.map(|codes| Scaler::fit(Scaling::None, codes).unwrap());
    let codes = codes.zip(code_scaler.as_ref()).map(|(data, scaler)| Known { data, scaler });
    let samples = Samples { codes, ..Samples::new(data, &scaler) };
    let order: Vec<u32> = (0..ROWS as u32).collect();
    let mut network = Network::initialised(architecture, 6).unwrap();
    // The last layer of a residual network begins at 0, where no error reaches those before it.
    network.parameters.iter_mut().enumerate().for_each(|(index, p)| *p += 0.05 * (index as f32).sin());
    let mut engine = Engine::new(network, config, ROWS, &samples);
    let at = Position { epoch: 1, step: 0, learning_rate: 0.0 };
    engine.step(&samples, &order, 0, at);
    let gradient: Vec<f64> = engine.gradient().iter().map(|&g| f64::from(g)).collect();
    let mut objective = |index: usize, change: f32| {
        let kept = engine.network.parameters[index];
        engine.network.parameters[index] = kept + change;
        let sums = engine.step(&samples, &order, 0, at);
        engine.network.parameters[index] = kept;
        sums.loss / (ROWS * features) as f64 + sums.penalty / ROWS as f64
    };
    let h = 4e-3f32;
    gradient
        .into_iter()
        .enumerate()
        .map(|(index, gradient)| {
            let mut central = |h: f32| (objective(index, h) - objective(index, -h)) / (2.0 * f64::from(h));
            let (near, far) = (central(h), central(2.0 * h));
            // Richardson's extrapolation: its error falls with the fourth power of h.
            (gradient, ((near - far).abs() < 1e-5 + 2e-3 * near.abs()).then_some((4.0 * near - far) / 3.0))
        })
        .collect()
}

fn check(what: &str, architecture: &Architecture, config: &TrainingConfig) {
    check_on(what, architecture, config, &data(architecture.features()), None);
}

fn check_on(what: &str, architecture: &Architecture, config: &TrainingConfig, data: &Dataset, codes: Option<&Dataset>) {
    let pairs = gradients(architecture, config, data, codes);
    let scale = pairs.iter().map(|(gradient, _)| gradient.abs()).fold(0.0, f64::max);
    assert!(scale > 1e-4, "{what}: the gradient vanishes");
    let checked = pairs.iter().filter(|(_, difference)| difference.is_some()).count();
    assert!(10 * checked > 9 * pairs.len(), "{what}: only {checked} of {} differences are usable", pairs.len());
    for (index, (gradient, difference)) in pairs.into_iter().enumerate() {
        let Some(difference) = difference else { continue };
        let error = (gradient - difference).abs();
        assert!(error < 2e-3 * scale + 2e-5, "{what}, parameter {index}: {gradient} against {difference}");
    }
}

/// The engine keeps a gradient only to clip it, so it is clipped where it never comes.
fn config() -> TrainingConfig {
    TrainingConfig { batch_size: ROWS, gradient_clip: Some(1e9), ..TrainingConfig::default() }
}

fn smooth() -> Architecture {
    Architecture::dense([FEATURES], &[6, 5], 3)
        .with_activation(Activation::Tanh)
        .with_latent_activation(Activation::Sigmoid)
        .with_output_activation(Activation::Sigmoid)
}

#[test]
fn every_activation_has_the_right_gradient_in_hidden_and_latent_layers() {
    for activation in Activation::ALL {
        let architecture = Architecture::dense([FEATURES], &[6, 5], 3)
            .with_activation(activation)
            .with_latent_activation(activation)
            .with_output_activation(Activation::Sigmoid);
        check(activation.name(), &architecture, &config());
    }
}

#[test]
fn every_loss_has_the_right_gradient() {
    let losses = [Loss::MeanSquared, Loss::MeanAbsolute, Loss::Huber { delta: 0.1 }, Loss::BinaryCrossEntropy];
    for loss in losses {
        check(&format!("{loss:?}"), &smooth(), &TrainingConfig { loss, ..config() });
    }
}

#[test]
fn every_penalty_has_the_right_gradient() {
    let penalties = [
        Penalty::L1 { weight: 0.3 },
        Penalty::KullbackLeibler { weight: 0.3, target: 0.1 },
        Penalty::Contractive { weight: 0.3 },
    ];
    for penalty in penalties {
        check(&format!("{penalty:?}"), &smooth(), &TrainingConfig { penalty: Some(penalty), ..config() });
    }
    for activation in [Activation::Gelu, Activation::Elu, Activation::Sigmoid] {
        let penalty = Some(Penalty::Contractive { weight: 0.2 });
        let architecture = Architecture::dense([FEATURES], &[6, 5], 3).with_activation(activation);
        check(&format!("contractive {activation}"), &architecture, &TrainingConfig { penalty, ..config() });
    }
}

/// Layers that take 6×8 images of two channels to a code and back.
fn image_architectures() -> Vec<(&'static str, Architecture)> {
    use Activation::{Elu, Gelu, Linear, Sigmoid, Tanh};
    let (conv, back) = (LayerSpec::convolution, LayerSpec::transposed_convolution);
    let dense = |units, activation| LayerSpec::dense(units, activation);
    let reshape = |shape| LayerSpec::reshape(shape);
    let norm = |activation| LayerSpec::batch_norm(activation);
    let network = |encoder: Vec<LayerSpec>, decoder: Vec<LayerSpec>, residual| Architecture {
        input_shape: vec![6, 8, 2],
        encoder,
        decoder,
        output_shape: None,
        residual,
    };
    let odd = |kernel, padding, stride| {
        LayerSpec::from(Convolution { channels: 3, kernel, stride, padding: Some(padding), activation: Tanh })
    };
    let odd_back = |padding, output_padding| {
        LayerSpec::from(TransposedConvolution {
            channels: 2,
            kernel: 5.into(),
            stride: 2.into(),
            padding: Some(padding),
            output_padding: Some(output_padding),
            activation: Sigmoid,
        })
    };
    vec![
        (
            "convolution and its transpose around a dense code",
            network(
                vec![conv(5, 3, 2, Tanh), conv(4, 3, 1, Gelu), dense(6, Linear)],
                vec![dense(48, Elu), reshape([3, 4, 4]), back(5, 3, 1, Tanh), back(2, 3, 2, Sigmoid)],
                false,
            ),
        ),
        (
            "odd paddings and strides",
            network(
                vec![odd(2.into(), 2.into(), 3.into())],
                vec![odd_back(2.into(), 1.into()), LayerSpec::dense(96, Linear)],
                false,
            ),
        ),
        (
            "kernels, strides and paddings of each axis",
            network(
                vec![odd([2, 5].into(), [1, 0].into(), [3, 2].into()), LayerSpec::max_pool([3, 1])],
                vec![
                    LayerSpec::upsample([2, 3]),
                    LayerSpec::transposed_convolution(4, [3, 1], [3, 1], Elu),
                    LayerSpec::dense(96, Linear),
                ],
                false,
            ),
        ),
        (
            "skip connections, one of them over another, and the sample itself",
            network(
                vec![conv(4, 3, 1, Tanh), conv(4, 3, 1, Tanh), LayerSpec::add("encoder.0"), LayerSpec::average_pool(2)],
                vec![
                    LayerSpec::upsample(2),
                    LayerSpec::concat("encoder.0"),
                    conv(3, 3, 1, Elu),
                    LayerSpec::concat("input"),
                    conv(2, 1, 1, Linear),
                    LayerSpec::add("decoder.4"),
                ],
                true,
            ),
        ),
        (
            "a series of one column",
            Architecture {
                input_shape: vec![12, 1, 3],
                encoder: vec![
                    LayerSpec::convolution(4, [5, 1], [2, 1], Tanh),
                    LayerSpec::convolution(3, [3, 1], [1, 1], Gelu),
                ],
                decoder: vec![LayerSpec::transposed_convolution(3, [5, 1], [2, 1], Linear)],
                output_shape: None,
                residual: false,
            },
        ),
        (
            "normalisation",
            network(vec![conv(4, 3, 1, Linear), norm(Tanh)], vec![conv(2, 3, 1, Linear), norm(Sigmoid)], false),
        ),
        (
            "normalisation first of all",
            network(vec![norm(Linear), conv(3, 3, 1, Elu)], vec![conv(2, 1, 1, Linear)], false),
        ),
        (
            "pooling and upsampling",
            network(
                vec![conv(3, 3, 1, Tanh), LayerSpec::max_pool(2)],
                vec![LayerSpec::upsample(2), conv(2, 3, 1, Linear)],
                false,
            ),
        ),
        (
            "mean pooling and shuffling",
            network(
                vec![conv(2, 3, 1, Tanh), LayerSpec::average_pool(2), conv(8, 3, 1, Elu)],
                vec![LayerSpec::pixel_shuffle(2)],
                false,
            ),
        ),
        (
            "a residual denoiser on unshuffled pixels",
            network(
                vec![LayerSpec::pixel_unshuffle(2), conv(5, 3, 1, Elu)],
                vec![conv(8, 3, 1, Linear), LayerSpec::pixel_shuffle(2)],
                true,
            ),
        ),
    ]
}

#[test]
fn every_layer_of_images_has_the_right_gradient() {
    for (what, architecture) in image_architectures() {
        // Nothing is to be taken from a sample that is not damaged.
        let corruption = architecture.residual.then_some(Corruption::Gaussian { sigma: 0.3.into() });
        check(what, &architecture, &TrainingConfig { corruption, ..config() });
    }
}

#[test]
fn penalties_reach_through_convolutions() {
    let (_, architecture) = image_architectures().swap_remove(0);
    let penalty = Some(Penalty::L1 { weight: 0.3 });
    check("L1", &architecture, &TrainingConfig { penalty, ..config() });
}

/// What a clip that never comes stores is what is otherwise applied at once.
#[test]
fn a_stored_gradient_takes_the_same_step_as_one_that_is_not() {
    for (what, architecture) in image_architectures() {
        let data = data(architecture.features());
        let scaler = Scaler::fit(Scaling::None, &data).unwrap();
        let samples = Samples::new(&data, &scaler);
        let order: Vec<u32> = (0..ROWS as u32).collect();
        let step = |gradient_clip| {
            let network = Network::initialised(&architecture, 6).unwrap();
            let mut engine = Engine::new(network, &TrainingConfig { gradient_clip, ..config() }, ROWS, &samples);
            engine.step(&samples, &order, 0, Position { epoch: 1, step: 0, learning_rate: 1e-3 });
            // A smaller batch after a larger one.
            engine.step(&samples, &order[..5], 0, Position { epoch: 1, step: 1, learning_rate: 1e-3 });
            engine.network.parameters
        };
        assert_eq!(step(None), step(Some(1e9)), "{what}");
    }
}

#[test]
fn known_codes_pull_the_encoder_towards_them() {
    check_on("known codes", &smooth(), &config(), &data(FEATURES), Some(&data(3)));
}

#[test]
fn a_corrupted_input_is_compared_with_the_whole_sample() {
    let corruption = Some(Corruption::Gaussian { sigma: 0.3.into() });
    check("denoising", &smooth(), &TrainingConfig { corruption, ..config() });
}

#[test]
fn a_clipped_gradient_keeps_its_direction_and_has_the_length_asked_for() {
    let data = data(FEATURES);
    let scaler = Scaler::fit(Scaling::None, &data).unwrap();
    let samples = Samples::new(&data, &scaler);
    let order: Vec<u32> = (0..ROWS as u32).collect();
    let moment = |gradient_clip| {
        let network = Network::initialised(&smooth(), 6).unwrap();
        let mut engine = Engine::new(network, &TrainingConfig { gradient_clip, ..config() }, ROWS, &samples);
        engine.step(&samples, &order, 0, Position { epoch: 1, step: 0, learning_rate: 1e-3 });
        engine.first_moment
    };
    let length = |moment: &[f32]| moment.iter().map(|m| m * m).sum::<f32>().sqrt() / 0.1;
    let (free, clipped) = (moment(None), moment(Some(1e-3)));
    assert!(length(&free) > 1e-2 && (length(&clipped) - 1e-3).abs() < 1e-6);
    let cosine = free.iter().zip(&clipped).map(|(a, b)| a * b).sum::<f32>() / (length(&free) * length(&clipped) * 0.01);
    assert!((cosine - 1.0).abs() < 1e-4);
}

/// A network that is cut takes the same steps as one whose batches are: a clip that never comes tells the engine not to cut it.
#[test]
fn parts_of_layers_and_shards_of_rows_take_the_same_steps() {
    const FEATURES: usize = 90;
    let values = |salt: usize| {
        let value = |(row, column): (usize, usize)| 0.5 + 0.45 * ((row * 31 + column * 17 + salt) as f32 * 0.37).sin();
        Dataset::from_f32("waves", Array2::from_shape_fn((ROWS, FEATURES), value)).unwrap()
    };
    let (inputs, targets) = (values(0), values(5));
    let scaler = Scaler::fit(Scaling::None, &inputs).unwrap();
    // Cut and whole layers in all orders, and a width that no vector divides.
    let architectures = [
        Architecture::dense([FEATURES], &[1003, 40], 6).with_activation(Activation::Gelu),
        Architecture::dense([FEATURES], &[1200], 600).with_activation(Activation::Tanh),
        Architecture::dense([FEATURES], &[40, 900, 900], 7).with_output_activation(Activation::Sigmoid),
    ];
    // A batch that passes whole, and one that passes in three pieces.
    let cases = architectures.iter().flat_map(|a| [(a, None, ROWS), (a, Some(&targets), ROWS), (a, None, 300)]);
    for (architecture, targets, rows) in cases {
        let samples = match targets {
            Some(targets) => Samples::new(&inputs, &scaler).with_targets(targets, &scaler),
            None => Samples::new(&inputs, &scaler),
        };
        let train = |gradient_clip| {
            let network = Network::initialised(architecture, 6).unwrap();
            let config = TrainingConfig { gradient_clip, ..config() };
            let mut engine = Engine::new(network, &config, rows, &samples);
            let mut losses = Vec::new();
            for step in 0..4 {
                // The last batch of an epoch is smaller.
                let length = if step == 3 { 5 } else { rows };
                let order: Vec<u32> = (0..length).map(|index| (index % ROWS) as u32).collect();
                let at = Position { epoch: 1, step, learning_rate: 1e-4 };
                losses.push(engine.step(&samples, &order, 0, at).loss);
            }
            engine.collect();
            (engine.network.parameters, engine.first_moment, losses)
        };
        let ((cut, cut_moments, cut_losses), (whole, whole_moments, whole_losses)) = (train(None), train(Some(1e9)));
        assert!(cut != whole, "the sums have another order, so the network was cut");
        for (cut, whole) in cut_losses.iter().zip(&whole_losses) {
            assert!((cut - whole).abs() < 1e-4 * whole, "{architecture:?}: {cut} against {whole}");
        }
        let scale = whole_moments.iter().fold(0.0f32, |most, m| most.max(m.abs()));
        let off = cut_moments.iter().zip(&whole_moments).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(scale > 0.0 && off < 1e-3 * scale, "{architecture:?}: {off} of {scale}");
    }
}

/// A network whose rows have gaps is asked for what is there alone, and its loss is the mean over that.
#[test]
fn nothing_is_asked_where_a_value_is_missing() {
    let mut values = data(FEATURES).to_array();
    values.indexed_iter_mut().filter(|((row, column), _)| (row + 2 * column) % 5 == 0).for_each(|(_, v)| *v = f32::NAN);
    let gaps = Dataset::from_f32("gaps", values).unwrap();
    check_on("gaps", &smooth(), &config(), &gaps, None);
}

#[test]
fn where_only_hidden_values_are_asked_for_the_gradient_is_that_of_their_loss() {
    let corruption = Some(Corruption::BlindSpots { fraction: 0.2.into() });
    let (_, architecture) = image_architectures().swap_remove(4);
    check("blind spots", &architecture, &TrainingConfig { corruption, ..config() });
    let corruption = Some(Corruption::Missing { fraction: 0.4.into() });
    check("missing values", &smooth(), &TrainingConfig { corruption, ..config() });
}
