//! A trained model and what it does: encode, decode, reconstruct, and say how far a reconstruction is off. It is `Send + Sync`,
//! holds no state but itself, and everything outside it is in the caller's own units.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::codec::Calibration;
use crate::dataset::Dataset;
use crate::network::vectorised::{squared_distance, vectorised};
use crate::network::{Architecture, ArchitectureError, Network, Program, Runner, Scratch};
use crate::scaling::Scaler;
use crate::schema::Schema;
use crate::training::{History, Task, TrainingConfig};

/// Rows that one thread passes through the network at a time: enough for full speed, few enough to stay in its cache and to give
/// every thread some. Fixed, so that a sample's result does not depend on the number of threads.
const BLOCK_ROWS: usize = 64;

/// Why a model cannot be used on some data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The samples have another number of values.
    #[error("the data has {found} values a sample, but the model was trained on {expected}")]
    Features {
        /// Values of a sample of the data.
        found: usize,
        /// What the model takes.
        expected: usize,
    },
    /// The samples have as many values in another shape.
    #[error("the data has samples of shape {found:?}, but the model was trained on {expected:?}")]
    Shape {
        /// Shape of a sample of the data.
        found: Vec<usize>,
        /// What the model takes.
        expected: Vec<usize>,
    },
    /// The table has other columns, or the same in another order.
    #[error("feature {position} of the data is {found:?}, but the model was trained with {expected:?} there")]
    Columns {
        /// The feature's number.
        position: usize,
        /// Its name in the data.
        found: String,
        /// Its name in the model.
        expected: String,
    },
    /// The codes have another length.
    #[error("the codes have {found} numbers each, but the model's have {expected}")]
    Codes {
        /// Numbers of a code given.
        found: usize,
        /// The model's latent size.
        expected: usize,
    },
    /// The output is of another kind than the input.
    #[error("the model makes no reconstruction of its input but something else, so there is nothing to compare")]
    NoReconstruction,
    /// What the layers compute is no sample.
    #[error("the model cannot decode a code alone: its layer {layer} also reads what only the sample has")]
    NeedsSample {
        /// The layer, such as `decoder.1`; `output` where the output is the sample less what the layers compute.
        layer: String,
    },
    /// The model has one size of samples for ever.
    #[error("the model cannot take images of this size")]
    Size(#[from] ArchitectureError),
    /// Each pixel of the model has a scale of its own.
    #[error(
        "the model scales each pixel by itself, so it takes images of one size alone\nhint: train it with unit scaling"
    )]
    ScaledByPixel,
    /// A value that nothing can be computed with.
    #[error("feature {feature} of sample {sample} is infinite")]
    Infinite {
        /// The sample's number.
        sample: usize,
        /// The feature's number.
        feature: usize,
    },
}

/// What a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// The data's name.
    pub name: String,
    /// Samples trained on.
    pub train_samples: usize,
    /// Samples validated on.
    pub validation_samples: usize,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Bytes of one value as stored: 1 for u8, 4 for f32.
    pub bytes_per_value: usize,
    /// SHA-256 of the training samples, see [`Dataset::fingerprint`].
    pub fingerprint: String,
}

impl DataRecord {
    pub(crate) fn of(train: &Dataset, validation: &Dataset, fingerprint: String) -> Self {
        Self {
            name: train.name().to_owned(),
            train_samples: train.len(),
            validation_samples: validation.len(),
            shape: train.shape().to_vec(),
            bytes_per_value: train.bytes_per_value(),
            fingerprint,
        }
    }
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The options of its training; `None` for a model in closed form.
    pub config: Option<TrainingConfig>,
    /// The epochs of its training; `None` for a model in closed form.
    pub history: Option<History>,
    /// The data it was trained on.
    pub data: DataRecord,
    /// Loss over the training samples, in scaled units; for a trained network the mean over the best epoch's steps.
    pub train_loss: f64,
    /// Loss over the validation samples, in scaled units.
    pub validation_loss: f64,
    /// Seconds that the training took. Not stored, so that the same training gives the same file.
    #[serde(skip)]
    pub seconds: f64,
}

/// A trained autoencoder.
///
/// The same sample gives the same bits, with any number of threads, alone or among others.
#[derive(Clone, Debug)]
pub struct Autoencoder {
    architecture: Architecture,
    pub(crate) network: Network,
    /// The same function ready for use.
    runner: Runner,
    scaler: Scaler,
    /// Where the output is no reconstruction.
    output_scaler: Option<Scaler>,
    schema: Option<Schema>,
    record: TrainingRecord,
    calibration: Option<Calibration>,
}

impl Autoencoder {
    pub(crate) fn new(
        architecture: Architecture,
        network: Network,
        scaler: Scaler,
        schema: Option<Schema>,
        record: TrainingRecord,
    ) -> Self {
        let runner = network.runner();
        Self { architecture, network, runner, scaler, output_scaler: None, schema, record, calibration: None }
    }

    /// The same model, whose output is scaled in its own way.
    pub(crate) fn with_output_scaler(self, output_scaler: Option<Scaler>) -> Self {
        Self { output_scaler, ..self }
    }

    /// The layers.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// How values are scaled on their way in, and back on their way out.
    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// How values on their way out are scaled back: as those on their way in, unless the model makes something else of its input.
    pub fn output_scaler(&self) -> &Scaler {
        self.output_scaler.as_ref().unwrap_or(&self.scaler)
    }

    /// The columns of the table it was trained on, where it was one.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// Where the model comes from.
    pub fn record(&self) -> &TrainingRecord {
        &self.record
    }

    /// What the model has learned to do. Files of older versions do not say it; of those it follows from what else they hold.
    pub fn task(&self) -> Task {
        let Some(config) = &self.record.config else { return Task::Copy };
        let targets = self.architecture.output_shape.is_some();
        config.task.unwrap_or_else(|| Task::of(config.corruption, targets, false))
    }

    /// Where its reconstructions err, where that was learned: see [`Calibration::from_held_out`].
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// The same model that also knows where its reconstructions err and how far its codes spread; stored with it.
    ///
    /// # Errors
    /// When the calibration is of another number of features or latents.
    pub fn with_calibration(mut self, calibration: Calibration) -> Result<Self, ModelError> {
        let (found, expected) = (calibration.residual_spread.len(), self.architecture.features());
        if found != expected {
            return Err(ModelError::Features { found, expected });
        }
        let (found, expected) = (calibration.code_spread.len(), self.architecture.latent());
        if found != expected {
            return Err(ModelError::Codes { found, expected });
        }
        self.calibration = Some(calibration);
        Ok(self)
    }

    /// What computes the model: nodes over numbered values, each with its tensors' places in the [parameters](Self::parameters).
    pub fn program(&self) -> &Program {
        &self.network.program
    }

    /// All weights, biases and statistics in one row, as the [program](Self::program)'s tensors name them.
    pub fn parameters(&self) -> &[f32] {
        &self.network.parameters
    }

    /// Weights and biases of layer `index`, counted as [`Architecture::layers`] does. Weights are a matrix: of a dense layer `inputs
    /// × outputs`, of a convolution `(kernel · kernel · channels in) × channels out`, of a transposed one `channels in × (kernel · kernel ·
    /// channels out)`; of a normalisation one row of scales. Layers without any have an empty one.
    ///
    /// # Panics
    /// When there is no such layer.
    pub fn weights(&self, index: usize) -> (ArrayView2<'_, f32>, ArrayView1<'_, f32>) {
        let node = &self.network.program.nodes()[index];
        let parameters = node.parameters_in(&self.network.parameters);
        let matrix = node.operation().matrix();
        let weight = ArrayView2::from_shape(matrix, parameters.weight).expect("a layer's range has its shape");
        (weight, ArrayView1::from(parameters.bias))
    }

    /// What a sample has become behind layer `index`, counted as [`Architecture::layers`] does, in the order of that layer's output
    /// shape: feature maps of a convolution, channels last.
    ///
    /// # Panics
    /// When there is no such layer, or the sample has another number of values.
    pub fn layer_output(&self, sample: &[f32], index: usize) -> Vec<f32> {
        assert_eq!(sample.len(), self.architecture.features(), "the sample must have the model's features");
        let mut scaled = sample.to_vec();
        self.scaler.transform_row(&mut scaled);
        let mut output = vec![0.0; self.network.program.nodes()[index].outputs()];
        let runner = Runner::of(self.network.clone());
        runner.forward(0..index + 1, &scaled, &mut output, &mut Scratch::default());
        output
    }

    /// The same model for images of another height and width: convolutions do not mind.
    ///
    /// # Errors
    /// When a layer is dense, when the strides do not divide the size, or when values are scaled pixel by pixel.
    pub fn for_shape(&self, shape: &[usize]) -> Result<Self, ModelError> {
        let architecture = self.architecture.for_shape(shape)?;
        let scaled = |scaler: &Scaler, values| scaler.for_features(values).ok_or(ModelError::ScaledByPixel);
        let scaler = scaled(&self.scaler, architecture.features())?;
        let output_scaler = self.output_scaler.as_ref().map(|own| scaled(own, architecture.outputs())).transpose()?;
        let network = Network::from_parameters(&architecture, self.network.parameters.clone())?;
        let (schema, record) = (self.schema.clone(), self.record.clone());
        let (before, program) = (&self.network.program, network.program.clone());
        let calibration = self.calibration.as_ref().map(|Calibration { residual_spread, code_spread }| Calibration {
            residual_spread: spread_over(residual_spread, before.shape(0), program.shape(0)),
            code_spread: spread_over(code_spread, before.shape(before.code()), program.shape(program.code())),
        });
        let model = Self::new(architecture, network, scaler, schema, record).with_output_scaler(output_scaler);
        Ok(Self { calibration, ..model })
    }

    /// Checks that the model can be used on `data`: number and shape of the values, and columns where both are known.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, data: &Dataset) -> Result<(), ModelError> {
        let expected = self.architecture.features();
        if data.features() != expected {
            return Err(ModelError::Features { found: data.features(), expected });
        }
        let shape = &self.architecture.input_shape;
        if data.shape() != shape && data.shape().len() > 1 && shape.len() > 1 {
            return Err(ModelError::Shape { found: data.shape().to_vec(), expected: shape.clone() });
        }
        if let (Some(known), Some(given)) = (&self.schema, data.schema())
            && let Some((position, expected, found)) = known.first_difference(given)
        {
            return Err(ModelError::Columns { position, found, expected });
        }
        Ok(())
    }

    /// The codes of samples: `samples × latent`.
    ///
    /// # Errors
    /// When the data does not fit the model.
    pub fn encode(&self, data: &Dataset) -> Result<Array2<f32>, ModelError> {
        let features = self.architecture.features();
        self.map(data, self.architecture.latent(), |session, scaled, codes| {
            session.forward(Part::Encoder, &scaled[..codes.len() / session.latent() * features], codes);
        })
    }

    /// The samples of codes (`samples × latent`), in the units of the data: `samples × features`.
    ///
    /// # Errors
    /// When the codes have another length.
    pub fn decode(&self, codes: ArrayView2<'_, f32>) -> Result<Array2<f32>, ModelError> {
        let (samples, expected) = (codes.nrows(), self.architecture.latent());
        if codes.ncols() != expected {
            return Err(ModelError::Codes { found: codes.ncols(), expected });
        }
        if let Some(layer) = self.architecture.needs_sample() {
            return Err(ModelError::NeedsSample { layer });
        }
        let codes = codes.as_standard_layout();
        let codes = codes.as_slice().expect("the standard layout is contiguous");
        let features = self.architecture.outputs();
        let mut output = Array2::zeros((samples, features));
        let rows = output.as_slice_mut().expect("a new array is contiguous");
        let together = self.runner.program().rows_together(BLOCK_ROWS);
        rows.par_chunks_mut(together * features)
            .zip(codes.par_chunks(together * expected))
            .for_each_init(|| self.session(), |session, (output, codes)| session.decode(codes, output));
        Ok(output)
    }

    /// The reconstructions of samples, in the units of the data: `samples × features`. Where the model makes something else of its
    /// input, that: `samples × outputs`.
    ///
    /// # Errors
    /// When the data does not fit the model.
    pub fn reconstruct(&self, data: &Dataset) -> Result<Array2<f32>, ModelError> {
        self.map(data, self.architecture.outputs(), |session, scaled, output| {
            session.forward(Part::Both, scaled, output);
            session.unscale(output);
        })
    }

    /// For each sample the mean squared error of its reconstruction over the features, in scaled units.
    ///
    /// # Errors
    /// When the data does not fit the model, and when the model makes something else of its input.
    pub fn reconstruction_error(&self, data: &Dataset) -> Result<Vec<f32>, ModelError> {
        if !self.task().reconstructs() {
            return Err(ModelError::NoReconstruction);
        }
        let errors = self.map(data, 1, |session, scaled, errors| session.errors_of_scaled(scaled, errors))?;
        Ok(errors.into_raw_vec_and_offset().0)
    }

    /// What one thread needs to use the model again and again without allocating.
    pub fn session(&self) -> Session<'_> {
        Session { model: self, scaled: Vec::new(), output: Vec::new(), scratch: Scratch::default() }
    }

    /// Calls `work` on blocks of scaled samples, in parallel, each with its rows of the output.
    fn map(
        &self,
        data: &Dataset,
        width: usize,
        work: impl Fn(&mut Session<'_>, &[f32], &mut [f32]) + Sync,
    ) -> Result<Array2<f32>, ModelError> {
        self.check(data)?;
        let features = self.architecture.features();
        let together = self.runner.program().rows_together(BLOCK_ROWS);
        let mut output = Array2::zeros((data.len(), width));
        let rows = output.as_slice_mut().expect("a new array is contiguous");
        let block = |(session, scaled): &mut (Session<'_>, Vec<f32>), (block, output): (usize, &mut [f32])| {
            let samples = output.len() / width;
            scaled.resize(samples * features, 0.0);
            for (row, scaled) in scaled.chunks_exact_mut(features).enumerate() {
                let sample = block * together + row;
                self.scaler.copy_scaled(data, sample, scaled);
                if let Some(feature) = first_not_finite(scaled) {
                    return Err(ModelError::Infinite { sample, feature });
                }
            }
            work(session, scaled, output);
            Ok(())
        };
        let state = || (self.session(), Vec::new());
        if data.len() <= together {
            // Waking another thread would take longer than the work.
            rows.chunks_mut(together * width).enumerate().try_for_each(|rows| block(&mut state(), rows))?;
        } else {
            rows.par_chunks_mut(together * width).enumerate().try_for_each_init(state, block)?;
        }
        Ok(output)
    }
}

/// Spreads of the values of one image for those of another: where the size is another, every pixel has the root mean square of its
/// channel.
fn spread_over(spread: &[f32], from: &[usize], to: &[usize]) -> Vec<f32> {
    if from == to {
        return spread.to_vec();
    }
    let channels = from.get(2).copied().unwrap_or(1);
    let of_channel = |channel: usize| {
        let squares = spread.iter().skip(channel).step_by(channels).map(|&value| f64::from(value) * f64::from(value));
        (squares.sum::<f64>() * channels as f64 / spread.len() as f64).sqrt() as f32
    };
    let each: Vec<f32> = (0..channels).map(of_channel).collect();
    each.iter().copied().cycle().take(to.iter().product()).collect()
}

/// The first value that is infinite or NaN; looks for where it is only when there is one.
fn first_not_finite(values: &[f32]) -> Option<usize> {
    let none = vectorised(
        #[inline(always)]
        || values.iter().fold(true, |finite, value| finite & value.is_finite()),
    );
    if none { None } else { values.iter().position(|value| !value.is_finite()) }
}

enum Part {
    Encoder,
    Decoder,
    Both,
}

/// A model with buffers of its own, for one thread: after the first call with as many samples, nothing is allocated. Samples and
/// codes are flat, row after row; missing values (NaN) become the training mean.
#[derive(Debug)]
pub struct Session<'a> {
    model: &'a Autoencoder,
    scaled: Vec<f32>,
    output: Vec<f32>,
    scratch: Scratch,
}

impl Session<'_> {
    /// Writes the codes of samples (`n × features`) into `codes` (`n × latent`).
    ///
    /// # Panics
    /// When the lengths do not belong together.
    pub fn encode(&mut self, samples: &[f32], codes: &mut [f32]) {
        assert_eq!(samples.len() * self.latent(), codes.len() * self.features(), "as many codes as samples");
        let scaled = self.scale(samples);
        self.forward(Part::Encoder, &scaled, codes);
        self.scaled = scaled;
    }

    /// Writes the samples of codes (`n × latent`) into `samples` (`n × features`).
    ///
    /// # Panics
    /// When the lengths do not belong together.
    pub fn decode(&mut self, codes: &[f32], samples: &mut [f32]) {
        let outputs = self.model.architecture.outputs();
        assert_eq!(samples.len() * self.latent(), codes.len() * outputs, "as many samples as codes");
        self.forward(Part::Decoder, codes, samples);
        self.unscale(samples);
    }

    /// Writes the reconstructions of samples (`n × features`) into `reconstructions`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn reconstruct(&mut self, samples: &[f32], reconstructions: &mut [f32]) {
        let outputs = self.model.architecture.outputs();
        let (given, made) = (samples.len() * outputs, reconstructions.len() * self.features());
        assert_eq!(given, made, "as many reconstructions as samples");
        let scaled = self.scale(samples);
        self.forward(Part::Both, &scaled, reconstructions);
        self.unscale(reconstructions);
        self.scaled = scaled;
    }

    /// Writes for each sample (`n × features`) the mean squared error of its reconstruction, in scaled units, into `errors`.
    ///
    /// # Panics
    /// When there are not as many errors as samples.
    pub fn reconstruction_error(&mut self, samples: &[f32], errors: &mut [f32]) {
        assert_eq!(samples.len(), errors.len() * self.features(), "as many errors as samples");
        let scaled = self.scale(samples);
        self.errors_of_scaled(&scaled, errors);
        self.scaled = scaled;
    }

    fn features(&self) -> usize {
        self.model.architecture.features()
    }

    fn latent(&self) -> usize {
        self.model.architecture.latent()
    }

    /// Scaled samples in the session's own buffer, which the caller gives back.
    fn scale(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut scaled = std::mem::take(&mut self.scaled);
        scaled.resize(samples.len(), 0.0);
        let rows = samples.chunks_exact(self.features()).zip(scaled.chunks_exact_mut(self.features()));
        rows.for_each(|(row, scaled)| self.model.scaler.transform_row_to(row, scaled));
        scaled
    }

    fn unscale(&self, samples: &mut [f32]) {
        let outputs = self.model.architecture.outputs();
        samples.chunks_exact_mut(outputs).for_each(|row| self.model.output_scaler().inverse_row(row));
    }

    fn forward(&mut self, part: Part, x: &[f32], y: &mut [f32]) {
        let runner = &self.model.runner;
        let nodes = match part {
            Part::Encoder => runner.program().encoder(),
            Part::Decoder => runner.program().decoder(),
            Part::Both => runner.program().all(),
        };
        runner.forward(nodes, x, y, &mut self.scratch);
    }

    fn errors_of_scaled(&mut self, scaled: &[f32], errors: &mut [f32]) {
        let features = self.features();
        let mut output = std::mem::take(&mut self.output);
        output.resize(scaled.len(), 0.0);
        self.forward(Part::Both, scaled, &mut output);
        for ((error, x), y) in errors.iter_mut().zip(scaled.chunks_exact(features)).zip(output.chunks_exact(features)) {
            *error = squared_distance(x, y) / features as f32;
        }
        self.output = output;
    }
}
