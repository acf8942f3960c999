//! Saving and loading detectors: one safetensors file holds everything needed to score, decide and explain as before, to the
//! last bit on the same kind of machine. The container is that of all models; its kind is `enkoder.detector`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::choice::DetectorConfig;
use super::detector::Detector;
use super::error::AnomalyError;
use super::forecast::{Forecast, MOST_COLUMNS, PAST};
use super::marginal::Marginal;
use super::members::Members;
use super::outline::Outline;
use super::preparation::Preparation;
use super::residuals::ResidualNetwork;
use super::shapes::{Shapes, Way};
use super::surprise::Reference;
use super::threshold::CalibrationScores;
use super::timeline::SeriesColumns;
use super::unchanging::Unchanging;
use super::voices::{Reading, Voice, Voices};
use super::whitening::{Variances, Whitening};
use super::windows::Windows;
use crate::network::{Architecture, ArchitectureError, Network, Runner};
use crate::schema::Schema;
use crate::tensor_file::{TensorFile, TensorFileError};

const KIND: &str = "enkoder.detector";
const VERSION: u32 = 4;
/// What the tensors of the one larger network are called by.
const AUTOENCODER: &str = "autoencoder";
/// And those of the rows that others are compared with.
const NEIGHBOURS: &str = "neighbours";

/// Far more than learning ever gives, and few enough for finite sums.
const MOST_VOTES: f32 = 1e6;

/// Why a detector could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorFileError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] TensorFileError),
    /// An option that it was fitted with is out of its range.
    #[error("the detector is damaged: its options are none that it can have been fitted with")]
    Options(#[source] AnomalyError),
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
    #[serde(default)]
    rows_left_out: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    rows_empty: usize,
    chosen: String,
    preparation: Preparation,
    calibration_rows: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    calibration_ends: usize,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    rows_apart: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marginal: Option<MarginalMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linear: Option<LinearMetadata>,
    ensemble: Vec<NetworkMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    autoencoder: Option<NetworkMetadata>,
    /// Until version 3 every member had one vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    votes_of_autoencoder: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    neighbours: Option<NeighboursMetadata>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    readings: Vec<Reading>,
    /// Of those of the readings that are what a forecast leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forecasts: Vec<ForecastMetadata>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    voices: Vec<VoiceMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<Windows>,
    #[serde(default)]
    series: SeriesColumns,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn one() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == 1
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

#[derive(Serialize, Deserialize)]
struct VoiceMetadata {
    /// The number of its reading.
    reading: usize,
    /// Rows of its windows.
    length: usize,
    way: Way,
    /// Windows kept, or directions.
    rows: usize,
    reference: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    accuses: bool,
}

#[derive(Serialize, Deserialize)]
struct ForecastMetadata {
    /// The number of its reading.
    reading: usize,
    columns: Vec<Reading>,
    own: usize,
    unit: f32,
    scale: f32,
}

#[derive(Serialize, Deserialize)]
struct NeighboursMetadata {
    rows: usize,
    reference: usize,
}

impl Detector {
    /// Writes the detector to one file, replacing what stood there only when it is complete.
    ///
    /// # Errors
    /// When the file cannot be written; what stood under its name is then unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DetectorFileError> {
        Ok(TensorFile::save(path.as_ref(), KIND, VERSION, &self.metadata(), self.tensors())?)
    }

    /// The bytes that [`save`](Self::save) writes.
    ///
    /// # Errors
    /// When the detector is too large for the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DetectorFileError> {
        Ok(TensorFile::to_bytes(KIND, VERSION, &self.metadata(), self.tensors())?)
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
        metadata.config.validate().map_err(DetectorFileError::Options)?;
        let features = metadata.features;
        let preparation = metadata.preparation;
        if !preparation.is_sound(features) {
            return Err(DetectorFileError::Damaged("preparation of columns"));
        }
        let of_windows = metadata.windows.filter(|_| metadata.voices.is_empty());
        let length = of_windows.map_or(1, |windows| windows.length);
        if metadata.windows.is_some_and(|windows| windows.validate().is_err() || !features.is_multiple_of(length)) {
            return Err(DetectorFileError::Damaged("window"));
        }
        if !metadata.series.is_sound() {
            return Err(DetectorFileError::Damaged("usual step of the clock"));
        }
        if metadata.schema.as_ref().is_some_and(|schema| schema.features().checked_mul(length) != Some(features)) {
            return Err(DetectorFileError::Damaged("schema"));
        }
        let width = preparation.width();
        let unchanging = Unchanging::of(&preparation, metadata.config.unchanging);
        let mut members = Members { unchanging, ..Members::default() };
        if let Some(MarginalMetadata { costs, reference }) = metadata.marginal {
            if !costs.is_sound(&preparation.columns) {
                return Err(DetectorFileError::Damaged("histograms"));
            }
            members.marginal = Some((costs, take_reference(&mut file, "marginal", reference)?));
        }
        if let Some(linear) = metadata.linear {
            members.linear = Some(take_whitening(&mut file, "linear", linear, width)?);
        }
        for (number, network) in metadata.ensemble.into_iter().enumerate() {
            members.ensemble.push(take_network(&mut file, &network_name(number), network, width)?);
        }
        let autoencoder = metadata.autoencoder.map(|network| take_network(&mut file, AUTOENCODER, network, width));
        members.autoencoder = autoencoder.transpose()?;
        members.votes_of_autoencoder = metadata.votes_of_autoencoder.unwrap_or(1.0);
        if !(f32::MIN_POSITIVE..=MOST_VOTES).contains(&members.votes_of_autoencoder) {
            return Err(DetectorFileError::Damaged("votes of the autoencoder"));
        }
        if let Some(NeighboursMetadata { rows, reference }) = metadata.neighbours {
            if rows == 0 || width == 0 {
                return Err(DetectorFileError::Damaged("neighbours"));
            }
            let shapes = take_shapes(&mut file, NEIGHBOURS, Way::Nearest, rows, width)?;
            members.neighbours = Some((shapes, take_reference(&mut file, NEIGHBOURS, reference)?));
        }
        let mut readings = metadata.readings;
        for forecast in metadata.forecasts {
            let reading = readings.get_mut(forecast.reading).ok_or(DetectorFileError::Damaged("list of forecasts"))?;
            let number = forecast.reading;
            reading.forecast = Some(take_forecast(&mut file, number, forecast, metadata.windows)?.into());
        }
        let voices = take_voices(&mut file, readings, metadata.voices, features, metadata.windows)?;
        if members.is_empty() && voices.is_empty() {
            return Err(DetectorFileError::Damaged("list of members"));
        }
        let scores = file.take("calibration.scores", &[metadata.calibration_rows])?;
        if scores.is_empty() {
            return Err(DetectorFileError::Damaged("calibration"));
        }
        let ends = match metadata.calibration_ends {
            0 => None,
            count => Some(file.take("calibration.ends", &[count])?),
        };
        Ok(Self {
            config: metadata.config,
            features,
            schema: metadata.schema,
            rows_learned: metadata.rows_learned,
            rows_left_out: metadata.rows_left_out,
            rows_empty: metadata.rows_empty,
            chosen: metadata.chosen,
            preparation,
            members,
            voices,
            calibration: CalibrationScores::new(scores),
            calibration_of_ends: ends.map(CalibrationScores::new),
            rows_apart: metadata.rows_apart.max(1),
            judges_ends: false,
            windows: metadata.windows,
            series: metadata.series,
        })
    }

    fn metadata(&self) -> Metadata {
        let whitening = |whitening: &Whitening, reference: &Reference| LinearMetadata {
            variances: whitening.variances.clone(),
            directions: whitening.directions(),
            reference: reference.scores.len(),
        };
        let network = |(member, reference): &(ResidualNetwork, Reference)| NetworkMetadata {
            architecture: member.architecture.clone(),
            residuals: whitening(&member.whitening, reference),
        };
        let voice = |voice: &Voice| VoiceMetadata {
            reading: voice.reading,
            length: voice.outline.length,
            way: voice.shapes.way,
            rows: voice.shapes.count(),
            reference: voice.reference.scores.len(),
            accuses: voice.accuses,
        };
        let forecast = |(number, reading): (usize, &Reading)| {
            let Forecast { columns, own, unit, scale, .. } = &**reading.forecast.as_ref()?;
            Some(ForecastMetadata { reading: number, columns: columns.clone(), own: *own, unit: *unit, scale: *scale })
        };
        let Members { marginal, linear, ensemble, autoencoder, votes_of_autoencoder, neighbours, .. } = &self.members;
        let votes_of_autoencoder = autoencoder.as_ref().map(|_| *votes_of_autoencoder);
        Metadata {
            config: self.config.clone(),
            features: self.features,
            schema: self.schema.clone(),
            rows_learned: self.rows_learned,
            rows_left_out: self.rows_left_out,
            rows_empty: self.rows_empty,
            chosen: self.chosen.clone(),
            preparation: self.preparation.clone(),
            calibration_rows: self.calibration.scores().len(),
            rows_apart: self.rows_apart,
            calibration_ends: self.calibration_of_ends.as_ref().map_or(0, |ends| ends.scores().len()),
            marginal: marginal
                .as_ref()
                .map(|(costs, reference)| MarginalMetadata { costs: costs.clone(), reference: reference.scores.len() }),
            linear: linear.as_ref().map(|(linear, reference)| whitening(linear, reference)),
            readings: self.voices.readings.clone(),
            forecasts: self.voices.readings.iter().enumerate().filter_map(forecast).collect(),
            voices: self.voices.voices.iter().map(voice).collect(),
            windows: self.windows,
            series: self.series.clone(),
            ensemble: ensemble.iter().map(network).collect(),
            autoencoder: autoencoder.as_ref().map(network),
            votes_of_autoencoder: votes_of_autoencoder.filter(|&votes| votes != 1.0),
            neighbours: neighbours.as_ref().map(|(shapes, reference)| NeighboursMetadata {
                rows: shapes.count(),
                reference: reference.scores.len(),
            }),
        }
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>, &[f32])> {
        let mut tensors: Vec<(String, Vec<usize>, &[f32])> = Vec::new();
        let scores = self.calibration.scores();
        tensors.push(("calibration.scores".to_owned(), vec![scores.len()], scores));
        if let Some(ends) = &self.calibration_of_ends {
            tensors.push(("calibration.ends".to_owned(), vec![ends.scores().len()], ends.scores()));
        }
        let Members { marginal, linear, ensemble, autoencoder, neighbours, .. } = &self.members;
        if let Some((_, reference)) = marginal {
            add_reference(&mut tensors, "marginal", reference);
        }
        if let Some((whitening, reference)) = linear {
            add_whitening(&mut tensors, "linear", whitening, reference);
        }
        for (number, network) in ensemble.iter().enumerate() {
            add_network(&mut tensors, &network_name(number), network);
        }
        if let Some(network) = autoencoder {
            add_network(&mut tensors, AUTOENCODER, network);
        }
        if let Some((shapes, reference)) = neighbours {
            add_shapes(&mut tensors, NEIGHBOURS, shapes, reference);
        }
        for (number, Voice { shapes, reference, .. }) in self.voices.voices.iter().enumerate() {
            add_shapes(&mut tensors, &format!("voice{number}"), shapes, reference);
        }
        for (number, reading) in self.voices.readings.iter().enumerate() {
            if let Some(Forecast { weights, network, .. }) = reading.forecast.as_deref() {
                let name = forecast_name(number);
                tensors.push((format!("{name}.weights"), vec![weights.len()], weights));
                add_layers(&mut tensors, &name, network);
            }
        }
        tensors
    }
}

fn forecast_name(reading: usize) -> String {
    format!("forecast{reading}")
}

fn add_layers<'a>(tensors: &mut Vec<(String, Vec<usize>, &'a [f32])>, name: &str, network: &'a Runner) {
    for node in network.program().nodes() {
        for tensor in node.tensors() {
            let values = &network.parameters()[tensor.range.clone()];
            tensors.push((format!("{name}.{}.{}", node.name(), tensor.name), tensor.shape.clone(), values));
        }
    }
}

fn add_shapes<'a>(
    tensors: &mut Vec<(String, Vec<usize>, &'a [f32])>,
    name: &str,
    shapes: &'a Shapes,
    reference: &'a Reference,
) {
    tensors.push((format!("{name}.mean"), vec![shapes.parts()], &shapes.mean));
    tensors.push((format!("{name}.rows"), vec![shapes.count(), shapes.parts()], &shapes.rows));
    add_reference(tensors, name, reference);
}

fn add_reference<'a>(tensors: &mut Vec<(String, Vec<usize>, &'a [f32])>, name: &str, reference: &'a Reference) {
    let count = vec![reference.scores.len()];
    tensors.push((format!("{name}.reference.scores"), count.clone(), &reference.scores));
    tensors.push((format!("{name}.reference.surprises"), count, &reference.surprises));
}

fn network_name(number: usize) -> String {
    format!("network{number}")
}

fn add_network<'a>(
    tensors: &mut Vec<(String, Vec<usize>, &'a [f32])>,
    name: &str,
    (member, reference): &'a (ResidualNetwork, Reference),
) {
    add_layers(tensors, name, &member.network);
    tensors.push((format!("{name}.spread"), vec![member.spread.len()], &member.spread));
    add_whitening(tensors, name, &member.whitening, reference);
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

fn take_shapes(
    file: &mut TensorFile,
    name: &str,
    way: Way,
    rows: usize,
    parts: usize,
) -> Result<Shapes, DetectorFileError> {
    let mean = file.take(&format!("{name}.mean"), &[parts])?;
    Ok(Shapes::new(way, mean, file.take(&format!("{name}.rows"), &[rows, parts])?))
}

/// The voices of readings, which go with each other, with the columns and with the window.
fn take_voices(
    file: &mut TensorFile,
    readings: Vec<Reading>,
    metadata: Vec<VoiceMetadata>,
    features: usize,
    windows: Option<Windows>,
) -> Result<Voices, DetectorFileError> {
    let sound = readings.iter().all(|reading| reading.is_sound(features));
    let judges = |reading| metadata.iter().any(|voice| voice.reading == reading && !voice.accuses);
    let heard = (0..readings.len()).all(judges);
    if !sound || !heard {
        return Err(DetectorFileError::Damaged("list of readings"));
    }
    let mut voices = Vec::new();
    for (number, VoiceMetadata { reading, length, way, rows, reference, accuses }) in metadata.into_iter().enumerate() {
        let past = readings.get(reading).map_or(0, Reading::past);
        let fits = windows.is_some_and(|windows| (1..=windows.length.saturating_sub(past)).contains(&length));
        if reading >= readings.len() || !fits || (way == Way::Nearest && rows == 0) {
            return Err(DetectorFileError::Damaged("list of voices"));
        }
        let (outline, name) = (Outline::new(length), format!("voice{number}"));
        let shapes = take_shapes(file, &name, way, rows, outline.parts())?;
        let reference = take_reference(file, &name, reference)?;
        voices.push(Voice { reading, outline, shapes, reference, accuses });
    }
    Ok(Voices { readings, voices, ..Voices::default() })
}

fn take_network(
    file: &mut TensorFile,
    name: &str,
    NetworkMetadata { architecture, residuals }: NetworkMetadata,
    width: usize,
) -> Result<(ResidualNetwork, Reference), DetectorFileError> {
    architecture.validate()?;
    let [inputs, outputs] = [architecture.features(), architecture.outputs()];
    if inputs != width || outputs != width || architecture.residual || !architecture.is_dense() {
        return Err(DetectorFileError::Damaged("network"));
    }
    let network = take_layers(file, name, &architecture)?;
    let spread = file.take(&format!("{name}.spread"), &[width])?;
    if spread.iter().any(|&spread| spread <= 0.0) {
        return Err(DetectorFileError::Damaged("spread of residuals"));
    }
    let (whitening, reference) = take_whitening(file, name, residuals, width)?;
    Ok((ResidualNetwork { architecture, network, spread, whitening }, reference))
}

fn take_layers(file: &mut TensorFile, name: &str, architecture: &Architecture) -> Result<Runner, DetectorFileError> {
    let mut parameters = Vec::new();
    for (tensor, shape) in architecture.tensors() {
        parameters.extend(file.take(&format!("{name}.{tensor}"), &shape)?);
    }
    Ok(Network::from_parameters(architecture, parameters)?.runner())
}

/// A forecast, whose columns go with the reading's where the list of readings is checked.
fn take_forecast(
    file: &mut TensorFile,
    number: usize,
    ForecastMetadata { columns, own, unit, scale, .. }: ForecastMetadata,
    windows: Option<Windows>,
) -> Result<Forecast, DetectorFileError> {
    let positive = |value: f32| value > 0.0 && value.is_finite();
    let long = windows.is_some_and(|windows| windows.length > PAST);
    if !(1..=MOST_COLUMNS).contains(&columns.len())
        || own >= columns.len()
        || !positive(unit)
        || !positive(scale)
        || !long
    {
        return Err(DetectorFileError::Damaged("list of forecasts"));
    }
    let name = forecast_name(number);
    let weights = file.take(&format!("{name}.weights"), &[PAST * columns.len() + 1])?;
    let network = take_layers(file, &name, &Forecast::architecture(columns.len()))?;
    Ok(Forecast { columns, own, weights, unit, scale, network })
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
    if !whitening.is_sound() {
        return Err(DetectorFileError::Damaged("variances"));
    }
    Ok((whitening, take_reference(file, name, metadata.reference)?))
}
