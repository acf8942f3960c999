//! A model card (Mitchell et al. 2019, <https://doi.org/10.1145/3287560.3287596>): what a model is, what it learned from, what it reached
//! beside principal components, and on what that rests. As Markdown, and as a section of the report. All of it stands in the model's file.

use std::fmt::Write;

use enkoder::{Autoencoder, Results};

use crate::number::{count, grouped, percent, shape, significant};
use crate::report::settings;

/// So much is told of what others named, such as columns.
const LONGEST_FOREIGN: usize = 4000;

/// The card, in words.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) sections: Vec<Section>,
    /// On what the card rests, a sentence or two each, with what can be typed between backticks.
    pub(crate) rests: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) facts: Vec<Fact>,
}

#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Whether the value is somebody else's: a name or a checksum, to be left as it is.
    pub(crate) is_foreign: bool,
}

impl Fact {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), is_foreign: false }
    }

    fn foreign(name: &'static str, value: &str) -> Self {
        Self { is_foreign: true, ..Self::new(name, crate::number::name(value, LONGEST_FOREIGN)) }
    }
}

/// The card of a model as Markdown.
pub fn model_card(model: &Autoencoder) -> String {
    let Card { sections, rests } = Card::of(model, model.record().results.as_ref());
    let mut card = format!("# Model card: autoencoder of {}\n", code(&model.record().data.name));
    for Section { title, facts } in sections {
        let _ = write!(card, "\n## {title}\n\n");
        for Fact { name, value, is_foreign } in facts {
            let value = if is_foreign { code(&value) } else { value };
            let _ = writeln!(card, "- {name}: {value}");
        }
    }
    card += "\n## What this rests on\n\n";
    for sentence in rests {
        let _ = writeln!(card, "- {sentence}");
    }
    let _ = write!(card, "\nWritten by Enkoder {}.\n", env!("CARGO_PKG_VERSION"));
    card
}

impl Card {
    /// The card of a model with these results.
    pub(crate) fn of(model: &Autoencoder, results: Option<&Results>) -> Self {
        let (architecture, record) = (model.architecture(), model.record());
        let data = &record.data;
        let mut network = vec![
            Fact::new("Layers", architecture.summary()),
            Fact::new("Parameters", grouped(architecture.parameters())),
            Fact::new("Scaling", model.scaler().kind().to_string()),
        ];
        if architecture.needs_sample().is_none() {
            network.insert(1, Fact::new("Code", count(architecture.latent(), "number", "numbers")));
        }

        let bytes = if data.bytes_per_value == 1 { "bytes" } else { "32-bit numbers" };
        let mut of_data = vec![
            Fact::foreign("Name", &data.name),
            Fact::new("Samples", format!("arrays of {} {bytes}", shape(&data.shape))),
        ];
        if record.is_imported() {
            of_data.push(Fact::new("Training samples", "not known: the network was imported"));
        } else {
            of_data.extend([
                Fact::new("Training samples", grouped(data.train_samples)),
                Fact::new("Validation samples", grouped(data.validation_samples)),
                Fact::new("Missing among the training values", percent(data.missing)),
                Fact::foreign("SHA-256 of the training samples", &data.fingerprint),
            ]);
        }
        if let Some(schema) = model.schema() {
            let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
            of_data.push(Fact::foreign("Columns", &names.join(", ")));
        }

        let mut training = match &record.config {
            Some(config) => {
                let of_bytes = data.bytes_per_value == 1;
                settings::rows(config, of_bytes).into_iter().map(|(name, value)| Fact::new(name, value)).collect()
            }
            None if record.is_imported() => vec![Fact::new("Method", "not known: the network was imported")],
            None => vec![Fact::new("Method", "principal components, in closed form")],
        };
        if let Some(history) = &record.history {
            training
                .push(Fact::new("Epoch kept", format!("{} of {} that ran", history.best_epoch, history.epochs.len())));
        }

        let section = |title, facts| Section { title, facts };
        let mut sections = vec![section("Model", network), section("Data", of_data), section("Training", training)];
        sections.extend(results.map(|results| section("Results", of_results(results))));
        let rests = match results {
            Some(_) if record.is_closed_form() => {
                "These are errors on validation samples, from which nothing was learned. They hold for new samples that resemble those; other \
                 data can do much worse, and `enkoder eval` measures it."
            }
            Some(_) => {
                "These are errors on validation samples, which chose the epoch but gave no gradient: expect slightly larger errors on \
                 new samples. They hold for new samples that resemble those; other data can do much worse, and `enkoder eval` measures it."
            }
            None => {
                "No results are stored. `enkoder eval MODEL DATA --save-results`, with the data that the model was trained on, measures and \
                 stores them."
            }
        };
        let rests = vec![
            rests,
            "The same samples, settings and version make the same weights, bit for bit, with any number of threads.",
            "The model gives no bound on the error of a single sample. `enkoder compress` checks a bound for every value it writes; \
             `enkoder detect` calibrates its rate of false alarms on rows held out.",
        ];
        Self { sections, rests }
    }
}

fn of_results(results: &Results) -> Vec<Fact> {
    let explained = |error: f64| match 1.0 - error / results.mean_mse {
        share if share.is_finite() => format!("{} ({} explained)", significant(error, 4), percent(share)),
        _ => significant(error, 4),
    };
    vec![
        Fact::new(
            "Measured on",
            format!("{}, in scaled units", count(results.samples, "validation sample", "validation samples")),
        ),
        Fact::new("Mean squared error of the model", explained(results.mse)),
        Fact::new(
            "Of PCA",
            format!("{}, {}", explained(results.pca_mse), count(results.pca_components, "component", "components")),
        ),
        Fact::new("Of the mean of all training samples", significant(results.mean_mse, 4)),
    ]
}

/// A text that Markdown leaves as it is.
fn code(text: &str) -> String {
    format!("`{}`", text.replace(['`', '\n', '\r'], " "))
}
