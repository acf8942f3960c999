//! What a model fills in where a random part of the values was taken away, beside simpler ways: the training mean, the nearest
//! training samples, and principal components that are asked again and again (iterative PCA: Josse & Husson 2012).

use enkoder::{Autoencoder, Dataset, fill_from_nearest, fit_pca};
use ndarray::{Array2, Zip};
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::evaluation::moments;
use crate::palette::{MISSING, Theme};
use crate::picture::{Layout, Picture, PictureError};
use crate::report::Figure;
use crate::restoration::RestorationError;

/// So many samples are measured, drawn at random where there are more.
const MOST_SAMPLES: usize = 2000;
/// So many are shown.
const MOST_SHOWN: usize = 10;
/// Of so many nearest training samples the mean is taken.
const NEIGHBOURS: usize = 10;
/// Numbers of principal components that are tried.
const COMPONENTS: [usize; 4] = [10, 30, 100, 150];
/// How often principal components are asked.
const ITERATIONS: usize = 30;

/// What one way of filling reached.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Filled {
    /// What it is called.
    pub name: String,
    /// Mean squared error over what was missing, in the model's scaled units.
    pub mse: f64,
}

/// A model that fills in measured on samples of which a random part was taken away.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FillingEvaluation {
    fraction: f32,
    samples: usize,
    missing: usize,
    results: Vec<Filled>,
    /// Damaged, filled and whole pictures of some samples; empty where samples are no pictures.
    pub(crate) shown: Vec<[Picture; 3]>,
}

impl FillingEvaluation {
    /// Takes a random `fraction` of the values of up to 2,000 of the samples away, `seed` deciding which, and has them filled: by
    /// the model, and by what was learned from `train`, the samples that the model was trained on.
    ///
    /// # Errors
    /// When `fraction` does not lie between 0 and 1 or takes nothing away, and when the model does not fit the samples.
    pub fn new(
        model: &Autoencoder,
        train: &Dataset,
        samples: &Dataset,
        fraction: f32,
        seed: u64,
    ) -> Result<Self, RestorationError> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(RestorationError::Fraction(fraction));
        }
        let of_model = |source| RestorationError::Model { what: "fill", data: samples.name().to_owned(), source };
        model.check(samples).map_err(of_model)?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let chosen = index::sample(&mut random, samples.len(), samples.len().min(MOST_SAMPLES)).into_vec();
        let whole = samples.select(&chosen).to_array();
        // What was missing before cannot be measured, and counts as taken away for nobody.
        let damaged = whole.mapv(|value| if random.random::<f32>() < fraction { f32::NAN } else { value });
        let taken = Zip::from(&whole).and(&damaged).map_collect(|whole, damaged| damaged.is_nan() && !whole.is_nan());
        let missing = taken.iter().filter(|&&taken| taken).count();
        if missing == 0 {
            return Err(RestorationError::Undamaged { samples: chosen.len() });
        }

        let scaled = |samples: &Array2<f32>| model.scaler().transform(samples);
        let truth = scaled(&whole);
        let error = |filled: &Array2<f32>| {
            let squares = Zip::from(&truth).and(filled).and(&taken).fold(0.0, |sum, &truth, &filled, &taken| {
                if taken { sum + f64::from(filled - truth).powi(2) } else { sum }
            });
            squares / missing as f64
        };
        let mut results = Vec::new();
        let mut add = |name: String, filled: &Array2<f32>| results.push(Filled { name, mse: error(filled) });
        let mean: Vec<f32> = moments(model.scaler(), train).into_iter().map(|(mean, _)| mean as f32).collect();
        add("mean of all samples".to_owned(), &Array2::from_shape_fn(whole.dim(), |(_, feature)| mean[feature]));
        let neighbours = NEIGHBOURS.min(train.len());
        let data = Dataset::from_f32(samples.name(), damaged.clone()).expect("samples keep their values");
        let nearest = fill_from_nearest(&data, train, model.scaler(), neighbours);
        add(format!("{neighbours} nearest samples, their mean"), &scaled(&nearest));

        let mut best: Option<(usize, f64)> = None;
        let most = train.features().min(train.len().saturating_sub(1));
        for components in COMPONENTS.into_iter().filter(|&components| components <= most) {
            let pca = fit_pca(train, samples, components, model.scaler().kind())?;
            let mse = error(&scaled(&pca.fill(&data, ITERATIONS).map_err(of_model)?));
            if best.is_none_or(|(_, least)| mse < least) {
                best = Some((components, mse));
            }
        }
        let filled = model.fill(&data, model.fill_iterations()).map_err(of_model)?;
        let shown = shown(samples.shape(), [&damaged, &filled, &whole]);
        results.extend(
            best.map(|(components, mse)| Filled { name: format!("PCA, {components} components, iterated"), mse }),
        );
        results.push(Filled { name: "this model".to_owned(), mse: error(&scaled(&filled)) });
        Ok(Self { fraction, samples: chosen.len(), missing, results, shown })
    }

    /// The part of the values that was taken away.
    pub fn fraction(&self) -> f32 {
        self.fraction
    }

    /// How many samples were measured.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// How many values were taken away.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// What each way reached, the model last. Of principal components it is the number that does best here, which favours them.
    pub fn results(&self) -> &[Filled] {
        &self.results
    }

    /// Damaged samples, what the model makes of them and the whole ones below each other, as SVG on white; none where samples are
    /// no pictures.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn figures(&self) -> Result<Vec<Figure>, PictureError> {
        let drawing = self.draw_filled(Theme::Paper)?;
        Ok(drawing.map(|svg| Figure::svg("filled", svg)).into_iter().collect())
    }
}

/// The first samples as pictures: damaged, what is missing in a colour of its own, filled and whole.
fn shown(shape: &[usize], [damaged, filled, whole]: [&Array2<f32>; 3]) -> Vec<[Picture; 3]> {
    let layout = Layout::of(shape);
    let Layout::Image { width, height, channels } = layout else { return Vec::new() };
    let finite = || whole.iter().filter(|value| value.is_finite());
    let range = finite().fold((f32::MAX, f32::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    let picture = |values: &[f32]| Picture::of_sample(values, layout, range, usize::MAX);
    let rows = |samples: &Array2<f32>, row: usize| samples.row(row).to_vec();
    let all = (0..whole.nrows().min(MOST_SHOWN)).map(|row| {
        let values = rows(damaged, row);
        let grey = picture(&values)?;
        let colours = values.chunks_exact(channels).enumerate().map(|(at, pixel)| {
            if pixel.iter().any(|value| value.is_nan()) { MISSING } else { grey.colour(at % width, at / width) }
        });
        let damaged = Picture::from_colours(width, height, colours);
        Some([damaged, picture(&rows(filled, row))?, picture(&rows(whole, row))?])
    });
    all.collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use enkoder::Scaling;

    /// Pictures of 4×4 pixels that follow from two numbers each.
    fn pictures(count: usize, offset: usize) -> Dataset {
        let values = Array2::from_shape_fn((count, 16), |(i, j)| {
            let (a, b) = ((i + offset) as f32 * 0.37, (i + offset) as f32 * 0.11);
            128.0 + 60.0 * (a.sin() * (j as f32 * 0.4).cos() + b.cos() * (j as f32 * 0.7).sin())
        });
        Dataset::from_f32("<pictures>", values).unwrap().with_shape([4, 4]).unwrap()
    }

    #[test]
    fn what_is_missing_is_measured_for_every_way_of_filling_and_shown() {
        let (train, samples) = (pictures(300, 0), pictures(50, 1000));
        let model = fit_pca(&train, &train, 2, Scaling::Auto).unwrap();
        let filling = FillingEvaluation::new(&model, &train, &samples, 0.25, 1).unwrap();
        assert_eq!((filling.samples(), filling.fraction()), (50, 0.25));
        assert!((150..250).contains(&filling.missing()), "{}", filling.missing());
        let names: Vec<&str> = filling.results().iter().map(|filled| filled.name.as_str()).collect();
        let expected =
            ["mean of all samples", "10 nearest samples, their mean", "PCA, 10 components, iterated", "this model"];
        assert_eq!(names, expected);
        // The pictures lie on a plane, so its two components find it again; the mean leaves all of the variance.
        let [mean, .., own] = filling.results() else { panic!("{names:?}") };
        assert!(own.mse < 0.1 * mean.mse, "{:?}", filling.results());
        assert_eq!(filling.shown.len(), 10);
        assert_eq!(filling.shown[0][0].channels, 3);
        let again = FillingEvaluation::new(&model, &train, &samples, 0.25, 1).unwrap();
        assert_eq!(again.results(), filling.results());

        let figures = filling.figures().unwrap();
        let svg = String::from_utf8(figures[0].bytes.clone()).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("image")).count(), 30);
        assert!(document.descendants().any(|node| node.text() == Some("25\u{a0}% missing")), "{svg}");
    }

    #[test]
    fn parts_that_there_are_not_and_other_data_are_refused() {
        let train = pictures(100, 0);
        let model = fit_pca(&train, &train, 2, Scaling::Auto).unwrap();
        for fraction in [0.0, 1.0, -0.5, f32::NAN] {
            let error = FillingEvaluation::new(&model, &train, &train, fraction, 1).unwrap_err();
            assert!(matches!(error, RestorationError::Fraction(_)), "{error}");
        }
        let few = FillingEvaluation::new(&model, &train, &train.head(1), 1e-6, 1).unwrap_err();
        assert!(matches!(few, RestorationError::Undamaged { samples: 1 }), "{few}");
        let other = Dataset::from_f32("other", Array2::zeros((3, 5))).unwrap();
        let error = FillingEvaluation::new(&model, &train, &other, 0.5, 1).unwrap_err();
        assert!(matches!(error, RestorationError::Model { .. }), "{error}");
    }
}
