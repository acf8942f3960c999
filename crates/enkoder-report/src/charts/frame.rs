//! The frame that charts with two axes share: grid lines, round labels, axis titles and a legend.

use super::scale::Scale;
use super::svg::{Anchor, Svg, text_width};
use crate::palette::{Ink, Theme};

/// The size of tick labels and legends.
pub(crate) const SMALL: f64 = 13.0;

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
    /// they and `margin`, kept free at its left, leave.
    pub(crate) fn draw(
        size: (f64, f64),
        theme: Theme,
        x: Axis<'_>,
        y: Axis<'_>,
        legend: &[(&str, Ink, Swatch)],
        margin: f64,
    ) -> (Svg, Self) {
        let mut svg = Svg::new(size.0, size.1, theme);
        let legend_height = draw_legend(&mut svg, (0.0, 16.0), size.0, legend);
        let title_height = if y.title.is_empty() { 8.0 } else { 27.0 };
        let top = legend_height + title_height;
        let y_ticks = if y.ticks == 0 { Vec::new() } else { y.scale.ticks(y.ticks) };
        let widest = y_ticks.iter().map(|(_, label)| text_width(label, SMALL)).fold(0.0, f64::max);
        let left = (widest + 13.0).max(margin);
        let below = if x.ticks > 0 { 24.0 } else { 8.0 } + if x.title.is_empty() { 0.0 } else { 18.0 };
        let frame = Self {
            left,
            top,
            width: (size.0 - left - 14.0).max(10.0),
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
            for (value, label) in x.scale.ticks(x.ticks) {
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
        let needed = 26.0 + text_width(name, SMALL) + 18.0;
        if x > at.0 && x + needed - 18.0 > at.0 + width {
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
