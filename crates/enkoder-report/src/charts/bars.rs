//! Pairs of horizontal bars, the network's above PCA's, and histograms the size of a word.

use super::frame::{SMALL, Swatch, draw_legend};
use super::scale::Scale;
use super::svg::{Anchor, Svg, coordinate, text_width};
use crate::number::{shortened, significant};
use crate::palette::{Ink, Theme};

/// One row: a name and a value for each series.
#[derive(Clone, Debug)]
pub(crate) struct BarRow {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

/// Horizontal bars from zero, each with its value.
#[derive(Clone, Debug)]
pub(crate) struct BarChart<'a> {
    pub(crate) label: &'a str,
    pub(crate) width: f64,
    pub(crate) series: Vec<(&'a str, Ink)>,
    pub(crate) rows: Vec<BarRow>,
}

impl BarChart<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let thickness = if self.series.len() == 1 { 14.0 } else { 12.5 };
        let row_height = thickness * self.series.len() as f64 + 9.0;
        let legend_height = if self.series.len() > 1 { 28.0 } else { 4.0 };
        let height = legend_height + row_height * self.rows.len() as f64 + 4.0;
        let mut svg = Svg::new(self.width, height, theme);
        if self.series.len() > 1 {
            let legend: Vec<_> = self.series.iter().map(|&(name, ink)| (name, ink, Swatch::Box)).collect();
            draw_legend(&mut svg, (0.0, 16.0), self.width, &legend);
        }
        let widest = self.rows.iter().map(|row| text_width(&row.name, SMALL)).fold(0.0, f64::max);
        let left = (widest + 10.0).min(self.width * 0.4);
        let scale = Scale::from_zero(self.rows.iter().flat_map(|row| row.values.iter().copied()));
        let room = self.width - left - 64.0;
        for (index, row) in self.rows.iter().enumerate() {
            let top = legend_height + row_height * index as f64;
            let fitting = ((left - 10.0) / (SMALL * 0.56)).floor().max(1.0) as usize;
            let middle = top + thickness * self.series.len() as f64 / 2.0 + 4.5;
            svg.text((left - 8.0, middle), Anchor::End, SMALL, Ink::Text, &shortened(&row.name, fitting));
            for (series, (&value, &(_, ink))) in row.values.iter().zip(&self.series).enumerate() {
                let y = top + thickness * series as f64;
                let length = scale.position(value).unwrap_or(0.0).clamp(0.0, 1.0) * room;
                svg.rect((left, y), (length.max(1.0), thickness - 1.5), 1.5, ink);
                let text = significant(value, 3);
                svg.text((left + length + 6.0, y + thickness - 1.5), Anchor::Start, 11.0, Ink::Muted, &text);
            }
        }
        svg.line((left, legend_height - 2.0), (left, height - 6.0), Ink::Muted, 1.0);
        svg.finish(self.label)
    }
}

/// A histogram the size of a word.
pub(crate) fn spark_histogram(counts: &[usize], label: &str, theme: Theme) -> String {
    let (width, height) = (120.0, 26.0);
    let mut svg = Svg::new(width, height, theme);
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = width / counts.len().max(1) as f64;
    let bars: String = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(index, count)| {
            // At least a pixel: rare values are still values.
            let bar = (*count as f64 / most * (height - 2.0)).max(1.0);
            let x = coordinate(index as f64 * step);
            let wide = coordinate(step - 1.0);
            format!("M{x} {}h{wide}v{}h-{wide}z", coordinate(height - 1.0 - bar), coordinate(bar))
        })
        .collect();
    svg.area(&bars, Ink::Network, 0.85);
    svg.line((0.0, height - 0.5), (width, height - 0.5), Ink::Muted, 1.0);
    svg.finish(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_rows_long_names_and_values_that_are_not_finite_draw_well_formed() {
        let rows = (0..200).map(|index| BarRow {
            name: "<name>".repeat(index),
            values: vec![if index == 3 { f64::NAN } else { index as f64 }, f64::INFINITY],
        });
        let series = vec![("network", Ink::Network), ("PCA", Ink::Baseline)];
        let svg = BarChart { label: "errors", width: 500.0, series, rows: rows.collect() }.draw(Theme::Page);
        roxmltree::Document::parse(&svg).unwrap();
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn a_histogram_of_nothing_is_an_empty_axis() {
        for counts in [vec![], vec![0, 0], vec![5], vec![usize::MAX, 1]] {
            roxmltree::Document::parse(&spark_histogram(&counts, "age", Theme::Page)).unwrap();
        }
    }
}
