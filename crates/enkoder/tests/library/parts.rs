//! Detectors fitted to what several machines saw apart.

use enkoder::anomaly::{AnomalyError, Detector, DetectorConfig, DetectorFileError, DetectorPart, Method};
use enkoder::metrics::auroc;
use enkoder::{Column, Dataset, Schema};
use ndarray::Array2;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PLACES: [&str; 4] = ["attic", "cellar", "hall", "kitchen"];

/// A row of two numbers that go together, one that only grows, and a place; some cells are missing.
type Row = (f32, f32, f32, Option<usize>);

fn rows(count: usize) -> Vec<Row> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let row = |number: usize| {
        let a: f32 = random.random_range(-1.0..1.0);
        let b = if number % 9 == 4 { f32::NAN } else { 2.0 * a + random.random_range(-0.1..0.1) };
        let place = (number % 11 != 3).then(|| random.random_range(0..PLACES.len()));
        (a, b, 1000.0 + number as f32, place)
    };
    (0..count).map(row).collect()
}

/// The rows as a table, whose words are those that occur, as they came.
fn table(rows: &[Row]) -> Dataset {
    let mut words: Vec<usize> = Vec::new();
    for place in rows.iter().filter_map(|row| row.3) {
        if !words.contains(&place) {
            words.push(place);
        }
    }
    let mut values = Vec::new();
    for &(a, b, time, place) in rows {
        values.extend([a, b, time]);
        values.extend(words.iter().map(|&word| place.map_or(f32::NAN, |place| f32::from(u8::from(place == word)))));
    }
    let places = words.iter().map(|&word| PLACES[word].to_owned()).collect();
    let numbers = ["a", "b", "time"].map(Column::numeric);
    let schema = Schema::new(numbers.into_iter().chain([Column::categorical("place", places)]).collect());
    let values = Array2::from_shape_vec((rows.len(), schema.features()), values).unwrap();
    Dataset::from_f32("rows", values).unwrap().with_schema(schema).unwrap()
}

fn linear() -> DetectorConfig {
    DetectorConfig { method: Method::Linear, ..DetectorConfig::default() }
}

fn part(rows: &[Row], most: usize) -> DetectorPart {
    let mut part = DetectorPart::new(&linear(), most).unwrap();
    // Some at a time, with other words in another order.
    rows.chunks(97).for_each(|rows| part.add(&table(rows)).unwrap());
    part
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    /// Whether the sample holds all rows or not.
    #[test]
    fn what_machines_saw_apart_is_what_one_saw_together(
        owners in proptest::collection::vec(0usize..4, 900), most in prop_oneof![Just(200usize), Just(5000)], turn in 0usize..4,
    ) {
        let rows = rows(900);
        let together = part(&rows, most);
        let mut parts: Vec<DetectorPart> = (0..4)
            .map(|owner| {
                let own: Vec<Row> = rows.iter().zip(&owners).filter(|(_, of)| **of == owner).map(|(row, _)| *row).collect();
                let seen = part(&own, most);
                DetectorPart::from_bytes(&seen.to_bytes().unwrap()).unwrap()
            })
            .collect();
        parts.rotate_left(turn);
        let merged = parts[1..].iter().fold(parts[0].clone(), |merged, part| merged.merge(part).unwrap());
        prop_assert_eq!(merged.to_bytes().unwrap(), together.to_bytes().unwrap());
        prop_assert_eq!((merged.rows(), merged.rows_kept()), (900, most.min(900)));
        let detector = merged.fit().unwrap();
        prop_assert_eq!(detector.to_bytes().unwrap(), together.fit().unwrap().to_bytes().unwrap());
        prop_assert!(detector.chosen().contains("without what only grows, as a clock does: time"), "{}", detector.chosen());
    }
}

#[test]
fn a_merged_detector_finds_what_one_of_all_rows_finds() {
    let rows = rows(3000);
    let config = DetectorConfig { budget: 0.2, readings: vec!["time".to_owned()], ..DetectorConfig::default() };
    let mut apart = rows.chunks(1000).map(|rows| {
        let mut part = DetectorPart::new(&config, 2000).unwrap();
        part.add(&table(rows)).unwrap();
        part
    });
    let first = apart.next().unwrap();
    let merged = apart.fold(first, |merged, part| merged.merge(&part).unwrap()).fit().unwrap();
    let whole = Detector::fit(&table(&rows), &config).unwrap();
    // What goes together breaks in every fourth row. Words as the merged detector orders them.
    let mut odd = rows.clone();
    odd.iter_mut().step_by(4).for_each(|row| row.1 = -row.1);
    let positive: Vec<bool> =
        (0..odd.len()).map(|row| row % 4 == 0 && odd[row].0.abs() > 0.3 && !odd[row].1.is_nan()).collect();
    let score = |detector: &Detector| {
        let names = detector.schema().unwrap().feature_names();
        let data = table(&odd);
        let places = data.schema().unwrap().feature_names();
        let order: Vec<usize> =
            names.iter().map(|name| places.iter().position(|known| known == name).unwrap()).collect();
        let values = data.to_array().select(ndarray::Axis(1), &order);
        auroc(&detector.score(&Dataset::from_f32("odd", values).unwrap()).unwrap(), &positive).unwrap()
    };
    let (merged, whole) = (score(&merged), score(&whole));
    assert!(merged > 0.8 && (merged - whole).abs() < 0.03, "{merged} against {whole}");
}

#[test]
fn what_any_part_saw_change_is_not_constant() {
    let see = |changes: bool| {
        let mut part = DetectorPart::new(&linear(), 100).unwrap();
        let value = |row: usize| if changes && row == 77 { 9.0 } else { 5.0 };
        let values =
            Array2::from_shape_fn(
                (2000, 2),
                |(row, column)| {
                    if column == 0 { ((row * 7919) % 4001) as f32 } else { value(row) }
                },
            );
        part.add(&Dataset::from_f32("rows", values).unwrap()).unwrap();
        part
    };
    let constant = see(false).merge(&see(false)).unwrap().fit().unwrap();
    assert_eq!(constant.unchanging_columns(), ["feature2"]);
    let changes = see(false).merge(&see(true)).unwrap().fit().unwrap();
    assert_eq!((changes.unchanging_columns().len(), changes.ignored_columns().len()), (0, 0));
    assert!(changes.chosen().ends_with("by 100 rows drawn from 4000"), "{}", changes.chosen());
}

#[test]
fn parts_that_do_not_go_together_are_refused_by_name() {
    let one = part(&rows(50), 1000);
    let refused = |other: &DetectorPart| one.clone().merge(other).unwrap_err().to_string();
    let of = |config: DetectorConfig, columns: &[&str]| {
        let mut part = DetectorPart::new(&config, 1000).unwrap();
        let schema = Schema::new(columns.iter().map(|&name| Column::numeric(name)).collect());
        let values = Array2::from_elem((30, columns.len()), 1.0);
        part.add(&Dataset::from_f32("rows", values).unwrap().with_schema(schema).unwrap()).unwrap();
        part
    };
    let columns = ["a", "b", "time", "place"];
    for (other, said) in [
        (of(DetectorConfig { seed: 9, ..linear() }, &columns), "the option seed is 0 in one and 9 in another"),
        (
            of(DetectorConfig { budget: 1.0, ..linear() }, &columns),
            "the option budget is 4.0 in one and 1.0 in another",
        ),
        (
            of(linear(), &["a", "c", "time", "place"]),
            "column 2 is \"b\", of numbers in one and \"c\", of numbers in another",
        ),
        (of(linear(), &columns), "column 4 is \"place\", of words in one and \"place\", of numbers in another"),
        (of(linear(), &columns[..3]), "column 4 is \"place\", of words in one and not there in another"),
    ] {
        let message = refused(&other);
        assert!(message.contains(said) && message.contains("hint: "), "{message}");
    }
    assert!(refused(&part(&rows(50), 999)).contains("the option sample is 1000 in one and 999 in another"));
    let ordered = DetectorConfig { ordered: true, ..linear() };
    assert!(matches!(DetectorPart::new(&ordered, 10), Err(AnomalyError::OrderedPart)));
    // A column without a value may be of words elsewhere.
    let mut empty = DetectorPart::new(&linear(), 1000).unwrap();
    let schema = Schema::new(columns.iter().map(|&name| Column::numeric(name)).collect());
    let values = Array2::from_shape_fn((1, 4), |(_, column)| if column == 3 { f32::NAN } else { 1.0 });
    empty.add(&Dataset::from_f32("rows", values).unwrap().with_schema(schema).unwrap()).unwrap();
    let merged = empty.merge(&one).unwrap();
    assert_eq!(merged.rows(), 51);
    merged.fit().unwrap();
}

#[test]
fn a_damaged_part_is_refused() {
    let bytes = part(&rows(60), 40).to_bytes().unwrap();
    for at in (0..bytes.len()).step_by(131) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x11;
        assert!(DetectorPart::from_bytes(&damaged).is_err(), "byte {at}");
    }
    assert!(matches!(Detector::from_bytes(&bytes), Err(DetectorFileError::File(_))));
    let detector = part(&rows(60), 40).fit().unwrap();
    assert!(DetectorPart::from_bytes(&detector.to_bytes().unwrap()).is_err());
}
