//! A trained model and what it does: encode, decode, reconstruct, and say how far a reconstruction is off. It is `Send + Sync`,
//! holds no state but itself, and everything outside it is in the caller's own units.

mod error;
mod imported;
mod record;
mod session;
mod verbs;

use ndarray::{ArrayView1, ArrayView2};

pub use self::error::ModelError;
pub use self::record::{DataRecord, Results, TrainingRecord};
pub use self::session::Session;

use crate::codec::Calibration;
use crate::network::{Architecture, Network, Program, Runner, Scratch};
use crate::scaling::Scaler;
use crate::schema::Schema;
use crate::training::Task;

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

    /// The same model that also tells what was measured of it; stored with it.
    pub fn with_results(mut self, results: Results) -> Self {
        self.record.results = Some(results);
        self
    }

    /// What computes the model: nodes over numbered values, each with its tensors' places in the [parameters](Self::parameters).
    pub fn program(&self) -> &Program {
        &self.network.program
    }

    /// All weights, biases and statistics in one row, as the [program](Self::program)'s tensors name them.
    pub fn parameters(&self) -> &[f32] {
        &self.network.parameters
    }

    /// The same layers with other numbers, such as [rounded](Self::parameters) ones.
    ///
    /// # Errors
    /// When they are not as many as before.
    pub fn with_parameters(self, parameters: Vec<f32>) -> Result<Self, ModelError> {
        let (found, expected) = (parameters.len(), self.network.parameters.len());
        if found != expected {
            return Err(ModelError::Parameters { found, expected });
        }
        let network = Network { parameters, ..self.network };
        Ok(Self { runner: network.runner(), network, ..self })
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
        let runner = Runner::of(&self.network);
        runner.forward(0..index + 1, &scaled, &mut output, &mut Scratch::default());
        output
    }

    /// The same model for samples whose numbers are stored in other units: a stored `x` means `x · scale + offset` in those of the
    /// model. A sample has as many parts of one length as there are pairs of scale and offset, which are finite, no scale being 0.
    ///
    /// A codec takes such numbers as they are stored, and the network still sees what it was trained on.
    ///
    /// # Errors
    /// When there is no pair, the parts are not of one length, or a number is too small or too large for such a scaling.
    pub fn for_packed(&self, packing: &[(f64, f64)]) -> Result<Self, ModelError> {
        let features = self.architecture.features();
        if packing.is_empty() || !features.is_multiple_of(packing.len()) {
            return Err(ModelError::Features { found: packing.len(), expected: features });
        }
        let scaler = self.scaler.for_packed(packing);
        scaler.validate(features)?;
        let part = features / packing.len();
        let calibration = self.calibration.clone().map(|calibration| {
            let spread = calibration.residual_spread.iter().enumerate();
            let residual_spread = spread.map(|(i, &x)| (f64::from(x) / packing[i / part].0.abs()) as f32).collect();
            Calibration { residual_spread, ..calibration }
        });
        Ok(Self { scaler, calibration, ..self.clone() })
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
