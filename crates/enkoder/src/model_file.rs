//! Saving and loading: one safetensors file holds everything needed to use a model. `docs/model-format.md` is its specification.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::autoencoder::{Autoencoder, ModelError, TrainingRecord};
use crate::codec::Calibration;
use crate::network::{Architecture, ArchitectureError, Network};
use crate::scaling::{Scaler, ScalerError};
use crate::schema::Schema;
use crate::tensor_file::{TensorFile, TensorFileError};

const KIND: &str = "enkoder.autoencoder";
const VERSION: u32 = 1;
/// An optional tensor, one value a feature: where reconstructions err.
const RESIDUAL_SPREAD: &str = "calibration.residual_spread";
const CODE_SPREAD: &str = "calibration.code_spread";

/// Why a model could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] TensorFileError),
    /// The architecture in it is impossible.
    #[error("the model's architecture is damaged")]
    Architecture(#[from] ArchitectureError),
    /// The scaler in it is damaged.
    #[error("the model's scaler is damaged")]
    Scaler(#[from] ScalerError),
    /// It makes something else of its input, but does not say how that is scaled, or the other way round.
    #[error("the model's output has a shape of its own but no scaling, or the other way round")]
    OutputScaler,
    /// A normalisation's running variance is negative.
    #[error("layer {0} of the model has a negative variance")]
    Variance(String),
    /// What it knows of its errors is of another network.
    #[error("the model's calibration is damaged")]
    Calibration(#[from] ModelError),
    /// The columns in it are not those of the network.
    #[error("the model's columns make {columns} features, but its network takes {features}")]
    Schema {
        /// The columns' features.
        columns: usize,
        /// The network's.
        features: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    architecture: Architecture,
    scaler: Scaler,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_scaler: Option<Scaler>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Schema>,
    training: TrainingRecord,
}

impl Autoencoder {
    /// Writes the model to one file, replacing what stood there only when it is complete. The same training gives the same bytes.
    ///
    /// # Errors
    /// When the file cannot be written; what stood under its name is then unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        Ok(TensorFile::save(path.as_ref(), KIND, VERSION, &self.metadata(), self.tensors())?)
    }

    /// The bytes that [`save`](Self::save) writes.
    ///
    /// # Errors
    /// When the model is too large for the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        Ok(TensorFile::to_bytes(KIND, VERSION, &self.metadata(), self.tensors())?)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// When the file cannot be read, is no model, is damaged, or was written by a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        Self::from_file(TensorFile::load(path.as_ref(), KIND, VERSION)?)
    }

    /// Reads a model from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        Self::from_file(TensorFile::from_bytes(bytes, KIND, VERSION)?)
    }

    fn from_file(mut file: TensorFile) -> Result<Self, ModelFileError> {
        let Metadata { architecture, scaler, output_scaler, schema, training } = file.metadata()?;
        architecture.validate()?;
        scaler.validate(architecture.features())?;
        match (&output_scaler, &architecture.output_shape) {
            (Some(scaler), Some(_)) => scaler.validate(architecture.outputs())?,
            (None, None) => {}
            _ => return Err(ModelFileError::OutputScaler),
        }
        if let Some(schema) = &schema
            && schema.features() != architecture.features()
        {
            return Err(ModelFileError::Schema { columns: schema.features(), features: architecture.features() });
        }
        // The tensors are taken before the network is made: a file cannot claim more parameters than it holds.
        let mut parameters = Vec::new();
        for (name, shape) in architecture.tensors() {
            parameters.extend(file.take(&name, &shape)?);
        }
        let network = Network::from_parameters(&architecture, parameters)?;
        if let Some(node) = network.node_of_negative_variance() {
            return Err(ModelFileError::Variance(node.name().to_owned()));
        }
        let calibration = if file.has(RESIDUAL_SPREAD) {
            let residual_spread = file.take(RESIDUAL_SPREAD, &[architecture.features()])?;
            Some(Calibration { residual_spread, code_spread: file.take(CODE_SPREAD, &[architecture.latent()])? })
        } else {
            None
        };
        let model = Self::new(architecture, network, scaler, schema, training).with_output_scaler(output_scaler);
        match calibration {
            Some(calibration) => Ok(model.with_calibration(calibration)?),
            None => Ok(model),
        }
    }

    fn metadata(&self) -> Metadata {
        Metadata {
            architecture: self.architecture().clone(),
            scaler: self.scaler().clone(),
            output_scaler: self.architecture().output_shape.as_ref().map(|_| self.output_scaler().clone()),
            schema: self.schema().cloned(),
            training: self.record().clone(),
        }
    }

    fn tensors(&self) -> impl Iterator<Item = (String, Vec<usize>, &[f32])> {
        let mut parameters = &self.network.parameters[..];
        let layers = self.architecture().tensors().into_iter().map(move |(name, shape)| {
            let (values, rest) = parameters.split_at(shape.iter().product());
            parameters = rest;
            (name, shape, values)
        });
        let calibration = self.calibration().into_iter().flat_map(|calibration| {
            let Calibration { residual_spread, code_spread } = calibration;
            [(RESIDUAL_SPREAD, residual_spread), (CODE_SPREAD, code_spread)]
                .map(|(name, values)| (name.to_owned(), vec![values.len()], &values[..]))
        });
        layers.chain(calibration)
    }
}
