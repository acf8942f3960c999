//! A model card (Mitchell et al. 2019, <https://doi.org/10.1145/3287560.3287596>) as Markdown: what a model is, what it learned from,
//! what it reached beside principal components, and on what that rests. All of it stands in the model's file.

use std::fmt::Write;

use enkoder::{Autoencoder, Results};

use crate::number::{count, grouped, percent, shape, significant};
use crate::report::settings;

/// The card of a model.
pub fn model_card(model: &Autoencoder) -> String {
    let (architecture, record) = (model.architecture(), model.record());
    let data = &record.data;
    let mut card = String::new();
    let mut section = |title: &str, rows: Vec<(&str, String)>| {
        let _ = write!(card, "\n## {title}\n\n");
        for (name, value) in rows {
            let _ = writeln!(card, "- {name}: {value}");
        }
    };
    let mut network = vec![
        ("Layers", architecture.summary()),
        ("Parameters", grouped(architecture.parameters())),
        ("Scaling", model.scaler().kind().to_string()),
    ];
    if architecture.needs_sample().is_none() {
        network.insert(1, ("Code", count(architecture.latent(), "number", "numbers")));
    }
    section("Model", network);

    let bytes = if data.bytes_per_value == 1 { "bytes" } else { "32-bit numbers" };
    let mut of_data =
        vec![("Name", code(&data.name)), ("Samples", format!("arrays of {} {bytes}", shape(&data.shape)))];
    if record.is_imported() {
        of_data.push(("Training samples", "not known: the network was imported".to_owned()));
    } else {
        of_data.push(("Training samples", grouped(data.train_samples)));
        of_data.push(("Validation samples", grouped(data.validation_samples)));
        of_data.push(("Missing among the training values", percent(data.missing)));
        of_data.push(("SHA-256 of the training samples", code(&data.fingerprint)));
    }
    if let Some(schema) = model.schema() {
        let names: Vec<String> = schema.columns.iter().map(|column| code(&column.name)).collect();
        of_data.push(("Columns", names.join(", ")));
    }
    section("Data", of_data);

    let mut training = match &record.config {
        Some(config) => settings::rows(config),
        None if record.is_imported() => vec![("Method", "not known: the network was imported".to_owned())],
        None => vec![("Method", "principal components, in closed form".to_owned())],
    };
    if let Some(history) = &record.history {
        let best = format!("{} of {} that ran", history.best_epoch, history.epochs.len());
        training.push(("Epoch kept", best));
    }
    section("Training", training);

    let rests = match &record.results {
        Some(results) => {
            section("Results", of_results(results));
            "These are errors on validation samples, which chose the epoch but gave no gradient: expect slightly larger errors on \
             new samples. They hold for new samples that resemble those; other data can do much worse, and `enkoder eval` measures it."
        }
        None => "No results are stored. `enkoder eval` measures the model on data.",
    };
    let _ = write!(
        card,
        "\n## What this rests on\n\n- {rests}\n- The same samples, settings and version make the same weights, bit for bit, with any number of threads.\n\
         - The model gives no bound on the error of a single sample. `enkoder compress` checks a bound for every value it writes; \
         `enkoder detect` calibrates its rate of false alarms on rows held out.\n"
    );
    format!(
        "# Model card: autoencoder of {}\n{card}\nWritten by Enkoder {}.\n",
        code(&data.name),
        env!("CARGO_PKG_VERSION")
    )
}

fn of_results(results: &Results) -> Vec<(&'static str, String)> {
    let explained = |error: f64| match 1.0 - error / results.mean_mse {
        share if share.is_finite() => format!("{} ({} explained)", significant(error, 4), percent(share)),
        _ => significant(error, 4),
    };
    vec![
        (
            "Measured on",
            format!("{}, in scaled units", count(results.samples, "validation sample", "validation samples")),
        ),
        ("Mean squared error of the model", explained(results.mse)),
        (
            "Of PCA",
            format!("{}, {}", explained(results.pca_mse), count(results.pca_components, "component", "components")),
        ),
        ("Of the mean of all training samples", significant(results.mean_mse, 4)),
    ]
}

/// A text that Markdown leaves as it is.
fn code(text: &str) -> String {
    format!("`{}`", text.replace(['`', '\n', '\r'], " "))
}
