//! The page about a denoiser on pictures: every number already in words, every crop drawn.

use askama::Template;
use enkoder::Autoencoder;

use super::{DenoisedPicture, DenoisingEvaluation, Method, Quality};
use crate::number::{count, grouped, name, significant};
use crate::palette::Theme;
use crate::report::{Frame, ReportError, Tile, settings};

/// Pictures that get a row of their own.
const MOST_ROWS: usize = 100;
const LONGEST_NAME: usize = 60;

#[derive(Template)]
#[template(path = "denoising.html")]
struct Page {
    frame: Frame,
    command_line: String,
    tiles: Vec<Tile>,
    crops: Option<String>,
    finding: Option<String>,
    rows: Vec<Row>,
    rows_note: Option<String>,
    /// Megapixels a second of each method.
    rates: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

struct Row {
    name: String,
    size: String,
    qualities: Vec<String>,
}

impl DenoisingEvaluation {
    /// The report of the denoiser `model` on these pictures: one file that is complete in itself, follows light and dark, and needs
    /// no script.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn to_html(&self, model: &Autoencoder, command_line: &str) -> Result<String, ReportError> {
        let pictures = count(self.pictures.len(), "picture", "pictures");
        let lead = format!(
            "Noise {} was put on {pictures} and taken out again, by the model and by the filters that it has to beat.",
            self.noise
        );
        let means = Method::ALL.into_iter().filter_map(|method| Some((method, self.mean(method)?)));
        let tile = |(method, mean): (Method, Quality)| Tile {
            what: method.name(),
            value: format!("{:.2} dB", mean.psnr),
            note: format!("mean PSNR{}", mean.ssim.map_or_else(String::new, |ssim| format!("; SSIM {ssim:.3}"))),
        };
        let rate = |method| self.megapixels_per_second(method).map_or_else(String::new, |rate| significant(rate, 3));
        let page = Page {
            frame: Frame::new(format_args!("Denoising, {}", self.noise), lead),
            command_line: name(command_line, 1000),
            tiles: means.map(tile).collect(),
            crops: self.draw_crops(Theme::Page)?,
            finding: finding(&self.pictures),
            rows: self.pictures.iter().take(MOST_ROWS).map(Row::of).collect(),
            rows_note: (self.pictures.len() > MOST_ROWS).then(|| format!("The first {MOST_ROWS} of {pictures}.")),
            rates: Method::ALL.into_iter().map(rate).collect(),
            facts: facts(self, model),
        };
        page.render().map_err(ReportError::template)
    }
}

/// On how many pictures the model comes nearest to the clean one.
fn finding(pictures: &[DenoisedPicture]) -> Option<String> {
    let [all, wins] = [pictures.len(), pictures.iter().filter(|picture| is_best(picture)).count()];
    let name = Method::Model.name();
    Some(match (wins, all) {
        (_, 0) => return None,
        (1, 1) => format!("The PSNR of {name} is the highest"),
        (0, 1) => format!("The PSNR of {name} is not the highest"),
        (0, all) => format!("The PSNR of {name} is the highest on none of {all} pictures"),
        (wins, all) if wins == all => format!("The PSNR of {name} is the highest on every picture"),
        (wins, all) => format!("The PSNR of {name} is the highest on {wins} of {all} pictures"),
    })
}

fn is_best(picture: &DenoisedPicture) -> bool {
    let own = picture.results[Method::Model as usize].psnr;
    Method::ALL
        .into_iter()
        .filter(|&method| method != Method::Model)
        .all(|method| own > picture.results[method as usize].psnr)
}

impl Row {
    fn of(picture: &DenoisedPicture) -> Self {
        let quality = |quality: &Quality| {
            let psnr = if quality.psnr.is_finite() { format!("{:.2}", quality.psnr) } else { "identical".to_owned() };
            quality.ssim.map_or_else(|| psnr.clone(), |ssim| format!("{psnr} · {ssim:.3}"))
        };
        Self {
            name: name(&picture.name, LONGEST_NAME),
            size: format!("{}×{}", picture.height, picture.width),
            qualities: picture.results.iter().map(quality).collect(),
        }
    }
}

fn facts(evaluation: &DenoisingEvaluation, model: &Autoencoder) -> Vec<(&'static str, String)> {
    let (record, architecture) = (model.record(), model.architecture());
    let mut facts = vec![
        ("Noise", evaluation.noise.to_string()),
        ("Seed of the noise", evaluation.seed.to_string()),
        ("Model", architecture.summary()),
        ("Parameters", grouped(architecture.parameters())),
        ("Trained on", name(&record.data.name, LONGEST_NAME)),
        ("Training patches in an epoch", grouped(record.data.train_samples)),
    ];
    if let Some(config) = &record.config {
        facts.push(("Epochs", config.epochs.to_string()));
        let of_bytes = record.data.bytes_per_value == 1;
        let noise = config.corruption.map(|corruption| settings::corruption(&corruption, of_bytes));
        facts.extend(noise.map(|noise| ("Noise in training", noise)));
    }
    facts.push(("Enkoder", env!("CARGO_PKG_VERSION").to_owned()));
    facts
}
