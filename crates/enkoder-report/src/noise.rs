//! Noise put on samples and taken out again, by the model and by principal components: errors before and after, and some samples
//! noisy, as they came out, and clean. For samples of one shape; pictures of any size are [`DenoisingEvaluation`](crate::DenoisingEvaluation)'s.

use enkoder::{Autoencoder, Corruption, Dataset, fit_pca};
use ndarray::Array2;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use crate::evaluation::{DataFacts, View, Viewer, chunk_rows};
use crate::number::{count, percent, short, significant};
use crate::preview;
use crate::restoration::RestorationError;

/// So many samples are shown.
const MOST_SHOWN: usize = 10;
/// Longest side of a picture that is shown.
const MOST_PIXELS: usize = 64;
/// Components beside a network that passes more than its code.
const MOST_COMPONENTS: usize = 32;

/// How far samples are from the clean ones.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NoiseLeft {
    /// What they are called: `noisy`, or what has taken the noise out.
    pub name: String,
    /// Mean squared error over values and samples, in the model's scaled units.
    pub mse: f64,
    /// Mean over the samples of the peak signal-to-noise ratio in decibels, where scaled values reach from 0 to 1.
    pub psnr: Option<f64>,
}

/// A model that takes noise out, measured on samples that noise was put on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NoiseEvaluation {
    noise: Corruption,
    /// Whether values are bytes, of which 255 is the range.
    of_bytes: bool,
    samples: usize,
    results: Vec<NoiseLeft>,
    favours_pca: bool,
    /// Some samples: noisy, as they came out of the model, and clean.
    pub(crate) shown: Vec<[View; 3]>,
}

/// Sums of one way over the samples.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    squares: f64,
    values: usize,
    psnr: f64,
    samples: usize,
}

impl NoiseEvaluation {
    /// Puts `noise`, whose level is in the model's scaled units, on the samples, `seed` making it, and has it taken out: by the model and
    /// by as many principal components as a code has numbers (at most 32 where more than a code reaches the decoder). These are fitted to
    /// `train`, the samples that the model was trained on, or, where they are not known, to the clean `samples` themselves, which favours
    /// them. A model that is principal components itself is measured alone.
    ///
    /// # Errors
    /// When the noise takes values away instead, there is nothing to put it on, or the model does not give such samples back.
    pub fn new(
        model: &Autoencoder,
        train: Option<&Dataset>,
        samples: &Dataset,
        noise: Corruption,
        seed: u64,
    ) -> Result<Self, RestorationError> {
        if matches!(noise, Corruption::Missing { .. } | Corruption::BlindSpots { .. }) {
            return Err(RestorationError::NoNoise(noise));
        }
        let of_model =
            |source| RestorationError::Model { what: "take noise out of", data: samples.name().to_owned(), source };
        model.check(samples).map_err(of_model)?;
        let scaler = model.scaler();
        let has_code = model.architecture().needs_sample().is_none();
        let to_fit = train.unwrap_or(samples);
        let most = to_fit.features().min(to_fit.len().saturating_sub(1));
        let components = model.architecture().latent().min(if has_code { most } else { most.min(MOST_COMPONENTS) });
        let is_pca = model.record().is_closed_form();
        let pca = match components {
            0 => None,
            _ if is_pca => None,
            _ => Some(fit_pca(to_fit, samples, components, scaler.kind())?),
        };
        let facts = DataFacts::of(samples, train, model);
        let viewer = Viewer::new(&facts);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let wanted = index::sample(&mut random, samples.len(), samples.len().min(MOST_SHOWN)).into_vec();

        let models: Vec<&Autoencoder> = pca.iter().chain([model]).collect();
        let mut sums = vec![Sums::default(); 1 + models.len()];
        let mut shown = Vec::new();
        let step = chunk_rows(samples.features());
        for first in (0..samples.len()).step_by(step) {
            let rows: Vec<usize> = (first..(first + step).min(samples.len())).collect();
            let clean = samples.select(&rows).to_array();
            let mut noisy = scaler.transform(&clean);
            for (mut row, &number) in noisy.rows_mut().into_iter().zip(&rows) {
                let row = row.as_slice_mut().expect("rows lie in a row");
                noise.damage(row, seed, number as u64);
                scaler.inverse_row(row);
            }
            // Noise tells nothing of what is missing.
            noisy.zip_mut_with(&clean, |noisy, clean| *noisy = if clean.is_nan() { f32::NAN } else { *noisy });
            let truth = scaler.transform(&clean);
            let made = models.iter().map(|model| model.reconstruct(&noisy)).collect::<Result<Vec<_>, _>>();
            let made = made.map_err(of_model)?;
            for (sums, made) in sums.iter_mut().zip([&noisy].into_iter().chain(&made)) {
                sums.add(&clean, &truth, &scaler.transform(made));
            }
            let out = made.last().expect("the model is the last");
            for (place, _) in rows.iter().enumerate().filter(|(_, row)| wanted.contains(row)) {
                let view = |samples: &Array2<f32>| {
                    viewer.comparable(viewer.view(&samples.row(place).to_vec(), MOST_PIXELS), scaler)
                };
                shown.push([view(&noisy), view(out), view(&clean)]);
            }
        }
        if sums[0].values == 0 {
            return Err(RestorationError::Undamaged { samples: samples.len() });
        }
        let components = pca.as_ref().map(|_| format!("PCA, {}", count(components, "component", "components")));
        let names = ["noisy".to_owned()].into_iter().chain(components).chain(["this model".to_owned()]);
        let is_unit = scaler.is_unit_interval();
        let results = names.zip(&sums).map(|(name, sums)| sums.result(name, is_unit)).collect();
        let favours_pca = pca.is_some() && train.is_none();
        Ok(Self { noise, of_bytes: samples.is_u8(), samples: samples.len(), results, favours_pca, shown })
    }

    /// The noise, its level in scaled units.
    pub fn noise(&self) -> Corruption {
        self.noise
    }

    /// The noise in words, with its units: `gaussian noise of sigma 0.1 in scaled units (25.5 of 255)`.
    pub fn noise_in_words(&self) -> String {
        let (_, level) = self.noise.level();
        let [low, high] = level.ends();
        let range = |in_words: &dyn Fn(f32) -> String| match low == high {
            true => in_words(low),
            false => format!("{} to {}", in_words(low), in_words(high)),
        };
        match self.noise {
            Corruption::Gaussian { .. } => {
                let of_bytes = format!(" ({} of 255)", range(&|sigma| significant(255.0 * f64::from(sigma), 3)));
                let sigma = range(&short);
                let of_bytes = if self.of_bytes { of_bytes } else { String::new() };
                format!("Gaussian noise of sigma {sigma} in scaled units{of_bytes}")
            }
            Corruption::Poisson { .. } => {
                format!("Poisson noise of {} counts at scaled value 1", range(&short))
            }
            Corruption::Masking { .. } => format!("masking of {} of the values", range(&|share| percent(share.into()))),
            Corruption::SaltAndPepper { .. } => {
                format!("salt and pepper on {} of the values", range(&|share| percent(share.into())))
            }
            other => other.to_string(),
        }
    }

    /// How many samples were measured.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Whether principal components were fitted to the clean samples themselves, which favours them.
    pub fn favours_pca(&self) -> bool {
        self.favours_pca
    }

    /// The noisy samples first, the model last.
    pub fn results(&self) -> &[NoiseLeft] {
        &self.results
    }

    /// A preview for a terminal `width` characters wide: some noisy samples, below them as they came out of the model, and below these clean.
    /// `colour` allows 24-bit ANSI colours. Every line ends with a line feed.
    pub fn preview(&self, width: usize, colour: bool) -> String {
        preview::of_views(self.shown.iter().map(|views| views.each_ref()), width, colour)
    }
}

impl Sums {
    /// Adds samples: what is missing among the clean ones is not measured.
    fn add(&mut self, clean: &Array2<f32>, truth: &Array2<f32>, made: &Array2<f32>) {
        for ((clean, truth), made) in clean.rows().into_iter().zip(truth.rows()).zip(made.rows()) {
            let known = clean.iter().zip(truth).zip(made).filter(|((clean, _), _)| !clean.is_nan());
            let (squares, values) = known.fold((0.0, 0), |(squares, values), ((_, truth), made)| {
                (squares + f64::from(made - truth).powi(2), values + 1)
            });
            self.squares += squares;
            self.values += values;
            // Identical samples have no finite ratio.
            if squares > 0.0 {
                self.psnr -= 10.0 * (squares / values as f64).log10();
                self.samples += 1;
            }
        }
    }

    fn result(&self, name: String, is_unit: bool) -> NoiseLeft {
        let psnr = (is_unit && self.samples > 0).then(|| self.psnr / self.samples as f64);
        NoiseLeft { name, mse: self.squares / self.values as f64, psnr }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enkoder::{Recipe, Scaling};

    /// Pictures of 6×6 pixels that follow from two numbers each.
    fn pictures(count: usize, offset: usize) -> Dataset {
        let values = Array2::from_shape_fn((count, 36), |(i, j)| {
            let (a, b) = ((i + offset) as f32 * 0.37, (i + offset) as f32 * 0.11);
            (128.0 + 50.0 * (a.sin() * (j as f32 * 0.4).cos() + b.cos() * (j as f32 * 0.7).sin())) as u8
        });
        Dataset::from_u8("<pictures>", values).unwrap().with_shape([6, 6]).unwrap()
    }

    #[test]
    fn noise_is_measured_before_and_after_it_is_taken_out() {
        let (train, samples) = (pictures(300, 0), pictures(500, 1000));
        let model = fit_pca(&train, &train, 2, Scaling::Auto).unwrap();
        let noise = Corruption::Gaussian { sigma: 0.1.into() };
        let measured = NoiseEvaluation::new(&model, Some(&train), &samples, noise, 1).unwrap();
        let [noisy, own] = measured.results() else { panic!("{:?}", measured.results()) };
        // The noise has its variance, of which a projection onto 2 of 36 directions leaves two.
        assert!((noisy.mse / 0.01 - 1.0).abs() < 0.03, "{noisy:?}");
        assert!((own.mse / (0.01 * 2.0 / 36.0) - 1.0).abs() < 0.1, "{own:?}");
        // 10 log₁₀(1 / 0.01), and the mean of a logarithm lies a little above.
        assert!((noisy.psnr.unwrap() - 20.1).abs() < 0.1 && own.psnr.unwrap() > 32.0, "{noisy:?} {own:?}");
        assert_eq!(measured.noise_in_words(), "Gaussian noise of sigma 0.1 in scaled units (25.5 of 255)");
        assert_eq!((measured.samples(), measured.shown.len()), (500, 10));
        assert_eq!(measured.preview(80, false).lines().filter(|line| line.is_empty()).count(), 2);
        let network = Recipe::dense(&[8], 2).epochs(1).fit(&train).unwrap();
        let results = [Some(&train), None].map(|train| {
            let measured = NoiseEvaluation::new(&network, train, &samples, noise, 1).unwrap();
            assert_eq!(measured.favours_pca(), train.is_none());
            measured.results().to_vec()
        });
        let [of_training, of_samples] = &results;
        // Components of the training samples are the model above.
        assert_eq!((of_training[1].name.as_str(), of_training[1].mse), ("PCA, 2 components", own.mse));
        assert_ne!(of_samples[1].mse, own.mse);
        assert!((of_samples[1].mse / own.mse - 1.0).abs() < 0.2, "{of_samples:?}");
        assert_eq!([&of_training[0], &of_training[2]], [&of_samples[0], &of_samples[2]]);
    }

    #[test]
    fn missing_values_are_not_measured_and_other_noise_is_refused() {
        let mut values = pictures(50, 0).to_array();
        values[[3, 5]] = f32::NAN;
        values.row_mut(4).fill(f32::NAN);
        let samples = Dataset::from_f32("gaps", values).unwrap();
        let model = fit_pca(&samples, &samples, 2, Scaling::Standard).unwrap();
        let noise = Corruption::Gaussian { sigma: 0.5.into() };
        let measured = NoiseEvaluation::new(&model, None, &samples, noise, 1).unwrap();
        assert!(measured.results().iter().all(|result| result.mse.is_finite() && result.psnr.is_none()));
        let missing = Corruption::Missing { fraction: 0.5.into() };
        let error = NoiseEvaluation::new(&model, None, &samples, missing, 1).unwrap_err();
        assert!(matches!(error, RestorationError::NoNoise(_)), "{error}");
    }
}
