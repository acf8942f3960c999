//! Samples that are no images: lines over their features where these have an order, dots beside their names where not.

use super::WIDTH;
use crate::charts::{DotPlot, LineChart, Scale, Series, Style};
use crate::evaluation::{ColumnSummary, Columns, Evaluation, Pick, Traversal, View};
use crate::number::significant;
use crate::palette::{Ink, Theme};

/// At most this many columns of a table get a row of dots, those with the largest errors.
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
