//! The charts of an evaluation, each for the page or for paper; report and figure files share them.

mod codec;
mod denoising;
mod filling;
mod noise;
mod training;
mod triples;
mod values;

pub(crate) use self::codec::FieldDrawing;

use crate::charts::{
    BarChart, BarRow, HeatMap, HeatPanel, LineChart, Scale, ScatterChart, ScatterClass, Series, Style, colour_bar,
    network_drawing,
};
use crate::evaluation::{ClassErrors, Codes, Evaluation};
use crate::palette::{ColourMap, Ink, Theme};
use crate::picture::{Layout, PictureError, north_up, reduced};

/// At most this many classes get a bar, those with the largest errors.
pub(crate) const MOST_BARS: usize = 30;
const WIDTH: f64 = 540.0;
/// Heat maps are averaged down to this many cells a side.
const MOST_CELLS: usize = 256;
/// Fewer features than this are listed rather than drawn as a line.
const FEWEST_IN_LINE: usize = 8;

impl Evaluation {
    pub(crate) fn draw_network(&self, theme: Theme) -> String {
        network_drawing(&self.architecture, theme)
    }

    /// Of a model that is PCA itself only what comes first: the baseline's, which the network's would repeat.
    fn without_twin<T>(&self, mut baseline_and_network: Vec<T>) -> Vec<T> {
        if self.is_closed_form() {
            baseline_and_network.truncate(1);
        }
        baseline_and_network
    }

    /// What the baseline is called beside the network.
    pub(crate) fn baseline_name(&self) -> String {
        format!("PCA, {}", crate::number::count(self.baseline_latent, "component", "components"))
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
        let series = self.without_twin(series);
        let y = Scale::from_zero(series.iter().flat_map(|series| series.points.iter().map(|point| point.1)));
        let chart = LineChart {
            label: "How the errors of single samples are distributed, for the network and for PCA",
            size: (WIDTH, 280.0),
            x_title: if logarithmic { "error of a sample (logarithmic)" } else { "error of a sample" },
            y_title: "share of samples (%)",
            x,
            y: y.up_to_tick(4),
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
        let both = |network, baseline| {
            if self.is_closed_form() { vec![baseline] } else { vec![network, baseline] }
        };
        let rows = classes
            .iter()
            .map(|class| BarRow { name: class.name.clone(), values: both(class.mse, class.baseline_mse) });
        let chart = BarChart {
            label: "Mean squared error by class, for the network and for PCA",
            width: WIDTH,
            series: if self.is_closed_form() {
                vec![(&baseline, Ink::Baseline)]
            } else {
                vec![("network", Ink::Network), (&baseline, Ink::Baseline)]
            },
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
            let (width, height, cells) = reduced(pixels.into_iter(), width, height, 1, MOST_CELLS);
            (width, height, north_up(cells, width, self.data.south_first()))
        };
        let (network, baseline) = (cells(&self.network.per_feature), cells(&self.baseline.per_feature));
        let panel = |title: String, ink: Ink, (width, height, values)| HeatPanel { title, ink, width, height, values };
        let mut panels = self.without_twin(vec![
            panel(self.baseline_name(), Ink::Baseline, (baseline.0, baseline.1, &baseline.2)),
            panel("network".to_owned(), Ink::Network, (network.0, network.1, &network.2)),
        ]);
        panels.reverse();
        let map = HeatMap {
            id: "error-by-pixel",
            label: "Mean squared error of each pixel, for the network and for PCA, on one colour scale",
            legend: "mean squared error",
            scale: HeatMap::from_zero(&panels),
            colours: ColourMap::Viridis,
            panels,
        };
        map.draw(theme).map(Some)
    }

    /// Which colour stands for which value, where samples are fields; `None` of pictures. `id` is a name that no other bar on the page has.
    pub(crate) fn draw_colour_bar(&self, id: &str, theme: Theme) -> Option<String> {
        let (low, high) = self.data.range;
        let scale = Scale::linear([f64::from(low), f64::from(high)]);
        let legend = self.data.quantity_in_words();
        self.data.is_field().then(|| colour_bar(id, scale, ColourMap::Viridis, &legend, theme))
    }

    /// Which colour stands for which change along the traversals of the network (`which` 0) or of PCA (1); `None` of anything but fields.
    pub(crate) fn draw_changes(&self, codes: &Codes, which: usize, theme: Theme) -> Option<String> {
        let most = codes.traversals[which.min(1)].most?;
        let id = ["changes", "changes-pca"][which.min(1)];
        let legend = format!("change of {}", self.data.quantity_in_words());
        Some(colour_bar(id, Scale::linear([-most, most]), ColourMap::Deviations, &legend, theme))
    }

    /// Whether samples are rows of values in an order, and enough of them for a line.
    pub(crate) fn has_feature_chart(&self) -> bool {
        self.data.layout == Layout::Vector && !self.data.is_table && self.data.features >= FEWEST_IN_LINE
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
            y: Scale::from_zero(network.iter().chain(&baseline).map(|point| point.1)).up_to_tick(4),
            ticks: (6, 4),
            series: self.without_twin(vec![
                Series { name: &name, ink: Ink::Baseline, style: Style::Dashed, points: baseline },
                Series { name: "network", ink: Ink::Network, style: Style::Solid, points: network },
            ]),
            references: Vec::new(),
            mark: None,
            legend: true,
            hover: None,
        };
        Some(chart.draw(theme))
    }
}

impl Codes {
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
}
