//! What a training is given: samples, with targets where it is to make something else of them, and with codes where they are known.

use super::batches::{Known, Samples};
use super::blocks::TrainingBlocks;
use super::error::TrainingError;
use crate::autoencoder::DataRecord;
use crate::dataset::Dataset;
use crate::network::{Architecture, image_shape};
use crate::scaling::{Scaler, Scaling};

/// Inputs, with targets where they are not the inputs themselves, and codes where they are known.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) inputs: &'a Dataset,
    pub(super) targets: Option<&'a Dataset>,
    pub(super) codes: Option<&'a Dataset>,
    /// All samples, where the inputs are only some of them, to be looked at.
    pub(super) blocks: Option<&'a TrainingBlocks>,
}

/// How each side of a pair is scaled; targets as inputs where nothing else is said.
#[derive(Clone, Copy)]
pub(super) struct Scalers<'a> {
    pub(super) inputs: &'a Scaler,
    pub(super) targets: Option<&'a Scaler>,
    pub(super) codes: Option<&'a Scaler>,
}

impl<'a> Pair<'a> {
    pub(super) fn of(inputs: &'a Dataset) -> Self {
        Self { inputs, targets: None, codes: None, blocks: None }
    }

    pub(super) fn of_blocks(blocks: &'a TrainingBlocks) -> Self {
        Self { blocks: Some(blocks), ..Self::of(blocks.sample()) }
    }

    /// How the inputs are scaled.
    pub(super) fn scaler(self, scaling: Scaling) -> Result<Scaler, TrainingError> {
        match self.blocks {
            Some(blocks) => blocks.scaler(scaling),
            None => Ok(Scaler::fit(scaling, self.inputs)?),
        }
    }

    /// The fingerprint of all inputs.
    pub(super) fn fingerprint(self) -> String {
        self.blocks.map_or_else(|| self.inputs.fingerprint(), |blocks| blocks.fingerprint().to_owned())
    }

    /// What is remembered of these training samples.
    pub(super) fn record(self, validation: Self, fingerprint: String) -> DataRecord {
        let record = DataRecord::of(self.inputs, validation.inputs, fingerprint);
        match self.blocks {
            Some(blocks) => {
                DataRecord { train_samples: blocks.len(), missing: 1.0 - blocks.share_observed(), ..record }
            }
            None => record,
        }
    }

    pub(super) fn samples(self, scalers: Scalers<'a>) -> Samples<'a> {
        let codes = self.codes.zip(scalers.codes).map(|(data, scaler)| Known { data, scaler });
        let samples = Samples { codes, ..Samples::new(self.inputs, scalers.inputs) };
        let samples = match self.blocks {
            Some(blocks) => samples.of_blocks(blocks),
            None => samples,
        };
        match self.targets {
            Some(targets) => samples.with_targets(targets, scalers.targets.unwrap_or(scalers.inputs)),
            None => samples,
        }
    }

    /// Checks that these samples can be learned from by this network, and that they are pairs.
    pub(super) fn check(self, what: &'static str, architecture: &Architecture) -> Result<(), TrainingError> {
        let expected = architecture.features();
        if self.inputs.is_empty() {
            return Err(TrainingError::Empty(what));
        }
        let outputs = architecture.outputs();
        if self.targets.is_none() && (outputs != expected || architecture.output_shape.is_some()) {
            return Err(TrainingError::NoTargets(outputs));
        }
        let Architecture { input_shape, output_shape, .. } = architecture;
        let sides = [
            (Some(self.inputs), expected, &input_shape[..]),
            (self.targets, outputs, output_shape.as_ref().unwrap_or(input_shape)),
            (self.codes, architecture.latent(), &[]),
        ];
        for (data, expected, shape) in sides {
            let Some(data) = data else { continue };
            if data.len() != self.inputs.len() {
                return Err(TrainingError::Pairs { what, inputs: self.inputs.len(), targets: data.len() });
            }
            if data.features() != expected {
                return Err(TrainingError::Features { what, found: data.features(), expected });
            }
            // A row of values has no shape; the codes are one.
            if let (Some(found), Some(wanted)) = (image_shape(data.shape()), image_shape(shape))
                && found != wanted
            {
                let (found, expected) = (data.shape().to_vec(), shape.to_vec());
                return Err(TrainingError::Shape { what, found, expected });
            }
            if let Some((sample, feature)) = data.first_infinite() {
                return Err(TrainingError::Infinite { what, sample, feature });
            }
        }
        Ok(())
    }

    /// Checks that the samples to validate with are of the same table as these.
    pub(super) fn check_columns(self, validation: Self) -> Result<(), TrainingError> {
        for (train, validation) in [(Some(self.inputs), Some(validation.inputs)), (self.targets, validation.targets)] {
            if let (Some(known), Some(given)) = (train.and_then(Dataset::schema), validation.and_then(Dataset::schema))
                && let Some((position, expected, found)) = known.first_difference(given)
            {
                return Err(TrainingError::Columns { position, found, expected });
            }
        }
        Ok(())
    }

    /// Checks that what is to be made of these samples lies from 0 to 1 once it is scaled.
    pub(super) fn check_unit_interval(self, scaler: &Scaler) -> Result<(), TrainingError> {
        if let Some(blocks) = self.blocks {
            // Scaling keeps the order of values, so that those between the extremes stay between them.
            let extremes = blocks.extremes()?;
            return match Pair::of(&extremes).check_unit_interval(scaler) {
                Err(TrainingError::Outside { feature, value, .. }) => Err(TrainingError::Reaches { feature, value }),
                other => other,
            };
        }
        let targets = self.targets.unwrap_or(self.inputs);
        let mut row = vec![0.0; targets.features()];
        for sample in 0..targets.len() {
            scaler.copy_scaled(targets, sample, &mut row);
            if let Some(feature) = row.iter().position(|value| !(0.0..=1.0).contains(value)) {
                return Err(TrainingError::Outside { sample, feature, value: row[feature] });
            }
        }
        Ok(())
    }
}
