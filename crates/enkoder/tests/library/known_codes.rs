//! Trainings that go beyond copying: codes that are known, and outputs of another kind than the inputs.

use enkoder::{Architecture, Autoencoder, Dataset, Loss, Penalty, Task, Trainer, TrainingConfig, TrainingError};
use ndarray::{Array2, ArrayView1};

/// Samples of 12 values that two numbers make, and those numbers.
fn samples_and_codes(count: usize) -> (Dataset, Dataset) {
    let codes = Array2::from_shape_fn((count, 2), |(row, code)| ((row * (7 + 4 * code)) as f32 * 0.61).sin());
    let value = |(row, column): (usize, usize)| {
        let (a, b) = (codes[[row, 0]], codes[[row, 1]]);
        (a + 0.3 * column as f32).sin() + 0.5 * (b * (1.0 + 0.1 * column as f32)).sin()
    };
    let samples = Array2::from_shape_fn((count, 12), value);
    (Dataset::from_f32("samples", samples).unwrap(), Dataset::from_f32("codes", codes).unwrap())
}

fn config(epochs: usize) -> TrainingConfig {
    TrainingConfig { epochs, batch_size: 32, ..TrainingConfig::default() }
}

fn correlation(x: ArrayView1<'_, f32>, y: ArrayView1<'_, f32>) -> f32 {
    let (x, y) = (&x - x.mean().unwrap(), &y - y.mean().unwrap());
    x.dot(&y) / (x.dot(&x) * y.dot(&y)).sqrt()
}

#[test]
fn an_encoder_learns_known_codes_and_the_decoder_their_samples() {
    let (samples, codes) = samples_and_codes(1200);
    let indices: Vec<usize> = (0..1200).collect();
    let part = |data: &Dataset, range: std::ops::Range<usize>| data.select(&indices[range]);
    let (train, validation) =
        ([&samples, &codes].map(|d| part(d, 0..1000)), [&samples, &codes].map(|d| part(d, 1000..1200)));
    let architecture = Architecture::dense([12], &[32, 16], 2);
    let fit = |threads| {
        let config = TrainingConfig { threads: Some(threads), ..config(60) };
        Trainer::new(architecture.clone(), config)
            .fit_known_codes((&train[0], &train[1]), (&validation[0], &validation[1]))
            .unwrap()
    };
    let model = fit(2);
    let (found, decoded) =
        (model.encode(&validation[0]).unwrap(), model.decode(validation[1].to_array().view()).unwrap());
    for column in 0..2 {
        let known = validation[1].to_array();
        assert!(correlation(found.column(column), known.column(column)) > 0.99);
    }
    for column in 0..12 {
        let known = validation[0].to_array();
        assert!(correlation(decoded.column(column), known.column(column)) > 0.97, "column {column}");
    }
    assert_eq!(fit(1).to_bytes().unwrap(), model.to_bytes().unwrap(), "the threads change nothing");
}

#[test]
fn codes_that_do_not_fit_are_refused() {
    let (samples, codes) = samples_and_codes(40);
    let fit = |latent, codes: &Dataset| {
        Trainer::new(Architecture::dense([12], &[4], latent), config(1))
            .fit_known_codes((&samples, codes), (&samples, codes))
    };
    assert!(matches!(fit(3, &codes), Err(TrainingError::Features { found: 2, expected: 3, .. })));
    assert!(matches!(fit(2, &codes.head(39)), Err(TrainingError::Pairs { .. })));
    let residual = Architecture { residual: true, ..Architecture::dense([12], &[4], 2) };
    let error = Trainer::new(residual, config(1)).fit_known_codes((&samples, &codes), (&samples, &codes)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "known codes are learned by a chain of layers alone, but output reads more than the layer before it"
    );
}

/// A penalty on the code of a sample and the loss of reconstructions say nothing of the way from codes to codes.
#[test]
fn penalties_and_losses_of_the_way_forward_leave_the_way_from_codes_as_it_is() {
    let (samples, codes) = samples_and_codes(200);
    for penalty in [Penalty::Contractive { weight: 0.01 }, Penalty::L1 { weight: 0.01 }] {
        let config = TrainingConfig { penalty: Some(penalty), loss: Loss::MeanAbsolute, ..config(3) };
        let model = Trainer::new(Architecture::dense([12], &[16], 2), config)
            .fit_known_codes((&samples, &codes), (&samples, &codes))
            .unwrap();
        assert_eq!(model.task(), Task::KnownCodes);
    }
}

#[test]
fn an_output_of_another_kind_has_its_own_scaling_and_travels_with_the_model() {
    let (samples, codes) = samples_and_codes(600);
    // Far from the range of the inputs.
    let targets = Dataset::from_f32("targets", codes.to_array() * 1000.0 + 5000.0).unwrap();
    let mut architecture = Architecture::dense([12], &[24], 8);
    architecture.output_shape = Some(vec![2]);
    *architecture.decoder.last_mut().unwrap() = enkoder::LayerSpec::dense(2, enkoder::Activation::Linear);
    let trainer = || Trainer::new(architecture.clone(), config(60));
    assert!(matches!(trainer().fit(&samples, &samples), Err(TrainingError::NoTargets(2))));
    let model = trainer().fit_pairs((&samples, &targets), (&samples, &targets)).unwrap();
    let model = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let predicted = model.reconstruct(&samples).unwrap();
    let error = (&predicted - &targets.to_array()).mapv(|e| e * e).mean().unwrap().sqrt();
    assert!(error < 100.0, "{error}");
    assert!(model.reconstruction_error(&samples).is_err());
}
