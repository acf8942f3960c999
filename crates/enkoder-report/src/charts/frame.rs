//! The frame that charts with two axes share: grid lines, round labels, axis titles and a legend.

use super::scale::Scale;
use super::svg::{Anchor, Svg, text_width};
use crate::palette::{Ink, Theme};

/// The size of tick labels and legends.
pub(crate) const SMALL: f64 = 13.0;

/// Between two entries of a legend.
const GAP: f64 = 22.0;

/// A plot area inside a drawing.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    x: Scale,
    y: Scale,
}

/// How a legend shows a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swatch {
    Line { dash: Option<&'static str> },
    Dot,
    Ring,
    Box,
}

/// What labels an axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis<'a> {
    pub(crate) title: &'a str,
    pub(crate) scale: Scale,
    /// About how many ticks; none hides them.
    pub(crate) ticks: usize,
}

impl Frame {
    /// Starts a drawing of this size with legend, grid and axes; the plot area takes what
    /// they and the margins, kept free at its left and right, leave.
    pub(crate) fn draw(
        size: (f64, f64),
        theme: Theme,
        x: Axis<'_>,
        y: Axis<'_>,
        legend: &[(&str, Ink, Swatch)],
        margins: (f64, f64),
    ) -> (Svg, Self) {
        let mut svg = Svg::new(size.0, size.1, theme);
        let legend_height = draw_legend(&mut svg, (0.0, 16.0), size.0, legend);
        let title_height = if y.title.is_empty() { 8.0 } else { 27.0 };
        let top = legend_height + title_height;
        let y_ticks = if y.ticks == 0 { Vec::new() } else { y.scale.ticks(y.ticks) };
        let widest = y_ticks.iter().map(|(_, label)| text_width(label, SMALL)).fold(0.0, f64::max);
        let left = (widest + 13.0).max(margins.0);
        let below = if x.ticks > 0 { 24.0 } else { 8.0 } + if x.title.is_empty() { 0.0 } else { 18.0 };
        let frame = Self {
            left,
            top,
            width: (size.0 - left - 14.0 - margins.1).max(10.0),
            height: (size.1 - top - below).max(10.0),
            x: x.scale,
            y: y.scale,
        };
        let bottom = frame.top + frame.height;
        if !y.title.is_empty() {
            svg.text((0.0, top - 13.0), Anchor::Start, SMALL, Ink::Muted, y.title);
        }
        for (value, label) in &y_ticks {
            if let Some(height) = frame.y(*value) {
                svg.line((left, height), (left + frame.width, height), Ink::Grid, 1.0);
                svg.text((left - 7.0, height + 4.5), Anchor::End, SMALL, Ink::Muted, label);
            }
        }
        if x.ticks > 0 {
            let ticks = x.scale.ticks(x.ticks);
            let widest = ticks.iter().map(|(_, label)| text_width(label, SMALL)).fold(0.0, f64::max);
            let places: Vec<f64> = ticks.iter().filter_map(|(value, _)| frame.x(*value)).collect();
            let nearest = places.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
            // Labels that would touch are left out, every second one or more.
            let every = ((widest + 8.0) / nearest).ceil().max(1.0) as usize;
            for (value, label) in ticks.into_iter().step_by(every) {
                if let Some(across) = frame.x(value) {
                    svg.line((across, bottom), (across, bottom + 4.0), Ink::Muted, 1.0);
                    svg.text((across, bottom + 18.0), Anchor::Middle, SMALL, Ink::Muted, &label);
                }
            }
        }
        svg.line((left, bottom), (left + frame.width, bottom), Ink::Muted, 1.0);
        if !x.title.is_empty() {
            svg.text((left + frame.width / 2.0, size.1 - 4.0), Anchor::Middle, SMALL, Ink::Muted, x.title);
        }
        (svg, frame)
    }

    pub(crate) fn x(&self, value: f64) -> Option<f64> {
        Some(self.left + self.x.position(value)? * self.width)
    }

    pub(crate) fn y(&self, value: f64) -> Option<f64> {
        Some(self.top + (1.0 - self.y.position(value)?) * self.height)
    }

    pub(crate) fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.x(x)?, self.y(y)?))
    }
}

/// Draws a legend in as many lines as it needs and gives its height.
pub(crate) fn draw_legend(svg: &mut Svg, at: (f64, f64), width: f64, entries: &[(&str, Ink, Swatch)]) -> f64 {
    if entries.is_empty() {
        return 0.0;
    }
    let (mut x, mut y) = at;
    for &(name, ink, swatch) in entries {
        let needed = 26.0 + text_width(name, SMALL) + GAP;
        if x > at.0 && x + needed - GAP > at.0 + width {
            (x, y) = (at.0, y + 20.0);
        }
        let middle = y - 4.5;
        match swatch {
            Swatch::Line { dash } => svg.path(&format!("M{x} {middle}h20"), ink, 2.5, dash),
            Swatch::Dot => svg.circle((x + 14.0, middle), 4.5, Some(ink), ink),
            Swatch::Ring => svg.circle((x + 14.0, middle), 4.5, None, ink),
            Swatch::Box => svg.rect((x + 8.0, middle - 6.0), (12.0, 12.0), 2.0, ink),
        }
        svg.text((x + 26.0, y), Anchor::Start, SMALL, Ink::Text, name);
        x += needed;
    }
    y + 8.0
}
