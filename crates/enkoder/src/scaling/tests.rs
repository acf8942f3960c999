use super::*;
use crate::dataset::Dataset;
use crate::rows::Rows;
use crate::schema::{Column, Schema};
use ndarray::{Array2, Array4, Axis, array};
use proptest::prelude::*;

const KINDS: [Scaling; 5] = [Scaling::Auto, Scaling::None, Scaling::UnitRange, Scaling::MinMax, Scaling::Standard];

fn numbers(values: Array2<f32>) -> Dataset {
    Dataset::from_f32("numbers", values).unwrap()
}

fn scaled(scaler: &Scaler, data: &Dataset) -> Array2<f32> {
    let mut array = Array2::zeros((data.len(), data.features()));
    for (index, mut row) in array.rows_mut().into_iter().enumerate() {
        scaler.copy_scaled(data, index, row.as_slice_mut().unwrap());
    }
    array
}

/// What `value` becomes in feature 0.
fn transformed(scaler: &Scaler, value: f32) -> f32 {
    let mut row = vec![value; scaler.features()];
    scaler.transform_row(&mut row);
    row[0]
}

#[test]
fn every_scaling_reads_its_own_name_back() {
    for kind in KINDS {
        assert_eq!(kind.to_string().parse(), Ok(kind));
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
    assert!("zscore".parse::<Scaling>().unwrap_err().to_string().contains("standard"));
}

#[test]
fn automatic_scaling_goes_by_kind_and_range_of_the_values() {
    let kind = |data: Dataset| Scaler::fit(Scaling::Auto, &data).unwrap().kind();
    let bytes = |values| Dataset::from_u8("bytes", values).unwrap();
    assert_eq!(kind(bytes(array![[0, 1]]).with_shape([1, 2]).unwrap()), Scaling::UnitRange);
    assert_eq!(kind(bytes(array![[0, 1], [128, 2]])), Scaling::UnitRange);
    assert_eq!(kind(bytes(array![[0, 10], [3, 2]])), Scaling::Standard);
    let columns = Schema::new(vec![Column::numeric("age"), Column::numeric("weight")]);
    assert_eq!(kind(bytes(array![[30, 72], [5, 140]]).with_schema(columns).unwrap()), Scaling::Standard);
    assert_eq!(kind(bytes(array![[0, 1], [1, 1]])), Scaling::None);
    assert_eq!(kind(numbers(array![[0.0, 1.0], [f32::NAN, 0.5]])), Scaling::None);
    assert_eq!(kind(numbers(array![[0.0, 1.5]])), Scaling::Standard);
    assert_eq!(kind(numbers(array![[-0.1, 0.5]])), Scaling::Standard);
    assert_eq!(kind(numbers(array![[-40.0, 250.0]]).with_shape([1, 2]).unwrap()), Scaling::UnitRange);
    assert_eq!(kind(numbers(array![[-40.0, 1e5]]).with_shape([2, 1, 1]).unwrap()), Scaling::Standard);
}

#[test]
fn bytes_are_divided_by_255_and_come_back_exactly() {
    let data = Dataset::from_u8("bytes", Array2::from_shape_fn((1, 256), |(_, value)| value as u8)).unwrap();
    let scaler = Scaler::fit(Scaling::Auto, &data).unwrap();
    let mut row = scaled(&scaler, &data).row(0).to_vec();
    assert_eq!((row[0], row[255]), (0.0, 1.0));
    assert!(row.iter().zip(0..).all(|(&value, byte)| (f64::from(value) - f64::from(byte) / 255.0).abs() < 1e-7));
    scaler.inverse_row(&mut row);
    assert!(row.iter().zip(0..=255u8).all(|(value, byte)| value.round() == f32::from(byte)));
}

/// NIST StRD, univariate summary statistics, NumAcc1: certified mean 10000002 and (sample) standard deviation 1.
#[test]
fn statistics_keep_their_digits_where_f32_sums_would_lose_them() {
    let scaler = Scaler::fit(Scaling::Standard, &numbers(array![[10000001.0], [10000003.0], [10000002.0]])).unwrap();
    let expected = (1.5f64).sqrt() as f32; // (10000003 − mean) / population deviation √(2/3)
    assert_eq!(transformed(&scaler, 10000002.0), 0.0);
    assert_eq!(transformed(&scaler, 10000003.0), expected);
}

/// scikit-learn 1.9.1: StandardScaler and MinMaxScaler on the same five numbers.
#[test]
fn scaled_values_are_those_of_scikit_learn() {
    let data = numbers(array![[1.0, -5.0], [2.0, 0.5], [4.0, 2.5], [8.0, 7.0], [16.0, 9.0]]);
    let standard = array![
        [-0.95320625, -1.577126],
        [-0.76989735, -0.46504996],
        [-0.40327957, -0.06065869],
        [0.32995601, 0.84922166],
        [1.7964272, 1.253613]
    ];
    let minmax = array![[0.0, 0.0], [0.06666667, 0.39285714], [0.2, 0.53571429], [0.46666667, 0.85714286], [1.0, 1.0]];
    for (kind, expected) in [(Scaling::Standard, standard), (Scaling::MinMax, minmax)] {
        let difference = scaled(&Scaler::fit(kind, &data).unwrap(), &data) - expected;
        assert!(difference.iter().all(|value: &f32| value.abs() < 1e-6), "{kind}: {difference}");
    }
}

#[test]
fn the_unit_range_of_numbers_is_one_for_all_features() {
    let data = numbers(array![[-2.0, 0.0], [0.0, 6.0]]);
    let scaler = Scaler::fit(Scaling::UnitRange, &data).unwrap();
    assert_eq!(scaled(&scaler, &data), array![[0.0, 0.25], [0.25, 1.0]]);
    assert!(scaler.is_unit_interval());
}

#[test]
fn a_constant_feature_becomes_0_and_its_inverse_gives_the_constant_back() {
    let data = numbers(Array2::from_elem((7, 1), 0.1));
    for kind in [Scaling::MinMax, Scaling::Standard, Scaling::UnitRange] {
        let scaler = Scaler::fit(kind, &data).unwrap();
        let mut row = [0.1];
        scaler.transform_row(&mut row);
        assert_eq!(row, [0.0], "{kind}");
        scaler.inverse_row(&mut row);
        assert_eq!(row, [0.1], "{kind}");
    }
}

#[test]
fn a_range_too_narrow_for_a_scale_counts_as_constant() {
    let data = numbers(array![[0.0], [1e-45]]);
    for kind in KINDS {
        let scaler = Scaler::fit(kind, &data).unwrap();
        assert!(transformed(&scaler, 1e-45).is_finite(), "{kind}");
        assert_eq!(scaler.validate(1), Ok(()));
    }
}

#[test]
fn a_missing_value_becomes_the_training_mean_even_where_training_had_none() {
    let data = numbers(array![[0.0, 10.0], [1.0, 14.0]]);
    for kind in KINDS {
        let scaler = Scaler::fit(kind, &data).unwrap();
        let mut row = [f32::NAN, f32::NAN];
        scaler.transform_row(&mut row);
        scaler.inverse_row(&mut row);
        assert_eq!(row, [0.5, 12.0], "{kind}");
    }
    let gaps = numbers(array![[0.0, f32::NAN], [f32::NAN, 14.0], [1.0, 10.0]]);
    for kind in KINDS {
        assert_eq!(Scaler::fit(kind, &gaps), Scaler::fit(kind, &data), "{kind}");
    }
}

#[test]
fn a_missing_value_given_to_a_model_of_bytes_becomes_the_mean_of_all_bytes() {
    let scaler = Scaler::fit(Scaling::Auto, &Dataset::from_u8("bytes", array![[0, 51], [102, 255]]).unwrap()).unwrap();
    assert_eq!(transformed(&scaler, f32::NAN), 0.4);
}

#[test]
fn values_without_a_finite_scaling_are_refused_by_name() {
    let schema = Schema::new(vec![Column::numeric("age"), Column::numeric("income")]);
    let refuse = |values| {
        let data = numbers(values).with_schema(schema.clone()).unwrap();
        Scaler::fit(Scaling::Standard, &data).unwrap_err().to_string()
    };
    let message = refuse(array![[1.0, 2.0], [3.0, f32::NEG_INFINITY]]);
    assert!(message.starts_with("column \"income\" of sample 1 is infinite"), "{message}");
    let message = refuse(array![[f32::NAN, 2.0], [f32::NAN, 3.0]]);
    assert!(message.starts_with("column \"age\" has no value in any of the 2 training samples"), "{message}");
    let message = refuse(array![[1.0, -3e38], [1.0, 3e38]]);
    assert!(message.starts_with("column \"income\" ranges from -3e38 to 3e38"), "{message}");
    let unnamed = numbers(array![[f32::NAN]]);
    assert!(Scaler::fit(Scaling::None, &unnamed).unwrap_err().to_string().starts_with("feature 0 has no value"));
    assert_eq!(
        Scaler::fit(Scaling::Auto, &numbers(Array2::zeros((0, 3)))),
        Err(ScalerError::Empty { samples: 0, features: 3 })
    );
}

#[test]
fn a_scaler_from_a_file_is_checked_against_its_model() {
    let data = numbers(array![[0.0, 10.0], [1.0, 14.0]]);
    for kind in KINDS {
        let scaler = Scaler::fit(kind, &data).unwrap();
        let json = serde_json::to_string(&scaler).unwrap();
        assert_eq!(serde_json::from_str::<Scaler>(&json).unwrap(), scaler);
        assert_eq!(scaler.validate(2), Ok(()));
        assert!(scaler.validate(3).is_err());
    }
    let json = serde_json::to_string(&Scaler::fit(Scaling::MinMax, &data).unwrap()).unwrap();
    for (from, to, complaint) in [
        ("[1.0,0.25]", "[1.0,0.0]", "scale of feature 1 is 0"),
        ("[1.0,0.25]", "[1.0]", "scale is for 1 features, but the model has 2"),
        ("\"minmax\"", "\"auto\"", "kind is auto"),
    ] {
        assert!(json.contains(from), "{json}");
        let scaler: Scaler = serde_json::from_str(&json.replace(from, to)).unwrap();
        let message = scaler.validate(2).unwrap_err().to_string();
        assert!(message.contains(complaint), "{message}");
    }
    let infinite = json.replace("[1.0,0.25]", "[1.0,1e39]");
    assert!(serde_json::from_str::<Scaler>(&infinite).is_err(), "JSON has no infinities and none may come of it");
}

#[test]
fn only_the_training_side_of_a_split_is_looked_at() {
    let all = numbers(Array2::from_shape_fn((50, 2), |(row, column)| ((row * 7 + column) % 31) as f32));
    let (train, _) = all.split(0.4, 3).unwrap();
    for kind in KINDS {
        assert_eq!(Scaler::fit(kind, &train), Scaler::fit(kind, &numbers(train.to_array())));
    }
}

#[test]
fn an_array_by_columns_is_scaled_as_one_by_rows() {
    let by_columns = array![[0.0, 4.0, 2.0], [10.0, 30.0, f32::NAN]].reversed_axes();
    let data = numbers(by_columns.clone());
    for kind in KINDS {
        let scaler = Scaler::fit(kind, &data).unwrap();
        assert_eq!(scaler.transform(&by_columns), scaled(&scaler, &data), "{kind}");
        assert_eq!(scaler.transform(&data), scaled(&scaler, &data), "{kind}");
    }
}

/// As an exporter would write it down: operations of f32 that broadcast.
#[test]
fn the_coefficients_alone_scale_with_the_same_bits() {
    let data = numbers(array![[0.1, 7.0, -3.0], [0.7, f32::NAN, 1e6], [0.3, 7.0, 12.5]]);
    let bytes = Dataset::from_u8("bytes", array![[0, 51, 7], [102, 255, 9]]).unwrap().with_shape([3, 1]).unwrap();
    for (kind, data) in KINDS.into_iter().flat_map(|kind| [(kind, &data), (kind, &bytes)]) {
        let scaler = Scaler::fit(kind, data).unwrap();
        let ScalerCoefficients { offset, scale, fill } = scaler.coefficients();
        let of = |numbers: &[f32], feature: usize| numbers[if numbers.len() == 1 { 0 } else { feature }];
        for (values, scaled) in data.to_array().rows().into_iter().zip(scaled(&scaler, data).rows()) {
            let mut back = scaled.to_vec();
            scaler.inverse_row(&mut back);
            for (feature, (&value, &scaled)) in values.iter().zip(scaled).enumerate() {
                let (offset, scale, fill) = (of(offset, feature), of(scale, feature), of(fill, feature));
                let expected = if value.is_nan() { fill } else { (value - offset) * scale };
                assert_eq!(scaled.to_bits(), expected.to_bits(), "{kind}");
                assert_eq!(back[feature].to_bits(), (scaled / scale + offset).to_bits(), "{kind}");
            }
        }
    }
}

proptest! {
    #[test]
    fn scaling_and_its_inverse_give_the_values_back(
        values in proptest::collection::vec(prop_oneof![4 => -1e6f32..1e6, 1 => Just(0.5f32)], 12),
        kind in proptest::sample::select(&KINDS[..]),
    ) {
        let data = numbers(Array2::from_shape_vec((4, 3), values).unwrap());
        let scaler = Scaler::fit(kind, &data).unwrap();
        prop_assert_eq!(scaler.validate(3), Ok(()));
        for (index, row) in scaled(&scaler, &data).rows().into_iter().enumerate() {
            if scaler.is_unit_interval() {
                prop_assert!(row.iter().all(|value| (0.0..=1.0).contains(value)), "{}", row);
            }
            let mut back = row.to_vec();
            scaler.inverse_row(&mut back);
            for (feature, (back, value)) in back.iter().zip(data.row_f32(index).unwrap()).enumerate() {
                prop_assert!((back - value).abs() <= 0.5, "{}: {} became {}", feature, value, back);
            }
        }
    }

    #[test]
    fn scaling_while_copying_has_the_bits_of_scaling_afterwards(
        bytes in proptest::collection::vec(any::<u8>(), 40),
        gap in 0usize..40,
        kind in proptest::sample::select(&KINDS[..]),
    ) {
        let bytes = Array2::from_shape_vec((2, 20), bytes).unwrap();
        let mut floats = bytes.mapv(f32::from);
        floats[(gap / 20, gap % 20)] = f32::NAN;
        for data in [Dataset::from_u8("bytes", bytes).unwrap(), numbers(floats)] {
            let scaler = Scaler::fit(kind, &data).unwrap();
            for (index, copied) in scaled(&scaler, &data).rows().into_iter().enumerate() {
                let mut row = vec![0.0; 20];
                data.copy_row(index, &mut row);
                scaler.transform_row(&mut row);
                prop_assert!(row.iter().zip(copied).all(|(a, b)| a.to_bits() == b.to_bits() && !a.is_nan()));
            }
        }
    }
    #[test]
    fn rows_of_any_type_and_strides_are_scaled_with_the_bits_of_a_data_set(
        values in proptest::collection::vec(-100.0f64..100.0, 200),
        gap in 0usize..200,
        kind in proptest::sample::select(&KINDS[..]),
    ) {
        let mut wide = Array4::from_shape_vec((2, 4, 5, 5), values).unwrap().permuted_axes([0, 2, 3, 1]);
        wide.invert_axis(Axis(1));
        let bytes = wide.mapv(|value| value.abs() as u8);
        wide.iter_mut().nth(gap).into_iter().for_each(|value| *value = f64::NAN);
        let narrow = wide.mapv(|value| value as f32);
        for rows in [Rows::from(&wide), Rows::from(&narrow), Rows::from(&bytes)] {
            let mut flat = Array2::zeros((2, 100));
            for (index, mut row) in flat.rows_mut().into_iter().enumerate() {
                rows.copy_row(index, row.as_slice_mut().unwrap());
            }
            let data = numbers(flat);
            let scaler = Scaler::fit(kind, &data).unwrap();
            prop_assert_eq!(scaler.transform(rows).mapv(f32::to_bits), scaled(&scaler, &data).mapv(f32::to_bits));
        }
    }
}
