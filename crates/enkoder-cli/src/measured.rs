//! Which samples a model is measured on: those that it has not learned from, where the data holds them.

use enkoder::{Autoencoder, Dataset};

use crate::wording;

/// Which samples are measured, as far as the model's record tells what it has seen.
#[expect(clippy::large_enum_variant, reason = "there is only ever one")]
pub enum Measured {
    /// The validation samples of the data that the model was trained on.
    Validation { train: Dataset, validation: Dataset },
    /// All samples, and they are those that the model was trained on.
    Training,
    /// All samples, other ones than the model was trained on.
    Other,
    /// All samples; as many as the model was trained and validated on, but how they were split is not known.
    Unknown,
}

impl Measured {
    /// Of all `data`, what can be measured.
    pub fn of(model: &Autoencoder, data: &Dataset) -> Self {
        let record = &model.record().data;
        let all = record.train_samples + record.validation_samples;
        if data.len() == record.train_samples && data.fingerprint() == record.fingerprint {
            return Self::Training;
        }
        if data.len() != all {
            return Self::Other;
        }
        let seed = model.record().config.as_ref().map(|config| config.seed);
        let fraction = record.validation_samples as f64 / all as f64;
        match data.split(fraction, seed.unwrap_or(0)) {
            Ok((train, validation)) if train.fingerprint() == record.fingerprint => {
                Self::Validation { train, validation }
            }
            _ if seed.is_none() => Self::Unknown,
            _ => Self::Other,
        }
    }

    /// The samples to measure on.
    pub fn samples<'a>(&'a self, data: &'a Dataset) -> &'a Dataset {
        match self {
            Self::Validation { validation, .. } => validation,
            Self::Training | Self::Other | Self::Unknown => data,
        }
    }

    /// The samples that the model was trained on, where the data holds them.
    pub fn train(&self) -> Option<&Dataset> {
        match self {
            Self::Validation { train, .. } => Some(train),
            Self::Training | Self::Other | Self::Unknown => None,
        }
    }

    /// What they are, in two words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Validation { .. } => "validation samples",
            Self::Training => "training samples",
            Self::Other => "other samples",
            Self::Unknown => "all samples",
        }
    }

    /// What they are, before they are measured.
    pub fn to_text(&self, data: &Dataset) -> String {
        let what = wording::data(data);
        match self {
            Self::Validation { validation, .. } => format!(
                "{what}\nthe model was trained on this data: its {} validation samples were measured, from which it has not learned",
                wording::grouped(validation.len())
            ),
            Self::Training => {
                format!(
                    "{what}\nthese are the samples that the model was trained on: errors of unseen samples are larger"
                )
            }
            Self::Other => {
                format!("{what}\nthis is not the data that the model was trained on: all samples were measured")
            }
            Self::Unknown => {
                format!("{what}\nall samples were measured; the model may have been computed from some of them")
            }
        }
    }
}
