//! Heat maps side by side on one colour scale, with its legend.

use super::frame::SMALL;
use super::scale::Scale;
use super::svg::{Anchor, Svg, coordinate, text_width};
use crate::palette::{ColourMap, Ink, Theme};
use crate::picture::{Picture, PictureError};

/// One map: `width × height` values by rows.
#[derive(Clone, Debug)]
pub(crate) struct HeatPanel<'a> {
    pub(crate) title: String,
    pub(crate) ink: Ink,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: &'a [f64],
}

/// Maps of the same quantity.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap<'a> {
    /// A name that no other map on the page has.
    pub(crate) id: &'a str,
    pub(crate) label: &'a str,
    pub(crate) legend: &'a str,
    /// What the colours run over.
    pub(crate) scale: Scale,
    pub(crate) colours: ColourMap,
    pub(crate) panels: Vec<HeatPanel<'a>>,
}

impl HeatMap<'_> {
    /// A scale from 0 to the largest value of all maps.
    pub(crate) fn from_zero(panels: &[HeatPanel<'_>]) -> Scale {
        Scale::from_zero(panels.iter().flat_map(|panel| panel.values.iter().copied()))
    }

    /// Draws the maps.
    pub(crate) fn draw(&self, theme: Theme) -> Result<String, PictureError> {
        let scale = self.scale;
        let colour = |value: f64| self.colours.colour(scale.position(value).unwrap_or(f64::NAN));
        let aspect = self.panels.first().map_or(1.0, |panel| panel.width as f64 / panel.height.max(1) as f64);
        // Very wide maps lie below each other, and very long ones are pressed into a readable frame.
        let stacked = aspect > 2.5;
        let map_width: f64 = if stacked { 520.0 } else { 250.0 };
        let map_height = (map_width / aspect).clamp(36.0, 380.0);
        let step = if stacked { (0.0, map_height + 34.0) } else { (map_width + 20.0, 0.0) };
        let last = self.panels.len().saturating_sub(1) as f64;
        let bottom = 24.0 + step.1 * last + map_height;
        let width = (step.0 * last + map_width).max(bar_width(self.legend));
        let mut svg = Svg::new(width, bottom + 52.0, theme);
        for (index, panel) in self.panels.iter().enumerate() {
            let corner = (step.0 * index as f64, 24.0 + step.1 * index as f64);
            svg.bold_text((corner.0, corner.1 - 8.0), Anchor::Start, SMALL, panel.ink, &panel.title);
            let picture =
                Picture::from_colours(panel.width, panel.height, panel.values.iter().map(|&value| colour(value)));
            svg.image(corner, (map_width, map_height), &picture.data_uri()?, self.colours.class());
        }
        draw_bar(&mut svg, self.id, bottom + 18.0, self.scale, self.colours, self.legend);
        Ok(svg.finish(self.label))
    }
}

/// A bar alone that says which colour stands for which value, for pictures beside each other.
pub(crate) fn colour_bar(id: &str, scale: Scale, colours: ColourMap, legend: &str, theme: Theme) -> String {
    let mut svg = Svg::new(bar_width(legend), 34.0, theme);
    draw_bar(&mut svg, id, 0.0, scale, colours, legend);
    svg.finish(&format!("Colours of {legend}"))
}

/// How wide a bar is without what is written beside it.
const BAR: f64 = 250.0;

fn bar_width(legend: &str) -> f64 {
    BAR + 14.0 + text_width(legend, SMALL)
}

fn draw_bar(svg: &mut Svg, id: &str, top: f64, scale: Scale, colours: ColourMap, legend: &str) {
    let stops: Vec<[u8; 3]> = (0..=10).map(|stop| colours.colour(f64::from(stop) / 10.0)).collect();
    svg.gradient(id, (0.0, top), (BAR, 12.0), &stops, colours.class());
    for (value, text) in scale.ticks(4) {
        let x = scale.position(value).unwrap_or(0.0) * BAR;
        let anchor = if x < 8.0 {
            Anchor::Start
        } else if x > BAR - 12.0 {
            Anchor::End
        } else {
            Anchor::Middle
        };
        svg.path(
            &format!("M{} {}v4", coordinate(x.clamp(0.5, BAR - 0.5)), coordinate(top + 12.0)),
            Ink::Muted,
            1.0,
            None,
        );
        svg.text((x, top + 29.0), anchor, SMALL - 1.0, Ink::Muted, &text);
    }
    svg.text((BAR + 14.0, top + 11.0), Anchor::Start, SMALL, Ink::Muted, legend);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_any_shape_and_value_draw_well_formed() {
        for (width, height) in [(1, 1), (1000, 2), (2, 1000), (28, 28)] {
            for value in [0.0, 1.0, f64::NAN, f64::INFINITY] {
                let values = vec![value; width * height];
                let panel = HeatPanel { title: "<PCA>".into(), ink: Ink::Baseline, width, height, values: &values };
                let panels = vec![panel.clone(), panel];
                let scale = HeatMap::from_zero(&panels);
                let map =
                    HeatMap { id: "map", label: "errors", legend: "MSE", scale, colours: ColourMap::Viridis, panels };
                let svg = map.draw(Theme::Paper).unwrap();
                roxmltree::Document::parse(&svg).unwrap();
                assert!(!svg.contains("NaN"));
            }
        }
    }
}
