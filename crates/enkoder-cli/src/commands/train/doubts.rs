//! What is worth a word before a training: choices that are allowed, and seldom what is meant.

use enkoder::{Architecture, Dataset, NetworkKind, TrainingConfig};

use crate::arguments::doubtful_noise;
use crate::wording::{counted, grouped};

/// So many weights for each number of the training samples are far more than these can settle.
const FAR_MORE: usize = 10;

/// A network of some kind, `None` where its layers come from a file, and the samples that it is to learn from.
pub struct Choice<'a> {
    pub kind: Option<NetworkKind>,
    pub architecture: &'a Architecture,
    pub config: &'a TrainingConfig,
    pub train: &'a Dataset,
    /// Training samples, of which `train` has some where they are read in blocks.
    pub samples: usize,
    pub has_targets: bool,
}

impl Choice<'_> {
    /// What to say, a sentence each.
    pub fn doubts(&self) -> Vec<String> {
        [self.long_code(), self.many_weights(), self.noise()].into_iter().flatten().collect()
    }

    /// Noise, hidden pixels, a penalty or targets give the network more to do than to copy, so that a code may then be as long as a sample.
    fn long_code(&self) -> Option<String> {
        let (latent, features) = (self.architecture.latent(), self.architecture.features());
        let learns_more = self.config.corruption.is_some() || self.config.penalty.is_some() || self.has_targets;
        if !self.has_code() || learns_more || latent < features {
            return None;
        }
        Some(format!(
            "a code of {latent} numbers is no shorter than a sample of {}: the network can copy without learning anything; {}",
            counted(features, "value", "values"),
            match self.kind {
                Some(_) => format!("try --latent {}", (features / 2).max(1)),
                None => "give the last layer of the encoder fewer units".to_owned(),
            },
        ))
    }

    fn many_weights(&self) -> Option<String> {
        let (weights, features) = (self.architecture.parameters(), self.architecture.features());
        if !self.has_code() || weights / FAR_MORE <= self.samples.saturating_mul(features) {
            return None;
        }
        let instead = match self.kind {
            Some(NetworkKind::Conv) => "a smaller --channels or --latent".to_owned(),
            Some(_) => format!("--hidden {}", (self.samples / 2).clamp(1, 64)),
            None => "smaller layers".to_owned(),
        };
        Some(format!(
            "{} weights for {} of {}: the network can learn these by heart; try {instead}, --arch linear, or more samples",
            grouped(weights),
            counted(self.samples, "training sample", "training samples"),
            counted(features, "value", "values"),
        ))
    }

    fn noise(&self) -> Option<String> {
        // Of other data it is not known yet how it is scaled.
        let is_unit = self.train.is_u8() || self.kind == Some(NetworkKind::Denoiser);
        doubtful_noise(self.config.corruption.filter(|_| is_unit)?, self.kind == Some(NetworkKind::Denoiser))
    }

    /// Whether all that the decoder sees is a code.
    fn has_code(&self) -> bool {
        self.architecture.needs_sample().is_none()
    }
}
