use ndarray::{Array2, array};
use proptest::prelude::*;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::random::{Purpose, stream};
use crate::schema::{Column, Schema};

/// A table that any language computes alike: entry i in reading order is `(3i² + 7i) mod 29`.
fn table(samples: usize, features: usize) -> Dataset {
    let value = |i: usize| ((3 * i * i + 7 * i) % 29) as f32;
    let values = Array2::from_shape_fn((samples, features), |(row, column)| value(row * features + column));
    Dataset::from_f32("table", values).unwrap()
}

/// Normal samples around a mean, whose deviation falls by `fall` from one hidden direction to the next.
fn cloud(samples: usize, features: usize, fall: f32, seed: u64) -> Dataset {
    let mut rng = stream(seed, Purpose::Split, 0);
    let mut normal = |rows, columns| Array2::from_shape_fn((rows, columns), |_| rng.sample::<f32, _>(StandardNormal));
    let (hidden, mixing) = (normal(samples, features), normal(features, features));
    let deviations = Array2::from_shape_fn((1, features), |(_, at)| fall.powi(at as i32));
    Dataset::from_f32("cloud", (hidden * deviations).dot(&mixing) + 3.0).unwrap()
}

fn unscaled(data: &Dataset, count: usize) -> Components {
    principal_components(data, &Scaler::fit(Scaling::None, data).unwrap(), count).unwrap()
}

fn assert_close(values: &[f64], expected: &[f64], tolerance: f64) {
    let close = values.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance * b.abs().max(1.0));
    assert!(values.len() == expected.len() && close, "{values:?} is not {expected:?}");
}

/// Largest distance of V·Vᵀ from the unit matrix.
fn skewness(components: &Components) -> f32 {
    let features = components.mean.len();
    let rows: Vec<&[f32]> = components.directions.chunks_exact(features).collect();
    let product = |a: usize, b: usize| rows[a].iter().zip(rows[b]).map(|(a, b)| a * b).sum::<f32>();
    let pairs = (0..rows.len()).flat_map(|a| (0..rows.len()).map(move |b| (a, b)));
    pairs.map(|(a, b)| (product(a, b) - if a == b { 1.0 } else { 0.0 }).abs()).fold(0.0, f32::max)
}

/// scikit-learn 1.9.1, `PCA(3, svd_solver="full")`, with population variances.
#[test]
fn components_are_those_of_scikit_learn() {
    let wide = unscaled(&table(20, 5), 3);
    assert_close(&wide.variances, &[130.52230885186535, 102.39327922187509, 41.24831882263739], 1e-12);
    assert_close(&[wide.total_variance], &[331.7725], 1e-12);
    let expected = array![
        [0.4840917, -0.5386644, -0.0460649, 0.548174, -0.4157873],
        [-0.5473758, -0.1585664, 0.6832668, 0.0400802, -0.4547269],
        [-0.4681526, -0.4617709, -0.0956387, 0.420302, 0.6178999]
    ];
    assert!(wide.directions.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", wide.directions);
}

#[test]
fn fewer_samples_than_features_have_the_components_of_scikit_learn() {
    let few = unscaled(&table(6, 15), 3);
    assert_close(&few.variances, &[390.00465112240795, 241.68455774934156, 157.38763752913835], 1e-12);
    assert_close(&[few.total_variance], &[980.5], 1e-12);
    let first = [0.4637734, -0.2120862, -0.4064077, 0.2839527, 0.0307761];
    assert!(few.directions.iter().zip(first).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", few.directions);
    assert!(skewness(&few) < 1e-6);
}

#[test]
fn all_ways_to_the_eigenpairs_agree() {
    let data = cloud(150, 120, 0.9, 1);
    let scaler = Scaler::fit(Scaling::None, &data).unwrap();
    let rows = Centred::new(&data, &scaler);
    let (expected, trace) = gram::by_features(&rows, 6);
    let expected = expected.unwrap();
    for (pairs, other_trace) in [gram::by_samples(&rows, 6), gram::by_products(&rows, 6)] {
        let pairs = pairs.unwrap();
        assert_close(&[other_trace], &[trace], 1e-12);
        assert_close(&pairs.values, &expected.values, 1e-9);
        for (a, b) in pairs.vectors.chunks(120).zip(expected.vectors.chunks(120)) {
            let cosine: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!((cosine.abs() - 1.0).abs() < 1e-8, "{cosine}");
        }
    }
}

/// H·D·H with a reflection H has the eigenvalues D.
#[test]
fn a_large_matrix_with_known_eigenvalues_gives_them_back() {
    let size = 1100;
    let value = |at: usize| 1000.0 * 0.8f64.powi(at as i32);
    let mirror: Vec<f64> = (0..size).map(|at| ((at % 7) as f64 - 3.0) / 66.0).collect();
    let norm: f64 = mirror.iter().map(|m| m * m).sum();
    let reflect =
        |row: usize, column: usize| f64::from(u8::from(row == column)) - 2.0 * mirror[row] * mirror[column] / norm;
    // H·D·H = D − 2(D·v·vᵀ + v·vᵀ·D)/n + 4·v·(vᵀ·D·v)·vᵀ/n² with n = vᵀ·v.
    let middle: f64 = mirror.iter().enumerate().map(|(at, m)| m * m * value(at)).sum();
    let mut lower = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let (a, b) = (mirror[row], mirror[column]);
            let diagonal = if row == column { value(row) } else { 0.0 };
            lower[row * size + column] =
                diagonal - 2.0 * a * b * (value(row) + value(column)) / norm + 4.0 * a * b * middle / (norm * norm);
        }
    }
    let pairs = eigen::of_matrix(lower, size, 5).unwrap();
    assert_close(&pairs.values, &(0..5).map(value).collect::<Vec<_>>(), 1e-9);
    for (at, vector) in pairs.vectors.chunks(size).enumerate() {
        let cosine: f64 = vector.iter().enumerate().map(|(row, v)| v * reflect(row, at)).sum();
        assert!((cosine.abs() - 1.0).abs() < 1e-8, "{cosine}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for data in [cloud(500, 130, 0.97, 2), cloud(90, 130, 0.97, 3)] {
        let scaler = Scaler::fit(Scaling::Standard, &data).unwrap();
        let rows = Centred::new(&data, &scaler);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (iterated, _) = gram::by_products(&rows, 4);
                (principal_components(&data, &scaler, 4).unwrap(), iterated.unwrap().vectors)
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(4));
    }
}

#[test]
fn directions_in_which_nothing_varies_are_0() {
    // The second feature repeats the first and the third is constant.
    let data = Dataset::from_f32("line", array![[0.0, 0.0, 7.0], [1.0, 1.0, 7.0], [2.0, 2.0, 7.0], [5.0, 5.0, 7.0]]);
    let line = unscaled(&data.unwrap(), 3);
    assert_close(&line.variances, &[7.0, 0.0, 0.0], 1e-12);
    let half = 0.5f32.sqrt();
    assert_eq!(line.directions, [half, half, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let constant = unscaled(&Dataset::from_f32("constant", Array2::from_elem((5, 3), 2.0)).unwrap(), 2);
    assert_eq!((constant.mean, constant.total_variance), (vec![2.0; 3], 0.0));
    assert_eq!(constant.directions, [0.0; 6]);
}

#[test]
fn the_model_is_the_projection_in_the_units_of_the_data() {
    let schema = Schema::new((0..12).map(|at| Column::numeric(format!("c{at}"))).collect());
    let (train, validation) = cloud(200, 12, 0.6, 4).with_schema(schema.clone()).unwrap().split(0.25, 0).unwrap();
    let model = fit_pca(&train, &validation, 3, Scaling::Standard).unwrap();
    let components = principal_components(&train, model.scaler(), 3).unwrap();
    let left = components.total_variance - components.variances.iter().sum::<f64>();
    assert!((model.record().train_loss - left / 12.0).abs() < 1e-5 * left);
    let errors = model.reconstruction_error(&validation).unwrap();
    let mean = errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len() as f64;
    assert!((model.record().validation_loss - mean).abs() < 1e-5 * mean);
    assert_eq!(model.schema(), Some(&schema));
    let codes = model.encode(&train).unwrap();
    assert!(codes.columns().into_iter().all(|code| code.mean().unwrap().abs() < 1e-4));
    let again = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(again.reconstruct(&validation).unwrap(), model.reconstruct(&validation).unwrap());
}

#[test]
fn as_many_components_as_features_reconstruct_exactly() {
    let (train, validation) = cloud(100, 6, 0.8, 5).split(0.2, 0).unwrap();
    let model = fit_pca(&train, &validation, 6, Scaling::Standard).unwrap();
    let difference = model.reconstruct(&validation).unwrap() - validation.to_array();
    assert!(difference.iter().all(|value| value.abs() < 1e-3), "{difference}");
}

#[test]
fn what_has_no_components_is_refused_with_the_reason() {
    let (train, validation) = table(20, 5).split(0.2, 0).unwrap();
    let message = |train: &Dataset, validation: &Dataset, latent| {
        fit_pca(train, validation, latent, Scaling::Auto).unwrap_err().to_string()
    };
    let too_many = message(&train, &validation, 6);
    assert!(too_many.starts_with("6 principal components cannot be had from 16 samples of 5 features"), "{too_many}");
    assert!(too_many.ends_with("choose a latent size from 1 to 5"), "{too_many}");
    let few = message(&train.head(3), &validation, 3);
    assert!(few.ends_with("choose a latent size from 1 to 2"), "{few}");
    assert!(message(&train.head(1), &validation, 1).starts_with("principal components need at least 2"));
    assert!(message(&train, &validation, 0).contains("0 units"));
    assert_eq!(message(&train, &validation.head(0), 1), "there are no validation samples");
    let other = message(&train, &table(4, 3), 1);
    assert_eq!(other, "the validation data has 3 features, but the training data has 5");
    let infinite = Dataset::from_f32("infinite", Array2::from_elem((2, 5), f32::INFINITY)).unwrap();
    assert!(message(&train, &infinite, 1).contains("infinite"), "{}", message(&train, &infinite, 1));
    assert!(matches!(fit_pca(&infinite, &validation, 1, Scaling::Auto), Err(PcaError::Scaler(_))));
    let scaler = Scaler::fit(Scaling::Auto, &table(4, 3)).unwrap();
    assert!(matches!(principal_components(&train, &scaler, 1), Err(PcaError::Features { what: "scaler", .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn directions_are_orthonormal_and_their_variances_are_those_of_the_codes(
        samples in 2usize..40,
        features in 1usize..40,
        seed: u64,
    ) {
        let data = cloud(samples, features, 0.85, seed);
        let count = features.min(samples - 1).min(5);
        let components = unscaled(&data, count);
        prop_assert!(skewness(&components) < 1e-5);
        prop_assert!(components.variances.is_sorted_by(|a, b| a >= b));
        prop_assert!(components.variances.iter().sum::<f64>() <= components.total_variance * (1.0 + 1e-9));
        for (direction, variance) in components.directions.chunks(features).zip(&components.variances) {
            let largest = direction.iter().copied().fold(0.0f32, |a, b| if b.abs() > a.abs() { b } else { a });
            prop_assert!(largest > 0.0);
            let codes: Vec<f64> = data.to_array().rows().into_iter()
                .map(|row| row.iter().zip(direction).map(|(&x, &v)| f64::from(x) * f64::from(v)).sum())
                .collect();
            let mean = codes.iter().sum::<f64>() / samples as f64;
            let of_codes = codes.iter().map(|code| (code - mean).powi(2)).sum::<f64>() / samples as f64;
            prop_assert!((of_codes - variance).abs() < 1e-4 * components.total_variance, "{of_codes} {variance}");
        }
    }
}
