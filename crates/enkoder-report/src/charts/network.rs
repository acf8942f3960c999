//! A network drawn as in a textbook: a bar for each layer, as tall as it is wide, narrowing to the code and widening again.

use enkoder::{Architecture, LayerSummary};

use super::frame::SMALL;
use super::svg::{Anchor, Svg, coordinate};
use crate::number::{grouped, shape};
use crate::palette::{Ink, Theme};

const TALLEST: f64 = 190.0;
const SHORTEST: f64 = 16.0;
const BAR: f64 = 20.0;
/// A drawing is at least this wide, so that few layers are not blown up.
const NARROWEST: f64 = 500.0;
const TOP: f64 = 64.0;
/// How high an arc of a skip connection reaches.
const ARC: f64 = 38.0;
/// Codes of at most this many numbers are drawn as that many circles.
const MOST_CIRCLES: usize = 12;

/// Draws the layers of a network.
pub(crate) fn network_drawing(architecture: &Architecture, theme: Theme) -> String {
    let layers = architecture.layers();
    let encoder = architecture.encoder.len();
    let widths: Vec<usize> =
        std::iter::once(architecture.features()).chain(layers.iter().map(|layer| layer.outputs)).collect();
    let widest = widths.iter().copied().max().unwrap_or(1) as f64;
    // By the logarithm: 10 beside 784 stays visible, and halving a layer is the same step everywhere.
    let height = |width: usize| SHORTEST + (TALLEST - SHORTEST) * (width.max(1) as f64).ln() / widest.max(2.0).ln();
    let step = (NARROWEST / layers.len().max(1) as f64).clamp(86.0, 140.0);
    let left = 42.0;
    let middle = TOP + TALLEST / 2.0;
    let mut svg = Svg::new((2.0 * left + step * layers.len() as f64).max(NARROWEST), TOP + TALLEST + 84.0, theme);
    let x = |index: usize| left + step * index as f64;

    for (name, ink, from, to) in [("encoder", Ink::Network, 0, encoder), ("decoder", Ink::Code, encoder, layers.len())]
    {
        let (start, end) = (x(from) + 4.0, x(to) - 4.0);
        if end > start {
            svg.path(&format!("M{} 34v-6H{}v6", coordinate(start), coordinate(end)), Ink::Muted, 1.0, None);
            svg.bold_text(((start + end) / 2.0, 20.0), Anchor::Middle, SMALL + 1.0, ink, name);
        }
    }
    for (index, pair) in widths.windows(2).enumerate() {
        let (from, to) = (height(pair[0]) / 2.0, height(pair[1]) / 2.0);
        let (start, end) = (x(index) + BAR / 2.0, x(index + 1) - BAR / 2.0);
        let corners = [(start, middle - from), (end, middle - to), (end, middle + to), (start, middle + from)];
        let points: Vec<String> =
            corners.iter().map(|(x, y)| format!("{} {}", coordinate(*x), coordinate(*y))).collect();
        svg.area(&format!("M{}Z", points.join("L")), if index < encoder { Ink::Network } else { Ink::Code }, 0.16);
    }
    for (index, &width) in widths.iter().enumerate() {
        let (centre, tall) = (x(index), height(width));
        let is_code = index == encoder;
        let ink = if index <= encoder { Ink::Network } else { Ink::Code };
        if is_code && width <= MOST_CIRCLES {
            let pitch = tall / width.max(1) as f64;
            for unit in 0..width {
                let y = middle + (unit as f64 - (width as f64 - 1.0) / 2.0) * pitch;
                svg.circle((centre, y), (pitch * 0.42).min(BAR * 0.42), Some(Ink::Background), Ink::Text);
            }
        } else {
            svg.rect(
                (centre - BAR / 2.0, middle - tall / 2.0),
                (BAR, tall),
                4.0,
                if is_code { Ink::Text } else { ink },
            );
        }
        let top = middle - tall / 2.0;
        let size = match index.checked_sub(1).and_then(|index| layers.get(index)) {
            Some(layer) if layer.output_shape.len() > 1 => shape(&layer.output_shape).replace(' ', ""),
            _ => grouped(width),
        };
        svg.bold_text((centre, top - 9.0), Anchor::Middle, SMALL + 1.0, Ink::Text, &size);
        let below = TOP + TALLEST + 22.0;
        let (name, detail) = caption(index, encoder, &layers, architecture);
        svg.bold_text((centre, below), Anchor::Middle, SMALL, Ink::Text, &name);
        svg.text((centre, below + 18.0), Anchor::Middle, SMALL, Ink::Muted, &detail);
        if let Some(layer) = index.checked_sub(1).and_then(|index| layers.get(index)) {
            let parameters = grouped(layer.parameters);
            svg.text((centre, below + 36.0), Anchor::Middle, SMALL - 1.0, Ink::Muted, &parameters);
        } else {
            svg.text((centre, below + 36.0), Anchor::Middle, SMALL - 1.0, Ink::Muted, "parameters →");
        }
    }
    // What a layer reads beside the one before it comes in an arc above the bars.
    for (index, layer) in layers.iter().enumerate() {
        let Some(&value) = layer.reads.get(1) else { continue };
        let above = |at: usize| middle - height(widths[at]) / 2.0 - 24.0;
        let end = |at: usize| format!("{} {}", coordinate(x(at)), coordinate(above(at).max(ARC)));
        let over = |at: usize| format!("{} {}", coordinate(x(at)), coordinate(ARC));
        let arc = format!("M{}C{} {} {}", end(value), over(value), over(index + 1), end(index + 1));
        svg.path(&arc, Ink::Muted, 1.5, None);
    }
    let label = format!("The network's layers from input over code to output: {}", architecture.summary());
    svg.finish(&label)
}

/// The two lines below a bar.
fn caption(index: usize, encoder: usize, layers: &[LayerSummary], architecture: &Architecture) -> (String, String) {
    let Some(layer) = index.checked_sub(1).and_then(|index| layers.get(index)) else {
        return ("input".to_owned(), shape(&architecture.input_shape));
    };
    let name = if index == encoder {
        "code"
    } else if index == layers.len() {
        "output"
    } else {
        match layer.kind {
            "convolution" => "conv",
            "transposed_convolution" => "transposed",
            "pixel_unshuffle" => "unshuffle",
            "pixel_shuffle" => "shuffle",
            "average_pool" => "mean pool",
            "max_pool" => "max pool",
            "batch_norm" => "norm",
            kind => kind,
        }
    };
    let detail = match layer.reads.get(1) {
        Some(0) => "with the input".to_owned(),
        Some(&value) => format!("with {}", layers[value - 1].name),
        // Whatever has no parameters but an activation would say "linear".
        None if layer.parameters == 0 => String::new(),
        None => layer.activation.to_string(),
    };
    (name.to_owned(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_network_looks_as_it_did() {
        insta::assert_snapshot!(network_drawing(&Architecture::dense([4], &[3], 2), Theme::Page));
    }

    #[test]
    fn networks_of_any_depth_and_width_draw_well_formed() {
        for (hidden, latent) in [(vec![], 1), (vec![1; 40], 1), (vec![100_000, 1], 13)] {
            let svg = network_drawing(&Architecture::dense([1], &hidden, latent), Theme::Paper);
            roxmltree::Document::parse(&svg).unwrap();
            assert!(!svg.contains("NaN"));
        }
    }
}
