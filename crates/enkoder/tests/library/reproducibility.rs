//! The same seed gives the same model, bit for bit: for any number of threads, in one go or resumed, and as bytes of a file.

use std::error::Error;
use std::ops::{ControlFlow, Range};
use std::process::Command;

use enkoder::{
    Activation, Architecture, Autoencoder, Checkpoint, CheckpointError, Corruption, Dataset, Penalty, Progress, Recipe,
    RecipeError, SampleBlock, SampleReader, Schedule, Split, Stopped, StoredDataset, TensorFileError, Trainer,
    TrainingConfig, TrainingError, WholeImage,
};
use ndarray::{Array2, Array3};

fn data() -> (Dataset, Dataset) {
    let values = Array2::from_shape_fn((700, 48), |(row, column)| {
        ((row * column) as f32 * 0.013).sin() + ((row * 7 + column * 3) % 11) as f32 * 0.1
    });
    Dataset::from_f32("waves", values).unwrap().split(0.2, 1).unwrap()
}

fn architecture() -> Architecture {
    Architecture::dense([48], &[300, 64], 8)
}

fn config(threads: Option<usize>) -> TrainingConfig {
    TrainingConfig { epochs: 4, batch_size: 160, seed: 9, threads, ..TrainingConfig::default() }
}

fn bytes(config: TrainingConfig) -> Vec<u8> {
    let (train, validation) = data();
    Trainer::new(architecture(), config).fit(&train, &validation).unwrap().to_bytes().unwrap()
}

#[test]
fn one_two_and_four_threads_give_the_same_file() {
    let one = bytes(config(Some(1)));
    assert_eq!(one, bytes(config(Some(2))));
    assert_eq!(one, bytes(config(Some(4))));
    assert_ne!(one, bytes(TrainingConfig { seed: 10, ..config(Some(1)) }), "another seed must give another model");
}

/// The width of vectors changes the speed of a dense training and nothing else. The test runs itself again with fewer instructions.
#[test]
fn a_dense_training_gives_the_same_file_under_every_instruction_set() {
    const FILE: &str = "ENKODER_TEST_MODEL";
    let by_rows = bytes(config(Some(2)));
    let (train, validation) = data();
    let large = Architecture::dense([48], &[1200, 100], 8).with_activation(Activation::Gelu);
    let by_parts = Trainer::new(large, TrainingConfig { epochs: 2, batch_size: 50, ..config(Some(2)) });
    let both = [by_rows, by_parts.fit(&train, &validation).unwrap().to_bytes().unwrap()].concat();
    if let Some(file) = std::env::var_os(FILE) {
        std::fs::write(file, both).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for instructions in ["scalar", "avx2"] {
        let file = folder.path().join(instructions);
        let test = "reproducibility::a_dense_training_gives_the_same_file_under_every_instruction_set";
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", test]).env("ENKODER_INSTRUCTIONS", instructions).env(FILE, &file).output().unwrap();
        assert!(std::fs::read(&file).unwrap() == both, "{instructions}");
    }
}

/// A network large enough for its small batches to pass by parts of layers.
#[test]
fn a_large_network_gives_the_same_file_with_any_threads_and_resumed() {
    let (train, validation) = data();
    let with = |threads| {
        let corruption = Some(Corruption::Masking { fraction: 0.2.into() });
        let config = TrainingConfig { epochs: 3, batch_size: 50, corruption, ..config(Some(threads)) };
        let architecture = Architecture::dense([48], &[1200, 100], 8).with_activation(Activation::Gelu);
        Trainer::new(architecture, config)
    };
    let bytes = |trainer: Trainer<'_>| trainer.fit(&train, &validation).unwrap().to_bytes().unwrap();
    let one = bytes(with(1));
    assert_eq!(one, bytes(with(2)));
    assert_eq!(one, bytes(with(4)));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let stop = |progress: Progress<'_>| match progress {
        Progress::Epoch { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    with(2).with_checkpoints(&path, 1).with_progress(stop).fit(&train, &validation).unwrap();
    assert_eq!(one, bytes(Trainer::resume(Checkpoint::load(&path).unwrap(), Some(1))));
}

#[test]
fn noise_penalties_and_clipping_do_not_depend_on_threads() {
    let penalties = [Penalty::L1 { weight: 1e-3 }, Penalty::Contractive { weight: 1e-3 }];
    for penalty in penalties {
        let with = |threads| TrainingConfig {
            penalty: Some(penalty),
            corruption: Some(Corruption::Gaussian { sigma: 0.2.into() }),
            gradient_clip: Some(0.05),
            schedule: Schedule::OneCycle { warmup: 0.3 },
            ..config(Some(threads))
        };
        assert_eq!(bytes(with(1)), bytes(with(3)), "{penalty:?}");
    }
    let (train, validation) = data();
    let sparse = |threads| {
        let penalty = Some(Penalty::KullbackLeibler { weight: 1e-2, target: 0.1 });
        let architecture = architecture().with_latent_activation(Activation::Sigmoid);
        let config = TrainingConfig { penalty, ..config(Some(threads)) };
        Trainer::new(architecture, config).fit(&train, &validation).unwrap().to_bytes().unwrap()
    };
    assert_eq!(sparse(1), sparse(4));
}

/// Trains until the end of epoch `until` with a checkpoint after every epoch.
fn interrupted(folder: &std::path::Path, until: usize) -> Autoencoder {
    let (train, validation) = data();
    Trainer::new(architecture(), config(Some(2)))
        .with_checkpoints(folder.join("checkpoint.safetensors"), 1)
        .with_progress(|progress| match progress {
            Progress::Epoch { record, .. } if record.epoch == until => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .fit(&train, &validation)
        .unwrap()
}

#[test]
fn a_resumed_training_ends_with_the_same_file_as_one_that_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = interrupted(folder.path(), 2);
    assert_eq!(stopped.record().history.as_ref().unwrap().stopped, Stopped::Interrupted);
    let path = folder.path().join("checkpoint.safetensors");
    let checkpoint = Checkpoint::load(&path).unwrap();
    assert_eq!(checkpoint.epoch(), 2);
    let mut file = std::fs::read(&path).unwrap();
    assert_eq!(Checkpoint::from_bytes(&file).unwrap().epoch(), 2);
    *file.last_mut().unwrap() ^= 1;
    let error = Checkpoint::from_bytes(&file).unwrap_err();
    assert!(matches!(error, CheckpointError::File(TensorFileError::Checksum)), "{error}");
    let (train, validation) = data();
    let resumed = Trainer::resume(checkpoint, Some(1)).fit(&train, &validation).unwrap();
    assert_eq!(resumed.to_bytes().unwrap(), bytes(config(None)));
}

#[test]
fn a_checkpoint_is_not_resumed_with_other_data() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(folder.path(), 1);
    let checkpoint = Checkpoint::load(folder.path().join("checkpoint.safetensors")).unwrap();
    let (train, validation) = data();
    let error = Trainer::resume(checkpoint.clone(), None).fit(&train.head(100), &validation).unwrap_err();
    assert!(matches!(error, TrainingError::OtherData("training")), "{error}");
    let error = Trainer::resume(checkpoint, None).fit(&train, &train).unwrap_err();
    assert!(matches!(error, TrainingError::OtherData("validation")), "{error}");
}

#[test]
fn a_blind_denoiser_goes_on_from_its_checkpoint_to_the_same_bits() {
    let image = |number: usize| WholeImage {
        name: number.to_string(),
        pixels: Array3::from_shape_fn((14, 12, 1), |(y, x, _)| (number * 31 + y * 9 + x * 5) as u8),
    };
    let images: Vec<WholeImage> = (0..6).map(image).collect();
    let recipe = || Recipe::denoiser(4, 4).blind().epochs(3).patch_size([8, 10]).patches(70).seed(2);
    let whole = recipe().fit_images("images", images.clone()).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let stop = |progress: Progress<'_>| match progress {
        Progress::Epoch { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    recipe().with_checkpoints(&path, 1).with_progress(stop).fit_images("images", images.clone()).unwrap();
    let checkpoint = Checkpoint::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((checkpoint.epoch(), checkpoint.patches()), (1, Some(70)));
    let resumed = || Recipe::resume(checkpoint.clone());
    let again = resumed().fit_images("images", images.clone()).unwrap();
    assert_eq!(again.to_bytes().unwrap(), whole.to_bytes().unwrap());
    let longer = resumed().epochs(4).fit_images("images", images.clone()).unwrap();
    assert_eq!(longer.record().history.as_ref().unwrap().epochs.len(), 4);

    let other = resumed().seed(3).fit_images("images", images.clone());
    assert!(matches!(other, Err(RecipeError::OtherOptions)));
    let other = resumed().with_activation(Activation::Tanh).fit_images("images", images);
    assert!(matches!(other, Err(RecipeError::OtherOptions)));
}

/// Rows that are read in blocks, each of which begins with its number.
struct Rows(Array2<f32>);

impl SampleReader for Rows {
    fn read(&mut self, samples: Range<usize>, block: &mut SampleBlock) -> Result<(), Box<dyn Error + Send + Sync>> {
        let SampleBlock::F32(values) = block else { panic!("the data set is of f32") };
        if samples.end > self.0.nrows() {
            return Err("the file ends too early".into());
        }
        let rows = self.0.rows().into_iter().skip(samples.start).take(samples.len());
        values.extend(rows.flatten());
        Ok(())
    }
}

fn numbered_rows(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 256), |(row, column)| match column {
        0 => row as f32,
        7 if row % 5 == 0 => f32::NAN,
        _ => ((row * column) as f32 * 0.013).sin(),
    })
}

fn stored(rows: usize) -> StoredDataset {
    StoredDataset::new("rows", rows, [256], false, Rows(numbered_rows(rows))).unwrap()
}

fn small_recipe<'a>() -> Recipe<'a> {
    Recipe::dense(&[], 3).epochs(3).batch_size(100).seed(5).validation(0.1)
}

#[test]
fn samples_read_in_one_window_give_the_model_of_samples_in_memory() {
    let split = small_recipe().split_stored(&stored(2000), 1 << 30).unwrap();
    assert_eq!((split.training_samples(), split.validation.len()), (1800, 200));
    let held: Vec<usize> = split.validation.to_array().column(0).iter().map(|&row| row as usize).collect();
    let rest: Vec<usize> = (0..2000).filter(|row| !held.contains(row)).collect();
    let all = Dataset::from_f32("rows", numbered_rows(2000)).unwrap();
    let in_memory = Split::new(&all.select(&rest), &split.validation).unwrap();
    let bytes = |split: &Split| small_recipe().fit_split(split).unwrap().to_bytes().unwrap();
    assert!(bytes(&split) == bytes(&in_memory));
}

#[test]
fn samples_read_in_blocks_give_the_same_model_with_any_threads_and_resumed() {
    // A window of one block, of which there are five.
    let (data, memory) = (stored(5000), 4 << 20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let split = small_recipe().split_stored(&data, memory).unwrap();
    let window = split.blocks.as_ref().unwrap().window();
    assert_eq!((window, split.training_samples().div_ceil(window)), (1100, 5));
    let bytes = |recipe: Recipe<'_>, split: &Split| recipe.fit_split(split).unwrap().to_bytes().unwrap();
    let whole = bytes(small_recipe().threads(1), &split);
    assert!(whole == bytes(small_recipe().threads(2), &split), "one thread and two");
    let other_windows = small_recipe().split_stored(&data, 3 * memory).unwrap();
    assert!(whole != bytes(small_recipe(), &other_windows), "the order depends on the windows");

    let stop = |progress: Progress<'_>| match progress {
        Progress::Epoch { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let begun = small_recipe().with_checkpoints(&path, 1).with_progress(stop);
    begun.fit_split(&split).unwrap();
    let checkpoint = || Checkpoint::load(&path).unwrap();
    assert!(checkpoint().reads_blocks());
    // What the memory was, the checkpoint knows.
    let again = Recipe::resume(checkpoint()).split_stored(&data, 1 << 30).unwrap();
    assert_eq!(again.blocks.as_ref().unwrap().window(), window);
    let resumed = Recipe::resume(checkpoint()).fit_split(&again).unwrap();
    let other = TrainingError::OtherData("training");
    assert!(resumed.to_bytes().unwrap() == whole, "resumed");
    let in_memory = Dataset::from_f32("rows", numbered_rows(5000)).unwrap();
    let error = Recipe::resume(checkpoint()).fit(&in_memory).unwrap_err();
    assert_eq!(error.to_string(), other.to_string());
}

#[test]
fn a_file_that_ends_while_it_is_trained_on_is_an_error_that_names_it() {
    let data = StoredDataset::new("rows", 3000, [256], false, Rows(numbered_rows(2000))).unwrap();
    let error = small_recipe().split_stored(&data, 1 << 30).unwrap_err();
    assert_eq!(error.to_string(), "the samples of rows cannot be read");
    assert_eq!(error.source().unwrap().to_string(), "the file ends too early");
}
