//! Samples that are no images: lines over their features where these have an order, dots beside their names where not.

use enkoder::Scaling;

use super::WIDTH;
use crate::charts::{DotPlot, DotRow, LineChart, Scale, Series, Style};
use crate::evaluation::{Column, ColumnSummary, Columns, Evaluation, Pick, Traversal, View};
use crate::number::{shortened, significant};
use crate::palette::{Ink, Theme};

/// At most this many columns of a table get a row of dots, those whose values differ most.
const MOST_DOTS: usize = 16;

impl Evaluation {
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
            y: Scale::linear([&low, &mean, &high].into_iter().flatten().map(|point| point.1)).between_ticks(4),
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

    /// A sample that is no image, beside its reconstructions; `None` for images.
    pub(crate) fn draw_pick(&self, pick: &Pick, theme: Theme) -> Option<String> {
        let (View::Values(original), View::Values(network), View::Values(baseline)) =
            (&pick.original, &pick.network, &pick.baseline)
        else {
            return None;
        };
        let label = format!("Sample {} beside its reconstructions by the network and by PCA", pick.index);
        let original = ("original", Ink::Training, Style::Solid, original);
        let baseline = ("PCA", Ink::Baseline, Style::Dashed, baseline);
        if self.is_closed_form() {
            return Some(self.draw_values(&label, [original, baseline], theme));
        }
        Some(self.draw_values(&label, [original, baseline, ("network", Ink::Network, Style::Solid, network)], theme))
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

    /// Rows of values over their features; where there is no line to draw, dots beside the names of columns.
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
        let quantity = self.data.quantity_in_words();
        let x =
            if features <= 1 { Scale::linear([0.0, 2.0]) } else { Scale::linear([1.0, features as f64]).padded(0.01) };
        let chart = LineChart {
            label,
            size: (360.0, 200.0),
            x_title: "feature",
            y_title: &quantity,
            x,
            y: Scale::linear(series.iter().flat_map(|series| series.points.iter().map(|point| point.1)))
                .between_ticks(4),
            ticks: (5.min(features.saturating_sub(1).max(1)), 4),
            legend: N > 1,
            series: series.into(),
            references: Vec::new(),
            mark: None,
            hover: None,
        };
        chart.draw(theme)
    }

    /// Samples of a table: a row for each column, those that differ the most. Columns have units of their own, so dots lie by scaled
    /// values; beside them stand the first and the last sample's in their own units, or their categories.
    fn draw_dots<const N: usize>(
        &self,
        label: &str,
        columns: &Columns,
        series: [(&str, Ink, Style, &Vec<f32>); N],
        theme: Theme,
    ) -> String {
        let coefficients = self.scaler.coefficients();
        let scaled = |feature: usize, value: f32| {
            let of = |numbers: &[f32]| f64::from(numbers[feature % numbers.len()]);
            (f64::from(value) - of(coefficients.offset)) * of(coefficients.scale)
        };
        let spread = |column: &Column| {
            let features = column.features.clone();
            let widths = features.map(|feature| {
                let values =
                    || series.iter().map(|series| scaled(feature, series.3[feature])).filter(|value| value.is_finite());
                values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
            });
            widths.fold(f64::NEG_INFINITY, f64::max)
        };
        let mut shown: Vec<&Column> = columns.all.iter().collect();
        shown.sort_by(|a, b| spread(b).total_cmp(&spread(a)));
        shown.truncate(MOST_DOTS);
        shown.sort_by_key(|column| column.features.start);
        let cell = |column: &Column, values: &[f32]| match &column.categories {
            Some(_) => column.category(values).map_or("missing".to_owned(), |word| shortened(word, 10)),
            None => significant(values[column.features.start].into(), 3),
        };
        let ends = [series.first(), series.last()].map(|series| series.map(|series| &series.3[..]).unwrap_or_default());
        let row = |column: &Column| {
            let of = |values: &Vec<f32>| match column.categories {
                Some(_) => f64::NAN,
                None => scaled(column.features.start, values[column.features.start]),
            };
            let cells = ends.map(|values| cell(column, values));
            DotRow {
                name: column.name.clone(),
                values: series.iter().map(|series| of(series.3)).collect(),
                note: if N > 1 { cells.join(" → ") } else { cells[0].clone() },
            }
        };
        let plot = DotPlot {
            label,
            width: 360.0,
            x_title: if self.scaler.kind() == Scaling::Standard {
                "standard deviations from the mean"
            } else {
                "scaled value"
            },
            series: series.iter().map(|&(name, ink, ..)| (name, ink)).collect(),
            rows: shown.into_iter().map(row).collect(),
        };
        plot.draw(theme)
    }
}

/// The smallest or largest of these features' values.
fn extreme(columns: &[ColumnSummary], of: fn(&ColumnSummary) -> f32, fold: fn(f32, f32) -> f32) -> f64 {
    columns.iter().map(of).reduce(fold).unwrap_or(f32::NAN).into()
}
