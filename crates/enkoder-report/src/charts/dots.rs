//! Dot plots after Cleveland: a row for each named value, a dot for each series along one axis.

use super::frame::{Axis, Frame, SMALL, Swatch};
use super::scale::Scale;
use super::svg::{Anchor, coordinate, text_width};
use crate::number::name;
use crate::palette::{Ink, Theme};

/// Rows of values, one for each series.
#[derive(Clone, Debug)]
pub(crate) struct DotPlot<'a> {
    pub(crate) label: &'a str,
    pub(crate) width: f64,
    pub(crate) x_title: &'a str,
    /// Name and colour; the first series is filled dots, the others rings.
    pub(crate) series: Vec<(&'a str, Ink)>,
    pub(crate) rows: Vec<(String, Vec<f64>)>,
}

const ROW: f64 = 20.0;

impl DotPlot<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let swatch = |index: usize| if index == 0 { Swatch::Dot } else { Swatch::Ring };
        let legend: Vec<_> =
            self.series.iter().enumerate().map(|(index, &(name, ink))| (name, ink, swatch(index))).collect();
        let widest = self.rows.iter().map(|(name, _)| text_width(name, SMALL)).fold(0.0, f64::max);
        let names = (widest + 18.0).min(self.width * 0.4);
        let count = self.rows.len() as f64;
        let values = || self.rows.iter().flat_map(|(_, values)| values.iter().copied());
        let x = Axis { title: self.x_title, scale: Scale::linear(values()).padded(0.04), ticks: 4 };
        let y = Axis { title: "", scale: Scale::linear([0.0, count.max(1.0)]), ticks: 0 };
        let height = ROW * count + 50.0 + if legend.is_empty() { 0.0 } else { 44.0 };
        let (mut svg, frame) = Frame::draw((self.width, height), theme, x, y, &legend, names);
        let fitting = ((names - 18.0) / (SMALL * 0.56)).floor().max(1.0) as usize;
        for (index, (of_row, values)) in self.rows.iter().enumerate() {
            let Some(middle) = frame.y(count - index as f64 - 0.5) else { continue };
            let line = format!("M{} {}h{}", coordinate(frame.left), coordinate(middle), coordinate(frame.width));
            svg.path(&line, Ink::Grid, 1.0, None);
            svg.text((names - 10.0, middle + 4.5), Anchor::End, SMALL, Ink::Text, &name(of_row, fitting));
            for (series, (&value, &(_, ink))) in values.iter().zip(&self.series).enumerate() {
                if let Some(across) = frame.x(value) {
                    svg.circle((across, middle), 4.5, (series == 0).then_some(ink), ink);
                }
            }
        }
        svg.finish(self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_number_name_and_value_draw_well_formed() {
        for count in [0, 1, 40] {
            let row = |index: usize| ("<n>".repeat(index), vec![f64::NAN, index as f64, f64::INFINITY]);
            let plot = DotPlot {
                label: "values",
                width: 360.0,
                x_title: "scaled value",
                series: vec![("original", Ink::Training), ("network", Ink::Network), ("PCA", Ink::Baseline)],
                rows: (0..count).map(row).collect(),
            };
            let svg = plot.draw(Theme::Page);
            roxmltree::Document::parse(&svg).unwrap();
            assert!(!svg.contains("NaN"));
        }
    }
}
