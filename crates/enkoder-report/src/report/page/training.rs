//! What the page says of the network and its training.

use super::super::settings;
use super::{PAGE, findings};
use crate::evaluation::{ChannelPictures, Evaluation, What};
use crate::number::{count, duration, grouped, shape, significant};
use crate::picture::{Picture, PictureError};

pub(super) struct NetworkSection {
    pub(super) summary: String,
    pub(super) drawing: String,
    pub(super) layers: Vec<[String; 5]>,
    /// Pictures of channels of a layer, and what they show.
    pub(super) channels: Vec<Channels>,
    pub(super) parameters: String,
}

pub(super) struct Channels {
    pub(super) pictures: Vec<String>,
    pub(super) text: String,
    /// Whether colours stand for deviations from 0.
    pub(super) deviations: bool,
}

pub(super) struct Training {
    pub(super) sentence: String,
    pub(super) losses: Option<String>,
    pub(super) finding: Option<String>,
    pub(super) losses_note: &'static str,
    pub(super) learning_rate: Option<String>,
    pub(super) rate: Option<String>,
}

impl NetworkSection {
    pub(super) fn of(evaluation: &Evaluation) -> Result<Self, PictureError> {
        let architecture = &evaluation.architecture;
        let layers = architecture.layers().into_iter().map(|layer| {
            [
                layer.name,
                layer.kind.replace('_', " "),
                size(&layer.output_shape),
                // What has no parameters passes values on, and would say "linear".
                if layer.parameters == 0 { "–".to_owned() } else { layer.activation.to_string() },
                grouped(layer.parameters),
            ]
        });
        let channels = evaluation.channels.iter().map(|pictures| {
            let ChannelPictures { layer, channels, pictures, what } = pictures;
            let shown = pictures.len();
            let of =
                if shown < *channels { format!("the first {shown} of {channels}") } else { format!("all {channels}") };
            let text = match what {
                What::Filters => format!("Filters of {layer}, {of}: violet adds, orange takes away."),
                What::Maps => format!("One sample behind {layer}, {of} channels, each on its own scale."),
            };
            let pictures = pictures.iter().map(Picture::data_uri).collect::<Result<_, _>>()?;
            Ok(Channels { pictures, text, deviations: *what == What::Filters })
        });
        Ok(Self {
            summary: super::arrows(&architecture.summary()),
            drawing: evaluation.draw_network(PAGE),
            layers: layers.collect(),
            channels: channels.collect::<Result<_, PictureError>>()?,
            parameters: grouped(architecture.parameters()),
        })
    }
}

/// A layer's size: the number of values, or an image's height, width and channels.
fn size(size: &[usize]) -> String {
    // Without spaces, where a line could break.
    if let [values] = size { grouped(*values) } else { shape(size).replace(' ', "") }
}

impl Training {
    pub(super) fn of(evaluation: &Evaluation) -> Self {
        let record = &evaluation.record;
        let sentence = match (&record.config, &record.history) {
            (Some(config), Some(history)) => {
                let epochs = count(history.epochs.len(), "epoch", "epochs");
                let best = history.best().map_or_else(String::new, |best| {
                    let loss = significant(best.validation_loss, 3);
                    format!(" The model kept is that of epoch {}, with a validation loss of {loss}.", best.epoch)
                });
                let time: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
                let samples: f64 = history.epochs.iter().map(|e| e.samples_per_second * e.seconds).sum();
                let rate = if time > 0.0 && samples > 0.0 {
                    format!(" Training steps took {}: {} samples a second.", duration(time), grouped((samples / time) as usize))
                } else {
                    String::new()
                };
                format!(
                    "Minimised {} over {epochs}; {}.{best}{rate}",
                    settings::loss(&config.loss),
                    settings::stopped(history.stopped)
                )
            }
            _ if record.is_imported() => "This model was trained by another toolkit. Nothing is known of its training.".to_owned(),
            _ => "This model was not trained step by step: its weights are the principal components of the training samples, computed in closed form. There is no curve to show.".to_owned(),
        };
        let penalised = record.config.as_ref().is_some_and(|config| config.penalty.is_some());
        let corrupted = record.config.as_ref().is_some_and(|config| config.corruption.is_some());
        let losses_note = match (corrupted, penalised) {
            (true, _) => {
                "Both losses are those of damaged inputs: the training loss while the parameters still change, the validation loss after each epoch, with the same damage each time."
            }
            (_, true) => {
                "The training loss, without the penalty, is the mean over the epoch's steps while the parameters still change; the validation loss is measured after each epoch."
            }
            _ => {
                "The training loss is the mean over the epoch's steps, while the parameters still change; the validation loss is measured after each epoch."
            }
        };
        Self {
            sentence,
            losses: evaluation.draw_losses(PAGE),
            finding: findings::losses(evaluation),
            losses_note,
            learning_rate: evaluation.draw_learning_rate(PAGE),
            rate: evaluation.draw_rate(PAGE),
        }
    }
}
