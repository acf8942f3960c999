//! What a denoiser makes of clean pictures that noise was put on, beside the median filter and non-local means: PSNR and SSIM of
//! each, and crops to look at.

mod page;

use std::time::Instant;

use enkoder::denoising::{Denoiser, DenoisingError, Noise, NonLocalMeans, estimate_sigma, median};
use enkoder::metrics::{MetricError, psnr, ssim};

use crate::evaluation::View;
use crate::palette::Theme;
use crate::picture::{Layout, Picture, PictureError};
use crate::preview;
use crate::report::Figure;

/// Side of the window of the median filter.
const MEDIAN_WINDOW: usize = 3;
/// Side of a crop in pixels.
const CROP: usize = 96;
/// Crops are cut of so many pictures, the first ones.
const MOST_CROPS: usize = 6;
/// SSIM compares windows of so many pixels a side.
const SSIM_WINDOW: usize = 11;

/// What is done to a noisy picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Nothing.
    Noisy,
    /// The median over 3×3 pixels.
    Median,
    /// Non-local means, told how strong the noise is where that is known.
    NonLocalMeans,
    /// The model.
    Model,
}

impl Method {
    /// All, from the noisy picture to the model.
    pub const ALL: [Self; 4] = [Self::Noisy, Self::Median, Self::NonLocalMeans, Self::Model];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noisy => "noisy",
            Self::Median => "median 3×3",
            Self::NonLocalMeans => "non-local means",
            Self::Model => "this model",
        }
    }
}

/// How close a picture is to the clean one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quality {
    /// Peak signal-to-noise ratio in decibels; infinite where nothing differs.
    pub psnr: f64,
    /// Structural similarity, at most 1; nothing for pictures smaller than its window of 11×11 pixels.
    pub ssim: Option<f64>,
    /// How long the method took; 0 for the noisy picture.
    pub seconds: f64,
}

/// What came out for one picture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DenoisedPicture {
    /// What it is called.
    pub name: String,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// The standard deviation that non-local means was told, of 255 levels.
    pub sigma: f32,
    /// In the order of [`Method::ALL`].
    pub results: [Quality; 4],
}

/// Why a picture could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DenoisingEvaluationError {
    /// A method could not be used on it.
    #[error(transparent)]
    Denoising(#[from] DenoisingError),
    /// It cannot be compared.
    #[error(transparent)]
    Metric(#[from] MetricError),
}

/// The part of a picture that is shown: clean, and what each method made of it.
#[derive(Debug)]
pub(crate) struct Crops {
    pub(crate) name: String,
    pub(crate) clean: Picture,
    pub(crate) made: Vec<(Picture, f64)>,
}

/// A denoiser measured on clean pictures, one after the other; of each only numbers and, of the first ones, crops are kept.
#[derive(Debug)]
#[non_exhaustive]
pub struct DenoisingEvaluation {
    noise: Noise,
    seed: u64,
    pictures: Vec<DenoisedPicture>,
    pub(crate) crops: Vec<Crops>,
}

impl DenoisingEvaluation {
    /// With noise that `seed` makes; no picture yet.
    pub fn new(noise: Noise, seed: u64) -> Self {
        Self { noise, seed, pictures: Vec::new(), crops: Vec::new() }
    }

    /// Puts noise on a clean picture, whose `number` makes it together with the seed, and has it taken out. Values reach from 0 to
    /// `peak`. The noisy picture is not clipped, as in published results; what methods make of it is, to what a picture can hold.
    ///
    /// # Errors
    /// When these are no values of a picture, or the denoiser takes another number of channels.
    pub fn add(
        &mut self,
        denoiser: &Denoiser<'_>,
        (name, number): (&str, u32),
        clean: &[f32],
        shape: &[usize],
        peak: f32,
    ) -> Result<&DenoisedPicture, DenoisingEvaluationError> {
        let mut noisy = clean.to_vec();
        self.noise.apply(&mut noisy, peak, self.seed, number);
        let sigma = match self.noise.sigma(peak) {
            Some(sigma) => sigma,
            // What is too small to tell is too small to matter.
            None => match estimate_sigma(&noisy, shape) {
                Err(DenoisingError::TooSmall { .. }) => 0.0,
                sigma => sigma?,
            },
        };
        let measured = |method: Method| -> Result<(Vec<f32>, Quality), DenoisingEvaluationError> {
            let start = Instant::now();
            let mut made = match method {
                Method::Noisy => noisy.clone(),
                Method::Median => median(&noisy, shape, MEDIAN_WINDOW)?,
                Method::NonLocalMeans => NonLocalMeans::for_sigma(sigma, peak).denoise(&noisy, shape)?,
                Method::Model => denoiser.denoise(&noisy, shape, peak)?,
            };
            let seconds = if method == Method::Noisy { 0.0 } else { start.elapsed().as_secs_f64() };
            if method != Method::Noisy {
                made.iter_mut().for_each(|value| *value = value.clamp(0.0, peak));
            }
            let range = f64::from(peak);
            let ssim = match shape[..2].iter().all(|&side| side >= SSIM_WINDOW) {
                true => Some(ssim(clean, &made, shape, range)?),
                false => None,
            };
            let quality = Quality { psnr: psnr(clean, &made, range)?, ssim, seconds };
            Ok((made, quality))
        };
        // The model first: it is the one that may refuse.
        let model = measured(Method::Model)?;
        let all = [measured(Method::Noisy)?, measured(Method::Median)?, measured(Method::NonLocalMeans)?, model];
        if self.crops.len() < MOST_CROPS {
            self.crops.extend(crops(name, clean, &all, shape, peak));
        }
        let sigma = sigma / peak * 255.0;
        let results = all.map(|(_, quality)| quality);
        self.pictures.push(DenoisedPicture {
            name: name.to_owned(),
            height: shape[0],
            width: shape[1],
            sigma,
            results,
        });
        Ok(&self.pictures[self.pictures.len() - 1])
    }

    /// The noise that was put on.
    pub fn noise(&self) -> Noise {
        self.noise
    }

    /// The pictures measured, in their order.
    pub fn pictures(&self) -> &[DenoisedPicture] {
        &self.pictures
    }

    /// The mean over all pictures, of SSIM over those that have one; seconds are those of all pictures together. Nothing where no
    /// picture was measured.
    pub fn mean(&self, method: Method) -> Option<Quality> {
        let all = || self.pictures.iter().map(move |picture| picture.results[method as usize]);
        let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        Some(Quality {
            psnr: mean(all().map(|quality| quality.psnr).collect())?,
            ssim: mean(all().filter_map(|quality| quality.ssim).collect()),
            seconds: all().map(|quality| quality.seconds).sum(),
        })
    }

    /// Megapixels a second of a method over all pictures.
    pub fn megapixels_per_second(&self, method: Method) -> Option<f64> {
        let pixels: f64 = self.pictures.iter().map(|picture| (picture.height * picture.width) as f64).sum();
        let seconds = self.mean(method)?.seconds;
        (seconds > 0.0).then(|| pixels / 1e6 / seconds)
    }

    /// A preview for a terminal `width` characters wide of some crops: noisy, below them what the model makes of them, and clean. `colour`
    /// allows 24-bit ANSI colours. Every line ends with a line feed.
    pub fn preview(&self, width: usize, colour: bool) -> String {
        let views = |crops: &Crops| {
            let made = |method: Method| crops.made[method as usize].0.clone();
            [made(Method::Noisy), made(Method::Model), crops.clean.clone()].map(View::Picture)
        };
        let views: Vec<[View; 3]> = self.crops.iter().map(views).collect();
        preview::of_views(views.iter().map(|views| views.each_ref()), width, colour)
    }

    /// Crops of the first pictures beside each other, with the PSNR of the whole picture under each, as SVG on white; none where no
    /// picture is large enough to be seen.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn figures(&self) -> Result<Vec<Figure>, PictureError> {
        let drawing = self.draw_crops(Theme::Paper)?;
        Ok(drawing.map(|svg| Figure::svg("denoised", svg)).into_iter().collect())
    }
}

/// The same part of all, where it has most to show.
fn crops(name: &str, clean: &[f32], all: &[(Vec<f32>, Quality); 4], shape: &[usize], peak: f32) -> Option<Crops> {
    let (height, width) = (shape[0], shape[1]);
    let channels = clean.len() / (height * width);
    let corner = busiest(clean, [height, width, channels]);
    let cut = |values: &[f32]| {
        let (rows, columns) = (CROP.min(height), CROP.min(width));
        let row = |y: usize| &values[((corner[0] + y) * width + corner[1]) * channels..][..columns * channels];
        let values: Vec<f32> = (0..rows).flat_map(row).copied().collect();
        Picture::of_sample(&values, Layout::of(&[rows, columns, channels]), (0.0, peak), CROP)
    };
    let made = all.iter().map(|(values, quality)| Some((cut(values)?, quality.psnr))).collect::<Option<_>>()?;
    Some(Crops { name: name.to_owned(), clean: cut(clean)?, made })
}

/// The corner of the crop whose neighbouring pixels differ most.
fn busiest(values: &[f32], [height, width, channels]: [usize; 3]) -> [usize; 2] {
    let starts = |length: usize| (0..=length.saturating_sub(CROP)).step_by(CROP / 4);
    let busy = |top: usize, left: usize| -> f64 {
        let mut sum = 0.0;
        for y in top..(top + CROP).min(height) - 1 {
            for at in (y * width + left) * channels..(y * width + (left + CROP).min(width) - 1) * channels {
                let [right, below] = [values[at + channels], values[at + width * channels]];
                sum += f64::from((right - values[at]).abs() + (below - values[at]).abs());
            }
        }
        sum
    };
    let all = starts(height).flat_map(|top| starts(width).map(move |left| [top, left]));
    all.max_by(|a, b| busy(a[0], a[1]).total_cmp(&busy(b[0], b[1]))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use enkoder::{Architecture, Dataset, Trainer, TrainingConfig};
    use ndarray::Array2;

    fn scene(height: usize, width: usize) -> Vec<f32> {
        let value = |y: usize, x: usize| {
            let edge = if (x / 10).is_multiple_of(2) && x > width / 2 { 60.0 } else { 0.0 };
            100.0 + 50.0 * (y as f32 * 0.1).sin() + edge
        };
        (0..height).flat_map(|y| (0..width).map(move |x| value(y, x))).collect()
    }

    fn model() -> enkoder::Autoencoder {
        let values = Array2::from_shape_fn((64, 64), |(i, j)| ((i * 31 + j * 7) % 256) as u8);
        let data = Dataset::from_u8("bytes", values).unwrap().with_shape([8, 8]).unwrap();
        let config = TrainingConfig { epochs: 1, ..TrainingConfig::default() };
        Trainer::new(Architecture::denoiser([8, 8], 2, 2), config).fit(&data, &data).unwrap()
    }

    #[test]
    fn every_method_is_measured_on_the_same_noise_and_the_crop_is_where_there_is_most_to_see() {
        let (model, noise) = (model(), "gaussian:25".parse().unwrap());
        let denoiser = Denoiser::new(&model).unwrap();
        let mut evaluation = DenoisingEvaluation::new(noise, 3);
        assert_eq!(evaluation.mean(Method::Model), None);
        let clean = scene(100, 260);
        let first = evaluation.add(&denoiser, ("stripes", 0), &clean, &[100, 260], 255.0).unwrap().clone();
        assert_eq!((first.sigma, first.height, first.width), (25.0, 100, 260));
        // 20 log₁₀(255 / 25).
        assert!((first.results[0].psnr - 20.17).abs() < 0.1, "{:?}", first.results);
        assert!(first.results[1].psnr > first.results[0].psnr && first.results[2].psnr > first.results[1].psnr);
        assert!(busiest(&clean, [100, 260, 1])[1] >= 120);

        // Noise of another kind has its strength estimated, and what is small has no SSIM.
        let mut poisson = DenoisingEvaluation::new("poisson:30".parse().unwrap(), 3);
        assert!(poisson.add(&denoiser, ("p", 0), &clean, &[100, 260], 255.0).unwrap().sigma > 10.0);
        let small = evaluation.add(&denoiser, ("small", 1), &clean[..24], &[4, 6], 255.0).unwrap();
        assert!(small.results.iter().all(|quality| quality.ssim.is_none()));
        let mean = evaluation.mean(Method::Noisy).unwrap();
        assert_eq!(mean.ssim, first.results[0].ssim);
        assert!(evaluation.megapixels_per_second(Method::Model).unwrap() > 0.0);
        assert_eq!(evaluation.megapixels_per_second(Method::Noisy), None);
    }

    #[test]
    fn the_figure_is_a_well_formed_drawing_of_crops() {
        let model = model();
        let denoiser = Denoiser::new(&model).unwrap();
        let mut evaluation = DenoisingEvaluation::new("gaussian:25".parse().unwrap(), 3);
        assert!(evaluation.figures().unwrap().is_empty());
        let clean = scene(100, 120);
        evaluation.add(&denoiser, ("<stripes>", 0), &clean, &[100, 120], 255.0).unwrap();
        let colour: Vec<f32> = clean.iter().flat_map(|&value| [value, 255.0 - value, 0.0]).collect();
        evaluation.add(&denoiser, ("colour", 1), &colour, &[100, 120, 3], 255.0).unwrap();
        let figures = evaluation.figures().unwrap();
        let svg = String::from_utf8(figures[0].bytes.clone()).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("image")).count(), 10);
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        assert!(texts.contains(&"<stripes>") && texts.contains(&"non-local means"), "{texts:?}");

        let html = evaluation.to_html(&model, "enkoder eval <model>").unwrap();
        let xml = html.strip_prefix("<!DOCTYPE html>").unwrap();
        let page = roxmltree::Document::parse(xml).unwrap();
        assert_eq!(page.descendants().filter(|node| node.has_tag_name("image")).count(), 10);
        let cells: Vec<&str> = page.descendants().filter_map(|node| node.text()).collect();
        // A command's words stand apart, so that none is broken.
        for expected in ["Denoising, gaussian:25", "<stripes>", "100×120", "eval", "<model>", "megapixels a second"] {
            assert!(cells.contains(&expected), "{expected} in {cells:?}");
        }
    }
}
