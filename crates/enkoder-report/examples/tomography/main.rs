//! Images from measurements: electrical capacitance tomography in the manner of Zheng and Peng ("An autoencoder-based image
//! reconstruction for electrical capacitance tomography", IEEE Sensors Journal 18, 2018). Twelve electrodes around a pipe measure 66
//! capacitances; the encoder learns what an image measures and the decoder what image a measurement shows, both together. Beside it
//! stand linear back-projection and Landweber iteration. `docs/tomography.md` has formulas and results.
//!
//! ```text
//! cargo run --release -p enkoder-report --example tomography -- --figure tomography.svg
//! ```

mod banded;
mod classical;
mod codes;
mod figure;
mod measurements;
mod options;
mod phantoms;
mod pixels;
mod scores;
mod sensor;

use std::error::Error;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use enkoder::workspace::{Overwrite, check_writable, write_atomically};
use enkoder::{
    Activation, Adam, Architecture, Autoencoder, Corruption, Dataset, LayerSpec, NoiseLevel, Progress, Scaling,
    Trainer, TrainingConfig,
};
use ndarray::{Array2, ArrayView2};

use classical::LinearModel;
use codes::Codes;
use measurements::{Frames, Purpose, Simulator};
use options::Options;
use phantoms::Kind;
use scores::{Score, relative_error};
use sensor::{Design, PAIRS, Sensor};

/// Noise of the tests: parts of the root mean square of a frame.
const NOISE: [f32; 4] = [0.0, 0.01, 0.02, 0.05];
/// Iterations of which the best for phantoms of validation is taken.
const ITERATIONS: [usize; 7] = [10, 30, 100, 200, 500, 1000, 2000];
const METHODS: [&str; 3] = ["back-projection", "Landweber", "autoencoder"];

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    for path in [&options.figure, &options.model].into_iter().flatten() {
        check_writable(path, Overwrite::Replace)?;
    }
    let simulator = Simulator::new(Sensor::new(Design::default()))?;
    describe(&simulator);

    let start = Instant::now();
    let train =
        simulator.frames(&Kind::TRAINED, options.phantoms, options.positions, options.seed, Purpose::Training)?;
    let rate = options.phantoms as f64 / start.elapsed().as_secs_f64();
    println!(
        "training: {} phantoms, solved at {rate:.0} a second, each in {} positions: {} pairs",
        options.phantoms,
        options.positions,
        train.images.nrows()
    );
    let validation = simulator.frames(&Kind::TRAINED, 400, 1, options.seed, Purpose::Validation)?;
    let codes = Codes::fit(&train.capacitances);
    let model = fit(train, &validation, &codes, &options)?;
    if let Some(path) = &options.model {
        write(path, &model.to_bytes()?)?;
    }
    let linear = LinearModel::new(&simulator)?;
    let iterations = best_iterations(&linear, &validation);
    let forward = model.encode(&Dataset::from_f32("validation", validation.images.clone())?)?;
    let forward = Score::of(&codes.capacitances(&forward), &validation.capacitances);
    println!("encoder: capacitances of unseen phantoms within {:.1} % of the field's\n", 100.0 * forward.error);

    let methods = Methods { linear, iterations, codes, model };
    let mut kept = Vec::new();
    println!("| phantoms | noise | {} |", METHODS.map(|name| format!("{name}: error, correlation")).join(" | "));
    println!("|---|---:|{}", "---:|".repeat(METHODS.len()));
    for (group, kinds) in [("seen", &Kind::TRAINED[..]), ("never seen", &Kind::UNSEEN)] {
        let mut sums = vec![Vec::new(); NOISE.len()];
        for &kind in kinds {
            let frames = simulator.frames(&[kind], options.tests, 1, options.seed ^ kind as u64, Purpose::Test)?;
            for (noise, sums) in NOISE.iter().zip(&mut sums) {
                let noisy = frames.with_noise(*noise, options.seed);
                let found = methods.images(&noisy.capacitances)?;
                let scores = found.each_ref().map(|images| Score::of(images, &noisy.images));
                print_row(kind.name(), *noise, &scores);
                sums.push(scores);
                if *noise == 0.01 {
                    kept.push((kind, group, noisy, found));
                }
            }
        }
        for (noise, scores) in NOISE.iter().zip(&sums) {
            print_row(&format!("all {group}"), *noise, &mean(scores));
        }
    }
    if let Some(path) = &options.figure {
        write(path, draw(&simulator, &kept)?.as_bytes())?;
    }
    Ok(())
}

fn describe(simulator: &Simulator) {
    let empty = simulator.empty();
    println!(
        "sensor: {} capacitances, field of {} unknowns, image of {} pixels; empty: {:.3} pF/m between neighbours, {:.5} across",
        PAIRS,
        simulator.sensor.unknowns(),
        simulator.pixels.len(),
        empty[0],
        empty[5]
    );
}

/// Trains the two networks together.
fn fit(train: Frames, validation: &Frames, codes: &Codes, options: &Options) -> Result<Autoencoder, Box<dyn Error>> {
    let dense = |units, activation| LayerSpec::dense(units, activation);
    let pixels = train.images.ncols();
    let architecture = Architecture {
        encoder: vec![dense(512, Activation::Relu), dense(256, Activation::Relu), dense(PAIRS, Activation::Linear)],
        decoder: vec![dense(512, Activation::Relu), dense(512, Activation::Relu), dense(pixels, Activation::Sigmoid)],
        ..Architecture::dense([pixels], &[512, 256], PAIRS)
    };
    let noise = Corruption::Gaussian { sigma: NoiseLevel::Range([0.0, options.noise]) };
    let config = TrainingConfig {
        epochs: options.epochs,
        batch_size: 128,
        optimizer: Adam { learning_rate: 1e-3, ..Adam::default() },
        corruption: (options.noise > 0.0).then_some(noise),
        scaling: Scaling::None,
        seed: options.seed,
        ..TrainingConfig::default()
    };
    let pairs = |frames: Frames| -> Result<_, enkoder::DatasetError> {
        let codes = Dataset::from_f32("capacitances", codes.codes(&frames.capacitances))?;
        Ok((Dataset::from_f32("images", frames.images)?, codes))
    };
    let ((images, codes), (validation_images, validation_codes)) = (pairs(train)?, pairs(validation.clone())?);
    let start = Instant::now();
    println!("networks: {}, {} parameters", architecture.summary(), architecture.parameters());
    let model = Trainer::new(architecture, config)
        .with_progress(|progress| {
            if let Progress::Epoch { record, epochs, .. } = progress {
                // A closed terminal is no reason to stop.
                let _ = writeln!(
                    std::io::stderr(),
                    "epoch {} of {epochs}: validation loss {:.5}, {:.0} s",
                    record.epoch,
                    record.validation_loss,
                    start.elapsed().as_secs_f64()
                );
            }
            ControlFlow::Continue(())
        })
        .fit_known_codes((&images, &codes), (&validation_images, &validation_codes))?;
    println!("trained {} epochs in {:.0} s", options.epochs, start.elapsed().as_secs_f64());
    Ok(model)
}

/// Chosen on phantoms of validation with 1 % of noise.
fn best_iterations(linear: &LinearModel, validation: &Frames) -> usize {
    let noisy = validation.with_noise(0.01, 1);
    let mut images = linear.back_project(&noisy.capacitances);
    let mut done = 0;
    let errors = ITERATIONS.map(|iterations| {
        images = linear.iterate(std::mem::take(&mut images), &noisy.capacitances, iterations - done);
        done = iterations;
        (iterations, Score::of(&images, &noisy.images).error)
    });
    let listed = errors.map(|(iterations, error)| format!("{iterations}: {:.1} %", 100.0 * error)).join(", ");
    println!("Landweber, relaxation {:.3}, image error by iterations: {listed}", linear.relaxation());
    errors.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(ITERATIONS[0], |(iterations, _)| iterations)
}

struct Methods {
    linear: LinearModel,
    iterations: usize,
    codes: Codes,
    model: Autoencoder,
}

impl Methods {
    /// What each of [`METHODS`] makes of capacitances.
    fn images(&self, capacitances: &Array2<f32>) -> Result<[Array2<f32>; 3], enkoder::ModelError> {
        let linear = &self.linear;
        Ok([
            linear.back_project(capacitances),
            linear.landweber(capacitances, self.iterations),
            self.model.decode(self.codes.codes(capacitances).view())?,
        ])
    }
}

fn print_row(name: &str, noise: f32, scores: &[Score; 3]) {
    let cells = scores.map(|score| format!("{:.1} %, {:.3}", 100.0 * score.error, score.correlation));
    println!("| {name} | {:.0} % | {} |", 100.0 * noise, cells.join(" | "));
}

/// Of kinds with as many phantoms each.
fn mean(scores: &[[Score; 3]]) -> [Score; 3] {
    let of = |method: usize, value: fn(&Score) -> f64| {
        scores.iter().map(|scores| value(&scores[method])).sum::<f64>() / scores.len() as f64
    };
    std::array::from_fn(|method| Score {
        error: of(method, |score| score.error),
        correlation: of(method, |score| score.correlation),
    })
}

type Kept = (Kind, &'static str, Frames, [Array2<f32>; 3]);

/// The first phantom of each kind.
fn draw(simulator: &Simulator, kept: &[Kept]) -> Result<String, png::EncodingError> {
    let rows: Vec<_> = kept
        .iter()
        .map(|(kind, group, frames, found)| {
            let truth = frames.images.row(0);
            let image = |images: ArrayView2<'_, f32>| {
                let error = relative_error(images.row(0), truth);
                format!("error {:.0} %", 100.0 * error)
            };
            let found = found.iter().map(|images| (images.row(0), image(images.view())));
            figure::Row {
                name: kind.name(),
                remark: group,
                images: std::iter::once((truth, String::new())).chain(found).collect(),
            }
        })
        .collect();
    figure::draw(&simulator.pixels, &["phantom", METHODS[0], METHODS[1], METHODS[2]], &rows)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    write_atomically(path, Overwrite::Replace, |mut file| file.write_all(bytes).map(|()| file))?;
    println!("wrote {}", path.display());
    Ok(())
}
