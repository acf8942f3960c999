//! Where the columns of a stream are lately, beside where they were in the rows learned from: what is named when a stream has drifted. A
//! relation between columns can drift while no column moves; then none is named.

use serde::{Deserialize, Serialize};

use super::detector::Detector;
use crate::schema::Schema;

/// What is recent fades by one part in so many with each row.
const FADES: f32 = 12.0;
/// Rows farther away, in standard deviations, count as this far: one odd row is no drift.
const FARTHEST: f32 = 5.0;
/// What a column has moved at least to be named, in standard deviations: of independent rows the recent mean strays by a fifth.
const LEAST: f32 = 0.75;

/// Where the numeric columns were in the rows that a detector learned from.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    columns: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    name: String,
    feature: usize,
    center: f32,
    scale: f32,
}

/// A column whose recent values are not where they were when a detector learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Moved {
    /// The column's name.
    pub column: String,
    /// The mean of the values learned from, those far out brought nearer.
    pub learned: f32,
    /// The mean of recent values.
    pub lately: f32,
}

impl Levels {
    /// Of the columns of this detector that vary. Whether one moves that never changed is told by the scores themselves.
    pub fn of(detector: &Detector) -> Self {
        let preparation = &detector.preparation;
        let features = detector.features();
        // Where windows are learned from, each row of them has inputs of its own: those of the last count.
        let first = detector.features - features;
        let inputs = preparation.inputs.iter().filter(|input| !input.absence && input.feature >= first);
        let names = detector.schema().map(Schema::feature_names);
        let columns = inputs.filter_map(|input| {
            let column = &preparation.columns[preparation.column_of(input.feature)];
            let (center, scale) = input.center_and_scale();
            let name = match &names {
                Some(names) => names.get(input.feature - first)?.clone(),
                None => format!("feature{}", input.feature - first + 1),
            };
            let numeric = column.categories.is_none() && scale > 0.0 && center.is_finite();
            numeric.then_some(Level { name, feature: input.feature - first, center, scale })
        });
        Self { columns: columns.collect() }
    }

    /// Takes the next row of a stream, of which `lately` is what is recent: empty at first.
    ///
    /// # Panics
    /// When the row has fewer values than the detector's rows.
    pub fn follow(&self, lately: &mut Vec<f32>, row: &[f32]) {
        lately.resize(self.columns.len(), 0.0);
        for (lately, Level { feature, center, scale, .. }) in lately.iter_mut().zip(&self.columns) {
            let deviation = (row[*feature] - center) * scale;
            if !deviation.is_nan() {
                *lately += (deviation.clamp(-FARTHEST, FARTHEST) - *lately) / FADES;
            }
        }
    }

    /// The columns that moved most, at most `count`.
    pub fn moved(&self, lately: &[f32], count: usize) -> Vec<Moved> {
        let mut moved: Vec<(f32, &Level)> = lately.iter().copied().zip(&self.columns).collect();
        moved.retain(|(deviation, _)| deviation.abs() >= LEAST);
        moved.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let of = |(deviation, level): (f32, &Level)| Moved {
            column: level.name.clone(),
            learned: level.center,
            lately: level.center + deviation / level.scale,
        };
        moved.into_iter().take(count).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::{DetectorConfig, Method, Windows};
    use crate::dataset::Dataset;
    use ndarray::Array2;

    fn rows(count: usize, shift: f32) -> Array2<f32> {
        Array2::from_shape_fn((count, 3), |(row, column)| {
            let noise = ((row * (7 + column) * 7919 + column * 31) % 1009) as f32 / 1009.0;
            if column == 1 { 10.0 + noise + shift } else { noise }
        })
    }

    #[test]
    fn the_column_that_moved_is_named_with_where_it_was_and_is() {
        let data = Dataset::from_f32("rows", rows(600, 0.0)).unwrap();
        let config = DetectorConfig { method: Method::Linear, ..DetectorConfig::default() };
        let of_rows = Detector::fit(&data, &config).unwrap();
        let of_series =
            Detector::fit_series(std::slice::from_ref(&data), Windows { length: 8, stride: 1 }, &config).unwrap();
        let of_readings =
            Detector::fit_series(&[data], Windows { length: 8, stride: 1 }, &DetectorConfig::default()).unwrap();
        for detector in [of_rows, of_series, of_readings] {
            let (levels, mut lately) = (Levels::of(&detector), Vec::new());
            rows(400, 0.0).rows().into_iter().for_each(|row| levels.follow(&mut lately, row.as_slice().unwrap()));
            assert!(levels.moved(&lately, 3).is_empty(), "{lately:?}");
            rows(100, 0.6).rows().into_iter().for_each(|row| levels.follow(&mut lately, row.as_slice().unwrap()));
            levels.follow(&mut lately, &[f32::NAN; 3]);
            let [Moved { column, learned, lately }] = &levels.moved(&lately, 3)[..] else { panic!("{lately:?}") };
            assert_eq!(column, "feature2");
            assert!((learned - 10.5).abs() < 0.05 && (lately - 11.1).abs() < 0.2, "{learned} {lately}");
        }
    }
}
