//! The charts of an evaluation, each for the page or for paper; report and figure files share them.

use enkoder::{EpochRecord, Loss};

use crate::charts::{
    BarChart, BarRow, DotPlot, HeatMap, HeatPanel, LineChart, Mark, Reference, Scale, ScatterChart, ScatterClass,
    Series, Style, network_drawing,
};
use crate::evaluation::{ClassErrors, ColumnSummary, Columns, Evaluation, Pick, Traversal, View};
use crate::number::significant;
use crate::palette::{Ink, Theme};
use crate::picture::{Layout, PictureError, reduced};

/// At most this many classes get a bar, those with the largest errors.
pub(crate) const MOST_BARS: usize = 30;
const WIDTH: f64 = 540.0;
/// Heat maps are averaged down to this many cells a side.
const MOST_CELLS: usize = 256;
/// At most this many columns of a table get a row of dots, those with the largest errors.
const MOST_DOTS: usize = 16;
/// Fewer features than this are listed rather than drawn as a line.
const FEWEST_IN_LINE: usize = 8;

impl Evaluation {
    pub(crate) fn draw_network(&self, theme: Theme) -> String {
        network_drawing(&self.architecture, theme)
    }

    /// What the baseline is called beside the network.
    pub(crate) fn baseline_name(&self) -> String {
        format!("PCA, {}", crate::number::count(self.baseline_latent, "component", "components"))
    }

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
        };
        let logarithmic = spread(losses()) > 4.0;
        let chart = LineChart {
            label: "Training and validation loss over the epochs, with the best epoch marked",
            size: (WIDTH, 330.0),
            x_title: "epoch",
            y_title: &format!("{loss}{}", if logarithmic { " (logarithmic)" } else { "" }),
            x,
            y: if logarithmic { Scale::logarithmic(losses()) } else { Scale::linear(losses()) }.padded(0.04),
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
            y: Scale::from_zero(points.iter().map(|point| point.1)),
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

    /// How the errors of the samples are distributed.
    pub(crate) fn draw_error_distribution(&self, theme: Theme) -> String {
        const BINS: usize = 48;
        let all = || self.network.per_sample.iter().chain(&self.baseline.per_sample).map(|&error| f64::from(error));
        let positive = || all().filter(|error| error.is_finite() && *error > 0.0);
        let (low, high) = positive().fold((f64::MAX, 0f64), |(low, high), error| (low.min(error), high.max(error)));
        // Bins of equal width on the axis that is drawn.
        let logarithmic = high > low * 8.0;
        let (low, high) = if low >= high { (low.min(high) * 0.5, high * 1.5) } else { (low, high) };
        let edge = |bin: usize| {
            let share = bin as f64 / BINS as f64;
            if logarithmic { low * (high / low).powf(share) } else { low + (high - low) * share }
        };
        let x = if logarithmic { Scale::logarithmic([low, high]) } else { Scale::linear([low, high]) };
        let distribution = |errors: &[f32]| -> Vec<(f64, f64)> {
            let mut counts = [0usize; BINS];
            for &error in errors.iter().filter(|error| !error.is_nan()) {
                let position = x.position(f64::from(error)).unwrap_or(0.0);
                counts[((position * BINS as f64) as usize).min(BINS - 1)] += 1;
            }
            let percent = |count: usize| 100.0 * count as f64 / errors.len().max(1) as f64;
            let step = |(bin, &count): (usize, &usize)| [(edge(bin), percent(count)), (edge(bin + 1), percent(count))];
            counts.iter().enumerate().flat_map(step).collect()
        };
        let baseline = self.baseline_name();
        let series = vec![
            Series {
                name: &baseline,
                ink: Ink::Baseline,
                style: Style::Filled,
                points: distribution(&self.baseline.per_sample),
            },
            Series {
                name: "network",
                ink: Ink::Network,
                style: Style::Filled,
                points: distribution(&self.network.per_sample),
            },
        ];
        let y = Scale::from_zero(series.iter().flat_map(|series| series.points.iter().map(|point| point.1)));
        let chart = LineChart {
            label: "How the errors of single samples are distributed, for the network and for PCA",
            size: (WIDTH, 280.0),
            x_title: if logarithmic { "error of a sample (logarithmic)" } else { "error of a sample" },
            y_title: "share of samples (%)",
            x,
            y,
            ticks: (6, 4),
            series,
            references: Vec::new(),
            mark: None,
            legend: true,
            hover: None,
        };
        chart.draw(theme)
    }

    /// The classes that get a bar.
    pub(crate) fn charted_classes(&self) -> Vec<&ClassErrors> {
        let mut classes: Vec<&ClassErrors> = self.classes.iter().collect();
        if classes.len() > MOST_BARS {
            classes.sort_by(|a, b| b.mse.total_cmp(&a.mse));
            classes.truncate(MOST_BARS);
        }
        classes
    }

    /// Errors by class; `None` without labels.
    pub(crate) fn draw_class_errors(&self, theme: Theme) -> Option<String> {
        let classes = self.charted_classes();
        let baseline = self.baseline_name();
        let rows = classes
            .iter()
            .map(|class| BarRow { name: class.name.clone(), values: vec![class.mse, class.baseline_mse] });
        let chart = BarChart {
            label: "Mean squared error by class, for the network and for PCA",
            width: WIDTH,
            series: vec![("network", Ink::Network), (&baseline, Ink::Baseline)],
            rows: rows.collect(),
        };
        (!classes.is_empty()).then(|| chart.draw(theme))
    }

    /// Errors by pixel; `None` where samples are no images.
    pub(crate) fn draw_pixel_errors(&self, theme: Theme) -> Result<Option<String>, PictureError> {
        let Layout::Image { width, height, channels } = self.data.layout else { return Ok(None) };
        let cells = |errors: &[f64]| {
            let pixels: Vec<f64> =
                errors.chunks(channels).map(|pixel| pixel.iter().sum::<f64>() / channels as f64).collect();
            reduced(pixels.into_iter(), width, height, 1, MOST_CELLS)
        };
        let (network, baseline) = (cells(&self.network.per_feature), cells(&self.baseline.per_feature));
        let panel = |title: String, ink: Ink, (width, height, values)| HeatPanel { title, ink, width, height, values };
        let map = HeatMap {
            label: "Mean squared error of each pixel, for the network and for PCA, on one colour scale",
            legend: "mean squared error",
            panels: vec![
                panel("network".to_owned(), Ink::Network, (network.0, network.1, &network.2)),
                panel(self.baseline_name(), Ink::Baseline, (baseline.0, baseline.1, &baseline.2)),
            ],
        };
        map.draw(theme).map(Some)
    }

    /// Whether samples are rows of values in an order, and enough of them for a line.
    pub(crate) fn has_feature_chart(&self) -> bool {
        self.data.layout == Layout::Vector && !self.data.is_table && self.data.features >= FEWEST_IN_LINE
    }

    /// The range of each feature, for samples that are rows of values in an order.
    pub(crate) fn draw_profile(&self, theme: Theme) -> Option<String> {
        let columns = self.columns.as_ref().filter(|_| self.has_feature_chart())?;
        let block = columns.first.len().div_ceil(400).max(1);
        let series = |value: fn(&[ColumnSummary]) -> f64| -> Vec<(f64, f64)> {
            let blocks = columns.first.chunks(block).enumerate();
            blocks.map(|(index, columns)| ((index * block + 1) as f64, value(columns))).collect()
        };
        let low = series(|columns| extreme(columns, |column| column.min, f32::min));
        let mean = series(|columns| columns.iter().map(|column| column.mean).sum::<f64>() / columns.len() as f64);
        let high = series(|columns| extreme(columns, |column| column.max, f32::max));
        let line = |name, ink, style, points| Series { name, ink, style, points };
        let chart = LineChart {
            label: "The smallest, the mean and the largest value of each feature",
            size: (WIDTH, 260.0),
            x_title: "feature",
            y_title: "value",
            x: Scale::linear([1.0, columns.first.len() as f64]),
            y: Scale::linear([&low, &mean, &high].into_iter().flatten().map(|point| point.1)).padded(0.04),
            ticks: (6, 4),
            series: vec![
                line("largest", Ink::Training, Style::Dashed, high),
                line("mean", Ink::Network, Style::Solid, mean),
                line("smallest", Ink::Training, Style::Dashed, low),
            ],
            references: Vec::new(),
            mark: None,
            legend: true,
            hover: None,
        };
        Some(chart.draw(theme))
    }

    /// Errors along the features, for samples that are rows of values in an order.
    pub(crate) fn draw_feature_errors(&self, theme: Theme) -> Option<String> {
        if !self.has_feature_chart() {
            return None;
        }
        let block = self.data.features.div_ceil(400).max(1);
        let points = |errors: &[f64]| -> Vec<(f64, f64)> {
            let mean = |(index, block_of): (usize, &[f64])| {
                let middle = (index * block) as f64 + (block_of.len() as f64 + 1.0) / 2.0;
                (middle, block_of.iter().sum::<f64>() / block_of.len() as f64)
            };
            errors.chunks(block).enumerate().map(mean).collect()
        };
        let (network, baseline) = (points(&self.network.per_feature), points(&self.baseline.per_feature));
        let name = self.baseline_name();
        let chart = LineChart {
            label: "Mean squared error along the features, for the network and for PCA",
            size: (WIDTH, 280.0),
            x_title: "feature",
            y_title: "mean squared error",
            x: Scale::linear([1.0, self.data.features as f64]),
            y: Scale::from_zero(network.iter().chain(&baseline).map(|point| point.1)),
            ticks: (6, 4),
            series: vec![
                Series { name: &name, ink: Ink::Baseline, style: Style::Dashed, points: baseline },
                Series { name: "network", ink: Ink::Network, style: Style::Solid, points: network },
            ],
            references: Vec::new(),
            mark: None,
            legend: true,
            hover: None,
        };
        Some(chart.draw(theme))
    }

    /// Codes in two dimensions: the network's (`which` 0) or PCA's (1).
    pub(crate) fn draw_projection(&self, which: usize, theme: Theme) -> String {
        let projection = &self.projections[which.min(1)];
        let classes: Vec<ScatterClass> = self
            .point_classes
            .iter()
            .map(|class| ScatterClass {
                name: class.name.clone(),
                ink: class.colour.map_or(Ink::OtherClass, Ink::Class),
                points: class.points.iter().filter_map(|&point| projection.points.get(point).copied()).collect(),
                named: !class.name.is_empty() && class.colour.is_some(),
            })
            .collect();
        let chart = ScatterChart {
            label: match which {
                0 => "The samples' codes in two dimensions, coloured by class",
                _ => "The samples' first two principal components, coloured by class",
            },
            size: (WIDTH, 480.0),
            x_title: &projection.x_title,
            y_title: &projection.y_title,
            y_ticks: !projection.flat,
            legend: classes.iter().any(|class| !class.name.is_empty()),
            classes,
        };
        chart.draw(theme)
    }

    /// A sample that is no image, beside its reconstructions; `None` for images.
    pub(crate) fn draw_pick(&self, pick: &Pick, theme: Theme) -> Option<String> {
        let (View::Values(original), View::Values(network), View::Values(baseline)) =
            (&pick.original, &pick.network, &pick.baseline)
        else {
            return None;
        };
        let label = format!("Sample {} beside its reconstructions by the network and by PCA", pick.index);
        let baseline_name = self.baseline_name();
        let series = [
            ("original", Ink::Training, Style::Solid, original),
            (baseline_name.as_str(), Ink::Baseline, Style::Dashed, baseline),
            ("network", Ink::Network, Style::Solid, network),
        ];
        Some(self.draw_values(&label, series, theme))
    }

    /// A traversal of samples that are no images: both ends and the middle; `None` for images.
    pub(crate) fn draw_traversal(&self, traversal: &Traversal, theme: Theme) -> Option<String> {
        let values = |step: usize| match traversal.views.get(step) {
            Some(View::Values(values)) => Some(values),
            _ => None,
        };
        let last = traversal.views.len().checked_sub(1)?;
        let (low, middle, high) = (values(0)?, values(last / 2)?, values(last)?);
        let label = format!("Number {} of the code at its 5th, middle and 95th percentile", traversal.dimension + 1);
        let (low_name, high_name) = (significant(traversal.low.into(), 2), significant(traversal.high.into(), 2));
        let series = [
            (low_name.as_str(), Ink::Code, Style::Dashed, low),
            ("middle", Ink::Training, Style::Solid, middle),
            (high_name.as_str(), Ink::Network, Style::Solid, high),
        ];
        Some(self.draw_values(&label, series, theme))
    }

    /// Rows of scaled values over their features; where there is no line to draw, dots beside their names.
    pub(crate) fn draw_values<const N: usize>(
        &self,
        label: &str,
        series: [(&str, Ink, Style, &Vec<f32>); N],
        theme: Theme,
    ) -> String {
        if !self.has_feature_chart()
            && let Some(columns) = &self.columns
            && series.iter().all(|series| series.3.len() == self.data.features)
        {
            return self.draw_dots(label, columns, series, theme);
        }
        let block = self.data.features.div_ceil(series.first().map_or(1, |series| series.3.len()).max(1)).max(1);
        let series = series.map(|(name, ink, style, values)| {
            let place = |(index, &value): (usize, &f32)| ((index * block + 1) as f64, f64::from(value));
            Series { name, ink, style, points: values.iter().enumerate().map(place).collect() }
        });
        let features = self.data.features;
        let x =
            if features <= 1 { Scale::linear([0.0, 2.0]) } else { Scale::linear([1.0, features as f64]).padded(0.01) };
        let chart = LineChart {
            label,
            size: (360.0, 200.0),
            x_title: "feature",
            y_title: "scaled value",
            x,
            y: Scale::linear(series.iter().flat_map(|series| series.points.iter().map(|point| point.1))).padded(0.05),
            ticks: (5.min(features.saturating_sub(1).max(1)), 4),
            legend: N > 1,
            series: series.into(),
            references: Vec::new(),
            mark: None,
            hover: None,
        };
        chart.draw(theme)
    }

    /// One sample of a table, or several: a row for each feature, those first that differ the most.
    fn draw_dots<const N: usize>(
        &self,
        label: &str,
        columns: &Columns,
        series: [(&str, Ink, Style, &Vec<f32>); N],
        theme: Theme,
    ) -> String {
        let mut features: Vec<usize> = (0..self.data.features).collect();
        features.sort_by(|&a, &b| width_of(&series, b).total_cmp(&width_of(&series, a)));
        features.truncate(MOST_DOTS);
        features.sort_unstable();
        let row = |feature: usize| {
            let values = series.iter().map(|series| f64::from(series.3[feature])).collect();
            (columns.name(feature), values)
        };
        let plot = DotPlot {
            label,
            width: 360.0,
            x_title: "scaled value",
            series: series.iter().map(|&(name, ink, ..)| (name, ink)).collect(),
            rows: features.into_iter().map(row).collect(),
        };
        plot.draw(theme)
    }
}

/// The smallest or largest of these features' values.
fn extreme(columns: &[ColumnSummary], of: fn(&ColumnSummary) -> f32, fold: fn(f32, f32) -> f32) -> f64 {
    columns.iter().map(of).reduce(fold).unwrap_or(f32::NAN).into()
}

/// How far apart the values of a feature lie.
fn width_of<const N: usize>(series: &[(&str, Ink, Style, &Vec<f32>); N], feature: usize) -> f32 {
    let values = || series.iter().map(|series| series.3[feature]).filter(|value| value.is_finite());
    values().fold(f32::NEG_INFINITY, f32::max) - values().fold(f32::INFINITY, f32::min)
}

/// How many times the largest of the positive values is the smallest.
fn spread(values: impl Iterator<Item = f64>) -> f64 {
    let positive = values.filter(|value| value.is_finite() && *value > 0.0);
    let (low, high) = positive.fold((f64::MAX, 0f64), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { high / low } else { 1.0 }
}
