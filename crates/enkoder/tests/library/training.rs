//! Training as its caller sees it: what it learns, when it stops, and what it says of data and options that do not fit.

use std::ops::ControlFlow;

use enkoder::codec::Calibration;
use enkoder::{
    Activation, Adam, Architecture, Autoencoder, Checkpoint, Corruption, Dataset, LayerSpec, Loss, Progress, Recipe,
    RecipeError, Rows, Scaling, Schedule, Session, Split, Stopped, Task, Trainer, TrainingConfig, TrainingError,
    WholeImage,
};
use ndarray::{Array2, Array3, Axis, Slice, array};

/// Points of a curve in eight dimensions that two numbers describe.
fn curve(samples: usize) -> Dataset {
    let values = Array2::from_shape_fn((samples, 8), |(row, column)| {
        let (a, b) = ((row as f32 * 0.618).fract(), (row as f32 * 0.414).fract());
        (a * (1.0 + column as f32)).sin() + b * (column as f32 * 0.5).cos()
    });
    Dataset::from_f32("curve", values).unwrap()
}

fn config() -> TrainingConfig {
    TrainingConfig { epochs: 30, batch_size: 32, threads: Some(2), ..TrainingConfig::default() }
}

fn trained(config: TrainingConfig) -> (Autoencoder, Dataset) {
    let (train, validation) = curve(1000).split(0.2, 0).unwrap();
    (Trainer::new(Architecture::dense([8], &[32], 2), config).fit(&train, &validation).unwrap(), validation)
}

#[test]
fn a_code_of_two_numbers_describes_the_curve() {
    let (model, validation) = trained(config());
    let errors = model.reconstruction_error(&validation).unwrap();
    let mean = errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len() as f64;
    assert!(mean < 0.05, "of a variance of 1: {mean}");
    assert!((mean - model.record().validation_loss).abs() < 1e-6, "the recorded loss is what the model does");
}

#[test]
fn decoding_a_code_gives_the_reconstruction() {
    let (model, validation) = trained(TrainingConfig { epochs: 2, ..config() });
    let codes = model.encode(&validation).unwrap();
    assert_eq!(codes.dim(), (200, 2));
    assert_eq!(model.decode(codes.view()).unwrap(), model.reconstruct(&validation).unwrap());
}

#[test]
fn a_sample_gives_the_same_bits_alone_in_a_session_and_in_a_data_set() {
    let (model, validation) = trained(TrainingConfig { epochs: 2, ..config() });
    let mut session = model.session();
    let all = validation.to_array();
    let samples = all.as_slice().unwrap();
    let (mut codes, mut output, mut errors) = (vec![0.0; 400], vec![0.0; 1600], vec![0.0; 200]);
    let rows = || Rows::from_slice(samples, 8).unwrap();
    session.encode(rows(), &mut codes).unwrap();
    session.reconstruct(rows(), &mut output).unwrap();
    session.score(rows(), &mut errors).unwrap();
    assert_eq!(codes, model.encode(&validation).unwrap().as_slice().unwrap());
    assert_eq!(output, model.reconstruct(&validation).unwrap().as_slice().unwrap());
    assert_eq!(errors, model.reconstruction_error(&validation).unwrap());
    // Each sample alone, too.
    let features = output.len() / errors.len();
    let mut alone = vec![0.0; features];
    for (sample, expected) in samples.chunks_exact(features).zip(output.chunks_exact(features)) {
        session.reconstruct(Rows::from_slice(sample, features).unwrap(), &mut alone).unwrap();
        assert_eq!(alone, expected);
    }
}

#[test]
fn rows_of_any_strides_and_types_give_the_bits_of_a_data_set() {
    let (model, validation) = trained(TrainingConfig { epochs: 2, ..config() });
    let all = validation.to_array();
    let expected = model.reconstruct(&validation).unwrap();
    let by_columns = all.t().as_standard_layout().reversed_axes().to_owned();
    assert_eq!(model.reconstruct(&by_columns).unwrap(), expected);
    assert_eq!(model.reconstruct(&all.mapv(f64::from)).unwrap(), expected);
    let backward = Slice::new(0, None, -1);
    let mut backwards = model.reconstruct(all.slice_axis(Axis(0), backward)).unwrap();
    backwards.invert_axis(Axis(0));
    assert_eq!(backwards, expected);
    let mut memory = vec![0.0; expected.len()];
    assert_eq!(model.reconstruct_into(&all, &mut memory).unwrap(), 0);
    assert_eq!(memory, expected.as_slice().unwrap());
    let short = model.reconstruct_into(&all, &mut memory[1..]).unwrap_err();
    assert_eq!(short.to_string(), "the results are 1600 numbers, but the memory for them has room for 1599");
    let codes = model.encode(&all).unwrap();
    assert_eq!(model.decode(codes.slice_axis(Axis(0), backward)).unwrap().row(0), expected.row(199));
    assert!(model.decode(&all).unwrap_err().to_string().contains("8 numbers each, but the model's have 2"));
}

#[test]
fn a_row_that_cannot_be_computed_is_that_rows_result_alone() {
    let (model, validation) = trained(TrainingConfig { epochs: 2, ..config() });
    let (all, expected) = (validation.to_array(), model.reconstruction_error(&validation).unwrap());
    let mut broken = all.clone();
    broken[[3, 1]] = f32::INFINITY;
    broken[[120, 7]] = f32::NEG_INFINITY;
    broken.row_mut(50).fill(f32::NAN);
    let mut session = Session::new(std::sync::Arc::new(model));
    let mut errors = vec![0.0; all.nrows()];
    assert_eq!(session.score(&broken, &mut errors).unwrap(), 3);
    for (row, (error, expected)) in errors.iter().zip(&expected).enumerate() {
        assert!(if [3, 50, 120].contains(&row) { error.is_nan() } else { error == expected }, "row {row}");
    }
    let codes = session.model().encode(&broken).unwrap();
    assert!(codes.row(3).iter().all(|code| code.is_nan()) && codes.row(50).iter().all(|code| code.is_finite()));
    std::thread::spawn(move || session.score(&all, &mut errors)).join().unwrap().unwrap();
}

#[test]
fn a_session_that_is_warm_allocates_nothing() {
    let (model, validation) = trained(TrainingConfig { epochs: 1, ..config() });
    let (wide, narrow) = (validation.to_array(), validation.to_array().mapv(f64::from));
    let codes = model.encode(&wide).unwrap();
    let mut session = Session::new(&model);
    let (mut samples, mut shorter) = (vec![0.0; wide.len()], vec![0.0; wide.nrows()]);
    let mut latent = vec![0.0; codes.len()];
    let mut all = |session: &mut Session<_>| {
        session.encode(&wide, &mut latent).unwrap();
        session.decode(&codes, &mut samples).unwrap();
        session.reconstruct(&narrow, &mut samples).unwrap();
        session.score(wide.slice_axis(Axis(0), Slice::new(0, None, -1)), &mut shorter).unwrap();
    };
    let cold = allocation_counter::measure(|| all(&mut session));
    let warm = allocation_counter::measure(|| all(&mut session));
    assert!(
        cold.count_total > 0 && warm.count_total == 0,
        "{} allocations, then {}",
        cold.count_total,
        warm.count_total
    );
}

#[test]
fn the_best_epoch_is_kept_and_training_stops_when_it_does_not_improve() {
    let rough = Adam { learning_rate: 0.05, ..Adam::default() };
    let schedule = Schedule::Constant { warmup: 0.0 };
    let (model, _) = trained(TrainingConfig { epochs: 500, patience: Some(5), optimizer: rough, schedule, ..config() });
    let history = model.record().history.as_ref().unwrap();
    assert_eq!(history.stopped, Stopped::Early);
    assert_eq!(history.epochs.len(), history.best_epoch + 5);
    let lowest = history.epochs.iter().map(|epoch| epoch.validation_loss).fold(f64::INFINITY, f64::min);
    assert_eq!(model.record().validation_loss, lowest);
}

#[test]
fn an_interrupted_training_returns_what_it_has() {
    let (train, validation) = curve(1000).split(0.2, 0).unwrap();
    for (stop_at, epochs) in [(3, 1), (60, 2)] {
        let mut steps = 0;
        let model = Trainer::new(Architecture::dense([8], &[32], 2), config())
            .with_progress(|progress| {
                steps += usize::from(matches!(progress, Progress::Step { .. }));
                if steps == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .fit(&train, &validation)
            .unwrap();
        let history = model.record().history.as_ref().unwrap();
        assert_eq!(history.stopped, Stopped::Interrupted);
        assert_eq!(history.epochs.len(), epochs);
        assert!(model.reconstruct(&validation).unwrap().iter().all(|value| value.is_finite()));
    }
}

#[test]
fn a_training_that_diverges_says_so() {
    let (train, validation) = curve(200).split(0.2, 0).unwrap();
    let optimizer = Adam { learning_rate: 1e30, ..Adam::default() };
    let config = TrainingConfig { optimizer, ..config() };
    let error = Trainer::new(Architecture::dense([8], &[32], 2), config).fit(&train, &validation).unwrap_err();
    assert!(matches!(error, TrainingError::Diverged { epoch: 1, .. }), "{error}");
    assert!(error.to_string().contains("hint: a lower learning rate"), "{error}");
}

#[test]
fn a_denoising_autoencoder_removes_noise() {
    let corruption = Some(Corruption::Gaussian { sigma: 0.5.into() });
    let (model, validation) = trained(TrainingConfig { corruption, epochs: 60, ..config() });
    let clean = validation.to_array();
    let noisy = Array2::from_shape_fn(clean.dim(), |(row, column)| {
        clean[[row, column]] + 0.3 * ((row * 13 + column * 29) as f32 * 0.7).sin()
    });
    let output = model.reconstruct(&Dataset::from_f32("noisy", noisy.clone()).unwrap()).unwrap();
    let error = |array: &Array2<f32>| (array - &clean).mapv(|d| d * d).mean().unwrap();
    assert!(error(&output) < 0.6 * error(&noisy), "{} against {}", error(&output), error(&noisy));
}

#[test]
fn pairs_teach_another_target_than_the_input() {
    let inputs = curve(1000);
    let targets = Dataset::from_f32("squares", inputs.to_array().mapv(|x| x * x - 0.5)).unwrap();
    let part = |data: &Dataset, validation: bool| {
        data.select(&(0..1000).filter(|index| (index % 5 == 0) == validation).collect::<Vec<_>>())
    };
    let pair = |validation| (part(&inputs, validation), part(&targets, validation));
    let ((x, t), (vx, vt)) = (pair(false), pair(true));
    let config = TrainingConfig { scaling: Scaling::None, epochs: 60, ..config() };
    let model = Trainer::new(Architecture::dense([8], &[64], 8), config).fit_pairs((&x, &t), (&vx, &vt)).unwrap();
    let error = (model.reconstruct(&vx).unwrap() - vt.to_array()).mapv(|d| d * d).mean().unwrap();
    let spread = vt.to_array().var(0.0);
    assert!(error < 0.1 * spread, "{error} of {spread}");
}

#[test]
fn missing_values_are_learned_around() {
    let mut values = curve(1000).to_array();
    values.iter_mut().step_by(37).for_each(|value| *value = f32::NAN);
    let (train, validation) = Dataset::from_f32("gaps", values).unwrap().split(0.2, 0).unwrap();
    let model = Trainer::new(Architecture::dense([8], &[32], 2), config()).fit(&train, &validation).unwrap();
    assert!(model.record().validation_loss < 0.2);
    assert!(model.reconstruct(&validation).unwrap().iter().all(|value| value.is_finite()));
}

#[test]
fn what_cannot_be_trained_on_is_refused_before_training() {
    let small = Dataset::from_f32("small", array![[1.0, 2.0], [3.0, 4.0]]).unwrap();
    let empty = small.select(&[]);
    let infinite = Dataset::from_f32("infinite", array![[1.0, f32::INFINITY]]).unwrap();
    let architecture = || Architecture::dense([2], &[4], 1);
    let fails = |train: &Dataset, validation: &Dataset, config: TrainingConfig, words: &str| {
        let error = Trainer::new(architecture(), config).fit(train, validation).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    fails(&empty, &small, config(), "no training samples");
    fails(&small, &empty, config(), "no validation samples");
    fails(&small, &infinite, config(), "feature 1 of validation sample 0 is infinite");
    fails(&curve(10), &small, config(), "8 values each, but the network takes 2");
    fails(&small, &small, TrainingConfig { epochs: 0, ..config() }, "epochs is 0, but must be at least 1");
    let bce = TrainingConfig { loss: Loss::BinaryCrossEntropy, ..config() };
    fails(&small, &small, bce, "needs a sigmoid output layer, but it is linear");
}

#[test]
fn fewer_samples_than_a_batch_are_one_batch() {
    let small = Dataset::from_f32("small", array![[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]]).unwrap();
    let config = TrainingConfig { epochs: 3, batch_size: 1000, ..config() };
    let model = Trainer::new(Architecture::dense([2], &[4], 1), config).fit(&small, &small).unwrap();
    assert!(model.record().validation_loss.is_finite());
}

#[test]
fn what_is_given_must_be_of_the_task_shape_and_columns_that_were_learned() {
    let (train, validation) = curve(200).split(0.2, 0).unwrap();
    let image = |data: &Dataset, shape: &[usize]| data.clone().with_shape(shape).unwrap();
    let trainer =
        |shape: &[usize]| Trainer::new(Architecture::dense(shape, &[8], 2), TrainingConfig { epochs: 1, ..config() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let model =
        trainer(&[8]).with_checkpoints(&path, 1).fit_pairs((&train, &train), (&validation, &validation)).unwrap();
    assert_eq!(model.task(), Task::Pairs);
    assert!(model.reconstruction_error(&validation).is_err(), "a pair's output is not meant to be its input");
    let resumed = || Trainer::resume(Checkpoint::load(&path).unwrap(), None).with_epochs(2);
    let error = resumed().fit(&train, &validation).unwrap_err();
    assert_eq!(error.to_string(), "the training's task is pairs, but with what is given it would be copy");
    let error = resumed().fit_pairs((&train, &image(&train, &[2, 4])), (&validation, &validation)).unwrap_err();
    assert!(matches!(error, TrainingError::OtherData("target")), "{error}");
    let error = resumed().with_epochs(0).fit_pairs((&train, &train), (&validation, &validation)).unwrap_err();
    assert_eq!(error.to_string(), "epochs is 0, but must be at least 1");
    let path = path.with_file_name("longer.safetensors");
    let longer = resumed().with_checkpoints(&path, 1).fit_pairs((&train, &train), (&validation, &validation)).unwrap();
    assert_eq!(longer.record().history.as_ref().unwrap().epochs.len(), 2);
    let shorter = Trainer::resume(Checkpoint::load(&path).unwrap(), None).with_epochs(1);
    let error = shorter.fit_pairs((&train, &train), (&validation, &validation)).unwrap_err();
    assert_eq!(error.to_string(), "2 epochs are done, so there cannot be 1 in all");

    let error = trainer(&[2, 4]).fit(&image(&train, &[4, 2]), &image(&validation, &[4, 2])).unwrap_err();
    assert_eq!(error.to_string(), "the training samples are of 4×2, but the network takes 2×4");
    assert!(trainer(&[2, 4]).fit(&image(&train, &[2, 4, 1]), &validation).is_ok());
}

#[test]
fn cross_entropy_takes_targets_from_0_to_1_alone() {
    let (train, validation) = curve(200).split(0.2, 0).unwrap();
    let fit = |scaling| {
        let architecture = Architecture::dense([8], &[8], 2).with_output_activation(Activation::Sigmoid);
        let config = TrainingConfig { loss: Loss::BinaryCrossEntropy, scaling, epochs: 1, ..config() };
        Trainer::new(architecture, config).fit(&train, &validation)
    };
    let error = fit(Scaling::Standard).unwrap_err();
    assert!(matches!(error, TrainingError::Outside { .. }), "{error}");
    assert!(fit(Scaling::MinMax).is_ok());
}

#[test]
fn a_training_that_had_stopped_early_goes_on_only_with_more_patience() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let data = curve(300);
    let recipe = Recipe::dense(&[8], 1).validation(0.3);
    // Steps so long that the loss does not fall for long.
    let optimizer = Adam { learning_rate: 0.3, ..Adam::default() };
    let config = TrainingConfig { epochs: 200, patience: Some(2), optimizer, ..recipe.config().clone() };
    let recipe = recipe.with_config(config).with_checkpoints(&path, 1000);
    let stopped = recipe.fit(&data).unwrap();
    let history = stopped.record().history.as_ref().unwrap();
    assert_eq!(history.stopped, Stopped::Early);

    let checkpoint = Checkpoint::load(&path).unwrap();
    assert_eq!((checkpoint.best_epoch(), checkpoint.every()), (history.best_epoch, Some(1000)));
    assert_eq!(checkpoint.validation_samples(), Some(90), "it splits the samples as they were");
    let again = Recipe::resume(checkpoint.clone()).fit(&data).unwrap();
    assert_eq!(again.to_bytes().unwrap(), stopped.to_bytes().unwrap());
    let patient = Recipe::resume(checkpoint);
    let config = TrainingConfig { patience: Some(5), ..patient.config().clone() };
    let longer = patient.with_config(config).fit(&data).unwrap();
    assert!(longer.record().history.as_ref().unwrap().epochs.len() >= history.epochs.len() + 3);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_told_and_loses_nothing() {
    let (train, validation) = curve(200).split(0.2, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut failed = Vec::new();
    let model = Trainer::new(Architecture::dense([8], &[8], 2), TrainingConfig { epochs: 3, ..config() })
        .with_checkpoints(folder.path().join("gone/checkpoint.safetensors"), 1)
        .with_progress(|progress| {
            if let Progress::NoCheckpoint { epoch, error } = progress {
                failed.push((epoch, error.to_string()));
            }
            ControlFlow::Continue(())
        })
        .fit(&train, &validation)
        .unwrap();
    assert_eq!(model.record().history.as_ref().unwrap().epochs.len(), 3);
    assert_eq!(failed.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [1, 2, 3]);
}

/// The same training on gaps, and on gaps that say they are means, as if the mean had been seen there.
#[test]
fn what_is_missing_in_training_is_not_taken_for_the_mean() {
    let whole = curve(2000).to_array();
    let mut gaps = whole.clone();
    gaps.indexed_iter_mut()
        .filter(|((row, column), _)| (row * 7 + column * 3) % 4 == 0)
        .for_each(|(_, v)| *v = f32::NAN);
    let data = Dataset::from_f32("gaps", gaps.clone()).unwrap();
    let fit = |data: &Dataset| {
        let (train, validation) = data.split(0.2, 0).unwrap();
        let config = TrainingConfig { epochs: 60, ..config() };
        Trainer::new(Architecture::dense([8], &[64], 2), config).fit(&train, &validation).unwrap()
    };
    let model = fit(&data);
    let mut means = model.scaler().transform(&gaps);
    means.rows_mut().into_iter().for_each(|mut row| model.scaler().inverse_row(row.as_slice_mut().unwrap()));
    let of_means = fit(&Dataset::from_f32("means", means).unwrap());
    let error = |model: &Autoencoder, passes: usize| {
        let filled = model.fill(&gaps, passes).unwrap();
        let missing = gaps.indexed_iter().filter(|(_, value)| value.is_nan()).map(|(at, _)| at);
        let errors: Vec<f32> = missing.map(|at| (filled[at] - whole[at]).powi(2)).collect();
        errors.iter().sum::<f32>() / errors.len() as f32
    };
    // It has seen gaps, so it is asked once; the other has never seen any.
    assert_eq!((model.fill_iterations(), of_means.fill_iterations()), (1, 10));
    let learned = error(&model, 1);
    let taken_for_means =
        [1, 2, 3, 10].map(|passes| error(&of_means, passes)).into_iter().fold(f32::INFINITY, f32::min);
    assert!(learned < 0.3 * taken_for_means, "{learned} against {taken_for_means}");
    // The error of a row is that of what it has.
    let errors = model.reconstruction_error(&data).unwrap();
    let mean = errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len() as f64;
    assert!(mean < 2.0 * model.record().validation_loss, "{mean} against {}", model.record().validation_loss);
}

#[test]
fn a_recipe_decides_what_a_trainer_is_told_and_trains_the_same_model() {
    let data = curve(300);
    let (train, validation) = data.split(0.2, 5).unwrap();
    let config = TrainingConfig { epochs: 2, seed: 5, ..TrainingConfig::default() };
    let by_hand = Trainer::new(Architecture::dense([8], &[16], 2), config).fit(&train, &validation).unwrap();
    let calibration = Calibration::from_held_out(&by_hand, &validation).unwrap();
    let by_hand = by_hand.with_calibration(calibration).unwrap();
    let recipe = || Recipe::dense(&[16], 2).epochs(2).seed(5);
    assert_eq!(recipe().fit(&data).unwrap().to_bytes().unwrap(), by_hand.to_bytes().unwrap());
    let split = Split::new(&train, &validation).unwrap();
    assert_eq!(recipe().fit_split(&split).unwrap().to_bytes().unwrap(), by_hand.to_bytes().unwrap());

    // Columns first in memory, in f64.
    let turned = data.to_array().mapv(f64::from).reversed_axes().as_standard_layout().into_owned();
    let of_view = recipe().fit(turned.t()).unwrap();
    assert_eq!(of_view.parameters(), by_hand.parameters());
    assert_eq!(of_view.record().data.name, "samples");
}

#[test]
fn a_recipe_fits_the_network_to_the_samples() {
    let output = |model: &Autoencoder| model.architecture().layers().last().unwrap().activation;
    let bytes = Array3::from_shape_fn((20, 4, 6), |(image, y, x)| (image * 11 + y * 5 + x * 3) as u8);
    let model = Recipe::dense(&[4], 2).epochs(1).fit(&bytes).unwrap();
    assert_eq!((output(&model), &model.architecture().input_shape[..]), (Activation::Sigmoid, &[4, 6][..]));
    assert_eq!(model.record().data.bytes_per_value, 1);
    let numbers = bytes.mapv(|byte| f32::from(byte) - 50.0);
    let convolutional = || Recipe::convolutional(&[2], &[], 3).epochs(1).scaling(Scaling::Standard);
    let model = convolutional().fit(&numbers).unwrap();
    assert_eq!(output(&model), Activation::Linear);
    assert_eq!(model.architecture().summary(), "4×6-2×3×2-3-12-2×3×2-4×6×1");
    assert_eq!(output(&convolutional().scaling(Scaling::MinMax).fit(&numbers).unwrap()), Activation::Sigmoid);
    let asked = convolutional().with_output_activation(Activation::Tanh).fit(&bytes).unwrap();
    assert_eq!(output(&asked), Activation::Tanh);

    let targets = Array2::from_shape_fn((20, 3), |(row, column)| (row * column) as f64);
    let pairs = Recipe::dense(&[4], 2).epochs(1).scaling(Scaling::Standard).fit_pairs(&bytes, &targets).unwrap();
    assert_eq!((pairs.task(), pairs.architecture().outputs(), output(&pairs)), (Task::Pairs, 3, Activation::Linear));
    assert!(pairs.calibration().is_none());
    // The decoder reads what only the sample has, so that no code alone can be decoded to calibrate on.
    let mut layers = Architecture::dense([24], &[6], 2);
    layers.decoder.insert(1, LayerSpec::add("encoder.0"));
    let skipping = Recipe::of_layers(layers).epochs(1).fit(&bytes).unwrap();
    assert!(skipping.calibration().is_none() && skipping.architecture().input_shape == [4, 6]);
    let linear = Recipe::linear(2).fit(&numbers).unwrap();
    assert!(linear.record().config.is_none() && linear.calibration().is_some());

    let error = Recipe::dense(&[4], 2).fit_pairs(&bytes, &Array2::<f64>::zeros((7, 3))).unwrap_err();
    assert_eq!(error.to_string(), "20 inputs cannot be paired with 7 targets");
    assert!(matches!(Recipe::linear(1).fit_pairs(&bytes, &targets), Err(RecipeError::LinearTargets)));
    let error = Recipe::dense(&[4], 2).validation(1.0).fit(&bytes).unwrap_err();
    assert!(matches!(error, RecipeError::Split { .. }), "{error}");
}

/// Images of one grey each, which their patches keep.
fn greys(count: u8) -> Vec<WholeImage> {
    let image = |grey| WholeImage { name: format!("{grey}"), pixels: Array3::from_elem((9, 10, 1), 20 * grey) };
    (0..count).map(image).collect()
}

#[test]
fn a_recipe_cuts_patches_of_whole_images_and_validates_with_other_ones() {
    let recipe = || Recipe::denoiser(4, 3).epochs(1).patch_size([6, 8]).patches(60);
    let split = recipe().split_images("greys", greys(10), Some(greys(10))).unwrap();
    assert_eq!((split.train.len(), split.validation.len(), split.train.shape()), (60, 2 * 32, &[6, 8][..]));
    let greys_of = |data: &Dataset| data.to_array().column(0).iter().map(|&grey| grey as u8).collect::<Vec<_>>();
    let (train, validation) = (greys_of(&split.train), greys_of(&split.validation));
    assert!(!train.iter().any(|grey| validation.contains(grey)), "an image is on both sides");
    let (train_targets, validation_targets) = split.targets.unwrap();
    assert_eq!((train, validation), (greys_of(&train_targets), greys_of(&validation_targets)));

    let denoiser = recipe().noise("gaussian:51".parse().unwrap()).fit_images("greys", greys(4)).unwrap();
    let config = denoiser.record().config.as_ref().unwrap();
    assert_eq!((config.batch_size, config.corruption), (16, Some(Corruption::Gaussian { sigma: 0.2.into() })));
    assert!(denoiser.architecture().residual && denoiser.calibration().is_none());
    let blind = recipe().blind().fit_images("greys", greys(4)).unwrap();
    assert!(blind.task() == Task::Blind && !blind.architecture().residual);

    let mut others = greys(10);
    others[3].pixels = Array3::zeros((8, 10, 1));
    let message = |targets| recipe().split_images("greys", greys(10), Some(targets)).unwrap_err().to_string();
    assert_eq!(message(others), "3 is 9×10×1 pixels, but 3 is 8×10×1");
    assert_eq!(message(greys(9)), "10 images cannot be paired with 9 targets");
    assert!(matches!(recipe().fit_images("grey", greys(1)), Err(RecipeError::FewImages)));
}
