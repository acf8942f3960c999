//! Everything that report, figures and terminal say of a trained model, computed once: the network and PCA side by side on the
//! same unseen samples. Samples pass in chunks, so that memory does not grow with the data beyond two numbers a sample.

mod codes;
mod columns;
mod errors;
mod maps;
mod picks;
mod plane;
mod projection;
mod sizes;
mod traversal;
mod view;

use enkoder::{
    Architecture, Autoencoder, Dataset, ModelError, ModelFileError, Quantity, Results, Scaler, TrainingRecord,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use self::errors::ClassErrors;
pub use self::sizes::Sizes;

pub(crate) use self::columns::{Column, ColumnSummary, Columns, MOST_COLUMNS};
pub(crate) use self::errors::{ModelErrors, moments};
pub(crate) use self::maps::{ChannelPictures, What};
pub(crate) use self::picks::{Pick, PickGroup, SamplePicture};
pub(crate) use self::plane::Plane;
pub(crate) use self::projection::{PointClass, Projection};
pub(crate) use self::traversal::{MOST_DIMENSIONS, Traversal, Traversals};
pub(crate) use self::view::{View, Viewer};

use self::codes::CodeRanges;
use self::errors::{MeanErrors, Pass};
use self::maps::channel_pictures;
use crate::card::Card;
use crate::number::name;
use crate::picture::Layout;
use crate::preview;

/// Why a model could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// Nothing to evaluate on.
    #[error("there is no sample to evaluate on: give at least one")]
    NoSamples,
    /// The model does not fit the data, or failed on it.
    #[error("the autoencoder cannot be evaluated on \"{data}\"")]
    Model {
        /// What the data is called.
        data: String,
        /// What went wrong.
        #[source]
        source: ModelError,
    },
    /// The model's size on disk is not known, because it cannot be written.
    #[error("the autoencoder's size cannot be measured")]
    Size(#[from] ModelFileError),
    /// The baseline does not fit the data, or failed on it.
    #[error("the PCA baseline cannot be evaluated on \"{data}\"")]
    Baseline {
        /// What the data is called.
        data: String,
        /// What went wrong.
        #[source]
        source: ModelError,
    },
}

/// About how many values one buffer of a chunk of samples holds.
const CHUNK_VALUES: usize = 1 << 19;
/// How many samples are looked at where a picture or a percentile needs no more.
const MOST_SHOWN: usize = 3000;
/// Longest name of a class, column or data set that is shown.
pub(crate) const LONGEST_NAME: usize = 40;

/// What is known of the data evaluated on.
#[derive(Clone, Debug)]
pub(crate) struct DataFacts {
    pub(crate) name: String,
    pub(crate) samples: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) features: usize,
    pub(crate) is_u8: bool,
    pub(crate) missing: usize,
    pub(crate) range: (f32, f32),
    pub(crate) fingerprint: String,
    pub(crate) layout: Layout,
    /// What the values are, where the file says it.
    pub(crate) quantity: Option<Quantity>,
    /// Whether the caller gave the training samples, so that these are others.
    pub(crate) unseen: bool,
    /// Whether the features are columns of a table, which have no order.
    pub(crate) is_table: bool,
    pub(crate) classes: Vec<String>,
    /// For each class how many training (where given) and evaluated samples it has.
    pub(crate) class_counts: Vec<(Option<usize>, usize)>,
}

/// A trained autoencoder measured on samples it has not seen, beside PCA with as many numbers for a code.
///
/// All errors are mean squared errors over features and samples in the autoencoder's scaled units, the baseline's too.
/// Missing values count as the training mean, which is what the network was given in their place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluation {
    pub(crate) data: DataFacts,
    pub(crate) architecture: Architecture,
    pub(crate) baseline_latent: usize,
    pub(crate) record: TrainingRecord,
    pub(crate) card: Card,
    pub(crate) scaler: Scaler,
    pub(crate) network: ModelErrors,
    pub(crate) baseline: ModelErrors,
    pub(crate) mean: MeanErrors,
    pub(crate) classes: Vec<ClassErrors>,
    pub(crate) columns: Option<Columns>,
    pub(crate) samples: Vec<SamplePicture>,
    pub(crate) picks: Vec<PickGroup>,
    /// `None` of a model that cannot decode a code alone.
    pub(crate) codes: Option<Codes>,
    pub(crate) channels: Vec<ChannelPictures>,
}

/// What is known of the codes, the autoencoder's and the baseline's.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    pub(crate) projections: [Projection; 2],
    pub(crate) point_classes: Vec<PointClass>,
    pub(crate) traversals: [Traversals; 2],
    /// Of codes of two numbers, where samples are pictures.
    pub(crate) plane: Option<Plane>,
    pub(crate) sizes: Sizes,
}

impl Evaluation {
    /// Measures `autoencoder` and `baseline` (PCA, fitted with [`enkoder::fit_pca`]) on `validation`. The training samples,
    /// where given, tell what predicting their mean would cost and over which range a code is rounded to bytes; without
    /// them, the evaluated samples do. `seed` decides which samples are shown at random.
    ///
    /// Where the autoencoder's decoder needs more than a code ([`Architecture::needs_sample`]), all that is about codes is
    /// [left out](Self::left_out).
    ///
    /// Encodes and decodes the samples three times with each model; holds a few tens of megabytes.
    ///
    /// # Errors
    /// When there is no sample, or a model does not fit the data.
    pub fn new(
        autoencoder: &Autoencoder,
        baseline: &Autoencoder,
        train: Option<&Dataset>,
        validation: &Dataset,
        seed: u64,
    ) -> Result<Self, EvaluationError> {
        if validation.is_empty() || validation.features() == 0 {
            return Err(EvaluationError::NoSamples);
        }
        let of_model = |source| EvaluationError::Model { data: validation.name().to_owned(), source };
        let of_baseline = |source| EvaluationError::Baseline { data: validation.name().to_owned(), source };
        autoencoder.check(validation).map_err(of_model)?;
        baseline.check(validation).map_err(of_baseline)?;
        let train = train.filter(|train| !train.is_empty() && train.features() == validation.features());
        let reference = train.unwrap_or(validation);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);

        let data = DataFacts::of(validation, train, autoencoder);
        let decodes = autoencoder.architecture().needs_sample().is_none();
        let ranges = decodes.then(|| CodeRanges::of(autoencoder, reference)).transpose().map_err(of_model)?;
        let baseline_ranges = CodeRanges::of(baseline, reference).map_err(of_baseline)?;
        let shown = picks::spread(validation.len(), MOST_SHOWN, &mut rng);
        let scaler = autoencoder.scaler();
        let network = Pass { model: autoencoder, scaler, ranges: ranges.as_ref(), shown: &shown }.run(validation);
        let (network, codes) = network.map_err(of_model)?;
        let pass = Pass { model: baseline, scaler, ranges: Some(&baseline_ranges), shown: &shown };
        let (baseline_errors, baseline_codes) = pass.run(validation).map_err(of_baseline)?;
        let mean = MeanErrors::of(scaler, train, validation);
        let classes = ClassErrors::of(validation, &data.classes, &network, &baseline_errors);

        let viewer = Viewer::new(&data);
        let samples = picks::samples(validation, &data, &viewer, &mut rng);
        let models = [autoencoder, baseline];
        let errors = [&network, &baseline_errors];
        let picks = picks::groups(models, errors, validation, &data, &viewer, &mut rng)
            .map_err(|(is_baseline, source)| if is_baseline { of_baseline(source) } else { of_model(source) })?;
        let codes = if decodes {
            let point_classes = projection::point_classes(validation, &shown, &data.classes);
            Some(Codes {
                projections: [
                    Projection::of_codes(codes.view(), &point_classes),
                    Projection::of_first_components(baseline_codes.view(), &point_classes),
                ],
                traversals: [
                    traversal::of(autoencoder, codes.view(), scaler, &viewer).map_err(of_model)?,
                    traversal::of(baseline, baseline_codes.view(), scaler, &viewer).map_err(of_baseline)?,
                ],
                plane: plane::of(autoencoder, codes.view(), &viewer).map_err(of_model)?,
                point_classes,
                sizes: Sizes::of(autoencoder, validation, train.is_some())?,
            })
        } else {
            None
        };
        // Those in the model's file are of its own validation samples.
        let results = match train {
            Some(_) => Some(Results {
                samples: data.samples,
                mse: network.mse,
                pca_components: baseline.architecture().latent(),
                pca_mse: baseline_errors.mse,
                mean_mse: mean.mse,
            }),
            None => autoencoder.record().results,
        };
        Ok(Self {
            columns: (data.layout == Layout::Vector).then(|| Columns::of(reference)),
            channels: channel_pictures(autoencoder, validation, shown[0]),
            data,
            architecture: autoencoder.architecture().clone(),
            baseline_latent: baseline.architecture().latent(),
            record: autoencoder.record().clone(),
            card: Card::of(autoencoder, results.as_ref()),
            scaler: scaler.clone(),
            network,
            baseline: baseline_errors,
            mean,
            classes,
            samples,
            picks,
            codes,
        })
    }

    /// The number of samples evaluated.
    pub fn samples(&self) -> usize {
        self.data.samples
    }

    /// Mean squared error of the autoencoder.
    pub fn mse(&self) -> f64 {
        self.network.mse
    }

    /// Mean squared error of PCA.
    pub fn baseline_mse(&self) -> f64 {
        self.baseline.mse
    }

    /// Mean squared error of answering every sample with the mean of the training samples (or, where they were not given, of
    /// the evaluated ones).
    pub fn mean_mse(&self) -> f64 {
        self.mean.mse
    }

    /// Mean squared error of the autoencoder when each number of the code is rounded to one byte; `None` where a code alone cannot be
    /// decoded.
    pub fn quantised_mse(&self) -> Option<f64> {
        self.network.quantised_mse
    }

    /// How many times smaller the autoencoder's error is than PCA's; `None` where either is 0 or not finite.
    pub fn times_below_baseline(&self) -> Option<f64> {
        let ratio = self.baseline.mse / self.network.mse;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    /// Mean squared error of each sample, in the order of the samples.
    pub fn sample_errors(&self) -> &[f32] {
        &self.network.per_sample
    }

    /// Errors by class, in the order of the classes; classes without a sample are left out. Empty without labels.
    pub fn class_errors(&self) -> &[ClassErrors] {
        &self.classes
    }

    /// What a sample, a code and the model take in bytes; `None` where a code alone cannot be decoded.
    pub fn sizes(&self) -> Option<&Sizes> {
        self.codes.as_ref().map(|codes| &codes.sizes)
    }

    /// What is not shown of this model, and why, in a sentence; `None` where all is.
    pub fn left_out(&self) -> Option<String> {
        let layer = self.architecture.needs_sample()?;
        let why = if layer == "output" {
            "what it makes is taken from the sample".to_owned()
        } else {
            format!("{layer} reads more of the sample than its code")
        };
        Some(format!("Latent space, traversals and sizes are not shown: {why}, so a code alone cannot be decoded."))
    }

    /// A preview for a terminal `width` characters wide of unseen originals above their reconstructions; `colour` allows
    /// 24-bit ANSI colours. Every line ends with a line feed.
    pub fn preview(&self, width: usize, colour: bool) -> String {
        let picks = self.picks.last().map_or(&[][..], |group| &group.picks);
        let viewer = Viewer::new(&self.data);
        let scaled = |view: &View| viewer.comparable(view.clone(), &self.scaler);
        let scaled: Vec<[View; 2]> = picks.iter().map(|pick| [&pick.original, &pick.network].map(scaled)).collect();
        preview::of_views(scaled.iter().map(|views| views.each_ref()), width, colour)
    }

    /// Whether the model is not trained but computed, as PCA itself is.
    pub(crate) fn is_closed_form(&self) -> bool {
        self.record.is_closed_form()
    }
}

impl DataFacts {
    pub(crate) fn of(validation: &Dataset, train: Option<&Dataset>, autoencoder: &Autoencoder) -> Self {
        let summary = validation.summary();
        let finite = summary.min <= summary.max;
        let range = if validation.is_u8() {
            (0.0, 255.0)
        } else if !finite || (autoencoder.scaler().is_unit_interval() && summary.min >= 0.0 && summary.max <= 1.0) {
            (0.0, 1.0)
        } else {
            (summary.min, summary.max)
        };
        // Rows without a shape of their own have the shape that the model was trained on.
        let known = &autoencoder.architecture().input_shape;
        let shape = if validation.shape().len() > 1 { validation.shape() } else { known };
        let classes = validation.classes().unwrap_or_default();
        let count = |data: &Dataset| {
            let mut counts = vec![0usize; classes.len()];
            for class in (0..data.len()).filter_map(|index| data.label(index)) {
                if let Some(count) = counts.get_mut(class as usize) {
                    *count += 1;
                }
            }
            counts
        };
        let evaluated = count(validation);
        let trained = train.filter(|train| train.classes() == validation.classes()).map(count);
        let class_counts = evaluated
            .iter()
            .enumerate()
            .map(|(class, &evaluated)| (trained.as_ref().and_then(|trained| trained.get(class).copied()), evaluated));
        Self {
            name: name(validation.name(), LONGEST_NAME),
            samples: validation.len(),
            layout: Layout::of(shape),
            quantity: validation.quantity().cloned(),
            shape: shape.to_vec(),
            features: validation.features(),
            is_u8: validation.is_u8(),
            missing: summary.missing,
            range,
            fingerprint: validation.fingerprint(),
            unseen: train.is_some(),
            is_table: validation.schema().is_some(),
            class_counts: class_counts.collect(),
            classes: classes.iter().map(|class| name(class, LONGEST_NAME)).collect(),
        }
    }

    /// Whether samples are fields of a quantity rather than pictures: one number a pixel, neither a byte nor a brightness from 0 to 1.
    pub(crate) fn is_field(&self) -> bool {
        let has_one_value = matches!(self.layout, Layout::Image { channels: 1, .. });
        has_one_value && !self.is_u8 && (self.quantity.is_some() || self.range != (0.0, 1.0))
    }

    /// Whether the first row of a field lies in the south.
    pub(crate) fn south_first(&self) -> bool {
        self.quantity.as_ref().is_some_and(|quantity| quantity.south_first)
    }

    /// The quantity of fields with its unit, as `ts (K)`.
    pub(crate) fn quantity_in_words(&self) -> String {
        quantity_in_words(self.quantity.as_ref())
    }

    /// The name of the class with this number.
    pub(crate) fn class(&self, class: Option<u32>) -> Option<&str> {
        self.classes.get(class? as usize).map(String::as_str)
    }
}

/// A quantity with its unit, as `ts (K)`; `value` where nothing is known of it.
pub(crate) fn quantity_in_words(quantity: Option<&Quantity>) -> String {
    let Some(quantity) = quantity else { return "value".to_owned() };
    let unit = quantity.units.as_ref().map(|unit| format!(" ({})", name(unit, LONGEST_NAME)));
    name(&quantity.name, LONGEST_NAME) + &unit.unwrap_or_default()
}

/// How many samples a chunk has, so that no buffer becomes large.
pub(crate) fn chunk_rows(features: usize) -> usize {
    (CHUNK_VALUES / features.max(1)).clamp(1, 1024)
}
