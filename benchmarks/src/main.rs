//! Times Enkoder on the reference network and prints one line of JSON, as the scripts in `peers/` do for others.
//!
//! ```text
//! enkoder-benchmarks train BATCH EPOCHS THREADS     # the first epoch is warm-up
//! enkoder-benchmarks convolve BATCH EPOCHS THREADS  # the same with the convolutional network
//! enkoder-benchmarks denoise EPOCHS THREADS         # trains the default denoiser on patches and runs it over a picture
//! enkoder-benchmarks infer THREADS
//! enkoder-benchmarks detect EPOCHS THREADS          # an autoencoder of 64 and 32 units for each table of ADBench
//! enkoder-benchmarks score ROWS [METHOD]            # fits detectors to 10,000 rows of 30 columns, and scores
//! ```

use std::path::Path;
use std::time::{Duration, Instant};

use enkoder::anomaly::{Detector, DetectorConfig, Method};
use enkoder::denoising::{Denoiser, Noise};
use enkoder::{Architecture, Autoencoder, Dataset, Trainer, TrainingConfig, WholeImage};
use enkoder_benchmarks::{
    adbench, convolutional_network, digits, processor_seconds, reference_network, sensors, timed_training,
};
use ndarray::Array3;
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse().ok()).expect("a number");
    let result = match arguments.first().map(String::as_str) {
        Some("train") => train(reference_network(), number(1), number(2), number(3)),
        Some("convolve") => train(convolutional_network(), number(1), number(2), number(3)),
        Some("denoise") => denoise(number(1), number(2)),
        Some("infer") => infer(number(1)),
        Some("detect") => detect(number(1), number(2)).expect("the tables can be read and learned"),
        Some("score") => score(number(1), arguments.get(2).map(|name| name.parse().expect("a method"))),
        _ => panic!(
            "usage: enkoder-benchmarks (train | convolve) BATCH EPOCHS THREADS | (denoise | detect) EPOCHS THREADS | \
             infer THREADS | score ROWS [METHOD]"
        ),
    };
    println!("{result}");
}

fn split() -> (Dataset, Dataset) {
    digits().split(0.2, 0).expect("thousands of digits can be split")
}

fn train(network: Architecture, batch: usize, epochs: usize, threads: usize) -> Value {
    let (train, validation) = split();
    let config = timed_training(epochs, batch, threads);
    let model = Trainer::new(network, config).fit(&train, &validation).expect("the digits can be learned");
    json!({
        "tool": "enkoder", "batch": batch, "samples_per_second": rate_of_epochs(&model).round(),
        "validation_mse": model.record().validation_loss, "peak_mb": peak_megabytes(),
    })
}

/// The default denoiser on patches of 40×40 pixels, 16 in a step, and over a picture of 1,024×1,024 pixels.
fn denoise(epochs: usize, threads: usize) -> Value {
    const SIDE: usize = 1024;
    let image = WholeImage { name: "image".to_owned(), pixels: pixels(SIDE) };
    let patches = |count, seed| {
        Dataset::from_patches("patches", vec![image.clone()], [40, 40], count, seed)
            .expect("patches fit into the image")
    };
    let noise: Noise = "gaussian:25".parse().expect("a noise");
    let config = TrainingConfig { corruption: Some(noise.corruption()), ..timed_training(epochs, 16, threads) };
    let (train, validation) = (patches(4096, 1), patches(64, 2));
    let model = Trainer::new(Architecture::denoiser([40, 40], 48, 8), config).fit(&train, &validation);
    let model = model.expect("patches can be learned");
    let patches = rate_of_epochs(&model);
    let values: Vec<f32> = image.pixels.iter().map(|&value| value.into()).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads can be had");
    let denoiser = Denoiser::new(&model).expect("the model runs over pictures");
    let denoised = || drop(denoiser.denoise(&values, &[SIDE, SIDE], 255.0).expect("a picture"));
    let pixels = pool.install(|| rate(SIDE * SIDE, denoised));
    json!({
        "tool": "enkoder", "batch": 16, "patches_per_second": patches.round(), "pixels_per_second": pixels,
        "peak_mb": peak_megabytes(),
    })
}

/// A square image in which anything may be: what it shows changes no time.
fn pixels(side: usize) -> Array3<u8> {
    Array3::from_shape_fn((side, side, 1), |(y, x, _)| (y * x / 97 + y / 3) as u8)
}

/// Samples a second, the median over all epochs but the first.
fn rate_of_epochs(model: &Autoencoder) -> f64 {
    let history = model.record().history.as_ref().expect("a trained network has a history");
    let timed = &history.epochs[1.min(history.epochs.len() - 1)..];
    median(timed.iter().map(|epoch| epoch.samples_per_second).collect())
}

/// One sample by a session, as a server would; more by the calls that use all threads.
fn infer(threads: usize) -> Value {
    let (train, validation) = split();
    let model = Trainer::new(reference_network(), timed_training(1, 128, threads)).fit(&train, &validation);
    let model = model.expect("the digits can be learned");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads can be had");
    let mut result = json!({ "tool": "enkoder", "threads": threads });
    let mut session = model.session();
    let sample = scaled(&validation.head(1)).to_array();
    let (mut code, mut output) = ([0.0; 10], [0.0; 784]);
    result["encode_1"] = rate(1, || drop(session.encode(&sample, &mut code))).into();
    result["reconstruct_1"] = rate(1, || drop(session.reconstruct(&sample, &mut output))).into();
    pool.install(|| {
        for batch in [256, 10_000] {
            let samples = scaled(&validation.head(batch));
            result[format!("encode_{batch}")] = rate(batch, || drop(model.encode(&samples))).into();
            result[format!("reconstruct_{batch}")] = rate(batch, || drop(model.reconstruct(&samples))).into();
        }
    });
    result["peak_mb"] = peak_megabytes().into();
    result
}

/// The seconds that the plain autoencoder takes to fit and score all tables, nothing trimmed, as PyOD's does.
fn detect(epochs: usize, threads: usize) -> Result<Value, adbench::Failure> {
    let folder = std::env::var("ENKODER_TEST_DATA")?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut seconds = 0.0;
    let sets = adbench::sets(&Path::new(&folder).join("adbench"))?;
    for (_, path) in &sets {
        let (train, test, _) = adbench::protocol(&adbench::open(path)?, 1)?;
        let config = DetectorConfig {
            method: Method::Autoencoder,
            layers: Some(vec![64, 32]),
            epochs: Some(epochs),
            trim: Some(0.0),
            ..DetectorConfig::default()
        };
        let start = Instant::now();
        pool.install(|| Detector::fit(&train, &config)?.score(&test))?;
        seconds += start.elapsed().as_secs_f64();
    }
    Ok(json!({ "tool": "enkoder", "seconds": seconds, "sets": sets.len(), "peak_mb": peak_megabytes() }))
}

/// Seconds to fit each kind of detector, or one, to 10,000 rows of 30 columns, and rows that it scores in a second and in a second of
/// processor time, which other work on the machine hardly changes.
fn score(rows: usize, method: Option<Method>) -> Value {
    let (train, rows) = (sensors(10_000, 30, 1), sensors(rows, 30, 2));
    let mut result = json!({ "tool": "enkoder" });
    let all = [Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble, Method::Auto];
    for method in all.into_iter().filter(|one| method.is_none_or(|method| method == *one)) {
        let start = Instant::now();
        let config = DetectorConfig { method, ..DetectorConfig::default() };
        let detector = Detector::fit(&train, &config).expect("the rows can be learned");
        result[format!("{method}_fit_seconds")] = start.elapsed().as_secs_f64().into();
        let (begun, mut scored) = (processor_seconds(), 0);
        let score = || scored += detector.score(&rows).expect("the rows have the same columns").len();
        result[format!("{method}_rows_per_second")] = rate(rows.len(), score).into();
        let spent = processor_seconds().zip(begun).map(|(now, begun)| now - begun);
        result[format!("{method}_rows_per_processor_second")] =
            spent.map(|spent| (scored as f64 / spent).round()).into();
    }
    result["peak_mb"] = peak_megabytes().into();
    result
}

/// The samples as 32-bit numbers, which is what the peers take.
fn scaled(samples: &Dataset) -> Dataset {
    Dataset::from_f32("digits", samples.to_array()).expect("as many samples as before")
}

/// Samples a second: the median of seven timings of about a third of a second each.
fn rate(samples: usize, mut work: impl FnMut()) -> f64 {
    let timed = |work: &mut dyn FnMut(), repeats: usize| {
        let start = Instant::now();
        (0..repeats).for_each(|_| work());
        start.elapsed()
    };
    let mut repeats = 1;
    while timed(&mut work, repeats) < Duration::from_millis(300) {
        repeats *= 2;
    }
    let rates = (0..7).map(|_| (repeats * samples) as f64 / timed(&mut work, repeats).as_secs_f64());
    median(rates.collect()).round()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The process's peak resident memory, where the system tells it (Linux).
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: f64 =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().split(' ').next()?.parse().ok()?;
    Some((kilobytes / 1024.0).round())
}
