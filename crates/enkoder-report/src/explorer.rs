//! The explorer: one HTML file that holds a model, its data's codes and some samples, and runs the network in the reader's browser.
//! `templates/network.js` computes, `templates/explorer/` shows. The page's policy forbids it to load or send anything.

mod model;
mod samples;
mod units;

use askama::Template;
use enkoder::{Autoencoder, Dataset, ModelError};

use self::model::{MOST_PARAMETERS, ModelData};
use self::samples::{Points, SampleErrors};
use crate::evaluation::LONGEST_NAME;
use crate::number::{count, grouped, last_part, name};
use crate::report::{Frame, arrows};

/// Why an explorer could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplorerError {
    /// A browser would take too long to open the page.
    #[error("the model has {} parameters, but an explorer holds at most {}", grouped(*found), grouped(MOST_PARAMETERS))]
    TooLarge {
        /// Parameters of the model.
        found: usize,
    },
    /// The model does not fit the data.
    #[error("the explorer cannot show \"{data}\"")]
    Model {
        /// What the data is called.
        data: String,
        /// What went wrong.
        #[source]
        source: ModelError,
    },
    /// The page could not be filled in.
    #[error("the explorer's page could not be filled in")]
    Page(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A page to explore a model with.
///
/// ```no_run
/// # fn explore(model: &enkoder::Autoencoder, samples: &enkoder::Dataset) -> Result<(), Box<dyn std::error::Error>> {
/// use enkoder_report::Explorer;
///
/// let page = Explorer::new(model).with_samples(samples).with_errors_of(samples, "samples").to_html()?;
/// std::fs::write("explore.html", page)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Explorer<'a> {
    model: &'a Autoencoder,
    samples: Option<&'a Dataset>,
    errors_of: Option<(&'a Dataset, &'a str)>,
}

#[derive(Template)]
#[template(path = "explorer.html")]
struct Page<'a> {
    frame: Frame,
    network_script: &'static str,
    explorer_scripts: [&'static str; 3],
    model: String,
    weights: String,
    points: Option<&'a Points>,
    points_facts: String,
    errors: String,
    decodes: bool,
    is_image: bool,
    is_field: bool,
    is_table: bool,
}

impl<'a> Explorer<'a> {
    /// A page of a model alone: its codes can be moved, and samples given.
    pub fn new(model: &'a Autoencoder) -> Self {
        Self { model, samples: None, errors_of: None }
    }

    /// The same page with the codes of these samples, and as many of the samples themselves as a page can hold.
    pub fn with_samples(mut self, samples: &'a Dataset) -> Self {
        self.samples = Some(samples);
        self
    }

    /// The same page, which says whether a sample is odd: its error is compared with those of `samples`, best held out from the
    /// training. `what` names them: `validation samples`.
    pub fn with_errors_of(mut self, samples: &'a Dataset, what: &'a str) -> Self {
        self.errors_of = Some((samples, what));
        self
    }

    /// The page, complete in itself.
    ///
    /// # Errors
    /// When the model is too large for a page, or the samples do not fit it.
    pub fn to_html(&self) -> Result<String, ExplorerError> {
        let model = self.model;
        let parameters = model.architecture().parameters();
        if parameters > MOST_PARAMETERS {
            return Err(ExplorerError::TooLarge { found: parameters });
        }
        let decodes = model.architecture().needs_sample().is_none();
        let reconstructs = model.architecture().output_shape.is_none();
        let of = |data: &Dataset, source| ExplorerError::Model { data: data.name().to_owned(), source };
        let points = self.samples.filter(|samples| !samples.is_empty());
        let points = points
            .map(|samples| Points::of(model, samples, decodes).map_err(|source| of(samples, source)))
            .transpose()?;
        let errors = self.errors_of.filter(|_| reconstructs);
        let errors = errors
            .map(|(samples, what)| SampleErrors::of(model, samples, what).map_err(|source| of(samples, source)))
            .transpose()?;
        let codes = points.as_ref().map(|points| points.codes.view());
        let (data, weights) = ModelData::of(model, codes, self.samples)
            .map_err(|source| ExplorerError::Model { data: model.record().data.name.clone(), source })?;
        let page = Page {
            frame: Frame::new(
                format!("{}: explorer", name(last_part(&model.record().data.name), LONGEST_NAME)),
                self.lead(),
            ),
            network_script: include_str!("../templates/network.js"),
            explorer_scripts: [
                include_str!("../templates/explorer/shown.js"),
                include_str!("../templates/explorer/codes.js"),
                include_str!("../templates/explorer/own.js"),
            ],
            decodes,
            is_image: data.is_image(),
            is_field: data.is_field(),
            is_table: data.is_table(),
            model: json(&data)?,
            weights,
            points_facts: json(&points.as_ref().map(|points| &points.facts))?,
            points: points.as_ref(),
            errors: json(&errors)?,
        };
        page.render().map_err(|error| ExplorerError::Page(error.into()))
    }

    fn lead(&self) -> String {
        let architecture = self.model.architecture();
        let record = &self.model.record().data;
        let values = count(architecture.features(), "value", "values");
        format!(
            "This page holds a network of layers {} with {}, trained on {} of “{}”. It turns {values} into a code of {} and runs in \
             your browser.",
            arrows(&architecture.summary()),
            count(architecture.parameters(), "parameter", "parameters"),
            count(record.train_samples, "sample", "samples"),
            name(&record.name, LONGEST_NAME),
            count(architecture.latent(), "number", "numbers"),
        )
    }
}

/// JSON as it may stand in a script element.
fn json(value: &impl serde::Serialize) -> Result<String, ExplorerError> {
    let text = serde_json::to_string(value).map_err(|error| ExplorerError::Page(error.into()))?;
    Ok(text.replace('<', "\\u003c"))
}
