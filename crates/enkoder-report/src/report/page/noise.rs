//! What the page says of noise: errors before and after it was taken out, and samples to look at.

use super::PAGE;
use crate::charts::Style;
use crate::evaluation::{Evaluation, View};
use crate::noise::NoiseEvaluation;
use crate::number::{count, significant};
use crate::palette::Ink;
use crate::picture::PictureError;

/// Samples that are no pictures take more room.
const MOST_DRAWN: usize = 3;

pub(super) struct NoiseSection {
    pub(super) sentence: String,
    pub(super) pictures: Option<String>,
    /// Samples that are no pictures, a drawing for each.
    pub(super) drawings: Vec<String>,
    pub(super) has_psnr: bool,
    pub(super) rows: Vec<[String; 3]>,
}

impl NoiseSection {
    pub(super) fn of(noise: &NoiseEvaluation, evaluation: &Evaluation) -> Result<Self, PictureError> {
        let favoured = " PCA was fitted to these samples without the noise, which favours it.";
        let sentence = format!(
            "{} was put on {} and taken out again. Errors are those from the clean samples.{}",
            noise.noise_in_words(),
            count(noise.samples(), "sample", "samples"),
            if noise.favours_pca() { favoured } else { "" },
        );
        let drawing = |views: &[View; 3]| match views {
            [View::Values(noisy), View::Values(out), View::Values(clean)] => {
                let series = [
                    ("noisy", Ink::Baseline, Style::Dashed, noisy),
                    ("clean", Ink::Training, Style::Solid, clean),
                    ("model", Ink::Network, Style::Solid, out),
                ];
                let label = "A noisy sample, what the model makes of it, and the clean sample";
                Some(evaluation.draw_values(label, series, PAGE))
            }
            _ => None,
        };
        let rows = noise.results().iter().map(|left| {
            let psnr = left.psnr.map_or_else(String::new, |psnr| format!("{psnr:.2} dB"));
            [left.name.clone(), significant(left.mse, 3), psnr]
        });
        Ok(Self {
            sentence,
            pictures: noise.draw_noise(PAGE)?,
            drawings: noise.shown.iter().filter_map(drawing).take(MOST_DRAWN).collect(),
            has_psnr: noise.results().iter().any(|left| left.psnr.is_some()),
            rows: rows.collect(),
        })
    }
}
