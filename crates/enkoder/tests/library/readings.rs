//! Detectors of series whose readings are judged one by one: which columns are readings, what is found, what is promised while the
//! normal drifts, and what their files keep.

use enkoder::anomaly::{AnomalyError, Detector, DetectorConfig, Method, SeriesScorer, ThresholdRule, Value, Windows};
use enkoder::metrics::auroc;
use enkoder::{Column, Dataset, Schema};
use ndarray::{Array2, Axis, Slice};

const WINDOWS: Windows = Windows { length: 48, stride: 1 };

/// A number between 0 and 1 for each row and column, as if random.
fn noise(row: usize, column: usize) -> f32 {
    let mixed = ((row * 31 + column) as u32).wrapping_mul(2654435761);
    ((mixed ^ (mixed >> 15)).wrapping_mul(2246822519) >> 8) as f32 / (1 << 24) as f32
}

/// A temperature with a rhythm, a pressure that never moves, and 22 commands of which one is sent now and then.
fn plant(rows: usize, first: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 24), |(row, column)| {
        let moment = first + row;
        match column {
            0 => 20.0 + 3.0 * (moment as f32 * 0.2).sin() + 0.3 * noise(moment, 0),
            1 => 5.0,
            command => f32::from(noise(moment, command) < 0.01),
        }
    })
}

fn series(values: Array2<f32>) -> Dataset {
    let names = ["temperature".to_owned(), "pressure".to_owned()].into_iter();
    let names = names.chain((2..values.ncols()).map(|number| format!("command{number}")));
    let schema = Schema::new(names.map(Column::numeric).collect());
    Dataset::from_f32("plant", values).unwrap().with_schema(schema).unwrap()
}

fn fitted(config: &DetectorConfig) -> Detector {
    Detector::fit_series(&[series(plant(1500, 0))], WINDOWS, config).unwrap()
}

#[test]
fn a_fault_of_the_one_reading_is_found_among_many_commands() {
    let detector = fitted(&DetectorConfig::default());
    let mut values = plant(1200, 9000);
    // The rhythm stops at a usual value.
    (600..640).for_each(|row| values[[row, 0]] = 20.0);
    let test = series(values);
    let positive: Vec<bool> = (0..1200).map(|row| (600..640).contains(&row)).collect();
    let scores = detector.score(&test).unwrap();
    let area = auroc(&scores, &positive).unwrap();
    assert!(area > 0.97, "{area}");
    assert!(detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap().flags(scores[620]));
    let reason = &detector.explain(&test, 620, 3).unwrap()[0];
    assert_eq!((reason.column.as_str(), &reason.observed), ("temperature", &Value::Number(20.0)));
    assert!(reason.share > 0.5, "{reason:?}");
    // Beside it stands a window that has the rhythm.
    let beside = reason.nearest.as_ref().unwrap();
    let ends =
        beside.nearest.iter().fold([f32::MAX, f32::MIN], |[low, high], &value| [low.min(value), high.max(value)]);
    assert!((16.5..18.0).contains(&ends[0]) && (22.0..24.0).contains(&ends[1]), "{beside:?}");
    assert_eq!((beside.observed.len(), beside.nearest.len(), beside.rows), (24, 24, 2));
    let mean = |at: usize| (at..at + 2).map(|row| test.to_array()[[row, 0]]).sum::<f32>() / 2.0;
    assert!((beside.observed[3] - mean(620 - beside.before + 6)).abs() < 1e-4, "{beside:?}");
    assert!(detector.chosen().starts_with("2 of 24 columns judged"), "{}", detector.chosen());
}

#[test]
fn a_moment_that_a_window_ends_with_is_scored_as_the_last_of_a_series_of_that_window() {
    let detector = fitted(&DetectorConfig::default());
    let mut values = plant(200, 9000);
    (150..200).for_each(|row| values[[row, 0]] = 60.0);
    let all: Vec<f32> = values.iter().copied().collect();
    let window = WINDOWS.length * 24;
    let ends: Vec<f32> = all.windows(window).step_by(24).flatten().copied().collect();
    let scores = detector.score_ends(&ends).unwrap();
    assert_eq!(scores.len(), 200 - WINDOWS.length + 1);
    for start in [0, 77, 140] {
        let alone = series(values.slice_axis(Axis(0), Slice::from(start..start + WINDOWS.length)).to_owned());
        assert_eq!(scores[start], detector.score(&alone).unwrap()[WINDOWS.length - 1], "from row {start}");
    }
    let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap();
    assert!(threshold.flags(scores[140]) && !threshold.flags(scores[77]));
    let mut broken = ends[..window].to_vec();
    broken[30] = f32::INFINITY;
    assert_eq!(detector.score_ends(&broken).unwrap().unscored().len(), 1);
}

/// One window alone varies more than the mean over all that cover a moment, so that each has a calibration of its own.
#[test]
fn moments_that_windows_end_with_are_flagged_as_rarely_as_asked_for_also_by_a_file() {
    let rule = ThresholdRule::FalseAlarm(0.05);
    // All columns of a long window at once take long to learn.
    for (method, length) in [(Method::Auto, WINDOWS.length), (Method::Linear, 6)] {
        let config = DetectorConfig { method, ..DetectorConfig::default() };
        let detector = Detector::fit_series(&[series(plant(1500, 0))], Windows { length, stride: 1 }, &config).unwrap();
        assert!(detector.calibrates_ends());
        let ends: Vec<f32> = plant(3000, 9000).iter().copied().collect();
        let ends: Vec<f32> = ends.windows(length * 24).step_by(24).flatten().copied().collect();
        let flagged = |detector: &Detector| {
            let threshold = detector.threshold(rule).unwrap();
            let scores = detector.score_ends(&ends).unwrap();
            scores.iter().filter(|&&score| threshold.flags(score)).count() as f64 / scores.len() as f64
        };
        let before = flagged(&detector);
        let again = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap().judging_ends();
        let detector = detector.judging_ends();
        assert_eq!(detector.calibration(), again.calibration());
        let rate = flagged(&again);
        assert!(rate < 0.1 && rate < before, "{method}: {rate}, and {before} by all windows");
        // The file is the same whatever is judged.
        assert_eq!(detector.to_bytes().unwrap(), again.to_bytes().unwrap());
    }
}

#[test]
fn a_reading_that_never_changed_is_the_first_suspect_when_it_does() {
    let detector = fitted(&DetectorConfig::default());
    assert_eq!(detector.unchanging_columns(), ["pressure"]);
    assert!(!detector.ignored_columns().contains(&"pressure".to_owned()));
    let mut values = plant(600, 9000);
    (300..330).for_each(|row| values[[row, 1]] = 4.0);
    let test = series(values);
    let scores = detector.score(&test).unwrap();
    let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap();
    assert!(threshold.flags(scores[315]) && !threshold.flags(scores[150]), "{} {}", scores[315], scores[150]);
    let reason = &detector.explain(&test, 315, 1).unwrap()[0];
    assert_eq!((reason.column.as_str(), &reason.observed), ("pressure", &Value::Number(4.0)));
}

#[test]
fn readings_and_context_can_be_said() {
    let chosen = |readings: &[&str], context: &[&str]| {
        let [readings, context] = [readings, context].map(|names| names.iter().map(|&name| name.to_owned()).collect());
        fitted(&DetectorConfig { readings, context, ..DetectorConfig::default() }).chosen().to_owned()
    };
    assert!(chosen(&["command5"], &[]).contains("(command5)"));
    assert!(chosen(&[], &["pressure"]).contains("(temperature)"));
    let config = DetectorConfig { context: vec!["depth".into()], ..DetectorConfig::default() };
    let error = Detector::fit_series(&[series(plant(1500, 0))], WINDOWS, &config).unwrap_err();
    assert!(matches!(error, AnomalyError::NoColumn { column } if column == "depth"));
}

#[test]
fn a_file_and_pieces_of_a_series_give_the_same_scores_to_the_last_bit() {
    for stride in [1, 5, 40] {
        let windows = Windows { stride, ..WINDOWS };
        let fitted = Detector::fit_series(&[series(plant(700, 0))], windows, &DetectorConfig::default()).unwrap();
        let bytes = fitted.to_bytes().unwrap();
        let detector = Detector::from_bytes(&bytes).unwrap();
        assert_eq!(detector.to_bytes().unwrap(), bytes);
        let test = series(plant(400, 5000));
        let whole = fitted.score(&test).unwrap();
        assert_eq!(detector.score(&test).unwrap(), whole);
        for step in [1, 7, 300] {
            let mut scorer = SeriesScorer::new(&detector).unwrap();
            let mut scores = Vec::new();
            for first in (0..400).step_by(step) {
                let some: Vec<usize> = (first..400.min(first + step)).collect();
                let given = scores.len();
                scores.extend(scorer.push(&test.select(&some)).unwrap().into_values());
                (given..scores.len()).for_each(|moment| assert_eq!(scorer.explain(moment, 1).unwrap().len(), 1));
            }
            scores.extend(scorer.finish().unwrap().into_values());
            assert_eq!(scores, whole[..], "by {step}, stride {stride}");
        }
    }
}

#[test]
fn missing_and_far_values_have_finite_scores() {
    let detector = fitted(&DetectorConfig::default());
    let mut values = plant(300, 9000);
    (100..160).for_each(|row| values[[row, 0]] = f32::NAN);
    values[[200, 0]] = f32::MAX;
    let scores = detector.score(&series(values)).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()));
    assert!(detector.threshold(ThresholdRule::FalseAlarm(0.01)).unwrap().flags(scores[200]));
}

/// The normal rises slowly, by ten times its spread at the end: the threshold that was calibrated flags most of it, the one that
/// moves about as much as was asked for, and a fault within it is still told.
#[test]
fn while_the_normal_drifts_no_more_is_flagged_than_twice_what_was_asked_for() {
    let detector = fitted(&DetectorConfig::default());
    let mut values = plant(12_000, 9000);
    (0..12_000).for_each(|row| values[[row, 0]] += row as f32 / 12_000.0 * 20.0);
    let calm = detector.score(&series(values.clone())).unwrap();
    let rule = ThresholdRule::FalseAlarm(0.01);
    let fixed = detector.threshold(rule).unwrap();
    let mut moving = detector.adaptive_threshold(rule).unwrap();
    let flagged = calm.iter().filter(|&&score| moving.flags(score)).count();
    assert!(calm.iter().filter(|&&score| fixed.flags(score)).count() > 6000);
    assert!(flagged < 240, "{flagged} of 12000");
    (6000..6020).for_each(|row| values[[row, 0]] += 60.0);
    let scores = detector.score(&series(values)).unwrap();
    let mut moving = detector.adaptive_threshold(rule).unwrap();
    let flags: Vec<bool> = scores.iter().map(|&score| moving.flags(score)).collect();
    assert!(flags[5950..6050].contains(&true));
}

#[test]
fn what_only_grows_is_a_reading_where_there_is_no_other() {
    let ramp = |rows| {
        series(Array2::from_shape_fn((rows, 5), |(row, column)| {
            if column == 0 { row as f32 / 100.0 } else { f32::from(noise(row, column) < 0.02) }
        }))
    };
    let detector = Detector::fit_series(&[ramp(800)], WINDOWS, &DetectorConfig::default()).unwrap();
    assert!(detector.chosen().contains("(temperature)"), "{}", detector.chosen());
}

/// A motor that is switched on and off, its current, and a temperature that goes its own way.
fn motor(rows: usize, first: usize) -> Dataset {
    let values = Array2::from_shape_fn((rows, 3), |(row, column)| {
        let moment = first + row;
        let on = f32::from(noise(moment / 20, 3) < 0.6);
        match column {
            0 => on,
            1 => 0.5 + 4.0 * on + 0.2 * noise(moment, 1),
            _ => 20.0 + (moment as f32 * 0.05).sin() + 0.3 * noise(moment, 2),
        }
    });
    let schema = Schema::new(["on", "current", "temperature"].map(Column::numeric).to_vec());
    Dataset::from_f32("motor", values).unwrap().with_schema(schema).unwrap()
}

#[test]
fn a_reading_that_is_usual_by_itself_but_not_with_the_others_is_found_and_says_what_they_predict() {
    let detector = Detector::fit_series(&[motor(2000, 0)], WINDOWS, &DetectorConfig::default()).unwrap();
    assert!(detector.chosen().contains("also by what the other columns predict: on, current"), "{}", detector.chosen());
    let test = motor(1000, 9000);
    let stuck = (400..1000).find(|&row| test.row_f32(row).unwrap()[0] == 1.0).unwrap();
    let mut values = test.to_array();
    // The motor is on and takes the current of one that is off.
    (stuck..stuck + 10).for_each(|row| values[[row, 1]] -= 4.0);
    let test = Dataset::from_f32("motor", values).unwrap().with_schema(test.schema().unwrap().clone()).unwrap();
    let positive: Vec<bool> = (0..1000).map(|row| (stuck..stuck + 10).contains(&row)).collect();
    let scores = detector.score(&test).unwrap();
    let area = auroc(&scores, &positive).unwrap();
    assert!(area > 0.99, "{area}");
    let reason = &detector.explain(&test, stuck + 5, 3).unwrap()[0];
    assert!(matches!(reason.expected, Value::Number(expected) if (expected - 4.6).abs() < 0.3), "{reason:?}");
    let again = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap();
    assert_eq!(again.score(&test).unwrap(), scores);
    // One window is scored as the last of a series that ends with it.
    let mut scorer = SeriesScorer::new(&detector).unwrap();
    let mut pieces = Vec::new();
    for first in (0..1000).step_by(70) {
        let rows: Vec<usize> = (first..1000.min(first + 70)).collect();
        pieces.extend(scorer.push(&test.select(&rows)).unwrap().into_values());
    }
    pieces.extend(scorer.finish().unwrap().into_values());
    assert_eq!(pieces, scores.into_values());
}

/// A map that is chaos to a straight line (Hénon 1976), or a second-order motion that a straight line tells but for its noise.
fn motion(rows: usize, first: usize, straight: bool) -> Array2<f32> {
    let mut state = [0.1f64, 0.1];
    let mut values = Vec::new();
    for row in 0..first + rows {
        let noise = f64::from(noise(row, 3)) - 0.5;
        let [x, y] = state;
        state = if straight { [1.8 * x - 0.9 * y + noise, x] } else { [1.0 - 1.4 * x * x + y, 0.3 * x] };
        values.push((state[0] + if straight { 0.0 } else { 0.02 * noise }) as f32);
    }
    Array2::from_shape_vec((rows, 1), values.split_off(first)).unwrap()
}

#[test]
fn what_only_a_bent_forecast_knows_is_found_and_a_straight_motion_needs_none() {
    let windows = Windows { length: 64, stride: 1 };
    let fit = |straight| {
        let train = Dataset::from_f32("motion", motion(2500, 100, straight)).unwrap();
        Detector::fit_series(&[train], windows, &DetectorConfig::default()).unwrap()
    };
    assert!(!fit(true).chosen().contains("convolutional"), "{}", fit(true).chosen());
    let detector = fit(false);
    assert!(detector.chosen().contains("by regression and a convolutional network: feature1"), "{}", detector.chosen());
    let mut values = motion(900, 4000, false);
    // The same values in the opposite order.
    let reversed: Vec<f32> = (500..540).rev().map(|row| values[[row, 0]]).collect();
    (500..540).zip(reversed).for_each(|(row, value)| values[[row, 0]] = value);
    let positive: Vec<bool> = (0..900).map(|row| (500..540).contains(&row)).collect();
    let test = Dataset::from_f32("motion", values).unwrap();
    let scores = detector.score(&test).unwrap();
    let area = auroc(&scores, &positive).unwrap();
    assert!(area > 0.98, "{area}");
    // A reason has what is expected, also where too few rows come before.
    for moment in [3, 510] {
        let reason = &detector.explain(&test, moment, 1).unwrap()[0];
        assert!(matches!(reason.expected, Value::Number(expected) if expected.abs() < 2.0), "{reason:?}");
    }
    let again = Detector::from_bytes(&detector.to_bytes().unwrap()).unwrap();
    assert_eq!(again.score(&test).unwrap(), scores);
    for step in [1, 130] {
        let mut scorer = SeriesScorer::new(&again).unwrap();
        let mut pieces = Vec::new();
        for first in (0..900).step_by(step) {
            let rows: Vec<usize> = (first..900.min(first + step)).collect();
            pieces.extend(scorer.push(&test.select(&rows)).unwrap().into_values());
        }
        pieces.extend(scorer.finish().unwrap().into_values());
        assert_eq!(pieces, scores[..], "in pieces of {step}");
    }
    // One window is scored as the last of a series that ends with it.
    let ends: Vec<f32> = test.to_array().iter().copied().collect();
    let ends: Vec<f32> = ends.windows(64).flatten().copied().collect();
    let of_ends = detector.score_ends(&ends).unwrap();
    let last = detector.score(&test.select(&(400..530).collect::<Vec<_>>())).unwrap();
    assert_eq!(last[129], of_ends[530 - 64]);
}
