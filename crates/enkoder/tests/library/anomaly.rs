//! Detectors as a whole: what they promise, what they find, what they refuse, and what their files keep.

use std::sync::OnceLock;

use enkoder::anomaly::{
    AnomalyError, CalibrationScores, Detector, DetectorConfig, DetectorFileError, Guarantee, Method, NoScore,
    RecentRows, SeriesColumns, SeriesScorer, Threshold, ThresholdRule, Value, Windows,
};
use enkoder::metrics::auroc;
use enkoder::{Column, Dataset, Schema};
use ndarray::{Array2, array};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::model_file::checksum_name;

/// Rows of `width` numbers that follow two hidden ones, with noise.
fn usual(rows: usize, width: usize, seed: u64) -> Array2<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Array2::zeros((rows, width));
    for mut row in values.rows_mut() {
        let hidden: [f32; 2] = std::array::from_fn(|_| random.random_range(-1.0..1.0));
        for (column, value) in row.iter_mut().enumerate() {
            let noise: f32 = random.random_range(-0.1..0.1);
            *value = hidden[column % 2] * (1.0 + column as f32) + noise;
        }
    }
    values
}

fn data(values: Array2<f32>) -> Dataset {
    Dataset::from_f32("rows", values).unwrap()
}

fn quick(method: Method) -> DetectorConfig {
    DetectorConfig { method, epochs: Some(5), ..DetectorConfig::default() }
}

/// The promise itself: over many fits, the mean share of false alarms on rows exchangeable with the calibration rows is at most
/// the rate, and not far below it.
#[test]
fn the_false_alarm_rate_is_kept_on_rows_like_those_that_calibrated() {
    for rate in [0.01, 0.05, 0.2] {
        let (mut flagged, mut total) = (0, 0);
        for seed in 0..60 {
            let train = data(usual(400, 4, seed));
            let config = DetectorConfig { method: Method::Linear, seed, ..DetectorConfig::default() };
            let detector = Detector::fit(&train, &config).unwrap();
            let threshold = detector.threshold(ThresholdRule::FalseAlarm(rate)).unwrap();
            assert_eq!(threshold.guarantee, Guarantee::Conformal);
            let scores = detector.score(&data(usual(500, 4, 1000 + seed))).unwrap();
            flagged += scores.iter().filter(|&&score| threshold.flags(score)).count();
            total += scores.len();
        }
        let found = flagged as f64 / total as f64;
        // One standard error of the mean over fits with 100 calibration rows each, about √(rate / 100 / 60).
        let error = (rate / 6000.0f64).sqrt();
        assert!(found < rate + 3.0 * error && found > rate - 0.011 - 3.0 * error, "{found} for {rate}");
    }
}

#[test]
fn no_threshold_flags_everything_even_where_all_calibration_scores_are_equal() {
    let equal = CalibrationScores::new(vec![1.5; 50]);
    let several = CalibrationScores::new((0..50).map(|score| score as f32).collect());
    for rule in [
        ThresholdRule::FalseAlarm(0.9999),
        ThresholdRule::FalseAlarm(0.05),
        ThresholdRule::FalseAlarm(1e-7),
        ThresholdRule::Contamination(0.49),
        ThresholdRule::Contamination(1e-9),
    ] {
        assert!(!equal.threshold(rule).unwrap().flags(1.5), "{rule:?}");
        let flagged = several.scores().iter().filter(|&&score| several.threshold(rule).unwrap().flags(score)).count();
        assert!(flagged <= 25, "{rule:?} flags {flagged} of 50");
    }
}

#[test]
fn every_method_finds_broken_relations_or_rare_values() {
    let train = data(usual(1500, 6, 1));
    let mut test = usual(400, 6, 2);
    for row in 0..40 {
        test[[row, 2]] = if test[[row, 2]] > 0.0 { -6.0 } else { 6.0 };
    }
    let positive: Vec<bool> = (0..400).map(|row| row < 40).collect();
    for method in [Method::Auto, Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble] {
        let config = DetectorConfig { method, ..DetectorConfig::default() };
        let scores = Detector::fit(&train, &config).unwrap().score(&data(test.clone())).unwrap();
        let area = auroc(&scores, &positive).unwrap();
        assert!(area > 0.97, "{method}: {area}");
    }
}

/// Each value of these faults is usual, and the columns' relation is bent: only a network knows that they do not go together.
#[test]
fn auto_hears_the_one_member_that_knows_a_bent_relation() {
    let bent = |rows: usize, seed: u64| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut values = Array2::zeros((rows, 5));
        for mut row in values.rows_mut() {
            let [a, b]: [f32; 2] = std::array::from_fn(|_| random.random_range(-1.0..1.0));
            let exact = [a, b, a * a, a * b, (3.0 * b).sin()];
            row.iter_mut().zip(exact).for_each(|(to, exact)| *to = exact + random.random_range(-0.02..0.02));
        }
        values
    };
    let train = data(bent(4000, 1));
    let mut test = bent(2000, 2);
    for row in 0..200 {
        // As another row has it.
        let column = 2 + row % 3;
        test[[row, column]] = test[[row + 1000, column]];
    }
    let recall = |method| {
        let detector = Detector::fit(&train, &DetectorConfig { method, ..DetectorConfig::default() }).unwrap();
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap();
        let scores = detector.score(&data(test.clone())).unwrap();
        scores[..200].iter().filter(|&&score| threshold.flags(score)).count()
    };
    let members = [Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble].map(recall);
    let best = members.into_iter().max().unwrap();
    let auto = recall(Method::Auto);
    assert!(best > 80 && 2 * auto > best, "{auto} where the members find {members:?}");
}

#[test]
fn trimming_keeps_anomalies_from_being_learned() {
    let mut values = usual(1000, 4, 3);
    for row in 0..50 {
        values[[row * 20, 0]] = 40.0;
    }
    let tested = array![[40.0f32, 0.0, 0.0, 0.0]];
    let surprise = |trim| {
        let config = DetectorConfig { trim: Some(trim), ..quick(Method::Linear) };
        let detector = Detector::fit(&data(values.clone()), &config).unwrap();
        let scores = detector.score(&data(tested.clone())).unwrap();
        scores[0] - detector.calibration().scores()[detector.calibration().scores().len() / 2]
    };
    assert!(surprise(0.1) > surprise(0.0));
}

#[test]
fn a_file_gives_the_same_scores_to_the_last_bit() {
    let schema = Schema::new(vec![
        Column::numeric("pressure"),
        Column::categorical("state", vec!["idle".into(), "run".into()]),
        Column::numeric("flow"),
    ]);
    let mut values = usual(600, 4, 4);
    for (row, mut value) in values.rows_mut().into_iter().enumerate() {
        (value[1], value[2]) = if row % 3 == 0 { (1.0, 0.0) } else { (0.0, 1.0) };
        if row % 10 == 0 {
            value[3] = f32::NAN;
        }
    }
    let rows = data(values).with_schema(schema).unwrap();
    let detector = Detector::fit(&rows, &quick(Method::Auto)).unwrap();
    let bytes = detector.to_bytes().unwrap();
    let again = Detector::from_bytes(&bytes).unwrap();
    assert_eq!(again.score(&rows).unwrap(), detector.score(&rows).unwrap());
    assert_eq!(again.rows_left_out(), detector.rows_left_out());
    assert_eq!(again.explain(&rows, 0, 3).unwrap(), detector.explain(&rows, 0, 3).unwrap());
    assert_eq!(again.calibration(), detector.calibration());
    assert_eq!(again.to_bytes().unwrap(), bytes);
}

#[test]
fn a_row_has_the_same_score_alone_and_among_others() {
    let detector = Detector::fit(&data(usual(600, 5, 5)), &quick(Method::Auto)).unwrap();
    let rows = data(usual(700, 5, 6));
    let scores = detector.score(&rows).unwrap();
    for row in [0, 1, 255, 256, 699] {
        assert_eq!(detector.score(&rows.select(&[row])).unwrap()[0], scores[row]);
    }
}

#[test]
fn reasons_name_the_column_with_observed_expected_and_usual() {
    let schema = Schema::new((0..6).map(|column| Column::numeric(format!("sensor{column}"))).collect());
    let train = data(usual(1500, 6, 7)).with_schema(schema.clone()).unwrap();
    let detector = Detector::fit(&train, &quick(Method::Auto)).unwrap();
    let row = array![[0.5, 1.0, 1.5, -4.0, 2.5, 3.0]];
    let reasons = detector.explain(&data(row).with_schema(schema).unwrap(), 0, 2).unwrap();
    assert_eq!(reasons[0].column, "sensor3");
    assert_eq!(reasons[0].observed, Value::Number(-4.0));
    let Value::Number(expected) = reasons[0].expected else { panic!("{reasons:?}") };
    assert!((expected - 2.0).abs() < 0.3, "{reasons:?}");
    assert!(reasons[0].share > 0.5 && reasons[0].share > reasons[1].share);
}

#[test]
fn a_word_never_seen_is_odd_and_so_is_a_value_that_was_never_missing() {
    let schema = Schema::new(vec![
        Column::numeric("x"),
        Column::categorical("state", vec!["a".into(), "b".into()]),
        Column::numeric("y"),
    ]);
    let values = Array2::from_shape_fn((400, 4), |(row, column)| {
        [((row * 7) % 31) as f32, f32::from(row % 2 == 0), f32::from(row % 2 == 1), ((row * 5) % 23) as f32][column]
    });
    let rows = data(values).with_schema(schema.clone()).unwrap();
    let detector = Detector::fit(&rows, &quick(Method::Marginal)).unwrap();
    let strange = array![[3.0, 1.0, 0.0, 5.0], [3.0, 0.0, 0.0, 5.0], [3.0, 1.0, 0.0, f32::NAN]];
    let strange = data(strange).with_schema(schema.clone()).unwrap();
    let scores = detector.score(&strange).unwrap();
    assert!(scores[1] > scores[0] && scores[2] > scores[0], "{scores:?}");
    let reason = &detector.explain(&strange, 1, 1).unwrap()[0];
    assert_eq!((reason.column.as_str(), &reason.observed), ("state", &Value::Word("unknown word".into())));
    let missing = data(array![[3.0, f32::NAN, f32::NAN, 5.0]]).with_schema(schema).unwrap();
    let reason = &detector.explain(&missing, 0, 1).unwrap()[0];
    assert_eq!((reason.column.as_str(), &reason.observed), ("state", &Value::Missing));
}

#[test]
fn what_cannot_be_learned_from_is_refused_with_the_reason() {
    let fit = |values| Detector::fit(&data(values), &DetectorConfig::default()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(fit(usual(3, 2, 0)), "a detector needs at least 20 rows, but there are 3");
    let empty = fit(Array2::from_elem((50, 2), f32::NAN));
    assert!(empty.starts_with("all 2 features are empty in the rows to learn from"), "{empty}");
    let config = DetectorConfig { unchanging: 0.0, ..DetectorConfig::default() };
    assert!(matches!(
        Detector::fit(&data(Array2::from_elem((50, 2), 1.0)), &config),
        Err(AnomalyError::NothingVaries { features: 2 })
    ));
    let config = DetectorConfig { readings: vec!["feature9".into()], ..DetectorConfig::default() };
    let message = Detector::fit(&data(usual(50, 2, 0)), &config).unwrap_err().to_string();
    assert_eq!(message, "there is no column \"feature9\"");
    let config = DetectorConfig { trim: Some(0.7), ..DetectorConfig::default() };
    let message = Detector::fit(&data(usual(50, 2, 0)), &config).unwrap_err().to_string();
    assert_eq!(message, "trim is 0.7, but must be from 0 to below 0.5");
}

#[test]
fn rows_of_other_columns_are_refused() {
    let named = |names: [&str; 2]| Schema::new(names.map(Column::numeric).to_vec());
    let train = data(usual(100, 2, 0)).with_schema(named(["a", "b"])).unwrap();
    let detector = Detector::fit(&train, &quick(Method::Linear)).unwrap();
    let other = data(usual(5, 2, 0)).with_schema(named(["a", "c"])).unwrap();
    assert!(matches!(detector.score(&other), Err(AnomalyError::Model(_))));
    assert!(matches!(detector.score(&data(usual(5, 3, 0))), Err(AnomalyError::Model(_))));
}

#[test]
fn eighty_rows_are_enough_and_many_columns_are_no_obstacle() {
    for (rows, width) in [(80, 3), (80, 120), (20, 1)] {
        let detector = Detector::fit(&data(usual(rows, width, 8)), &DetectorConfig::default()).unwrap();
        let scores = detector.score(&data(usual(50, width, 9))).unwrap();
        assert!(scores.iter().all(|score| score.is_finite()), "{rows} rows of {width}");
    }
}

#[test]
fn values_far_beyond_all_that_was_seen_have_finite_scores() {
    let detector = Detector::fit(&data(usual(300, 3, 10)), &quick(Method::Auto)).unwrap();
    let far = array![[f32::MAX, f32::MIN, 0.0], [1e30, -1e30, 1e30], [f32::NAN, f32::NAN, -3e38]];
    let scores = detector.score(&data(far)).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()), "{scores:?}");
    assert!(scores[0] > detector.threshold(ThresholdRule::FalseAlarm(0.05)).unwrap().score);
}

#[test]
fn a_damaged_file_is_refused() {
    let bytes = Detector::fit(&data(usual(100, 3, 0)), &quick(Method::Auto)).unwrap().to_bytes().unwrap();
    for cut in (0..bytes.len()).step_by(97) {
        assert!(Detector::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let name = checksum_name(&bytes);
    for at in (0..bytes.len()).step_by(97).filter(|at| !name.contains(at)) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Detector::from_bytes(&damaged).is_err(), "a bit changed at {at}");
    }
}

/// Files of detectors of every kind: of rows with words and gaps, of a series, and of a series judged by its readings.
fn files() -> &'static [Vec<u8>; 3] {
    static FILES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    FILES.get_or_init(|| {
        let words = vec!["idle".into(), "run".into()];
        let schema = Schema::new(vec![Column::numeric("flow"), Column::categorical("state", words)]);
        let values = Array2::from_shape_fn((400, 3), |(row, column)| match column {
            0 if row % 9 == 0 => f32::NAN,
            0 => ((row * 7) % 31) as f32,
            _ => f32::from(row % 2 == column - 1),
        });
        let rows = Detector::fit(&data(values).with_schema(schema).unwrap(), &quick(Method::Auto)).unwrap();
        let columns = SeriesColumns { time: Some("t".into()), step: Some(2.0), ..SeriesColumns::default() };
        let series = wave_detector(Windows { length: 3, stride: 2 }).with_series_columns(columns);
        let waves = data(Array2::from_shape_fn((90, 2), |(row, column)| ((row * (column + 1)) as f32 * 0.3).sin()));
        let windows = Windows { length: 8, stride: 3 };
        let readings = Detector::fit_series(&[waves], windows, &DetectorConfig::default()).unwrap();
        [rows, series, readings].map(|detector| detector.to_bytes().unwrap())
    })
}

/// Files that the first version of the format wrote, with the scores that it gave: a constant that changes added nothing then.
#[test]
fn files_of_the_first_version_score_as_they_did() {
    let rows: [&[u8]; 2] = [
        include_bytes!("../golden/detector-rows-v1.safetensors"),
        include_bytes!("../golden/detector-series-v1.safetensors"),
    ];
    let scores: [[f32; 12]; 2] = [
        [
            0.7879684, 1.342746, 0.7941023, 8.093148, 0.8737796, 1.0247579, 0.9654408, 0.16628084, 0.8370918,
            0.98463154, 0.91945875, 0.88490605,
        ],
        [
            5.1919107, 5.2111125, 5.2540402, 5.2645364, 4.548337, 3.4553404, 2.2253783, 1.0045671, 0.5341672,
            0.42611384, 0.42914706, 0.4455136,
        ],
    ];
    let names = ["a", "b", "c", "d"].map(Column::numeric).to_vec();
    let values = Array2::from_shape_fn((12, 4), |(row, column)| match (500 + row, column) {
        (503, 1) => -40.0,
        (507, 3) => 6.0,
        (row, 0) => (row * 7 % 31) as f32,
        (row, 1) => (row * 7 % 31 * 2) as f32 + (row * 5 % 11) as f32 * 0.25,
        (row, 2) => (row * 13 % 23) as f32,
        _ => 5.0,
    });
    let test = data(values).with_schema(Schema::new(names)).unwrap();
    for (file, expected) in rows.into_iter().zip(scores) {
        let detector = Detector::from_bytes(file).unwrap();
        assert!(detector.unchanging_columns().is_empty() && detector.config().unchanging == 0.0);
        let found = detector.score(&test).unwrap();
        // Instruction sets differ in the last bits.
        let close = |(found, expected): (&f32, &f32)| (found - expected).abs() <= 1e-4 * expected.abs();
        assert!(found.iter().zip(&expected).all(close), "{found:?} instead of {expected:?}");
    }
}

/// A file whose metadata was changed, and that has no checksum.
fn changed(file: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let (header, tensors) = file[8..].split_at(length);
    let mut header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let entry = &mut header["__metadata__"]["enkoder"];
    let mut metadata: serde_json::Value = serde_json::from_str(entry.as_str().unwrap()).unwrap();
    metadata.as_object_mut().unwrap().remove("checksum");
    change(&mut metadata);
    *entry = metadata.to_string().into();
    let mut header = header.to_string();
    header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), tensors].concat()
}

/// Scores and explains rows of its own width with whatever could be read.
fn use_it(detector: &Detector) {
    let rows = detector.windows().map_or(0, |windows| windows.length) + 3;
    let values = Array2::from_shape_fn((rows, detector.features()), |(row, column)| match (row, column) {
        (1, 0) => f32::NAN,
        (row, column) => [0.0, 1.0, -1e30][(row + column) % 3],
    });
    let values = data(values);
    let values = match detector.schema() {
        Some(schema) => values.with_schema(schema.clone()).unwrap(),
        None => values,
    };
    let scores = detector.score(&values).unwrap();
    assert_eq!(scores.iter().filter(|score| !score.is_finite()).count(), scores.unscored().len());
    detector.explain(&values, rows / 2, 3).unwrap();
    detector.threshold(detector.config().rule).unwrap();
    assert_eq!(Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap().calibration(), detector.calibration());
}

#[test]
fn files_that_cannot_be_meant_are_refused_with_what_is_wrong() {
    let [rows, series, readings] = files();
    use_it(&Detector::from_bytes(&changed(rows, |_| {})).unwrap());
    use_it(&Detector::from_bytes(&changed(series, |_| {})).unwrap());
    use_it(&Detector::from_bytes(&changed(readings, |_| {})).unwrap());
    type Change = fn(&mut serde_json::Value);
    let changes: [(&[u8], &str, Change); 33] = [
        (rows, "version 0 of the format", |file| file["version"] = 0.into()),
        (rows, "version 5 of the format", |file| file["version"] = 5.into()),
        (rows, "metadata is damaged", |file| file["config"]["budget"] = serde_json::Value::Null),
        (rows, "options", |file| file["config"]["budget"] = (-1.0).into()),
        (rows, "options", |file| file["config"]["rule"]["false_alarm"] = 0.0.into()),
        (rows, "options", |file| file["config"]["trim"] = 1.0.into()),
        (rows, "preparation", |file| file["preparation"]["inputs"][0]["scale"] = 1e300.into()),
        (rows, "preparation", |file| file["preparation"]["inputs"][0]["scale"] = (-1.0).into()),
        (rows, "preparation", |file| file["preparation"]["inputs"][0]["center"] = 1e300.into()),
        (rows, "preparation", |file| file["preparation"]["ranges"][0]["max"] = 1e300.into()),
        (rows, "preparation", |file| file["preparation"]["ranges"][0]["low"] = 1e9.into()),
        (rows, "histograms", |file| file["marginal"]["costs"]["columns"][0]["costs"]["bins"]["high"] = 1e300.into()),
        (rows, "histograms", |file| file["marginal"]["costs"]["columns"][0]["missing"] = 1e300.into()),
        (rows, "histograms", |file| file["marginal"]["costs"]["columns"][0]["column"] = 2.into()),
        (rows, "histograms", |file| file["marginal"]["costs"]["columns"][0]["first"] = 1.into()),
        (rows, "variances", |file| file["linear"]["variances"]["rest"] = (-1.0).into()),
        (rows, "variances", |file| file["linear"]["variances"]["along"][0] = (-1.0).into()),
        (rows, "variances", |file| file["linear"]["variances"]["rest"] = 1e-320.into()),
        (rows, "network", |file| file["ensemble"][0]["architecture"]["residual"] = true.into()),
        (rows, "network", |file| {
            let network = &mut file["ensemble"][0]["architecture"];
            network["output_shape"] = vec![2].into();
            network["decoder"][1]["units"] = 2.into();
        }),
        (rows, "votes", |file| file["votes_of_autoencoder"] = 0.0.into()),
        (rows, "votes", |file| file["votes_of_autoencoder"] = 1e300.into()),
        (rows, "neighbours", |file| file["neighbours"]["rows"] = 0.into()),
        (series, "window", |file| file["windows"]["length"] = 4.into()),
        (series, "step of the clock", |file| file["series"]["step"] = (-1.0).into()),
        (readings, "list of readings", |file| file["readings"][0]["feature"] = 2.into()),
        (readings, "list of readings", |file| file["readings"][1]["scale"] = 0.0.into()),
        (readings, "list of readings", |file| {
            let voices = file["voices"].as_array_mut().unwrap();
            voices.retain(|voice| voice["reading"] == 1);
        }),
        (readings, "list of readings", |file| {
            let voices = file["voices"].as_array_mut().unwrap();
            voices.iter_mut().for_each(|voice| voice["accuses"] = true.into());
        }),
        (readings, "list of voices", |file| file["voices"][1]["reading"] = 2.into()),
        (readings, "list of voices", |file| file["voices"][0]["length"] = 9.into()),
        (readings, "list of voices", |file| file["voices"][0]["rows"] = 0.into()),
        (readings, "tensor", |file| file["voices"][0]["length"] = 7.into()),
    ];
    for (number, (file, expected, change)) in changes.into_iter().enumerate() {
        let error = Detector::from_bytes(&changed(file, change)).expect_err(&format!("{number}: {expected}"));
        assert!(error.to_string().contains(expected), "{number}: {error} instead of {expected}");
    }
    let options = changed(rows, |file| file["config"]["epochs"] = 0.into());
    assert!(matches!(Detector::from_bytes(&options), Err(DetectorFileError::Options(AnomalyError::Option { .. }))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever can be read can be used.
    #[test]
    fn a_file_with_changed_bytes_is_refused_or_usable(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<u8>()), 1..4),
    ) {
        let mut file = changed(&files()[which], |_| {});
        // Most of it is tensors, which are much alike; the metadata before them are not. A digit for a digit leaves it readable.
        let length = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
        let digits: Vec<usize> = (0..length).filter(|&at| file[at].is_ascii_digit()).collect();
        for (place, in_tensors, byte) in changes {
            if in_tensors {
                let at = length + place.index(file.len() - length);
                file[at] ^= byte;
            } else {
                file[digits[place.index(digits.len())]] = b"0123456789-e."[usize::from(byte) % 13];
            }
        }
        if let Ok(detector) = Detector::from_bytes(&file) {
            use_it(&detector);
        }
    }
}

#[test]
fn a_row_that_cannot_be_scored_has_its_reason_and_the_others_their_scores() {
    let schema = Schema::new((0..3).map(|column| Column::numeric(format!("sensor{column}"))).collect());
    let train = data(usual(300, 3, 1)).with_schema(schema.clone()).unwrap();
    for method in [Method::Auto, Method::Marginal] {
        let detector = Detector::fit(&train, &quick(method)).unwrap();
        let sound = usual(600, 3, 2);
        let expected = detector.score(&data(sound.clone())).unwrap();
        let mut values = sound;
        values[[3, 1]] = f32::NEG_INFINITY;
        values[[400, 2]] = f32::INFINITY;
        let rows = data(values).with_schema(schema.clone()).unwrap();
        let scores = detector.score(&rows).unwrap();
        for row in (0..600).filter(|row| ![3, 400].contains(row)) {
            assert_eq!(scores[row].to_bits(), expected[row].to_bits());
        }
        let reasons: Vec<(usize, String)> =
            scores.unscored().iter().map(|one| (one.row, one.reason.to_string())).collect();
        let beyond = |sensor: &str| format!("{sensor} is infinite, or beyond ±3.4e38");
        assert_eq!(reasons, [(3, beyond("sensor1")), (400, beyond("sensor2"))]);
        assert!(scores[3].is_nan() && scores[400].is_nan());
        assert!(matches!(detector.explain(&rows, 3, 1), Err(AnomalyError::Unscored { row: 3, .. })));
    }
}

#[test]
fn rows_with_infinite_values_are_not_learned_from_and_counted() {
    let mut values = usual(300, 3, 1);
    let config = DetectorConfig { ordered: true, ..quick(Method::Auto) };
    let expected = Detector::fit(&data(values.clone()), &config).unwrap();
    let mut with = values.clone().into_raw_vec_and_offset().0;
    with.splice(30..30, [1.0, f32::INFINITY, 2.0, f32::NEG_INFINITY, 0.0, 0.0]);
    let detector = Detector::fit(&data(Array2::from_shape_vec((302, 3), with).unwrap()), &config).unwrap();
    assert_eq!((detector.rows_left_out(), expected.rows_left_out()), (2, 0));
    assert_eq!(detector.calibration(), expected.calibration());

    // A series is cut there, as at a gap.
    let windows = Windows { length: 8, stride: 1 };
    let config = quick(Method::Linear);
    let whole = data(values.clone());
    let parts = [0..100, 101..300].map(|part| whole.select(&part.collect::<Vec<_>>()));
    let apart = Detector::fit_series(&parts, windows, &config).unwrap();
    values[[100, 0]] = f32::INFINITY;
    let cut = Detector::fit_series(&[data(values)], windows, &config).unwrap();
    assert_eq!((cut.calibration(), cut.rows_left_out()), (apart.calibration(), 1));
}

#[test]
fn a_row_without_any_value_has_no_score_and_one_value_is_enough() {
    let (mut values, nan) = (usual(300, 3, 1), f32::NAN);
    for row in [4, 90] {
        values.row_mut(row).fill(nan);
    }
    values[[5, 1]] = nan;
    let windows = Windows { length: 8, stride: 1 };
    for method in [Method::Auto, Method::Marginal, Method::Linear] {
        let detector = Detector::fit(&data(values.clone()), &quick(method)).unwrap();
        assert_eq!((detector.rows_empty(), detector.rows_left_out()), (2, 0));
        let rows = data(ndarray::array![[nan, nan, nan], [nan, 90.0, nan], [0.1, nan, nan]]);
        let scores = detector.score(&rows).unwrap();
        let unscored: Vec<_> = scores.unscored().iter().map(|one| (one.row, one.reason.clone())).collect();
        assert_eq!(unscored, [(0, NoScore::Empty)], "{method}");
        assert!(scores[1] > scores[2], "{method}: {:?}", &scores[..]);
        assert!(matches!(detector.explain(&rows, 0, 1), Err(AnomalyError::Unscored { row: 0, .. })));

        // In a series it keeps its place, and the moments around it their scores.
        let detector = Detector::fit_series(&[data(values.clone())], windows, &quick(method)).unwrap();
        assert_eq!(detector.rows_empty(), 2);
        let series = data(values.clone());
        let scores = detector.score(&series).unwrap();
        assert_eq!(scores.unscored().iter().map(|one| one.row).collect::<Vec<_>>(), [4, 90], "{method}");
        let (mut recent, mut ends, mut row) = (RecentRows::new(&detector), Vec::new(), [0.0; 3]);
        for index in 0..100 {
            series.copy_row(index, &mut row);
            recent.push(&row, &mut ends);
        }
        let ends = detector.score_ends(&ends).unwrap();
        assert_eq!(ends.unscored().iter().map(|one| one.row).collect::<Vec<_>>(), [90 - 7], "{method}");
    }
}

/// Of rows of which one number is odd, or two; the search asks for the same columns, and for little.
#[test]
fn the_smallest_change_of_a_flagged_row_is_one_of_what_was_changed() {
    let rows = usual(1500, 6, 3);
    let detector = Detector::fit(&data(rows.clone()), &quick(Method::Auto)).unwrap();
    let limit = detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap().score;
    let (mut found, mut single) = (0, 0);
    for row in 0..40 {
        let mut values = rows.row(row).to_vec();
        let usual = values.clone();
        values[row % 6] += if row % 2 == 0 { 5.0 } else { -5.0 };
        let Some(change) = detector.counterfactual(&values, limit).unwrap() else { continue };
        found += 1;
        assert!(change.score < limit, "row {row}: {change:?}");
        let one = &change.columns[0];
        if change.columns.len() == 1 && one.column == format!("feature{}", row % 6 + 1) {
            single += 1;
            // It need not come back all the way.
            let Value::Number(becomes) = one.becomes else { panic!("{one:?}") };
            let (left, moved) = ((becomes - usual[row % 6]).abs(), (becomes - values[row % 6]).abs());
            assert!(left < 5.0 && moved <= 5.5, "row {row}: {one:?}, which was {}", usual[row % 6]);
        }
        // What it says is what the detector says.
        for change in &change.columns {
            let Value::Number(becomes) = change.becomes else { panic!("{change:?}") };
            values[change.column["feature".len()..].parse::<usize>().unwrap() - 1] = becomes;
        }
        let score = detector.score(&data(Array2::from_shape_vec((1, 6), values).unwrap())).unwrap()[0];
        assert_eq!(score.to_bits(), change.score.to_bits());
    }
    assert!(found > 35 && single > 32, "{single} of {found}");
    assert_eq!(detector.counterfactual(&rows.row(0).to_vec(), limit).unwrap(), None);
    assert!(detector.counterfactual(&[f32::NAN; 6], limit).is_err());
}

#[test]
fn many_rows_without_any_value_are_a_gap_of_a_series_and_few_are_not() {
    let windows = Windows { length: 16, stride: 1 };
    let mut values = usual(300, 2, 3);
    (100..130).for_each(|row| values.row_mut(row).fill(f32::NAN));
    (200..202).for_each(|row| values.row_mut(row).fill(f32::NAN));
    let series = data(values.clone());
    let part = |rows: std::ops::Range<usize>| series.select(&rows.collect::<Vec<_>>());
    for method in [Method::Auto, Method::Linear] {
        // Learning sees them as gaps, too.
        let detector = Detector::fit_series(std::slice::from_ref(&series), windows, &quick(method)).unwrap();
        let apart = Detector::fit_series(&[part(0..100), part(130..300)], windows, &quick(method)).unwrap();
        assert_eq!((detector.calibration(), detector.rows_empty()), (apart.calibration(), 32), "{method}");

        let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        let whole = detector.score(&series).unwrap();
        assert_eq!(bits(&whole[..100]), bits(&detector.score(&part(0..100)).unwrap()));
        assert_eq!(bits(&whole[130..]), bits(&detector.score(&part(130..300)).unwrap()));
        let unscored: Vec<usize> = whole.unscored().iter().map(|one| one.row).collect();
        assert_eq!(unscored, (100..130).chain(200..202).collect::<Vec<_>>(), "{method}");
        assert!(whole.unscored().iter().all(|one| one.reason == NoScore::Empty));
        // However the rows are cut, and row by row as in a stream.
        let mut scorer = SeriesScorer::new(&detector).unwrap();
        let mut scores = Vec::new();
        for first in (0..300).step_by(7) {
            scores.extend(scorer.push(&part(first..300.min(first + 7))).unwrap().into_values());
        }
        scores.extend(scorer.finish().unwrap().into_values());
        assert_eq!(bits(&scores), bits(&whole), "{method}");
        let (mut recent, mut ends, mut row) = (RecentRows::new(&detector), Vec::new(), [0.0; 2]);
        let complete = (0..300).filter(|&index| {
            series.copy_row(index, &mut row);
            recent.push(&row, &mut ends)
        });
        let complete: Vec<usize> = complete.collect();
        assert_eq!(complete, (15..102).chain(145..300).collect::<Vec<_>>());
    }
}

#[test]
fn a_series_goes_on_behind_a_row_that_cannot_be_scored() {
    let windows = Windows { length: 7, stride: 3 };
    let detector = wave_detector(windows);
    let mut values = usual(60, 2, 3);
    for row in [20, 24, 59] {
        values[[row, 1]] = f32::INFINITY;
    }
    let series = data(values);
    let part = |rows: std::ops::Range<usize>| series.select(&rows.collect::<Vec<_>>());
    let whole = detector.score(&series).unwrap();
    assert_eq!(whole[..20], detector.score(&part(0..20)).unwrap()[..]);
    assert_eq!(whole[25..59], detector.score(&part(25..59)).unwrap()[..]);
    let short: Vec<usize> = whole
        .unscored()
        .iter()
        .filter(|one| one.reason == NoScore::ShortStretch { window: 7 })
        .map(|one| one.row)
        .collect();
    assert_eq!(short, [21, 22, 23]);
    assert_eq!(whole.unscored().iter().map(|one| one.row).collect::<Vec<_>>(), [20, 21, 22, 23, 24, 59]);
    for step in [1, 5, 30] {
        let mut scorer = SeriesScorer::new(&detector).unwrap();
        let (mut scores, mut unscored) = (Vec::new(), Vec::new());
        let mut take = |scorer: &SeriesScorer<'_>, given: enkoder::anomaly::Scores| {
            unscored.extend(given.unscored().iter().map(|one| scores.len() + one.row));
            for &score in given.iter() {
                if score.is_finite() {
                    let reasons = scorer.explain(scores.len(), 2).unwrap();
                    assert!(reasons.iter().all(|reason| reason.share.is_finite()));
                }
                scores.push(score);
            }
        };
        for first in (0..60).step_by(step) {
            let given = scorer.push(&part(first..60.min(first + step))).unwrap();
            take(&scorer, given);
        }
        let given = scorer.finish().unwrap();
        take(&scorer, given);
        let bits = |scores: &[f32]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&scores), bits(&whole), "by {step}");
        assert_eq!(unscored, [20, 21, 22, 23, 24, 59]);
    }
    // Reasons come from a window beside the row, and not across it.
    assert_eq!(detector.explain(&series, 19, 3).unwrap(), detector.explain(&part(0..20), 19, 3).unwrap());
}

#[test]
fn options_out_of_their_range_are_named_with_value_and_range() {
    let base = DetectorConfig::default;
    for (config, expected) in [
        (DetectorConfig { budget: f64::INFINITY, ..base() }, "budget is inf, but must be a positive and finite number"),
        (DetectorConfig { budget: f64::NAN, ..base() }, "budget is NaN, but must be"),
        (DetectorConfig { budget: 0.0, ..base() }, "budget is 0, but must be"),
        (DetectorConfig { budget: -1.0, ..base() }, "budget is -1, but must be"),
        (
            DetectorConfig { calibration: f64::NAN, ..base() },
            "the calibration part is NaN, but must be more than 0 and less than 1",
        ),
        (DetectorConfig { trim: Some(f64::NAN), ..base() }, "trim is NaN, but must be"),
        (DetectorConfig { epochs: Some(0), ..base() }, "epochs is 0, but must be at least 1"),
        (DetectorConfig { layers: Some(vec![]), ..base() }, "the number of layers is 0, but must be at least 1"),
        (DetectorConfig { layers: Some(vec![8, 0]), ..base() }, "a layer's width is 0, but must be at least 1"),
        (
            DetectorConfig { rule: ThresholdRule::FalseAlarm(f64::NAN), ..base() },
            "the false-alarm rate is NaN, but must",
        ),
        (DetectorConfig { rule: ThresholdRule::Contamination(-1.0), ..base() }, "the contamination is -1, but must"),
    ] {
        let error = Detector::fit(&data(usual(50, 2, 0)), &config).unwrap_err();
        assert!(matches!(error, AnomalyError::Option { .. }) && error.to_string().starts_with(expected), "{error}");
    }
    for (length, stride) in [(0, 1), (5, 0), (5, 6)] {
        let series = [data(usual(50, 2, 0))];
        let error = Detector::fit_series(&series, Windows { length, stride }, &base()).unwrap_err();
        assert!(matches!(error, AnomalyError::Option { .. }), "{error}");
    }
}

/// Flags of which hardly any is ever set, and states of a few words: the rows that are trusted are all alike, and so are those
/// that a network is judged by.
#[test]
fn flags_and_states_give_detectors_that_can_be_used_and_find_rare_combinations() {
    let flags = Array2::from_shape_fn((400, 4), |(row, flag)| f32::from(row % 11 == 10 && row / 11 % 4 == flag));
    let strange = array![[1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]];
    let usual = array![[0.0, 0.0, 0.0, 0.0]];
    let states = Array2::from_shape_fn((400, 6), |(row, feature)| {
        let row = (row as u32).wrapping_mul(2654435761) >> 7;
        if feature < 4 { f32::from(row % 4 == feature as u32) } else { f32::from(row / 4 % 2 == feature as u32 - 4) }
    });
    for method in [Method::Auto, Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble] {
        let config = DetectorConfig { method, ..DetectorConfig::default() };
        let detector = Detector::fit(&data(flags.clone()), &config).unwrap();
        let detector = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap();
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.05)).unwrap();
        assert!(threshold.score.is_finite());
        let [odd, same] = [&strange, &usual].map(|rows| detector.score(&data(rows.clone())).unwrap());
        assert!(odd.iter().all(|&score| threshold.flags(score)), "{method}: {odd:?} at {threshold:?}");
        assert!(!threshold.flags(same[0]), "{method}: {same:?} at {threshold:?}");

        let detector = Detector::fit(&data(states.clone()), &config).unwrap();
        let detector = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap();
        assert!(detector.calibration().scores().iter().all(|score| score.is_finite()), "{method}");
    }
}

/// An alarm that never rang and a supply that never moved, beside two numbers that vary.
#[test]
fn a_change_of_what_never_changed_is_flagged_and_the_first_reason() {
    let schema = Schema::new(["x", "y", "alarm", "supply"].map(Column::numeric).to_vec());
    let with_constants = |mut values: Array2<f32>| {
        values.column_mut(2).fill(0.0);
        values.column_mut(3).fill(5.0);
        values
    };
    let train = data(with_constants(usual(400, 4, 11))).with_schema(schema.clone()).unwrap();
    let test = array![[0.1, 0.2, 0.0, 5.0], [0.1, 0.2, 1.0, 5.0], [0.1, 0.2, 0.0, 500.0], [0.1, 0.2, 0.0, f32::NAN]];
    let test = data(test).with_schema(schema.clone()).unwrap();
    for method in [Method::Auto, Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble] {
        let detector = Detector::fit(&train, &quick(method)).unwrap();
        let detector = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap();
        assert_eq!(
            (detector.unchanging_columns(), detector.ignored_columns().len()),
            (vec!["alarm".into(), "supply".into()], 0)
        );
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.02)).unwrap();
        let scores = detector.score(&test).unwrap();
        let flagged: Vec<bool> = scores.iter().map(|&score| threshold.flags(score)).collect();
        assert_eq!(flagged, [false, true, true, false], "{method}: {scores:?} at {threshold:?}");
        assert!(scores[2] > scores[1], "{method}: {scores:?}");
        assert_eq!(detector.explain(&test, 1, 1).unwrap()[0].column, "alarm");
        let reason = &detector.explain(&test, 2, 1).unwrap()[0];
        assert_eq!((reason.column.as_str(), &reason.expected), ("supply", &Value::Number(5.0)));
    }
    // How strong is a choice, and none at all was the rule of the first version.
    let score = |unchanging| {
        let config = DetectorConfig { unchanging, ..quick(Method::Linear) };
        Detector::fit(&train, &config).unwrap().score(&test).unwrap()[1]
    };
    assert!(score(20.0) - score(3.0) > 16.9 && score(0.0) < score(3.0) - 2.9);
    let detector = Detector::fit(&train, &DetectorConfig { unchanging: 0.0, ..quick(Method::Linear) }).unwrap();
    assert_eq!(detector.ignored_columns(), ["alarm", "supply"]);
}

#[test]
fn where_nothing_ever_changed_every_change_is_flagged() {
    let train = data(Array2::from_elem((60, 2), -1.0));
    let test = data(array![[-1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]);
    let windows = Windows { length: 4, stride: 1 };
    for detector in [
        Detector::fit(&train, &DetectorConfig::default()).unwrap(),
        Detector::fit_series(std::slice::from_ref(&train), windows, &quick(Method::Linear)).unwrap(),
    ] {
        let detector = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap();
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.05)).unwrap();
        let rows =
            if detector.windows().is_some() { test.select(&[0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]) } else { test.clone() };
        let flagged: Vec<usize> = detector
            .score(&rows)
            .unwrap()
            .iter()
            .enumerate()
            .filter(|(_, score)| threshold.flags(**score))
            .map(|(row, _)| row)
            .collect();
        assert!(flagged.contains(&if rows.len() > 3 { 5 } else { 1 }), "{flagged:?}");
        assert!(!flagged.contains(&0), "{flagged:?}");
    }
}

/// A clock in seconds, which 32-bit numbers cannot tell from one row to the next: whatever comes later is beyond all that was seen.
#[test]
fn a_clock_is_no_reading_unless_it_is_said_to_be_one() {
    let schema = Schema::new(["stamp", "a", "b"].map(Column::numeric).to_vec());
    let rows = |from: usize, seed| {
        let mut values = usual(600, 3, seed);
        for (row, value) in values.column_mut(0).iter_mut().enumerate() {
            *value = (1_704_067_200.0 + 60.0 * (from + row) as f64) as f32;
        }
        data(values).with_schema(schema.clone()).unwrap()
    };
    let (train, later) = (rows(0, 12), rows(100_000, 13));
    let flagged = |config: &DetectorConfig| {
        let detector = Detector::fit(&train, config).unwrap();
        let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.05)).unwrap();
        let count = detector.score(&later).unwrap().iter().filter(|&&score| threshold.flags(score)).count();
        (detector.ignored_columns(), detector.chosen().contains("as a clock does: stamp"), count)
    };
    let (ignored, said, count) = flagged(&quick(Method::Auto));
    assert_eq!((ignored, said), (vec!["stamp".to_owned()], true));
    assert!(count < 60, "{count}");
    let (ignored, said, count) = flagged(&DetectorConfig { readings: vec!["stamp".into()], ..quick(Method::Auto) });
    assert_eq!((ignored, said, count), (vec![], false, 600));
}

#[test]
fn the_best_f1_is_found_and_called_what_it_is() {
    let threshold = Threshold::best_f1(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false]).unwrap();
    assert_eq!((threshold.score, threshold.rate, threshold.guarantee), (0.7, 0.5, Guarantee::BestF1));
    assert!(Threshold::best_f1(&[0.1, 0.2], &[false, false]).is_err());
}

#[test]
fn a_broken_rhythm_is_found_in_windows_where_no_moment_is_odd() {
    let wave = |row: usize| ((row as f32) * 0.3).sin();
    let train = data(Array2::from_shape_fn((1500, 1), |(row, _)| wave(row)));
    let test = data(Array2::from_shape_fn(
        (600, 1),
        |(row, _)| {
            if (300..340).contains(&row) { wave(row * 3) } else { wave(row) }
        },
    ));
    let windows = Windows { length: 24, stride: 1 };
    let detector = Detector::fit_series(std::slice::from_ref(&train), windows, &quick(Method::Linear)).unwrap();
    let scores = detector.score(&test).unwrap();
    let positive: Vec<bool> = (0..600).map(|moment| (300..340).contains(&moment)).collect();
    assert!(auroc(&scores, &positive).unwrap() > 0.95);
    assert_eq!(Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap().windows(), Some(windows));
}

fn wave_detector(windows: Windows) -> Detector {
    let train = data(Array2::from_shape_fn((400, 2), |(row, column)| ((row * (column + 1)) as f32 * 0.3).sin()));
    Detector::fit_series(std::slice::from_ref(&train), windows, &quick(Method::Linear)).unwrap()
}

/// The definition, window by window, beside the scorer that forgets what it no longer needs.
#[test]
fn a_series_has_the_same_scores_however_it_is_cut() {
    for (length, stride) in [(1, 1), (7, 1), (7, 3), (16, 16)] {
        let windows = Windows { length, stride };
        let detector = wave_detector(windows);
        for rows in [length, length + 1, 40, 101] {
            let series = data(usual(rows, 2, rows as u64));
            let whole = detector.score(&series).unwrap();
            let last = rows - length;
            let (mut sums, mut counts) = (vec![0.0f64; rows], vec![0.0; rows]);
            for start in (0..=last).filter(|start| start % stride == 0 || *start == last) {
                let alone = series.select(&(start..start + length).collect::<Vec<_>>());
                let score = detector.score(&alone).unwrap()[0];
                (start..start + length).for_each(|moment| {
                    sums[moment] += f64::from(score);
                    counts[moment] += 1.0;
                });
            }
            let expected: Vec<f32> = sums.iter().zip(counts).map(|(sum, count)| (sum / count) as f32).collect();
            assert_eq!(whole[..], expected, "{rows} rows, {windows:?}");
            for step in [1, 5, 30] {
                let mut scorer = SeriesScorer::new(&detector).unwrap();
                let mut scores = Vec::new();
                for first in (0..rows).step_by(step) {
                    let some: Vec<usize> = (first..rows.min(first + step)).collect();
                    let given = scores.len();
                    scores.extend(scorer.push(&series.select(&some)).unwrap().into_values());
                    (given..scores.len()).for_each(|moment| {
                        let reasons = scorer.explain(moment, 2).unwrap();
                        assert!(reasons.len() <= 2);
                    });
                }
                scores.extend(scorer.finish().unwrap().into_values());
                assert_eq!(scores, whole[..], "{rows} rows by {step}, {windows:?}");
            }
        }
    }
}

#[test]
fn a_series_promises_less_than_rows_do() {
    let windows = Windows { length: 8, stride: 1 };
    let threshold = wave_detector(windows).threshold(ThresholdRule::FalseAlarm(0.05)).unwrap();
    assert_eq!(threshold.guarantee, Guarantee::OverTime);
}

#[test]
fn series_too_short_for_a_window_are_left_out_and_refused_where_all_are() {
    let windows = Windows { length: 10, stride: 1 };
    let lengths = |lengths: &[usize]| {
        let series: Vec<Dataset> = lengths.iter().map(|&rows| data(usual(rows, 2, rows as u64))).collect();
        Detector::fit_series(&series, windows, &quick(Method::Linear))
    };
    assert!(lengths(&[100, 3, 9]).is_ok());
    assert!(lengths(&[12; 9]).is_ok());
    assert!(matches!(lengths(&[9, 9, 9]), Err(AnomalyError::ShortSeries { window: 10, needed: 20 })));
}
