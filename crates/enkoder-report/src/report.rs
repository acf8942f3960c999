//! The report: one HTML file that holds everything it shows, follows light and dark, prints, and needs no script. It is written as
//! well-formed XML too, so that any parser can check it.

mod page;
pub(crate) mod settings;

use std::fmt::Display;

use askama::Template;

use crate::codec::CodecEvaluation;
use crate::evaluation::{Evaluation, View};
use crate::filling::FillingEvaluation;
use crate::noise::NoiseEvaluation;
use crate::number::name;
use crate::palette::{Theme, custom_properties};
use crate::picture::{Picture, PictureError};

use self::page::Page;
pub(crate) use self::page::arrows;

/// Why a report or its figures could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A picture could not be written.
    #[error("a figure of the report could not be drawn")]
    Picture(#[from] PictureError),
    /// The page could not be filled in.
    #[error("the report's page could not be filled in")]
    Template(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ReportError {
    pub(crate) fn template(error: askama::Error) -> Self {
        Self::Template(error.into())
    }
}

/// What all pages begin and end with.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) version: &'static str,
    pub(crate) light: String,
    pub(crate) dark: String,
}

impl Frame {
    pub(crate) fn new(title: impl Display, lead: String) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let [light, dark] = [false, true].map(custom_properties);
        Self { title: title.to_string(), lead, version, light, dark }
    }
}

/// What a page shows large.
#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) what: &'static str,
    pub(crate) value: String,
    pub(crate) note: String,
}

/// A picture in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figure {
    /// The file's name without extension, such as `training-loss`.
    pub name: String,
    /// `svg` or `png`.
    pub extension: &'static str,
    /// The file's content.
    pub bytes: Vec<u8>,
}

impl Figure {
    pub(crate) fn svg(name: &str, svg: String) -> Self {
        Self { name: name.to_owned(), extension: "svg", bytes: svg.into_bytes() }
    }

    /// Name and extension: `training-loss.svg`.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.extension)
    }
}

/// A report of an [`Evaluation`].
///
/// ```no_run
/// # fn report(evaluation: &enkoder_report::Evaluation) -> Result<(), Box<dyn std::error::Error>> {
/// use enkoder_report::Report;
///
/// let report = Report::new(evaluation).with_command_line("enkoder train mnist --seed 7");
/// std::fs::write("report.html", report.to_html()?)?;
/// for figure in report.figures()? {
///     std::fs::write(figure.file_name(), figure.bytes)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Report<'a> {
    evaluation: &'a Evaluation,
    title: String,
    command_line: Option<String>,
    threads: Option<usize>,
    filling: Option<&'a FillingEvaluation>,
    noise: Option<&'a NoiseEvaluation>,
    codec: Option<&'a CodecEvaluation>,
    explorer: Option<String>,
}

impl<'a> Report<'a> {
    /// A report titled after the data.
    pub fn new(evaluation: &'a Evaluation) -> Self {
        let title = format!("{}: autoencoder report", evaluation.data.name);
        Self {
            evaluation,
            title,
            command_line: None,
            threads: None,
            filling: None,
            noise: None,
            codec: None,
            explorer: None,
        }
    }

    /// The same report under another title.
    pub fn with_title(mut self, title: &str) -> Self {
        self.title = name(title, 120);
        self
    }

    /// The same report with the command that made it, shown for reproduction.
    pub fn with_command_line(mut self, command_line: &str) -> Self {
        self.command_line = Some(name(command_line, 1000));
        self
    }

    /// The same report with the number of threads that the training used.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The same report with a section on what the model fills in.
    pub fn with_filling(mut self, filling: &'a FillingEvaluation) -> Self {
        self.filling = Some(filling);
        self
    }

    /// The same report with a section on what the model leaves of noise.
    pub fn with_noise(mut self, noise: &'a NoiseEvaluation) -> Self {
        self.noise = Some(noise);
        self
    }

    /// The same report with a section on what the model's codec makes of the samples.
    pub fn with_codec(mut self, codec: &'a CodecEvaluation) -> Self {
        self.codec = Some(codec);
        self
    }

    /// The same report with a link to an [`Explorer`](crate::Explorer)'s page beside it: its file name.
    pub fn with_explorer(mut self, file: &str) -> Self {
        self.explorer = Some(file.to_owned());
        self
    }

    /// The page, complete in itself.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn to_html(&self) -> Result<String, ReportError> {
        Page::new(self)?.render().map_err(ReportError::template)
    }

    /// Every figure of the report for use elsewhere: charts as SVG in light colours on white, grids of images as PNG.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn figures(&self) -> Result<Vec<Figure>, ReportError> {
        let evaluation = self.evaluation;
        let paper = Theme::Paper;
        let mut figures = Vec::new();
        let mut svg = |name: &str, drawing: Option<String>| {
            figures.extend(drawing.map(|svg| Figure::svg(name, svg)));
        };
        svg("network", Some(evaluation.draw_network(paper)));
        svg("training-loss", evaluation.draw_losses(paper));
        svg("learning-rate", evaluation.draw_learning_rate(paper));
        svg("training-rate", evaluation.draw_rate(paper));
        svg("error-distribution", Some(evaluation.draw_error_distribution(paper)));
        svg("error-by-class", evaluation.draw_class_errors(paper));
        svg("error-by-pixel", evaluation.draw_pixel_errors(paper)?);
        svg("error-by-feature", evaluation.draw_feature_errors(paper));
        if let Some(codes) = &evaluation.codes {
            svg("latent-space", Some(codes.draw_projection(0, paper)));
            svg("latent-space-pca", Some(codes.draw_projection(1, paper)));
            for (model, traversals) in ["", "-pca"].into_iter().zip(&codes.traversals) {
                for traversal in &traversals.all {
                    let name = format!("traversal{model}-{}", traversal.dimension + 1);
                    svg(&name, evaluation.draw_traversal(traversal, paper));
                }
            }
        }
        for group in &evaluation.picks {
            for (place, pick) in group.picks.iter().enumerate() {
                let name = format!("reconstruction-{}-{}", file_word(group.name), place + 1);
                svg(&name, evaluation.draw_pick(pick, paper));
            }
        }
        if let Some(filling) = self.filling {
            svg("filled", filling.draw_filled(paper)?);
        }
        if let Some(noise) = self.noise {
            svg("noise", noise.draw_noise(paper)?);
        }
        if let Some(codec) = self.codec {
            svg("rate-distortion", codec.draw_rate_distortion(paper));
            for (number, field) in (1..).zip(codec.draw_fields(paper)?) {
                svg(&format!("decoded-{number}"), Some(field.values));
                svg(&format!("decoded-{number}-errors"), Some(field.errors));
            }
        }
        if let Some(plane) = evaluation.codes.as_ref().and_then(|codes| codes.plane.as_ref()) {
            let grid = Picture::grid(&plane.rows, 2, 0);
            figures.push(Figure { name: "latent-plane".to_owned(), extension: "png", bytes: grid.to_png()? });
        }
        let mut png = |name: &str, rows: Vec<Vec<&View>>| -> Result<(), PictureError> {
            let pictures = |row: Vec<&View>| -> Vec<Picture> { row.into_iter().filter_map(picture).cloned().collect() };
            let rows: Vec<Vec<Picture>> = rows.into_iter().map(pictures).collect();
            let side = rows.iter().flatten().map(|picture| picture.width.max(picture.height)).max().unwrap_or(0);
            if let Some(zoom) = 84usize.checked_div(side) {
                let grid = Picture::grid(&rows, zoom, 6);
                figures.push(Figure { name: name.to_owned(), extension: "png", bytes: grid.to_png()? });
            }
            Ok(())
        };
        png(
            "samples",
            evaluation.samples.chunks(10).map(|row| row.iter().map(|sample| &sample.view).collect()).collect(),
        )?;
        for group in &evaluation.picks {
            let row = |view: fn(&crate::evaluation::Pick) -> &View| group.picks.iter().map(view).collect();
            let rows = vec![row(|pick| &pick.original), row(|pick| &pick.network), row(|pick| &pick.baseline)];
            png(&format!("reconstructions-{}", file_word(group.name)), rows)?;
        }
        let traversals = evaluation.codes.iter().flat_map(|codes| &codes.traversals);
        for (name, traversals) in ["traversals", "traversals-pca"].into_iter().zip(traversals) {
            png(name, traversals.all.iter().map(|traversal| traversal.views.iter().collect()).collect())?;
        }
        Ok(figures)
    }
}

fn picture(view: &View) -> Option<&Picture> {
    match view {
        View::Picture(picture) => Some(picture),
        View::Values(_) => None,
    }
}

/// The first word of a group's name as part of a file name.
fn file_word(name: &str) -> String {
    name.split([' ', ',']).next().unwrap_or_default().replace("At", "random").to_lowercase()
}
