//! `enkoder train`: data in, a model and a report out.

mod doubts;
mod events;
mod explanation;
mod layers;
mod log;
mod memory;
mod mlflow;
mod network;
mod options;
mod resuming;
mod samples;
mod summary;
mod tracking;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use enkoder::{Autoencoder, Checkpoint, Progress, Recipe, RecipeOptions, Split};

use self::doubts::Choice;
use self::explanation::explained;
use self::log::TrainingLog;
use self::mlflow::{MlflowOptions, Run};
use self::network::{NetworkOptions, OutputActivation, Widths};
use self::options::TrainingOptions;
use self::resuming::Checkpoints;
use self::samples::SampleOptions;
use self::summary::Summary;
use self::tracking::Tracking;
use crate::arguments::{DataName, DataOptions, RunOptions};
use crate::commands::explore;
use crate::comparison::{Comparison, Sections, figures_folder};
use crate::failure::Usage;
use crate::file_output::is_stdout;
use crate::interrupt;
use crate::missing::Missing;
use crate::model;
use crate::pictures;
use crate::progress::TrainingProgress;
use crate::run_folder::{CHECKPOINT, EXPLORER, REPORT, RunFolder};
use crate::screen::{HINT, Screen, print};

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
  enkoder train readings.npy --memory 2GB                more than fits into memory, in blocks
  enkoder train mnist --checkpoint-every 5 --out runs/a  and, after it was stopped,
  enkoder train mnist --resume runs/a                    which goes on to write its checkpoint

A file of layers for --config, here for tables; docs/guide/networks.md has all kinds:
  [[encoder]]
  kind = \"dense\"
  units = 32
  activation = \"gelu\"
  [[encoder]]
  kind = \"dense\"
  units = 3
  activation = \"linear\"
  [[decoder]]
  kind = \"dense\"
  units = 32
  activation = \"gelu\"
  [[decoder]]
  kind = \"dense\"
  units = 8                # as many as the data has columns
  activation = \"linear\"")]
pub struct Options {
    /// Built-in name (strokes, strokes:5000, fields, mnist), openml:ID, a path or an address (https://, s3://, gs://, az://): IDX, NPY,
    /// NPZ, NetCDF, HDF5, Zarr, CSV, ARFF, Parquet, Arrow, an image, a folder or a pattern; several files of images or arrays are taken together [default: strokes]
    #[arg(default_value = "strokes", hide_default_value = true, value_hint = ValueHint::AnyPath)]
    data: Vec<DataName>,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    training: TrainingOptions,

    /// Fraction of the samples that are not trained on but validate [default: 0.2]
    #[arg(long, value_name = "X", help_heading = "Training", value_parser = parse_validation)]
    validation: Option<f64>,

    /// Seed of the split, the weights and the order of the samples [default: 0]
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,

    /// Write a checkpoint to the output folder every N epochs [default: never; with --resume as before]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    checkpoint_every: Option<u32>,

    /// Go on from a checkpoint (the file or its folder), to the same bits as if the run had never stopped; give the same DATA, and
    /// --epochs or --patience to go on for longer. The checkpoint goes on to be written, or one in the folder of --out
    #[arg(long, value_name = "PATH", help_heading = "Training", value_hint = ValueHint::AnyPath)]
    resume: Option<PathBuf>,

    /// Train in blocks on data that is larger than memory, and take about this much for them, as 2GB; what the network takes comes to it.
    /// NPY, NetCDF, HDF5 and raw arrays are read where they lie, tables are converted once
    #[arg(long, value_name = "SIZE", value_parser = memory::parse, help_heading = "Training")]
    memory: Option<u64>,

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

    /// Write metrics.jsonl and events for TensorBoard to this folder, epoch by epoch
    #[arg(long, value_name = "FOLDER", help_heading = "Output", value_hint = ValueHint::DirPath)]
    log: Option<PathBuf>,

    #[command(flatten)]
    mlflow: MlflowOptions,

    /// Also write explore.html, a page that runs the model in a browser
    #[arg(long, help_heading = "Output")]
    explore: bool,

    /// Also write each figure of the report to this folder, as SVG or PNG
    #[arg(long, value_name = "FOLDER", help_heading = "Output", value_hint = ValueHint::DirPath)]
    figures: Option<PathBuf>,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    options.check()?;
    let checkpoint = options.resume.as_deref().map(resuming::load).transpose()?;
    let recipe = options.recipe(checkpoint.as_ref().map(|(_, checkpoint)| checkpoint))?;
    let seed = recipe.config().seed;
    interrupt::listen()?;
    let folder = options.run_folder(checkpoint.as_ref())?;
    interrupt::remove_if_empty(folder.made());
    if let Some(earlier) = folder.beside() {
        screen.note(format_args!(
            "{earlier} holds an earlier training, so this one goes to {0}: give {0} to the commands that follow, or choose with --out",
            folder.path().display()
        ));
    }
    let figures = options.figures.as_deref().map(|path| figures_folder(path, options.force)).transpose()?;
    let log = options.log.as_deref();
    let log = log.map(|path| TrainingLog::open(path, options.resume.is_some(), options.force)).transpose()?;
    let server = options.mlflow.connect()?;
    let patches = match &checkpoint {
        Some((_, checkpoint)) => checkpoint.patches().is_some(),
        None => options.network.is_denoiser() && pictures::are_pictures(&options.data),
    };
    let split = match options.memory_of(checkpoint.as_ref().map(|(_, checkpoint)| checkpoint))? {
        Some(memory) => {
            let data = options.reading.open_in_blocks(&options.data, screen)?;
            let _busy = screen.busy("passing over the samples");
            recipe.split_stored(&data, memory).map_err(explained)?
        }
        None => options.samples.read(&recipe, &options.data, &options.reading, patches, screen)?,
    };
    let missing = Missing::of_training(&split).and(Missing::of(&split.validation));
    if !screen.is_moving() {
        // On a terminal the summary follows on the same screen.
        screen.note(summary::data(&split, missing));
    }
    if let Some(news) = summary::blocks(&split) {
        screen.note(news);
    }
    options.network.check_shape(split.train.shape())?;
    let architecture = recipe.architecture(&split).map_err(explained)?;
    if let Some(architecture) = &architecture {
        let (kind, config) = (options.network.kind(), recipe.config());
        let (samples, has_targets) = (split.training_samples(), split.targets.is_some());
        let choice = Choice { kind, architecture, config, train: &split.train, samples, has_targets };
        for doubt in choice.doubts() {
            screen.note(format_args!("{HINT}hint:{HINT:#} {doubt}"));
        }
    }
    let mut done = 0;
    let checkpoints = options.checkpoints(&folder, checkpoint.as_ref());
    if let Some((path, checkpoint)) = &checkpoint {
        resuming::check_shape(path, checkpoint, &split.train)?;
        done = checkpoint.epoch();
        screen.note(resuming::news(checkpoint, recipe.config(), checkpoints.as_ref()));
    }
    let mlflow = server.map(|server| {
        let architecture =
            checkpoint.as_ref().map(|(_, checkpoint)| checkpoint.architecture()).or(architecture.as_ref());
        let config = (!options.network.is_linear()).then(|| recipe.config());
        tracking::begin(server, &folder.path().display().to_string(), &split, architecture, config)
    });
    mlflow.as_ref().map_or(Ok(()), Run::end_with_process)?;
    let mut tracking = Tracking { log, mlflow };
    let model = options.fit(recipe, &split, done, checkpoints.as_ref(), &mut tracking, screen)?;
    let Split { train, validation, .. } = split;
    let path = folder.file(model::FILE_NAME);
    model.save(&path)?;
    interrupt::work_ended();
    interrupt::end_with("interrupted: the model is saved, but the comparison or the report may be missing")?;
    let mut files = vec![path];
    let trained = model.record().history.as_ref().is_some_and(|history| history.epochs.len() > done);
    let written = checkpoints.as_ref().filter(|checkpoints| trained && checkpoints.file.exists());
    files.extend(written.map(|checkpoints| checkpoints.file.clone()));

    let comparison = if model.task().reconstructs() {
        Comparison::new(&model, Some(&train), &validation, seed, screen)?
    } else {
        if !options.no_report || figures.is_some() {
            screen.note("no report is written: it shows samples beside their copies, and this model makes no copies");
        }
        None
    };
    let model = match &comparison {
        Some(comparison) => {
            // It was saved before, so that nothing is lost where the comparison is interrupted.
            let model = model.with_results(comparison.results());
            model.save(&files[0])?;
            model
        }
        None => model,
    };
    if let Some(comparison) = &comparison {
        let _busy = screen.busy("writing the report");
        if !options.no_report {
            let sections = Sections { explorer: options.explore.then_some(EXPLORER), ..Sections::default() };
            comparison.write_report(&folder.file(REPORT), folder.overwrite(), sections)?;
            files.push(folder.file(REPORT));
        }
        if let Some(figures) = figures {
            comparison.write_figures(&figures, folder.overwrite(), Sections::default())?;
            files.push(figures);
        }
        if let Some(left_out) = comparison.evaluation.left_out().filter(|_| files.len() > 1) {
            screen.note(left_out);
        }
    }
    if options.explore {
        let (page, errors_of) = (folder.file(EXPLORER), Some((&validation, "validation samples")));
        explore::write(&model, Some(&validation), errors_of, &page, folder.overwrite(), screen)?;
        files.push(page);
    }
    let tracked = tracking.end(&model, comparison.as_ref(), screen)?;
    files.extend(tracked.folder);
    let summary = Summary {
        model: &model,
        data: &train,
        missing,
        comparison: comparison.as_ref(),
        files: &files,
        page: tracked.page.as_deref(),
    };
    let text = if options.common.json { summary.to_json()? } else { summary.to_text() };
    print(text)?;
    if let Some(comparison) = comparison.filter(Comparison::is_worse_than_baseline) {
        screen.note(summary::advice(&model, &comparison));
    }
    Ok(summary::farewell(&model, checkpoints.as_ref(), screen))
}

impl Options {
    /// Refuses options that have no meaning together.
    fn check(&self) -> Result<(), Usage> {
        self.network.check()?;
        let of_training = || self.network.given().chain(self.training.given());
        let mut settled = of_training().chain(self.network.given_of_all()).chain(self.seed.map(|_| "--seed"));
        let settled = settled.find(|option| !["--epochs", "--patience"].contains(option));
        if let (Some(_), Some(option)) = (&self.resume, settled) {
            return Err(Usage::new(format!(
                "{option} cannot be given with --resume: the checkpoint says how to go on"
            ))
            .with_hint("leave it out, or begin a new training without --resume"));
        }
        let log = self.log.as_ref().map(|_| "--log");
        let stepwise = || of_training().chain(self.samples.given()).chain(log);
        if let (true, Some(option)) = (self.network.is_linear(), stepwise().next()) {
            return Err(Usage::new(format!(
                "{option} has no meaning with --arch linear, which is computed in closed form"
            ))
            .with_hint("leave it out; to train one linear layer each way write --hidden none"));
        }
        Ok(())
    }

    /// In how much memory samples are read in blocks, where they are.
    fn memory_of(&self, checkpoint: Option<&Checkpoint>) -> Result<Option<u64>, Usage> {
        let again = checkpoint.map(Checkpoint::reads_blocks);
        let memory = match (self.memory, again) {
            (Some(_), Some(false)) => {
                return Err(Usage::new(
                    "--memory cannot be given with --resume: the training began with its samples in memory",
                )
                .with_hint("leave it out, or begin a new training"));
            }
            (memory, Some(true)) => Some(memory.unwrap_or(memory::AGAIN)),
            (memory, _) => memory,
        };
        if memory.is_none() {
            return Ok(None);
        }
        let other = match self.samples.given().next() {
            _ if self.network.is_linear() => Some("--arch linear"),
            _ if self.network.is_denoiser() => Some("--arch denoiser"),
            given => given,
        };
        match other {
            Some(other) => {
                Err(Usage::new(format!("{other} needs its samples in memory, and --memory reads them in blocks"))
                    .with_hint("leave one of them out"))
            }
            None => Ok(memory),
        }
    }

    /// How the model is made: as the options say, or as a checkpoint does.
    fn recipe(&self, checkpoint: Option<&Checkpoint>) -> anyhow::Result<Recipe<'static>> {
        if self.validation.is_some() {
            resuming::check_split(checkpoint)?;
        }
        let (network, training) = (self.network.clone(), self.training.clone());
        let widths = |widths: Option<Widths>| widths.map(|Widths(widths)| widths);
        let asked = RecipeOptions {
            kind: network.arch.unwrap_or_default(),
            layers: network.config.as_deref().map(layers::read).transpose()?,
            preset: network.preset,
            hidden: widths(network.hidden),
            channels: widths(network.channels),
            depth: network.depth,
            latent: network.latent,
            activation: network.activation,
            latent_activation: network.latent_activation,
            output_activation: network.output_activation.and_then(OutputActivation::given),
            scaling: network.scaling,
            epochs: training.epochs,
            batch_size: training.batch_size,
            loss: training.loss,
            huber_delta: training.huber_delta,
            learning_rate: training.learning_rate,
            weight_decay: training.weight_decay,
            schedule: training.schedule,
            warmup: training.warmup,
            clip: training.clip,
            penalty: training.penalty,
            patience: training.patience,
            noise: training.noise,
            blind: training.blind,
            patch: self.samples.patch,
            patches: self.samples.patches,
            validation: self.validation,
            seed: self.seed,
            threads: self.common.threads.map(Into::into),
        };
        Ok(match checkpoint {
            Some(checkpoint) => asked.go_on(checkpoint.clone())?,
            None => asked.begin()?,
        })
    }

    fn run_folder(&self, checkpoint: Option<&(PathBuf, Checkpoint)>) -> anyhow::Result<RunFolder> {
        let mut wanted = vec![model::FILE_NAME];
        wanted.extend((!self.no_report).then_some(REPORT));
        wanted.extend(self.explore.then_some(EXPLORER));
        match (&self.out, checkpoint) {
            (Some(path), _) if is_stdout(path) => {
                Err(Usage::new("a training writes a folder, which standard output cannot be")
                    .with_hint("name a folder with --out")
                    .into())
            }
            (_, Some((file, checkpoint))) if self.goes_on_in_place(file) => {
                let epochs = self.training.epochs.unwrap_or(checkpoint.config().epochs);
                RunFolder::of_checkpoint((file, checkpoint), epochs, &wanted, self.force)
            }
            (path, _) => {
                wanted.extend((self.checkpoint_every.is_some() || checkpoint.is_some()).then_some(CHECKPOINT));
                match path {
                    Some(path) => RunFolder::named(path, &wanted, self.force),
                    None => RunFolder::fresh(&wanted),
                }
            }
        }
    }

    /// Whether a resumed training writes to where its checkpoint lies.
    fn goes_on_in_place(&self, file: &Path) -> bool {
        let Some(out) = &self.out else { return true };
        out.canonicalize().is_ok_and(|out| file.canonicalize().is_ok_and(|file| file.parent() == Some(&out)))
    }

    /// The checkpoints that are written: those asked for, and those of a training that goes on, which had some.
    fn checkpoints(&self, folder: &RunFolder, resumed: Option<&(PathBuf, Checkpoint)>) -> Option<Checkpoints> {
        let before = resumed.map(|(_, checkpoint)| checkpoint.every().unwrap_or(1));
        let every = self.checkpoint_every.map(|every| every as usize).or(before)?;
        let file = match resumed {
            Some((file, _)) if self.goes_on_in_place(file) => file.clone(),
            _ => folder.file(CHECKPOINT),
        };
        Some(Checkpoints { file, every })
    }

    fn fit(
        &self,
        recipe: Recipe<'_>,
        split: &Split,
        epochs_done: usize,
        checkpoints: Option<&Checkpoints>,
        tracking: &mut Tracking,
        screen: Screen,
    ) -> anyhow::Result<Autoencoder> {
        if self.network.is_linear() {
            let _busy = screen.busy("computing principal components");
            return recipe.fit_split(split).map_err(explained);
        }
        interrupt::work_begins();
        let mut progress = TrainingProgress::new(screen, recipe.config().epochs, split.training_samples(), epochs_done);
        let recipe = recipe.with_progress(|news| {
            if let Progress::Epoch { record, .. } = &news {
                tracking.epoch(record).iter().for_each(|said| progress.aside(said));
            }
            progress.update(news)
        });
        let recipe = match checkpoints {
            Some(Checkpoints { file, every }) => recipe.with_checkpoints(file, *every),
            None => recipe,
        };
        recipe.fit_split(split).map_err(explained)
    }
}

fn parse_validation(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|&part| part > 0.0 && part < 1.0)
        .ok_or_else(|| "a number between 0 and 1 is needed".into())
}
