//! Detectors of anomalies on the tables of ADBench, beside the figures published for others.
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release -p enkoder-benchmarks --bin adbench -- [SEEDS] [METHOD …]
//! ```
//!
//! The protocol is ADBench's (Han et al., NeurIPS 2022): sets of fewer than 1,000 rows are resampled to 1,000, of more than
//! 10,000 subsampled; a stratified 70 % of the rows, with their anomalies and without labels, to fit; min-max scaling; AUROC and
//! average precision on the other 30 %; the mean over seeds 1 to SEEDS (default 3). A method sees rows and nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use enkoder::anomaly::{Detector, DetectorConfig, Method};
use enkoder::metrics::{auroc, average_precision};
use enkoder::{Dataset, Scaler, Scaling};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const METHODS: [Method; 5] = [Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble, Method::Auto];
/// Published detectors shown beside ours: the three best of 14 by mean AUROC, and the two others for comparison.
const PUBLISHED: [&str; 5] = ["IForest", "PCA", "COPOD", "ECOD", "KNN"];

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seeds: u64 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let mut methods = arguments.map(|name| name.parse()).collect::<Result<Vec<Method>, _>>()?;
    if methods.is_empty() {
        methods = METHODS.to_vec();
    }
    let folder = std::env::var("ENKODER_TEST_DATA")
        .map_err(|_| "ENKODER_TEST_DATA is not set: it names the folder with adbench/")?;
    let folder = Path::new(&folder).join("adbench");
    let published = [published(&folder.join("published_aucroc.csv"))?, published(&folder.join("published_aucpr.csv"))?];

    let mut names: Vec<String> = std::fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".npz"))
        .collect();
    names.sort();
    // For each set, for AUROC and average precision, a mean over the seeds for each method.
    let mut rows: Vec<(String, [Vec<f64>; 2])> = Vec::new();
    let mut seconds = vec![0.0; methods.len()];
    for file in &names {
        let path = folder.join(file);
        let data = enkoder_data::open(&path.to_string_lossy(), &enkoder_data::ReadOptions::default())?;
        let set = file.trim_end_matches(".npz").split_once('_').map_or(file.as_str(), |(_, name)| name).to_owned();
        let mut sums = [vec![0.0; methods.len()], vec![0.0; methods.len()]];
        for seed in 1..=seeds {
            let (train, test, positive) = protocol(&data, seed)?;
            for (index, &method) in methods.iter().enumerate() {
                let start = Instant::now();
                let config = DetectorConfig { method, seed, ..DetectorConfig::default() };
                let scores = Detector::fit(&train, &config)?.score(&test)?;
                seconds[index] += start.elapsed().as_secs_f64();
                sums[0][index] += auroc(&scores, &positive)? / seeds as f64;
                sums[1][index] += average_precision(&scores, &positive)? / seeds as f64;
            }
        }
        eprintln!("{set}");
        rows.push((set, sums));
    }
    for (metric, title) in ["AUROC", "average precision"].into_iter().enumerate() {
        print_table(title, &methods, &rows, metric, &published[metric])?;
    }
    for (method, seconds) in methods.iter().zip(seconds) {
        println!("{method}: fitted and scored the {} sets in {:.1} s", names.len(), seconds / seeds as f64);
    }
    Ok(())
}

fn print_table(
    title: &str,
    methods: &[Method],
    rows: &[(String, [Vec<f64>; 2])],
    metric: usize,
    published: &BTreeMap<String, BTreeMap<String, f64>>,
) -> Result<(), Failure> {
    println!(
        "| {title} | {} | {} |",
        list(methods.iter().map(Method::to_string)),
        list(PUBLISHED.map(|name| format!("{name} (published)")))
    );
    println!("|---{}|", "|---:".repeat(methods.len() + PUBLISHED.len()));
    let mut means = vec![0.0; methods.len() + PUBLISHED.len()];
    for (set, values) in rows {
        let known = published.get(set).ok_or_else(|| format!("nothing is published of {set}"))?;
        let others = PUBLISHED.iter().map(|name| known.get(*name).copied().unwrap_or(f64::NAN));
        let all: Vec<f64> = values[metric].iter().copied().chain(others).collect();
        println!("| {set} | {} |", list(all.iter().map(|value| format!("{value:.3}"))));
        means.iter_mut().zip(&all).for_each(|(mean, value)| *mean += value / rows.len() as f64);
    }
    println!("| **mean** | {} |\n", list(means.iter().map(|value| format!("**{value:.3}**"))));
    Ok(())
}

fn list(cells: impl IntoIterator<Item = String>) -> String {
    cells.into_iter().collect::<Vec<_>>().join(" | ")
}

/// Rows to fit, rows to judge by, and which of these are anomalies.
fn protocol(data: &Dataset, seed: u64) -> Result<(Dataset, Dataset, Vec<bool>), Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let anomaly = data
        .classes()
        .and_then(|classes| classes.iter().position(|class| class == "1" || class == "1.0"))
        .ok_or("there are no labels 0 and 1")?;
    let mut rows: Vec<usize> = (0..data.len()).collect();
    if rows.len() < 1000 {
        rows = (0..1000).map(|_| random.random_range(0..data.len())).collect();
    }
    rows.shuffle(&mut random);
    rows.truncate(10_000);
    let (anomalies, normal): (Vec<usize>, Vec<usize>) =
        rows.into_iter().partition(|&row| data.label(row) == Some(anomaly as u32));
    let cut = |rows: &[usize]| (rows.len() as f64 * 0.7).round() as usize;
    let mut train: Vec<usize> = [&anomalies[..cut(&anomalies)], &normal[..cut(&normal)]].concat();
    let test: Vec<usize> = [&anomalies[cut(&anomalies)..], &normal[cut(&normal)..]].concat();
    train.shuffle(&mut random);
    let positive = test.iter().map(|&row| data.label(row) == Some(anomaly as u32)).collect();
    let (train, test) = (data.select(&train), data.select(&test));
    let scaler = Scaler::fit(Scaling::MinMax, &train)?;
    let scaled = |data: &Dataset| {
        let mut values = data.to_array();
        values
            .rows_mut()
            .into_iter()
            .for_each(|mut row| scaler.transform_row(row.as_slice_mut().expect("rows are contiguous")));
        Dataset::from_f32(data.name(), values)
    };
    Ok((scaled(&train)?, scaled(&test)?, positive))
}

/// By set and detector.
fn published(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, f64>>, Failure> {
    let mut reader = csv::Reader::from_path(path)?;
    let names = reader.headers()?.clone();
    let mut table = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let figures = names.iter().zip(&record).skip(1);
        let figures = figures.filter_map(|(name, figure)| Some((name.to_owned(), figure.parse().ok()?)));
        table.insert(record[0].to_owned(), figures.collect());
    }
    Ok(table)
}
