//! What is worth a word before a training: choices that are allowed, and seldom what is meant.

use enkoder::{Architecture, Dataset};

use super::options::Kind;
use crate::wording::{counted, grouped};

/// So many weights for each number of the training samples are far more than these can settle.
const FAR_MORE: usize = 10;

/// What to say, a sentence each. `learns_more` tells that noise, hidden pixels, a penalty or targets give the network more to do than
/// to copy, so that a code may be as long as a sample.
pub fn doubts(
    architecture: &Architecture,
    train: &Dataset,
    samples: usize,
    kind: Option<Kind>,
    learns_more: bool,
) -> Vec<String> {
    let (latent, features) = (architecture.latent(), architecture.features());
    let has_code = architecture.needs_sample().is_none();
    let mut doubts = Vec::new();
    if has_code && !learns_more && latent >= features {
        doubts.push(format!(
            "a code of {latent} numbers is no shorter than a sample of {}: the network can copy without learning anything; \
             try --latent {}",
            counted(features, "value", "values"),
            (features / 2).max(1),
        ));
    }
    let weights = architecture.parameters();
    if has_code && weights / FAR_MORE > samples.saturating_mul(features) {
        let fitting = (samples / 2).clamp(1, 64);
        let instead = match kind {
            Some(Kind::Conv) => "a smaller --channels".to_owned(),
            _ => format!("--hidden {fitting}"),
        };
        doubts.push(format!(
            "{} weights for {} of {}: the network can learn these by heart; try {instead}, --arch linear, or more samples",
            grouped(weights),
            counted(samples, "training sample", "training samples"),
            counted(features, "value", "values"),
        ));
    }
    if kind == Some(Kind::Conv) && train.shape().len() > 1 {
        doubts.push(
            "`enkoder compress` takes no models with convolutions; leave out --arch conv for a model to compress with"
                .to_owned(),
        );
    }
    doubts
}
