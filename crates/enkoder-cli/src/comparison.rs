//! A model beside its baselines on the same samples: principal components with as many numbers for a code, and the mean sample.
//! What `train` and `eval` print, and what the report is made of.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use enkoder::{Autoencoder, Dataset, Results, fit_pca};
use enkoder_data::export::{Overwrite, write_atomically};
use enkoder_data::{DataError, shown_name};
use enkoder_report::{CodecEvaluation, Evaluation, FillingEvaluation, NoiseEvaluation, Report};
use serde_json::{Value, json};

use crate::failure::Usage;
use crate::file_output::is_stdout;
use crate::screen::{FAINT, STRONG, Screen};
use crate::wording;

/// Components of the baseline beside a network that passes more than its code.
const MOST_COMPONENTS: usize = 32;

/// So many times the error of the mean is none of a network that is only at its beginning.
const RUN_AWAY: f64 = 100.0;

/// Where the baseline learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitted {
    /// On the samples that the model was trained on.
    OnTraining,
    /// On the very samples that it is measured on.
    OnMeasured,
}

/// What else was measured, as sections of the report.
#[derive(Clone, Copy, Default)]
pub struct Sections<'a> {
    pub filling: Option<&'a FillingEvaluation>,
    pub noise: Option<&'a NoiseEvaluation>,
    pub codec: Option<&'a CodecEvaluation>,
    /// The file of the explorer beside the report.
    pub explorer: Option<&'a str>,
}

/// What was measured.
pub struct Comparison {
    pub evaluation: Evaluation,
    fitted: Fitted,
    components: usize,
    /// The model's and the baseline's mean squared error on the training samples.
    train: Option<(f64, f64)>,
    closed_form: bool,
    /// Whether the model has learned from samples that were damaged; those it is measured on are not.
    trained_with_noise: bool,
    /// What 1 of the scaled values is in the data, and its units, where all values of numbers are scaled alike.
    unit: Option<(f64, Option<String>)>,
}

impl Comparison {
    /// Measures on `samples`. `train` are the samples that the model was trained on, where they are known; without them the
    /// baseline is fitted to `samples` themselves. Nothing where there are too few samples for a baseline.
    pub fn new(
        model: &Autoencoder,
        train: Option<&Dataset>,
        samples: &Dataset,
        seed: u64,
        screen: Screen,
    ) -> anyhow::Result<Option<Self>> {
        let _busy = screen.busy("comparing with principal components");
        let to_fit = train.unwrap_or(samples);
        let most = to_fit.features().min(to_fit.len().saturating_sub(1));
        // What a network passes beside its code has no length that components could have, too.
        let beside_code = model.architecture().needs_sample().is_some();
        let latent = model.architecture().latent();
        let components = if beside_code { latent.min(MOST_COMPONENTS) } else { latent }.min(most);
        if components == 0 {
            screen.note("no comparison with principal components, which need at least 2 samples");
            return Ok(None);
        }
        let closed_form = model.record().is_closed_form();
        let baseline = if closed_form {
            model.clone()
        } else {
            fit_pca(to_fit, samples, components, model.scaler().kind())
                .context("the principal components to compare with could not be computed")?
        };
        let mean_error = |model: &Autoencoder, data: &Dataset| -> anyhow::Result<f64> {
            let errors = model.reconstruction_error(data)?;
            Ok(errors.iter().map(|&error| f64::from(error)).sum::<f64>() / errors.len() as f64)
        };
        Ok(Some(Self {
            evaluation: Evaluation::new(model, &baseline, train, samples, seed)?,
            fitted: if train.is_some() { Fitted::OnTraining } else { Fitted::OnMeasured },
            components,
            train: train
                .map(|train| anyhow::Ok((mean_error(model, train)?, mean_error(&baseline, train)?)))
                .transpose()?,
            closed_form,
            trained_with_noise: model.record().config.as_ref().is_some_and(|config| config.corruption.is_some()),
            unit: match model.scaler().coefficients().scale {
                &[scale] if scale != 1.0 && !samples.is_u8() => {
                    Some((1.0 / f64::from(scale), samples.quantity().and_then(|quantity| quantity.units.clone())))
                }
                _ => None,
            },
        }))
    }

    /// Whether the model is principal components itself.
    pub fn is_pca(&self) -> bool {
        self.closed_form
    }

    /// Whether principal components do better than the network.
    pub fn is_worse_than_baseline(&self) -> bool {
        !self.closed_form && self.evaluation.mse() > self.evaluation.baseline_mse()
    }

    /// Whether the network does so much worse than the mean of all samples that its training must have run away.
    pub fn has_run_away(&self) -> bool {
        let of_mean = self.evaluation.mean_mse();
        !self.closed_form && of_mean > 0.0 && self.evaluation.mse() > RUN_AWAY * of_mean
    }

    /// What the model's file keeps of it.
    pub fn results(&self) -> Results {
        let evaluation = &self.evaluation;
        Results {
            samples: evaluation.samples(),
            mse: evaluation.mse(),
            pca_components: self.components,
            pca_mse: evaluation.baseline_mse(),
            mean_mse: evaluation.mean_mse(),
        }
    }

    /// The errors beside each other.
    pub fn to_text(&self, heading: &str) -> String {
        let evaluation = &self.evaluation;
        let components = wording::counted(self.components, "component", "components");
        let own = if self.closed_form { format!("PCA, {components} (this model)") } else { "autoencoder".to_owned() };
        let mut rows = vec![(own, evaluation.mse(), self.train.map(|(own, _)| own))];
        if !self.closed_form {
            rows.push((
                format!("PCA, {components}"),
                evaluation.baseline_mse(),
                self.train.map(|(_, baseline)| baseline),
            ));
        }
        rows.push(("mean of all samples".to_owned(), evaluation.mean_mse(), None));
        let label = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let training = if self.train.is_some() { format!("  {:>12}", "training MSE") } else { String::new() };
        let mut text = format!("{:label$}  {heading:>14}{training}  {:>9}", "", "explained");
        for (index, (name, error, train)) in rows.iter().enumerate() {
            let strong = if index == 0 { STRONG } else { anstyle::Style::new() };
            let training = match (self.train, train) {
                (None, _) => String::new(),
                (_, Some(train)) => format!("  {:>12}", wording::error(*train)),
                (_, None) => format!("  {:>12}", ""),
            };
            let explained = 100.0 * (1.0 - error / evaluation.mean_mse());
            let explained = if explained.is_finite() { format!("{explained:.1} %") } else { String::new() };
            text +=
                &format!("\n{strong}{name:label$}  {:>14}{strong:#}{training}  {explained:>9}", wording::error(*error));
        }
        if let Some((unit, units)) = &self.unit {
            let error = wording::error(evaluation.mse() * unit * unit);
            let units = units.as_ref().map_or_else(String::new, |units| format!(" ({units})²"));
            text += &format!(
                "\n{FAINT}errors are of scaled values; in the units of the data the first is {error}{units}{FAINT:#}"
            );
        }
        if self.trained_with_noise {
            text += &format!("\n{FAINT}measured on samples without the noise of the training{FAINT:#}");
        }
        if self.fitted == Fitted::OnMeasured && !self.closed_form {
            text += &format!("\n{FAINT}PCA was fitted to these samples, which favours it{FAINT:#}");
        }
        text
    }

    /// What a sample and its code take, where a code is all that is needed.
    pub fn sizes_to_text(&self) -> Option<String> {
        let sizes = self.evaluation.sizes()?;
        let smaller = |code: usize| match sizes.original as f64 / code as f64 {
            ratio if ratio >= 1.0 => format!("{} times smaller", wording::times(ratio)),
            ratio => format!("{} times larger", wording::times(1.0 / ratio)),
        };
        Some(format!(
            "{} bytes a sample; its code {} as 32-bit numbers ({}), {} rounded to bytes ({}, MSE {}); the model {}",
            wording::grouped(sizes.original),
            wording::grouped(sizes.code_f32),
            smaller(sizes.code_f32),
            wording::grouped(sizes.code_u8),
            smaller(sizes.code_u8),
            wording::error(self.evaluation.quantised_mse()?),
            wording::bytes(sizes.model as u64),
        ))
    }

    pub fn to_json(&self) -> Value {
        let evaluation = &self.evaluation;
        let sizes = evaluation.sizes();
        json!({
            "samples": evaluation.samples(),
            "mse": evaluation.mse(),
            "pca": {
                "components": self.components,
                "mse": evaluation.baseline_mse(),
                "fitted_on": if self.fitted == Fitted::OnTraining { "training samples" } else { "these samples" },
            },
            "mean_sample_mse": evaluation.mean_mse(),
            "training": self.train.map(|(own, baseline)| json!({ "mse": own, "pca_mse": baseline })),
            "quantised_mse": evaluation.quantised_mse(),
            "bytes": sizes.map(|sizes| json!({
                "sample": sizes.original,
                "code_f32": sizes.code_f32,
                "code_u8": sizes.code_u8,
                "model": sizes.model,
            })),
        })
    }

    /// Writes the report.
    pub fn write_report(&self, path: &Path, overwrite: Overwrite, sections: Sections<'_>) -> anyhow::Result<()> {
        let html = self.report(sections).to_html()?;
        Ok(write_atomically(path, overwrite, |file| file.write_all(html.as_bytes()))?)
    }

    /// Writes every figure to a file of its own, and says how many there are.
    pub fn write_figures(&self, folder: &Path, overwrite: Overwrite, sections: Sections<'_>) -> anyhow::Result<usize> {
        let figures = self.report(sections).figures()?;
        for figure in &figures {
            write_atomically(&folder.join(figure.file_name()), overwrite, |file| file.write_all(&figure.bytes))?;
        }
        Ok(figures.len())
    }

    /// Samples above their reconstructions in one PNG, where they are pictures: those drawn at random, or all where they are few.
    pub fn reconstructions(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let figures = self.report(Sections::default()).figures()?;
        let of_samples = |figure: &enkoder_report::Figure| figure.name.starts_with("reconstructions-");
        Ok(figures.into_iter().rfind(of_samples).map(|figure| figure.bytes))
    }

    fn report<'a>(&'a self, sections: Sections<'a>) -> Report<'a> {
        let mut report =
            Report::new(&self.evaluation).with_command_line(&command_line()).with_threads(rayon::current_num_threads());
        if let Some(filling) = sections.filling {
            report = report.with_filling(filling);
        }
        if let Some(noise) = sections.noise {
            report = report.with_noise(noise);
        }
        if let Some(codec) = sections.codec {
            report = report.with_codec(codec);
        }
        if let Some(file) = sections.explorer {
            report = report.with_explorer(file);
        }
        report
    }
}

/// The command as it was typed, for the report, without what is secret in addresses.
pub fn command_line() -> String {
    let typed = crate::TYPED.get().into_iter().flatten();
    let arguments: Vec<String> = typed.map(|word| shown_name(&word.to_string_lossy())).collect();
    let words = std::iter::once("enkoder").chain(arguments.iter().map(String::as_str));
    // Only a NUL character cannot be quoted, and no argument holds one.
    shlex::try_join(words).unwrap_or_else(|_| "enkoder".to_owned())
}

/// A folder for figures, which is there, and empty unless its files may be replaced.
pub fn figures_folder(path: &Path, force: bool) -> anyhow::Result<PathBuf> {
    if is_stdout(path) {
        let why = "figures are files in a folder, which standard output cannot be";
        return Err(Usage::new(why).with_hint("name a folder with --figures").into());
    }
    let taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if taken && !force {
        return Err(DataError::Exists { path: path.to_owned() }.into());
    }
    fs::create_dir_all(path).map_err(|source| DataError::io("make the folder", path, source))?;
    enkoder_data::export::check_output(&path.join("network.svg"), Overwrite::Replace)?;
    Ok(path.to_owned())
}
