//! `enkoder train`: data in, a model and a report out.

mod explanation;
mod layers;
mod options;
mod samples;
mod summary;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use enkoder::{Autoencoder, Checkpoint, Dataset, Recipe, Split, Stopped};

use self::explanation::explained;
use self::options::{NetworkOptions, TrainingOptions};
use self::samples::SampleOptions;
use self::summary::Summary;
use crate::arguments::{DataName, DataOptions, RunOptions};
use crate::comparison::{Comparison, Sections, figures_folder};
use crate::failure::{Failure, Usage};
use crate::interrupt;
use crate::model;
use crate::progress::TrainingProgress;
use crate::run_folder::{CHECKPOINT, REPORT, RunFolder};
use crate::screen::{HINT, Screen, print};
use crate::wording;

/// Train an autoencoder and write a model and a report
///
/// The samples are shuffled and split into training and validation. After every epoch the loss on the validation samples is
/// measured, and the model of the best epoch is kept. The same seed gives the same model, bit for bit, with any number of threads.
///
/// Ctrl-C stops the training, saves the best model so far and ends with exit code 130; a second Ctrl-C ends at once.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder train                                          built-in digits, everything by default
  enkoder train mnist --seed 7 --out runs/mnist          fetched once from OpenML
  enkoder train photos/ --size 64 --hidden 512,256 --latent 32 --epochs 50
  enkoder train table.csv --label class --latent 3 --hidden 16
  enkoder train mnist --arch conv --preset best          convolutions: minutes, and a tenth less error
  enkoder train photos/ --arch denoiser --noise gaussian:25
  enkoder train scans/ --arch denoiser --blind           no clean images: learns from the noisy ones
  enkoder train noisy/ --arch denoiser --target clean/   pairs of the same names
  enkoder train measurements.npy --target images.npy     from one kind of data to another
  enkoder train runs/*.npy --arch linear --latent 100    all runs together; each step is a sample
  enkoder train climate.nc --variable ts --block 32x32   blocks of a NetCDF-3 variable
  enkoder train mnist --checkpoint-every 5 --out runs/a  and, after it was stopped,
  enkoder train mnist --resume runs/a")]
pub struct Options {
    /// Built-in name (strokes, strokes:5000, fields, mnist), openml:ID, or a path: IDX, NPY, NPZ, NetCDF-3, CSV, ARFF, Parquet,
    /// an image, a folder or a pattern; several files of images or arrays are taken together [default: strokes]
    #[arg(default_value = "strokes", hide_default_value = true, value_hint = ValueHint::AnyPath)]
    data: Vec<DataName>,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    training: TrainingOptions,

    /// Fraction of the samples that are not trained on but validate [default: 0.2]
    #[arg(long, value_name = "X", default_value_t = 0.2, hide_default_value = true, help_heading = "Training")]
    #[arg(value_parser = parse_validation)]
    validation: f64,

    /// Seed of the split, the weights and the order of the samples [default: 0]
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,

    /// Write a checkpoint to the output folder every N epochs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    checkpoint_every: Option<u32>,

    /// Go on from a checkpoint (the file or its folder), to the same bits as if the run had never stopped; give the same DATA,
    /// and --epochs to go on for longer
    #[arg(long, value_name = "PATH", help_heading = "Training", value_hint = ValueHint::AnyPath)]
    resume: Option<PathBuf>,

    #[command(flatten)]
    samples: SampleOptions,

    #[command(flatten)]
    reading: DataOptions,

    /// Folder to write to [default: enkoder-out, or enkoder-out-2, … so that no earlier run is lost]
    #[arg(short, long, value_name = "FOLDER", help_heading = "Output", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,

    /// Replace what is in the output folder already
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Write no report
    #[arg(long, help_heading = "Output")]
    no_report: bool,

    /// Also write each figure of the report to this folder, as SVG or PNG
    #[arg(long, value_name = "FOLDER", help_heading = "Output", value_hint = ValueHint::DirPath)]
    figures: Option<PathBuf>,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    options.check()?;
    let checkpoint = options.resume.as_deref().map(load_checkpoint).transpose()?;
    let recipe = options.recipe(checkpoint.as_ref().map(|(_, checkpoint)| checkpoint))?;
    let seed = recipe.config().seed;
    interrupt::listen()?;
    let folder = options.run_folder(checkpoint.as_ref())?;
    interrupt::remove_if_empty(folder.made());
    let figures = options.figures.as_deref().map(|path| figures_folder(path, options.force)).transpose()?;
    let patches = match &checkpoint {
        Some((_, checkpoint)) => checkpoint.patches().is_some(),
        None => options.network.is_denoiser() && samples::are_images(&options.data),
    };
    let split = options.samples.read(&recipe, &options.data, &options.reading, patches, screen)?;
    if !screen.is_moving() {
        // On a terminal the summary follows on the same screen.
        screen.note(summary::data(&split.train, &split.validation));
    }
    let mut done = 0;
    if let Some((path, checkpoint)) = &checkpoint {
        check_shape(path, checkpoint, &split.train)?;
        done = checkpoint.epoch();
        screen.note(format_args!("{done} of {} epochs are done", recipe.config().epochs));
    }
    let model = options.fit(recipe, &split, done, &folder, screen)?;
    let Split { train, validation, .. } = split;
    let path = folder.file(model::FILE_NAME);
    model.save(&path)?;
    interrupt::work_ended();
    let mut files = vec![path];
    if options.checkpoint_every.is_some() && folder.file(CHECKPOINT).exists() {
        files.push(folder.file(CHECKPOINT));
    }

    // What has no calibration gives nothing back that principal components could be compared with.
    let comparison = match model.calibration() {
        Some(_) => Comparison::new(&model, Some(&train), &validation, seed, screen)?,
        None => {
            if !options.no_report || figures.is_some() {
                screen.note(
                    "no report is written: it shows what comes back from codes alone, and this model's do not suffice",
                );
            }
            None
        }
    };
    if let Some(comparison) = &comparison {
        let _busy = screen.busy("writing the report");
        if !options.no_report {
            comparison.write_report(&folder.file(REPORT), folder.overwrite(), Sections::default())?;
            files.push(folder.file(REPORT));
        }
        if let Some(figures) = figures {
            comparison.write_figures(&figures, folder.overwrite(), Sections::default())?;
            files.push(figures);
        }
    }
    let summary = Summary { model: &model, data: &train, comparison: comparison.as_ref(), files: &files };
    let text = if options.common.json { summary.to_json()? } else { summary.to_text() };
    print(text)?;
    if comparison.as_ref().is_some_and(Comparison::is_worse_than_baseline) {
        screen.note(advice(&model));
    }
    Ok(options.farewell(&model, &folder, screen))
}

impl Options {
    /// Refuses options that have no meaning together.
    fn check(&self) -> Result<(), Usage> {
        self.network.check()?;
        let of_training = || self.network.given().chain(self.training.given());
        let mut settled = of_training().chain(self.network.given_of_all()).chain(self.seed.map(|_| "--seed"));
        if let (Some(_), Some(option)) = (&self.resume, settled.find(|&option| option != "--epochs")) {
            return Err(Usage::new(format!(
                "{option} cannot be given with --resume: the checkpoint says how to go on"
            ))
            .with_hint("leave it out, or begin a new training without --resume"));
        }
        if let (true, Some(option)) = (self.network.is_linear(), of_training().chain(self.samples.given()).next()) {
            return Err(Usage::new(format!(
                "{option} has no meaning with --arch linear, which is computed in closed form"
            ))
            .with_hint("leave it out; to train one linear layer each way write --hidden none"));
        }
        Ok(())
    }

    /// How the model is made: as the options say, or as a checkpoint does.
    fn recipe(&self, checkpoint: Option<&Checkpoint>) -> anyhow::Result<Recipe<'static>> {
        let mut recipe = match checkpoint {
            Some(checkpoint) => Recipe::resume(checkpoint.clone()),
            None => self.training.added_to(self.network.recipe()?)?.seed(self.seed.unwrap_or(0)),
        };
        if let (Some(checkpoint), Some(epochs)) = (checkpoint, self.training.epochs) {
            let done = checkpoint.epoch();
            if epochs < done {
                return Err(Usage::new(format!("--epochs {epochs} are fewer than the {done} that are done"))
                    .with_hint("give the number of epochs in all, with those that are done")
                    .into());
            }
            recipe = recipe.epochs(epochs);
        }
        if let Some(threads) = self.common.threads {
            recipe = recipe.threads(threads.into());
        }
        Ok(self.samples.added_to(recipe.validation(self.validation)))
    }

    fn run_folder(&self, checkpoint: Option<&(PathBuf, Checkpoint)>) -> anyhow::Result<RunFolder> {
        let mut wanted = vec![model::FILE_NAME];
        wanted.extend((!self.no_report).then_some(REPORT));
        wanted.extend(self.checkpoint_every.map(|_| CHECKPOINT));
        match (&self.out, checkpoint) {
            (Some(path), _) => RunFolder::named(path, &wanted, self.force),
            (None, Some((file, checkpoint))) => {
                let epochs = self.training.epochs.unwrap_or(checkpoint.config().epochs);
                RunFolder::of_checkpoint((file, checkpoint), epochs, &wanted, self.force)
            }
            (None, None) => RunFolder::fresh(&wanted),
        }
    }

    fn fit(
        &self,
        recipe: Recipe<'_>,
        split: &Split,
        epochs_done: usize,
        folder: &RunFolder,
        screen: Screen,
    ) -> anyhow::Result<Autoencoder> {
        if self.network.is_linear() {
            let _busy = screen.busy("computing principal components");
            return recipe.fit_split(split).map_err(explained);
        }
        interrupt::work_begins();
        let mut progress = TrainingProgress::new(screen, recipe.config().epochs, split.train.len(), epochs_done);
        let recipe = recipe.with_progress(|news| progress.update(news));
        let recipe = match self.checkpoint_every {
            Some(every) => recipe.with_checkpoints(folder.file(CHECKPOINT), every as usize),
            None => recipe,
        };
        recipe.fit_split(split).map_err(explained)
    }

    /// The last words, and the exit code.
    fn farewell(&self, model: &Autoencoder, folder: &RunFolder, screen: Screen) -> ExitCode {
        let Some(history) = &model.record().history else { return ExitCode::SUCCESS };
        let best = history.best_epoch;
        match history.stopped {
            Stopped::Interrupted => {
                screen.note(format_args!(
                    "the training was interrupted: the model saved is the best so far, of epoch {best}"
                ));
                if self.checkpoint_every.is_some() && folder.file(CHECKPOINT).exists() {
                    let folder = folder.path().display();
                    screen.note(format_args!(
                        "go on from its checkpoint with the same data options and --resume {folder}"
                    ));
                }
                return ExitCode::from(interrupt::EXIT_CODE);
            }
            Stopped::Diverged => screen.note(format_args!(
                "the loss became infinite or not a number: the model saved is that of epoch {best}, before it did; \
                 a lower --learning-rate or --clip 1 may help"
            )),
            Stopped::Early | Stopped::Completed => {}
        }
        ExitCode::SUCCESS
    }
}

/// What may help where principal components do better.
fn advice(model: &Autoencoder) -> String {
    let still_falling =
        model.record().history.as_ref().is_some_and(|history| history.best_epoch == history.epochs.len());
    let way_out = if still_falling {
        "the loss was still falling: more --epochs or a smaller --batch-size may help"
    } else {
        "more samples, a wider --hidden or another --learning-rate may help"
    };
    format!("{HINT}hint:{HINT:#} principal components do better than this network; {way_out}")
}

fn load_checkpoint(path: &Path) -> anyhow::Result<(PathBuf, Checkpoint)> {
    let file = if path.is_dir() { path.join(CHECKPOINT) } else { path.to_owned() };
    let checkpoint = Checkpoint::load(&file).map_err(|error| {
        let message = format!("cannot go on from {}", file.display());
        Failure::new(message, "a checkpoint is written by `enkoder train --checkpoint-every N`", error)
    })?;
    Ok((file, checkpoint))
}

/// Sees that the samples are of the shape that the checkpoint has learned.
fn check_shape(path: &Path, checkpoint: &Checkpoint, samples: &Dataset) -> anyhow::Result<()> {
    let learned = &checkpoint.architecture().input_shape;
    if samples.features() == learned.iter().product::<usize>() {
        return Ok(());
    }
    let [learned, found] = [learned, samples.shape()].map(wording::shape);
    Err(Usage::new(format!("{} has learned samples of {learned}, but these are of {found}", path.display()))
        .with_hint("give the same data options as before: --size, --grey, --patch and --patches, --validation")
        .into())
}

fn parse_validation(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|&part| part > 0.0 && part < 1.0)
        .ok_or_else(|| "a number between 0 and 1 is needed".into())
}
