//! Dot plots after Cleveland: a row for each named value, a dot for each series along one axis.

use super::frame::{Axis, Frame, SMALL, Swatch, draw_legend};
use super::scale::Scale;
use super::svg::{Anchor, Svg, coordinate, text_width};
use crate::number::shortened;
use crate::palette::{Ink, Theme};

/// Rows of values, one for each series.
#[derive(Clone, Debug)]
pub(crate) struct DotPlot<'a> {
    pub(crate) label: &'a str,
    pub(crate) width: f64,
    pub(crate) x_title: &'a str,
    /// Name and colour; the first series is filled dots, the others rings.
    pub(crate) series: Vec<(&'a str, Ink)>,
    pub(crate) rows: Vec<DotRow>,
}

/// A named row.
#[derive(Clone, Debug)]
pub(crate) struct DotRow {
    pub(crate) name: String,
    /// One for each series; what is not finite has no dot.
    pub(crate) values: Vec<f64>,
    /// What stands behind the dots.
    pub(crate) note: String,
}

const ROW: f64 = 20.0;

impl DotPlot<'_> {
    pub(crate) fn draw(&self, theme: Theme) -> String {
        let swatch = |index: usize| if index == 0 { Swatch::Dot } else { Swatch::Ring };
        let legend: Vec<_> =
            self.series.iter().enumerate().map(|(index, &(name, ink))| (name, ink, swatch(index))).collect();
        let widest =
            |of: fn(&DotRow) -> &str| self.rows.iter().map(|row| text_width(of(row), SMALL)).fold(0.0, f64::max);
        let names = (widest(|row| &row.name) + 18.0).min(self.width * 0.36);
        let notes = match widest(|row| &row.note) {
            0.0 => 0.0,
            wide => (wide + 4.0).min(self.width * 0.36),
        };
        let count = self.rows.len() as f64;
        let values = || self.rows.iter().flat_map(|row| row.values.iter().copied());
        let x = Axis {
            title: self.x_title,
            scale: Scale::linear(values()).padded(0.04),
            ticks: if notes > 0.0 { 3 } else { 4 },
        };
        let y = Axis { title: "", scale: Scale::linear([0.0, count.max(1.0)]), ticks: 0 };
        let legend_height = draw_legend(&mut Svg::new(0.0, 0.0, theme), (0.0, 16.0), self.width, &legend);
        let size = (self.width, ROW * count + 50.0 + legend_height);
        let (mut svg, frame) = Frame::draw(size, theme, x, y, &legend, (names, notes));
        let fitting = |room: f64| (room / (SMALL * 0.56)).floor().max(1.0) as usize;
        for (index, row) in self.rows.iter().enumerate() {
            let Some(middle) = frame.y(count - index as f64 - 0.5) else { continue };
            let line = format!("M{} {}h{}", coordinate(frame.left), coordinate(middle), coordinate(frame.width));
            svg.path(&line, Ink::Grid, 1.0, None);
            svg.text(
                (names - 10.0, middle + 4.5),
                Anchor::End,
                SMALL,
                Ink::Text,
                &shortened(&row.name, fitting(names - 18.0)),
            );
            svg.text((self.width, middle + 4.5), Anchor::End, SMALL, Ink::Muted, &shortened(&row.note, fitting(notes)));
            for (series, (&value, &(_, ink))) in row.values.iter().zip(&self.series).enumerate() {
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
            let row = |index: usize| DotRow {
                name: "<n>".repeat(index),
                values: vec![f64::NAN, index as f64, f64::INFINITY],
                note: "0.5 → <b>".repeat(index % 3),
            };
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
