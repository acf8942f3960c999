//! Detectors of series on the Numenta Anomaly Benchmark, beside a rolling z-score and principal components of the same windows.
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release --manifest-path benchmarks/Cargo.toml --bin nab -- [WINDOW|auto] [METHOD …]
//! ```
//!
//! FOLDER holds `nab/` with folders of series and `combined_windows.json`. Every method sees each series as a whole and without
//! labels, anomalies and all, through windows of as many rows (default 64; auto: chosen by the series), and scores every moment.
//! Methods are those of `enkoder detect fit`; without any, all of the table. AUROC and VUS-PR (buffers
//! up to the window) are against NAB's labelled windows; means over the series of a folder, and over all series. Nothing is
//! chosen by labels or by a series' name.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use enkoder::anomaly::{Detector, DetectorConfig, Method, Windows};
use enkoder::metrics::{auroc, vus_pr};
use enkoder::{Dataset, Scaling, fit_pca};
use enkoder_benchmarks::{Failure, finish};
use enkoder_data::{ReadOptions, TableOptions, parse_timestamp};

/// What is shown where no methods are asked for.
const NAMES: [&str; 5] = [ROLLING, PCA, "linear", "autoencoder", "auto"];
const ROLLING: &str = "rolling z-score";
const PCA: &str = "PCA";
/// Figures of a series: for AUROC and VUS-PR one for each method.
type Figures = [Vec<f64>; 2];

fn main() -> ExitCode {
    finish(run())
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let length = match arguments.next().as_deref() {
        Some("auto") => None,
        Some(text) => Some(text.parse()?),
        None => Some(64),
    };
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = NAMES.map(str::to_owned).to_vec();
    }
    let folder = std::env::var("ENKODER_TEST_DATA")
        .map_err(|_| "ENKODER_TEST_DATA is not set: it names the folder with nab/")?;
    let folder = Path::new(&folder).join("nab");
    let labels: BTreeMap<String, Vec<[String; 2]>> =
        serde_json::from_slice(&std::fs::read(folder.join("combined_windows.json"))?)?;
    let mut folders: BTreeMap<String, Vec<Figures>> = BTreeMap::new();
    for (name, spans) in &labels {
        let path = folder.join(name);
        if spans.is_empty() || !path.is_file() {
            continue;
        }
        let (series, positive) = read(&path, spans)?;
        let windows = length
            .map_or_else(|| Windows::suited_to(std::slice::from_ref(&series)), |length| Windows { length, stride: 1 });
        let mut figures = Figures::default();
        for method in &names {
            let scores = match method.as_str() {
                ROLLING => rolling(&series, windows.length),
                PCA => principal(&series, windows)?,
                method => detect(&series, windows, method.parse()?)?,
            };
            figures[0].push(auroc(&scores, &positive)?);
            // The buffers are the same for every choice of windows.
            figures[1].push(vus_pr(&scores, &positive, length.unwrap_or(64))?);
        }
        eprintln!("{name}: {figures:.3?}");
        let of = name.split('/').next().unwrap_or_default().to_owned();
        folders.entry(of).or_default().push(figures);
    }
    let all: Vec<Figures> = folders.values().flatten().cloned().collect();
    for (metric, title) in ["AUROC", "VUS-PR"].into_iter().enumerate() {
        println!("| {title} | series | {} |", names.join(" | "));
        println!("|---|---:{}|", "|---:".repeat(names.len()));
        for (name, figures) in folders.iter().map(|(name, figures)| (name.as_str(), figures)).chain([("**all**", &all)])
        {
            let mean = |method: usize| figures.iter().map(|of| of[metric][method]).sum::<f64>() / figures.len() as f64;
            let cells: Vec<String> = (0..names.len()).map(|method| format!("{:.3}", mean(method))).collect();
            println!("| {name} | {} | {} |", figures.len(), cells.join(" | "));
        }
        println!();
    }
    Ok(())
}

/// The values of a series, and which moments lie in a labelled window.
fn read(path: &Path, spans: &[[String; 2]]) -> Result<(Dataset, Vec<bool>), Failure> {
    let time = "timestamp".to_owned();
    let table = TableOptions { ignore: vec![time.clone()], ..TableOptions::default() };
    let source = enkoder_data::Source::find(path)?;
    let series = source.open(&ReadOptions { table, ..ReadOptions::default() })?;
    let table = TableOptions { schema: series.schema().cloned(), keep: vec![time], ..TableOptions::default() };
    let spans = spans.iter().map(|[from, to]| parse_timestamp(from).zip(parse_timestamp(to)));
    let spans = spans.collect::<Option<Vec<_>>>().ok_or("a labelled window has no time")?;
    let mut positive = Vec::new();
    for chunk in source.chunks(&ReadOptions { table, ..ReadOptions::default() }, 1 << 16)? {
        for text in &chunk?.kept[0] {
            let time = parse_timestamp(text).ok_or("a row has no time")?;
            positive.push(spans.iter().any(|(from, to)| (*from..=*to).contains(&time)));
        }
    }
    Ok((series, positive))
}

/// The distance of each value from the mean of those before it in the window, in standard deviations of these.
fn rolling(series: &Dataset, length: usize) -> Vec<f32> {
    let values: Vec<f64> = series.to_array().column(0).iter().map(|&value| f64::from(value)).collect();
    let score = |row: usize| {
        let before = &values[row.saturating_sub(length)..row];
        let count = before.len() as f64;
        let mean = before.iter().sum::<f64>() / count;
        let variance = before.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let deviation = (values[row] - mean).abs() / variance.sqrt();
        // Nothing to compare with, or a first change after a constant stretch.
        if deviation.is_nan() { 0.0 } else { deviation.min(1e6) as f32 }
    };
    (0..values.len()).map(score).collect()
}

/// The error of reconstructing windows from the components that hold nine tenths of their variance, for each moment the mean over
/// the windows that cover it.
fn principal(series: &Dataset, windows: Windows) -> Result<Vec<f32>, Failure> {
    let of = windows.of(series)?;
    let whole = of.features().min(of.len() - 1);
    let mut latent = 1;
    // The loss is a share of the variance, for scaled values vary by 1.
    while latent < whole && fit_pca(&of, &of, latent, Scaling::Standard)?.record().train_loss > 0.1 {
        latent += 1;
    }
    let scores = fit_pca(&of, &of, latent, Scaling::Standard)?.reconstruction_error(&of)?;
    let (mut sums, mut counts) = (vec![0.0f64; series.len()], vec![0.0; series.len()]);
    for (start, score) in scores.iter().enumerate() {
        for moment in start..start + windows.length {
            sums[moment] += f64::from(*score);
            counts[moment] += 1.0;
        }
    }
    Ok(sums.iter().zip(counts).map(|(sum, count)| (sum / count) as f32).collect())
}

fn detect(series: &Dataset, windows: Windows, method: Method) -> Result<Vec<f32>, Failure> {
    let config = DetectorConfig { method, ..DetectorConfig::default() };
    Ok(Detector::fit_series(std::slice::from_ref(series), windows, &config)?.score(series)?.into_values())
}
