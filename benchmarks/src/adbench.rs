//! The tables of ADBench and its protocol (Han et al., NeurIPS 2022).

use std::path::{Path, PathBuf};

use enkoder::{Dataset, Scaler, Scaling};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Why a table could not be used.
pub type Failure = Box<dyn std::error::Error>;

/// The names of the tables in a folder, and where they lie.
///
/// # Errors
/// When the folder cannot be read.
pub fn sets(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let entries = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "npz")).collect();
    paths.sort();
    let name = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        stem.split_once('_').map_or(stem.clone(), |(_, name)| name.to_owned())
    };
    Ok(paths.into_iter().map(|path| (name(&path), path)).collect())
}

/// Reads a table with its labels.
///
/// # Errors
/// When it cannot be read.
pub fn open(path: &Path) -> Result<Dataset, Failure> {
    Ok(enkoder_data::open(path, &enkoder_data::ReadOptions::default())?)
}

/// Rows to fit, rows to judge by, and which of these are anomalies.
///
/// # Errors
/// When there are no labels 0 and 1.
pub fn protocol(data: &Dataset, seed: u64) -> Result<(Dataset, Dataset, Vec<bool>), Failure> {
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
