//! `enkoder explore`: a page that runs a model in a browser.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use enkoder::{Autoencoder, Dataset};
use enkoder_data::export::Overwrite;
use enkoder_report::{Explorer, ExplorerError};
use serde_json::json;

use crate::arguments::{DataName, DataOptions, RunOptions};
use crate::failure::Failure;
use crate::file_output;
use crate::inputs::Inputs;
use crate::measured::Measured;
use crate::model;
use crate::screen::{FAINT, Screen};
use crate::wording;

/// Write a page that runs a model in a browser
///
/// The page is one file and opens from disk; it loads nothing and sends nothing. Sliders move the numbers of a code while the decoded
/// sample follows. With DATA it shows where samples lie in the latent space and how odd a sample is. Draw or drop a picture, fill in
/// a row or give a series, and see what the network makes of it.
#[derive(Debug, Args)]
pub struct Options {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// Samples to show: built-in name, openml:ID, a path, or an address (https://, s3://, gs://, az://); - is standard input
    #[arg(value_hint = ValueHint::AnyPath)]
    data: Vec<DataName>,

    #[command(flatten)]
    reading: DataOptions,

    /// The page; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "explore.html", help_heading = "Output")]
    #[arg(value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// Replace what is there already
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let overwrite = Overwrite::replacing(options.force);
    let mut inputs = vec![model::file_of(&options.model)];
    if !options.data.is_empty() {
        inputs.extend(options.reading.inputs(&options.data)?);
    }
    Inputs::new(inputs)?.refuse(&options.out)?;
    file_output::check(&options.out, overwrite, &options.common)?;
    let model = model::load(&options.model)?;
    let data = if options.data.is_empty() {
        screen.note("without DATA the page shows no plane of codes and cannot say what is odd");
        None
    } else {
        let data = options.reading.open_for(&model, &options.data, screen)?;
        model::check(&model, &options.model, &data)?;
        Some(data)
    };
    let measured = data.as_ref().map(|data| (Measured::of(&model, data), data));
    let errors_of = measured.as_ref().map(|(measured, data)| (measured.samples(data), measured.name()));
    let bytes = write(&model, data.as_ref(), errors_of, &options.out, overwrite, screen)?;
    let path = file_output::display(&options.out);
    let text = if options.common.json {
        json!({ "file": path, "bytes": bytes }).to_string()
    } else {
        format!("{FAINT}written{FAINT:#} {path} ({}); open it in a browser", wording::bytes(bytes))
    };
    file_output::print_beside(&options.out, text, screen)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page, and says how large it is. `errors_of` are the samples that tell how large errors usually are, and what they are.
pub fn write(
    model: &Autoencoder,
    data: Option<&Dataset>,
    errors_of: Option<(&Dataset, &str)>,
    out: &Path,
    overwrite: Overwrite,
    screen: Screen,
) -> anyhow::Result<u64> {
    let _busy = screen.busy("writing the explorer");
    let mut explorer = Explorer::new(model);
    if let Some(data) = data {
        explorer = explorer.with_samples(data);
    }
    if let Some((samples, what)) = errors_of {
        explorer = explorer.with_errors_of(samples, what);
    }
    let page = explorer.to_html().map_err(|error| match error {
        ExplorerError::TooLarge { .. } => {
            let hint = "train a smaller network (a narrower --hidden, or --arch conv), or use `enkoder encode` and `enkoder decode`";
            anyhow::Error::new(Failure::new("this model is too large to explore in a browser", hint, error))
        }
        error => error.into(),
    })?;
    file_output::write_bytes(out, overwrite, page.as_bytes())?;
    Ok(page.len() as u64)
}
