//! Saving and loading detectors: one safetensors file holds everything needed to score, decide and explain as before, to the
//! last bit on the same kind of machine. The container is that of all models; its kind is `enkoder.detector`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::choice::DetectorConfig;
use super::detector::{Detector, Members};
use super::marginal::Marginal;
use super::preparation::Preparation;
use super::residuals::ResidualNetwork;
use super::surprise::Reference;
use super::threshold::Calibration;
use super::whitening::{Variances, Whitening};
use super::windows::Windows;
use crate::network::{Architecture, ArchitectureError, Network};
use crate::schema::Schema;
use crate::tensor_file::{TensorFile, TensorFileError};

const KIND: &str = "enkoder.detector";
const VERSION: u32 = 1;

/// Why a detector could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorFileError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] TensorFileError),
    /// A network's architecture is impossible.
    #[error("the architecture of one of the detector's networks is damaged")]
    Architecture(#[from] ArchitectureError),
    /// A part that does not go with the others.
    #[error("the detector is damaged: its {0} does not go with the rest")]
    Damaged(&'static str),
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    config: DetectorConfig,
    features: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Schema>,
    rows_learned: usize,
    chosen: String,
    preparation: Preparation,
    calibration_rows: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marginal: Option<MarginalMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linear: Option<LinearMetadata>,
    networks: Vec<NetworkMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<Windows>,
}

#[derive(Serialize, Deserialize)]
struct MarginalMetadata {
    costs: Marginal,
    reference: usize,
}

#[derive(Serialize, Deserialize)]
struct LinearMetadata {
    variances: Variances,
    directions: usize,
    reference: usize,
}

#[derive(Serialize, Deserialize)]
struct NetworkMetadata {
    architecture: Architecture,
    residuals: LinearMetadata,
}

impl Detector {
    /// Writes the detector to one file, replacing what stood there only when it is complete.
    ///
    /// # Errors
    /// When the file cannot be written; what stood under its name is then unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DetectorFileError> {
        let tensors = self.tensors();
        Ok(TensorFile::save(path.as_ref(), KIND, VERSION, &self.metadata(), borrowed(&tensors))?)
    }

    /// The bytes that [`save`](Self::save) writes.
    ///
    /// # Errors
    /// When the detector is too large for the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DetectorFileError> {
        let tensors = self.tensors();
        Ok(TensorFile::to_bytes(KIND, VERSION, &self.metadata(), borrowed(&tensors))?)
    }

    /// Reads a detector.
    ///
    /// # Errors
    /// When the file cannot be read, is no detector, is damaged, or was written by a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DetectorFileError> {
        Self::from_file(TensorFile::load(path.as_ref(), KIND, VERSION)?)
    }

    /// Reads a detector from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DetectorFileError> {
        Self::from_file(TensorFile::from_bytes(bytes, KIND, VERSION)?)
    }

    fn from_file(mut file: TensorFile) -> Result<Self, DetectorFileError> {
        let metadata: Metadata = file.metadata()?;
        let features = metadata.features;
        let preparation = metadata.preparation;
        if !preparation.is_sound(features) || preparation.width() == 0 {
            return Err(DetectorFileError::Damaged("preparation of columns"));
        }
        let length = metadata.windows.map_or(1, |windows| windows.length);
        if metadata.windows.is_some_and(|windows| windows.stride == 0 || windows.stride > windows.length) {
            return Err(DetectorFileError::Damaged("list of windows"));
        }
        if metadata.schema.as_ref().is_some_and(|schema| schema.features().checked_mul(length) != Some(features)) {
            return Err(DetectorFileError::Damaged("schema"));
        }
        let width = preparation.width();
        let mut members = Members::default();
        if let Some(MarginalMetadata { costs, reference }) = metadata.marginal {
            if !costs.is_sound(features, preparation.columns.len()) {
                return Err(DetectorFileError::Damaged("histograms"));
            }
            members.marginal = Some((costs, take_reference(&mut file, "marginal", reference)?));
        }
        if let Some(linear) = metadata.linear {
            members.linear = Some(take_whitening(&mut file, "linear", linear, width)?);
        }
        for (number, NetworkMetadata { architecture, residuals }) in metadata.networks.into_iter().enumerate() {
            architecture.validate()?;
            if architecture.features() != width {
                return Err(DetectorFileError::Damaged("network"));
            }
            let name = format!("network{number}");
            let mut parameters = Vec::new();
            for layer in architecture.layers() {
                parameters.extend(file.take(&format!("{name}.{}.weight", layer.name), &[layer.inputs, layer.outputs])?);
                parameters.extend(file.take(&format!("{name}.{}.bias", layer.name), &[layer.outputs])?);
            }
            let network = Network::from_parameters(&architecture, parameters)?;
            let spread = file.take(&format!("{name}.spread"), &[width])?;
            if spread.iter().any(|&spread| spread <= 0.0) {
                return Err(DetectorFileError::Damaged("spread of residuals"));
            }
            let (whitening, reference) = take_whitening(&mut file, &name, residuals, width)?;
            members.networks.push((ResidualNetwork { architecture, network, spread, whitening }, reference));
        }
        if members.is_empty() {
            return Err(DetectorFileError::Damaged("list of members"));
        }
        let scores = file.take("calibration.scores", &[metadata.calibration_rows])?;
        if scores.is_empty() {
            return Err(DetectorFileError::Damaged("calibration"));
        }
        Ok(Self {
            config: metadata.config,
            features,
            schema: metadata.schema,
            rows_learned: metadata.rows_learned,
            chosen: metadata.chosen,
            preparation,
            members,
            calibration: Calibration::new(scores),
            windows: metadata.windows,
        })
    }

    fn metadata(&self) -> Metadata {
        let whitening = |whitening: &Whitening, reference: &Reference| LinearMetadata {
            variances: whitening.variances.clone(),
            directions: whitening.directions(),
            reference: reference.scores.len(),
        };
        let Members { marginal, linear, networks } = &self.members;
        Metadata {
            config: self.config.clone(),
            features: self.features,
            schema: self.schema.clone(),
            rows_learned: self.rows_learned,
            chosen: self.chosen.clone(),
            preparation: self.preparation.clone(),
            calibration_rows: self.calibration.scores().len(),
            marginal: marginal
                .as_ref()
                .map(|(costs, reference)| MarginalMetadata { costs: costs.clone(), reference: reference.scores.len() }),
            linear: linear.as_ref().map(|(linear, reference)| whitening(linear, reference)),
            windows: self.windows,
            networks: networks
                .iter()
                .map(|(member, reference)| NetworkMetadata {
                    architecture: member.architecture.clone(),
                    residuals: whitening(&member.whitening, reference),
                })
                .collect(),
        }
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>, &[f32])> {
        let mut tensors: Vec<(String, Vec<usize>, &[f32])> = Vec::new();
        let scores = self.calibration.scores();
        tensors.push(("calibration.scores".to_owned(), vec![scores.len()], scores));
        let Members { marginal, linear, networks } = &self.members;
        if let Some((_, reference)) = marginal {
            add_reference(&mut tensors, "marginal", reference);
        }
        if let Some((whitening, reference)) = linear {
            add_whitening(&mut tensors, "linear", whitening, reference);
        }
        for (number, (member, reference)) in networks.iter().enumerate() {
            let name = format!("network{number}");
            for (summary, layer) in member.architecture.layers().into_iter().zip(&member.network.layers) {
                let parameters = &member.network.parameters;
                let shape = vec![summary.inputs, summary.outputs];
                tensors.push((format!("{name}.{}.weight", summary.name), shape, &parameters[layer.weight()]));
                tensors.push((
                    format!("{name}.{}.bias", summary.name),
                    vec![summary.outputs],
                    &parameters[layer.bias()],
                ));
            }
            tensors.push((format!("{name}.spread"), vec![member.spread.len()], &member.spread));
            add_whitening(&mut tensors, &name, &member.whitening, reference);
        }
        tensors
    }
}

fn borrowed<'a>(
    tensors: &'a [(String, Vec<usize>, &'a [f32])],
) -> impl Iterator<Item = (String, &'a [usize], &'a [f32])> {
    tensors.iter().map(|(name, shape, values)| (name.clone(), &shape[..], *values))
}

fn add_reference<'a>(tensors: &mut Vec<(String, Vec<usize>, &'a [f32])>, name: &str, reference: &'a Reference) {
    let count = vec![reference.scores.len()];
    tensors.push((format!("{name}.reference.scores"), count.clone(), &reference.scores));
    tensors.push((format!("{name}.reference.surprises"), count, &reference.surprises));
}

fn add_whitening<'a>(
    tensors: &mut Vec<(String, Vec<usize>, &'a [f32])>,
    name: &str,
    whitening: &'a Whitening,
    reference: &'a Reference,
) {
    let width = whitening.mean.len();
    tensors.push((format!("{name}.mean"), vec![width], &whitening.mean));
    tensors.push((format!("{name}.directions"), vec![whitening.directions(), width], &whitening.directions));
    add_reference(tensors, name, reference);
}

fn take_reference(file: &mut TensorFile, name: &str, count: usize) -> Result<Reference, DetectorFileError> {
    let scores = file.take(&format!("{name}.reference.scores"), &[count])?;
    let surprises = file.take(&format!("{name}.reference.surprises"), &[count])?;
    let reference = Reference { scores, surprises };
    if reference.is_sound() { Ok(reference) } else { Err(DetectorFileError::Damaged("reference of scores")) }
}

fn take_whitening(
    file: &mut TensorFile,
    name: &str,
    metadata: LinearMetadata,
    width: usize,
) -> Result<(Whitening, Reference), DetectorFileError> {
    let mean = file.take(&format!("{name}.mean"), &[width])?;
    let directions = file.take(&format!("{name}.directions"), &[metadata.directions, width])?;
    if !metadata.variances.are_sound(metadata.directions) {
        return Err(DetectorFileError::Damaged("variances"));
    }
    let whitening = Whitening::new(mean, directions, metadata.variances);
    Ok((whitening, take_reference(file, name, metadata.reference)?))
}
