//! `enkoder eval --fill`: values are taken away and filled again, by the model and by what it has to beat.

use clap::Args;
use enkoder::{Autoencoder, Dataset};
use enkoder_report::FillingEvaluation;
use serde_json::{Value, json};

use crate::failure::Usage;
use crate::screen::{FAINT, STRONG, Screen};
use crate::wording;

/// How filling is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filling")]
pub struct FillingOptions {
    /// Also take a random part of the values away, such as 0.5, and measure what the model fills in beside the mean, the nearest training
    /// samples and principal components
    #[arg(long, value_name = "FRACTION", value_parser = parse_fraction)]
    fill: Option<f32>,
}

impl FillingOptions {
    /// Whether filling is to be measured.
    pub fn is_wanted(&self) -> bool {
        self.fill.is_some()
    }

    /// Fills `samples`, where that is asked for, beside what learns from `train`.
    ///
    /// # Errors
    /// When the samples that the model was trained on are not known.
    pub fn measure(
        &self,
        model: &Autoencoder,
        train: Option<&Dataset>,
        samples: &Dataset,
        seed: u64,
        screen: Screen,
    ) -> anyhow::Result<Option<FillingEvaluation>> {
        let Some(fraction) = self.fill else { return Ok(None) };
        let Some(train) = train else {
            let why =
                "what the model learned from is not in this data, so there is nothing to compare its filling with";
            let hint = "give the DATA that the model was trained on; its validation samples are measured";
            return Err(Usage::new(why).with_hint(hint).into());
        };
        let _busy = screen.busy("filling what is missing");
        Ok(Some(FillingEvaluation::new(model, train, samples, fraction, seed)?))
    }
}

pub fn to_text(filling: &FillingEvaluation) -> String {
    let results = filling.results();
    let label = results.iter().map(|filled| filled.name.len()).max().unwrap_or(0);
    let mut text = format!("{:label$}  {:>14}", "", "MSE of missing");
    for (index, filled) in results.iter().enumerate() {
        let strong = if index + 1 == results.len() { STRONG } else { anstyle::Style::new() };
        text += &format!("\n{strong}{:label$}  {:>14}{strong:#}", filled.name, wording::error(filled.mse));
    }
    let samples = wording::counted(filling.samples(), "sample", "samples");
    text + &format!(
        "\n{FAINT}{} of the values of {samples} taken away; PCA as it does best here{FAINT:#}",
        percent(filling)
    )
}

fn percent(filling: &FillingEvaluation) -> String {
    format!("{:.0} %", 100.0 * filling.fraction())
}

pub fn to_json(filling: &FillingEvaluation) -> Value {
    json!({
        "fraction": filling.fraction(),
        "samples": filling.samples(),
        "missing": filling.missing(),
        "results": filling.results().iter().map(|filled| json!({ "filled_by": filled.name, "mse": filled.mse })).collect::<Value>(),
    })
}

fn parse_fraction(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|&part| part > 0.0 && part < 1.0)
        .ok_or_else(|| "a number between 0 and 1 is needed".to_owned())
}
