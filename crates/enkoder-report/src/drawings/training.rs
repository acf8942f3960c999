//! Charts of a training: loss, learning rate and speed over its epochs.

use enkoder::{EpochRecord, Loss};

use super::WIDTH;
use crate::charts::{LineChart, Mark, Reference, Scale, Series, Style};
use crate::evaluation::Evaluation;
use crate::number::significant;
use crate::palette::{Ink, Theme};

impl Evaluation {
    fn epochs(&self) -> &[EpochRecord] {
        self.record.history.as_ref().map_or(&[], |history| &history.epochs)
    }

    /// Whether the losses of training are mean squared errors over the samples evaluated here, so that PCA's may stand beside.
    pub(crate) fn loss_compares(&self) -> bool {
        let squared = self.record.config.as_ref().is_some_and(|config| config.loss == Loss::MeanSquared);
        squared && (self.record.validation_loss - self.network.mse).abs() <= 1e-3 * self.network.mse.abs()
    }

    /// Loss over epochs; `None` where there were none.
    pub(crate) fn draw_losses(&self, theme: Theme) -> Option<String> {
        let epochs = self.epochs();
        let history = self.record.history.as_ref().filter(|_| !epochs.is_empty())?;
        let points = |loss: fn(&EpochRecord) -> f64| epochs.iter().map(|e| (e.epoch as f64, loss(e))).collect();
        let baseline = self.baseline_name();
        let references = if self.loss_compares() {
            vec![Reference { name: &baseline, ink: Ink::Baseline, value: self.baseline.mse }]
        } else {
            Vec::new()
        };
        let losses = || {
            let of_epochs = epochs.iter().flat_map(|epoch| [epoch.train_loss, epoch.validation_loss]);
            of_epochs.chain(references.iter().map(|reference| reference.value))
        };
        let best = history.best();
        let text = best.map(|best| format!("best: epoch {}, {}", best.epoch, significant(best.validation_loss, 3)));
        let (x, x_ticks) = self.epoch_axis();
        let loss = match self.record.config.as_ref().map(|config| config.loss) {
            Some(Loss::MeanSquared) | None => "mean squared error",
            Some(Loss::MeanAbsolute) => "mean absolute error",
            Some(Loss::Huber { .. }) => "Huber loss",
            Some(Loss::BinaryCrossEntropy) => "binary cross-entropy",
            Some(_) => "loss",
        };
        let logarithmic = spread(losses()) > 4.0;
        let chart = LineChart {
            label: "Training and validation loss over the epochs, with the best epoch marked",
            size: (WIDTH, 330.0),
            x_title: "epoch",
            y_title: &format!("{loss}{}", if logarithmic { " (logarithmic)" } else { "" }),
            x,
            y: if logarithmic { Scale::logarithmic(losses()) } else { Scale::linear(losses()) }.between_ticks(5),
            ticks: (x_ticks, 5),
            series: vec![
                Series {
                    name: "training",
                    ink: Ink::Training,
                    style: Style::Dashed,
                    points: points(|epoch| epoch.train_loss),
                },
                Series {
                    name: "validation",
                    ink: Ink::Network,
                    style: Style::Solid,
                    points: points(|epoch| epoch.validation_loss),
                },
            ],
            references: references.clone(),
            mark: best.zip(text.as_deref()).map(|(best, text)| Mark {
                at: (best.epoch as f64, best.validation_loss),
                ink: Ink::Network,
                text,
            }),
            legend: true,
            hover: Some("epoch"),
        };
        Some(chart.draw(theme))
    }

    /// The learning rate over epochs.
    pub(crate) fn draw_learning_rate(&self, theme: Theme) -> Option<String> {
        self.draw_over_epochs("learning rate", "learning rate at each epoch's end", Ink::Code, theme, |epoch| {
            f64::from(epoch.learning_rate)
        })
    }

    /// Training samples a second over epochs; `None` where it was not measured in this run.
    pub(crate) fn draw_rate(&self, theme: Theme) -> Option<String> {
        if !self.epochs().iter().any(|epoch| epoch.samples_per_second > 0.0) {
            return None;
        }
        self.draw_over_epochs("samples a second", "training samples a second", Ink::Code, theme, |epoch| {
            epoch.samples_per_second
        })
    }

    fn draw_over_epochs(
        &self,
        name: &str,
        title: &str,
        ink: Ink,
        theme: Theme,
        value: fn(&EpochRecord) -> f64,
    ) -> Option<String> {
        let points: Vec<_> = self.epochs().iter().map(|epoch| (epoch.epoch as f64, value(epoch))).collect();
        let (x, x_ticks) = self.epoch_axis();
        let chart = LineChart {
            label: &format!("{title}, over the epochs"),
            size: (WIDTH, 165.0),
            x_title: "epoch",
            y_title: title,
            x,
            y: Scale::from_zero(points.iter().map(|point| point.1)).up_to_tick(3),
            ticks: (x_ticks, 3),
            series: vec![Series { name, ink, style: Style::Solid, points: points.clone() }],
            references: Vec::new(),
            mark: None,
            legend: false,
            hover: Some("epoch"),
        };
        (!points.is_empty()).then(|| chart.draw(theme))
    }

    /// The epochs as an axis with whole numbers.
    fn epoch_axis(&self) -> (Scale, usize) {
        let last = self.epochs().last().map_or(1, |epoch| epoch.epoch);
        if last <= 1 { (Scale::linear([0.0, 2.0]), 2) } else { (Scale::linear([1.0, last as f64]), 8.min(last - 1)) }
    }
}

/// How many times the largest of the positive values is the smallest.
fn spread(values: impl Iterator<Item = f64>) -> f64 {
    let positive = values.filter(|value| value.is_finite() && *value > 0.0);
    let (low, high) = positive.fold((f64::MAX, 0f64), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { high / low } else { 1.0 }
}
