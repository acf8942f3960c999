//! A thin writer of SVG: every number is finite and short, every text escaped, every colour named by its role.

use std::fmt::Write;

use crate::palette::{Ink, Theme, dark_style};

/// The font of figures that stand alone; in the report they inherit the page's.
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// The room around figures that stand alone, in pixels.
const MARGIN: f64 = 12.0;

/// Where a text starts from its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing in the making; lengths are in pixels at natural size.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    theme: Theme,
    body: String,
}

/// A coordinate with at most two decimals. What is not finite becomes 0, so that no chart can hold a NaN.
pub(crate) fn coordinate(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text made safe for element content and quoted attributes; characters that XML forbids are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is at this font size. There is no font to measure, so wide letters may come out a little narrow.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.56
}

fn attribute(class: Option<&str>) -> String {
    class.map_or_else(String::new, |class| format!(r#" class="{class}""#))
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64, theme: Theme) -> Self {
        Self { width, height, theme, body: String::new() }
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink, width: f64) {
        self.path(
            &format!("M{} {}L{} {}", coordinate(from.0), coordinate(from.1), coordinate(to.0), coordinate(to.1)),
            ink,
            width,
            None,
        );
    }

    /// An open line along a path's commands, dashed where asked for.
    pub(crate) fn path(&mut self, commands: &str, ink: Ink, width: f64, dash: Option<&str>) {
        let _ = write!(
            self.body,
            r#"<path d="{commands}" fill="none" stroke="{}" stroke-width="{}""#,
            ink.css(self.theme),
            coordinate(width)
        );
        if let Some(dash) = dash {
            let _ = write!(self.body, r#" stroke-dasharray="{dash}""#);
        }
        self.body.push_str(r#" stroke-linecap="round" stroke-linejoin="round"/>"#);
    }

    /// A filled area along a path's commands.
    pub(crate) fn area(&mut self, commands: &str, ink: Ink, opacity: f64) {
        let _ = write!(
            self.body,
            r#"<path d="{commands}" fill="{}" fill-opacity="{}"/>"#,
            ink.css(self.theme),
            coordinate(opacity)
        );
    }

    /// Dots of one size at many places, in one element.
    pub(crate) fn dots(&mut self, at: impl IntoIterator<Item = (f64, f64)>, diameter: f64, ink: Ink, opacity: f64) {
        let commands: String = at.into_iter().map(|(x, y)| format!("M{} {}h0", coordinate(x), coordinate(y))).collect();
        if !commands.is_empty() {
            let _ = write!(
                self.body,
                r#"<path d="{commands}" fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{}" stroke-linecap="round"/>"#,
                ink.css(self.theme),
                coordinate(diameter),
                coordinate(opacity)
            );
        }
    }

    pub(crate) fn rect(&mut self, corner: (f64, f64), size: (f64, f64), radius: f64, fill: Ink) {
        let _ = write!(
            self.body,
            r#"<rect x="{}" y="{}" width="{}" height="{}" rx="{}" fill="{}"/>"#,
            coordinate(corner.0),
            coordinate(corner.1),
            coordinate(size.0.max(0.0)),
            coordinate(size.1.max(0.0)),
            coordinate(radius),
            fill.css(self.theme)
        );
    }

    /// A circle; `None` leaves it empty.
    pub(crate) fn circle(&mut self, centre: (f64, f64), radius: f64, fill: Option<Ink>, stroke: Ink) {
        let fill = fill.map_or("none".into(), |ink| ink.css(self.theme));
        let _ = write!(
            self.body,
            r#"<circle cx="{}" cy="{}" r="{}" fill="{fill}" stroke="{}" stroke-width="1.5"/>"#,
            coordinate(centre.0),
            coordinate(centre.1),
            coordinate(radius),
            stroke.css(self.theme)
        );
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, ink: Ink, text: &str) {
        self.write_text(at, anchor, size, ink, "", text);
    }

    pub(crate) fn bold_text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, ink: Ink, text: &str) {
        self.write_text(at, anchor, size, ink, r#" font-weight="600""#, text);
    }

    /// Text that stays readable over whatever lies below it.
    pub(crate) fn halo_text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, text: &str) {
        self.coloured_halo_text(at, anchor, size, Ink::Text, text);
    }

    /// The same in a colour.
    pub(crate) fn coloured_halo_text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, ink: Ink, text: &str) {
        let halo = format!(
            r#" font-weight="600" paint-order="stroke" stroke="{}" stroke-width="4" stroke-linejoin="round""#,
            Ink::Background.css(self.theme)
        );
        self.write_text(at, anchor, size, ink, &halo, text);
    }

    fn write_text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, ink: Ink, attributes: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let _ = write!(
            self.body,
            r#"<text x="{}" y="{}" font-size="{}" fill="{}"{anchor}{attributes}>{}</text>"#,
            coordinate(at.0),
            coordinate(at.1),
            coordinate(size),
            ink.css(self.theme),
            escape(text)
        );
    }

    /// An invisible disc that shows `title` while the pointer rests on it.
    pub(crate) fn hover(&mut self, centre: (f64, f64), radius: f64, title: &str) {
        let _ = write!(
            self.body,
            r#"<circle cx="{}" cy="{}" r="{}" fill-opacity="0"><title>{}</title></circle>"#,
            coordinate(centre.0),
            coordinate(centre.1),
            coordinate(radius),
            escape(title)
        );
    }

    /// A picture with sharp pixels, of a class that the page's style sheet knows.
    pub(crate) fn image(&mut self, corner: (f64, f64), size: (f64, f64), data_uri: &str, class: Option<&str>) {
        let _ = write!(
            self.body,
            r#"<image x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none" style="image-rendering:pixelated"{} href="{}"/>"#,
            coordinate(corner.0),
            coordinate(corner.1),
            coordinate(size.0),
            coordinate(size.1),
            attribute(class),
            escape(data_uri)
        );
    }

    /// A rectangle filled with a horizontal run of colours.
    pub(crate) fn gradient(
        &mut self,
        id: &str,
        corner: (f64, f64),
        size: (f64, f64),
        colours: &[[u8; 3]],
        class: Option<&str>,
    ) {
        let _ = write!(self.body, r#"<defs><linearGradient id="{id}">"#);
        for (index, [r, g, b]) in colours.iter().enumerate() {
            let offset = index as f64 / (colours.len().max(2) - 1) as f64;
            let _ =
                write!(self.body, r##"<stop offset="{}" stop-color="#{r:02x}{g:02x}{b:02x}"/>"##, coordinate(offset));
        }
        let _ = write!(
            self.body,
            r#"</linearGradient></defs><rect x="{}" y="{}" width="{}" height="{}" fill="url(#{id})"{}/>"#,
            coordinate(corner.0),
            coordinate(corner.1),
            coordinate(size.0),
            coordinate(size.1),
            attribute(class)
        );
    }

    /// The finished drawing; `label` says in words what it shows.
    pub(crate) fn finish(self, label: &str) -> String {
        // On its own a drawing needs a margin; on the page it stands flush with the text.
        let margin = if self.theme == Theme::Paper { MARGIN } else { 0.0 };
        let [left, width, height] = [-margin, self.width + 2.0 * margin, self.height + 2.0 * margin].map(coordinate);
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="{left} {left} {width} {height}" role="img" aria-label="{}""#,
            escape(label)
        );
        if self.theme == Theme::Paper {
            // Without a ground of its own it fits any page, light or dark.
            let _ = write!(out, r#" font-family="{FONT}">{}"#, dark_style(&self.body));
        } else {
            out.push('>');
        }
        out + &self.body + "</svg>"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_and_numbers_give_a_well_formed_drawing() {
        let mut svg = Svg::new(10.0, f64::NAN, Theme::Paper);
        svg.text((f64::NAN, f64::INFINITY), Anchor::Middle, 12.0, Ink::Text, "</text><script>&\u{0}\u{FFFE}\"'");
        svg.hover((1.0, 1.0), 3.0, "<title>");
        svg.rect((0.0, 0.0), (-5.0, f64::NAN), 0.0, Ink::Grid);
        let text = svg.finish("\"><script>");
        let document = roxmltree::Document::parse(&text).unwrap();
        assert!(!document.descendants().any(|node| node.has_tag_name("script")));
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([1.0, 0.126, -0.001, 100.0, f64::NAN].map(coordinate), ["1", "0.13", "0", "100", "0"]);
    }
}
