//! Images side by side: the true one and what each method makes of its capacitances.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ndarray::ArrayView1;

use crate::pixels::{Pixels, SIDE};

const PICTURE: usize = 112;
const GAP: usize = 12;
/// Room for what is written beside and above the pictures.
const LEFT: usize = 104;
const TOP: usize = 28;
const CAPTION: usize = 18;
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// Texts as the reports have them, light on dark ground.
const STYLE: &str = r##"<style>svg:root{color-scheme:light dark}@media (prefers-color-scheme:dark){[fill="#1b1f24"]{fill:#e6e9ed}[fill="#57606a"]{fill:#a3acb7}}</style>"##;

/// One phantom: its name, what is remarked of it, and its images with their captions.
pub struct Row<'a> {
    pub name: &'a str,
    pub remark: &'a str,
    pub images: Vec<(ArrayView1<'a, f32>, String)>,
}

/// The figure as SVG.
///
/// # Errors
/// When a picture cannot be written.
pub fn draw(pixels: &Pixels, columns: &[&str], rows: &[Row<'_>]) -> Result<String, png::EncodingError> {
    let width = LEFT + columns.len() * (PICTURE + GAP);
    let height = TOP + rows.len() * (PICTURE + CAPTION + GAP);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="Phantoms and their reconstructions" font-family="{FONT}" font-size="12">{STYLE}"##
    );
    // Writing to a string cannot fail.
    for (number, column) in columns.iter().enumerate() {
        let x = LEFT + number * (PICTURE + GAP) + PICTURE / 2;
        let _ = write!(
            svg,
            r##"<text x="{x}" y="18" text-anchor="middle" font-weight="600" fill="#1b1f24">{column}</text>"##
        );
    }
    for (number, row) in rows.iter().enumerate() {
        let y = TOP + number * (PICTURE + CAPTION + GAP);
        let middle = y + PICTURE / 2;
        let _ = write!(
            svg,
            r##"<text x="12" y="{middle}" font-weight="600" fill="#1b1f24">{}</text><text x="12" y="{}" fill="#57606a">{}</text>"##,
            row.name,
            middle + 16,
            row.remark
        );
        for (column, (image, caption)) in row.images.iter().enumerate() {
            let x = LEFT + column * (PICTURE + GAP);
            let _ = write!(
                svg,
                r##"<image x="{x}" y="{y}" width="{PICTURE}" height="{PICTURE}" style="image-rendering:pixelated" href="data:image/png;base64,{}"/><text x="{}" y="{}" text-anchor="middle" fill="#57606a">{caption}</text>"##,
                STANDARD.encode(picture(pixels, *image)?),
                x + PICTURE / 2,
                y + PICTURE + 14
            );
        }
    }
    svg.push_str("</svg>");
    Ok(svg)
}

/// An image in the colours of the reports, clear outside the pipe.
fn picture(pixels: &Pixels, image: ArrayView1<'_, f32>) -> Result<Vec<u8>, png::EncodingError> {
    let colour = |place: usize| match pixels.at(place / SIDE, place % SIDE) {
        Some(pixel) => {
            let colour = colorous::VIRIDIS.eval_continuous(f64::from(image[pixel]).clamp(0.0, 1.0));
            [colour.r, colour.g, colour.b, 255]
        }
        None => [0; 4],
    };
    let data: Vec<u8> = (0..SIDE * SIDE).flat_map(colour).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&data)?;
    writer.finish()?;
    Ok(bytes)
}
