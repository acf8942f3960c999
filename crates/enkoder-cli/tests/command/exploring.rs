//! The page that `explore` writes computes what the library does, in a browser.

use enkoder::codec::ElementType;
use enkoder::{Autoencoder, Dataset};
use enkoder_data::npy::write_array_header;
use enkoder_data::strokes::strokes;
use insta::assert_snapshot;
use ndarray::Array2;
use netcdf3::{DataSet, FileWriter, Version};
use serde::Deserialize;

use crate::browser;
use crate::workplace::Workplace;

/// One grey level.
const LEVEL: f32 = 1.0;

/// What the script leaves.
#[derive(Deserialize)]
struct Found {
    codes: Vec<Vec<f32>>,
    decoded: Vec<Vec<f32>>,
    errors: Vec<f32>,
}

const COMPUTE: &str = "
const { network, points, sampleOf, codeOf } = window.enkoder;
const found = { codes: [], decoded: [], errors: [] };
for (let point = 0; point < Math.min(100, points.points); point++) {
  const made = network.reconstruct(sampleOf(point));
  found.codes.push(Array.from(made.code));
  found.decoded.push(Array.from(network.decodes ? network.decode(codeOf(point)) : made.output));
  found.errors.push(made.error);
}
leave(JSON.stringify(found));";

fn assert_close(found: &[Vec<f32>], expected: &Array2<f32>, most: f32) {
    assert_eq!(found.len(), expected.nrows());
    for (row, (found, expected)) in found.iter().zip(expected.rows()).enumerate() {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= most, "row {row}: {found} is not {expected}");
        }
    }
}

/// Whether the page of a model computes what the library does, to a grey level.
fn computes_as_the_library(place: &Workplace, run: &str, data: &Dataset) {
    let model = Autoencoder::load(place.path(run).join("model.safetensors")).unwrap();
    place.succeed(&format!("explore {run} strokes:{} --out {run}.html -q", data.len()));
    let Some(found) = browser::run(&place.path(&format!("{run}.html")), COMPUTE) else { return };
    let found: Found = serde_json::from_str(&found).unwrap();
    let codes = model.encode(data).unwrap();
    assert_close(&found.codes, &codes, 0.01);
    let decoded = if model.architecture().needs_sample().is_none() {
        model.decode(codes.view()).unwrap()
    } else {
        model.reconstruct(data).unwrap()
    };
    assert_close(&found.decoded, &decoded, LEVEL);
    for (found, expected) in found.errors.iter().zip(model.reconstruction_error(data).unwrap()) {
        assert!((found - expected).abs() < 1e-3 * expected.max(0.01), "{found} is not {expected}");
    }
}

#[test]
fn a_page_decodes_a_hundred_codes_as_the_library_does() {
    let place = Workplace::new();
    place.succeed("train strokes:100 --epochs 2 --hidden 32 --latent 4 --out run --no-report -q");
    computes_as_the_library(&place, "run", &strokes(100, 0));
}

#[test]
fn every_kind_of_layer_computes_in_the_page_as_in_the_library() {
    let place = Workplace::new();
    let layer = |side: &str, text: &str| format!("[[{side}]]\n{}\n", text.replace(';', "\n"));
    let encoder = [
        "kind=\"pixel_unshuffle\";factor=2",
        "kind=\"convolution\";channels=6;kernel=3;activation=\"gelu\"",
        "kind=\"batch_norm\";activation=\"leaky-relu\"",
        "kind=\"max_pool\";size=[2,1]",
        "kind=\"convolution\";channels=6;kernel=[1,3];activation=\"elu\"",
        "kind=\"batch_norm\";activation=\"gelu-erf\"",
        "kind=\"batch_norm\";activation=\"silu\"",
        "kind=\"add\";from=\"encoder.3\";activation=\"tanh\"",
        "kind=\"average_pool\";size=[1,2]",
        "kind=\"dense\";units=5;activation=\"linear\"",
    ];
    let decoder = [
        "kind=\"dense\";units=196;activation=\"relu\"",
        "kind=\"reshape\";shape=[7,7,4]",
        "kind=\"upsample\";factor=[1,2]",
        "kind=\"transposed_convolution\";channels=8;kernel=3;stride=[2,1];activation=\"relu\"",
        "kind=\"convolution\";channels=4;kernel=3;stride=1;padding=1;activation=\"tanh\"",
        "kind=\"concat\";from=\"decoder.3\"",
        "kind=\"pixel_shuffle\";factor=2",
        "kind=\"convolution\";channels=1;kernel=3;activation=\"sigmoid\"",
    ];
    let layers =
        encoder.iter().map(|text| layer("encoder", text)).chain(decoder.iter().map(|text| layer("decoder", text)));
    place.write("layers.toml", layers.collect::<String>());
    place.succeed("train strokes:60 --config layers.toml --epochs 1 --out run --no-report -q");
    computes_as_the_library(&place, "run", &strokes(60, 0));
    let skips = ["kind=\"convolution\";channels=3;kernel=3", "kind=\"convolution\";channels=3;kernel=3"]
        .map(|text| layer("encoder", text));
    let ends = ["kind=\"concat\";from=\"encoder.0\"", "kind=\"convolution\";channels=1;kernel=3;activation=\"linear\""];
    let ends = ends.map(|text| layer("decoder", text));
    place.write("layers.toml", format!("residual = true\n{}{}", skips.concat(), ends.concat()));
    place.succeed("train strokes:60 --config layers.toml --noise gaussian:0.2 --epochs 1 --out skips --no-report -q");
    computes_as_the_library(&place, "skips", &strokes(60, 0));
}

/// What a slider and the keyboard leave.
#[derive(Deserialize)]
struct Moved {
    code: Vec<f32>,
    pixels: Vec<u8>,
    verdict: String,
    walk: usize,
}

#[test]
fn a_slider_moves_the_picture_the_keyboard_walks_and_a_sample_is_judged() {
    let place = Workplace::new().with_model();
    place.succeed("explore . strokes:60 -q");
    let script = "
addEventListener('load', async () => {
  const frame = () => new Promise(done => setTimeout(done, 100));
  const pixels = canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data).filter((_, i) => i % 4 === 0);
  const slider = document.querySelector('#sliders input');
  slider.value = slider.max;
  slider.dispatchEvent(new Event('input'));
  await frame();
  const found = { code: Array.from(window.enkoder.code), pixels: pixels(document.querySelector('#decoded canvas')) };
  found.verdict = document.getElementById('verdict').textContent;
  const plane = document.getElementById('plane');
  for (const key of ['Enter', 'ArrowRight', '+', 'ArrowUp', 'Enter']) plane.dispatchEvent(new KeyboardEvent('keydown', { key }));
  await frame();
  found.walk = document.querySelectorAll('#strip canvas').length;
  leave(JSON.stringify(found));
});";
    let Some(found) = browser::run(&place.path("explore.html"), script) else { return };
    let found: Moved = serde_json::from_str(&found).unwrap();
    let model = Autoencoder::load(place.path("model.safetensors")).unwrap();
    let code = Array2::from_shape_vec((1, 4), found.code).unwrap();
    let decoded = model.decode(code.view()).unwrap();
    for (found, expected) in found.pixels.iter().zip(&decoded) {
        assert!((f32::from(*found) - expected).abs() <= 1.5 * LEVEL, "{found} is not {expected}");
    }
    assert!(found.verdict.starts_with("Error 0."), "{}", found.verdict);
    assert_eq!(found.walk, 9);
}

#[test]
fn the_rows_of_a_table_and_the_values_of_a_series_are_given_and_judged() {
    let place = Workplace::new();
    place.write_table("table.csv");
    place.succeed("train table.csv --arch linear --latent 2 --out run --no-report -q");
    place.succeed("explore run table.csv -q");
    let script = "
const [size, colour, price] = document.querySelectorAll('#fields input, #fields select');
const before = document.getElementById('verdict').textContent;
price.value = 4000;
price.dispatchEvent(new Event('input'));
leave([before, document.getElementById('verdict').textContent, document.querySelectorAll('#results tbody tr').length, colour.options.length,
  document.querySelectorAll('#strip thead button').length, document.querySelectorAll('#strip tbody tr').length].join('|'));";
    if let Some(found) = browser::run(&place.path("explore.html"), script) {
        let found: Vec<&str> = found.split('|').collect();
        // Forty held-out rows are too few to call one of a hundred odd, but not to compare with.
        assert_ne!(found[0], found[1]);
        assert_eq!(found[2..4], ["3", "4"], "three columns, and three colours or none");
        assert_eq!(found[4..], ["9", "3"], "nine places of a walk, and three columns");
    }
    let mut series = Vec::new();
    write_array_header(&mut series, ElementType::F32, &[90, 24]).unwrap();
    series.extend((0..90 * 24).flat_map(|i| ((i / 24 + i % 24) as f32 % 12.0).to_le_bytes()));
    place.write("series.npy", series);
    place.succeed("train series.npy --arch linear --latent 2 --out series --no-report -q");
    place.succeed("explore series series.npy --out series.html -q");
    let script = "
const field = document.getElementById('values');
const give = text => { field.value = text; field.dispatchEvent(new Event('input')); };
give('1, 2');
const few = document.getElementById('verdict-note').textContent;
give(Array.from({ length: 24 }, (_, at) => at % 12 === 5 ? 'gone' : at % 12).join(' '));
leave([few, document.getElementById('verdict').textContent.slice(0, 5), document.querySelectorAll('#results path[stroke-width]').length].join('|'));";
    if let Some(found) = browser::run(&place.path("series.html"), script) {
        assert_eq!(found, "A sample has 24 values; 2 are given.|Error|2");
    }
}

#[test]
fn fields_are_drawn_in_colours_and_told_in_numbers() {
    let place = Workplace::new();
    place.succeed("train fields:40 --arch linear --latent 2 --out run --no-report -q");
    place.succeed("explore run fields:40 -q");
    let script = "
const [canvas, difference] = document.querySelectorAll('#results canvas');
const pixel = Array.from(canvas.getContext('2d').getImageData(0, 0, 1, 1).data);
const { colours } = window.enkoder.model.input.field;
const between = c => colours.some((colour, i) => i && (pixel[c] - colour[c]) * (pixel[c] - colours[i - 1][c]) <= 0);
const told = / from .+ to .+/.test(canvas.getAttribute('aria-label')) && /off by at most/.test(difference.parentNode.nextSibling.textContent);
leave([[0, 1, 2].every(between), told, document.querySelector('.bar').textContent.length > 0, document.querySelectorAll('#strip canvas').length].join('|'));";
    if let Some(found) = browser::run(&place.path("explore.html"), script) {
        assert_eq!(found, "true|true|true|9");
    }
}

/// A NetCDF file of fields on three latitudes, of which the northern is the warmest.
fn write_fields(place: &Workplace, name: &str, latitudes: [f32; 3]) {
    let mut set = DataSet::new();
    for (name, length) in [("time", 40), ("lat", 3), ("lon", 4)] {
        set.add_fixed_dim(name, length).unwrap();
    }
    set.add_var_f32("lat", &["lat"]).unwrap();
    set.add_var_attr_string("lat", "units", "degrees_north").unwrap();
    set.add_var_f32("t", &["time", "lat", "lon"]).unwrap();
    set.add_var_attr_string("t", "units", "K").unwrap();
    let warmth = |time: usize, row: usize, column: usize| {
        latitudes[row] + 0.1 * ((time * (column + 1)) as f32).sin() + 0.05 * (time as f32 * 0.7).cos()
    };
    let places = (0..40 * 12).map(|at| warmth(at / 12, at % 12 / 4, at % 4));
    let mut writer = FileWriter::create_new(place.path(name)).unwrap();
    writer.set_def(&set, Version::Classic, 0).unwrap();
    writer.write_var_f32("lat", &latitudes).unwrap();
    writer.write_var_f32("t", &places.collect::<Vec<_>>()).unwrap();
    writer.close().unwrap();
}

#[test]
fn fields_are_drawn_north_up_and_drawn_upon_where_they_are_seen() {
    // Which rows of pixels are the warmest and the coldest, and which row of the sample a stroke along the upper edge of the pad changes.
    let script = "
addEventListener('load', async () => {
  await new Promise(done => setTimeout(done, 100));
  const rows = canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, 4, 3);
    return [0, 1, 2].map(row => { const [r, g] = data.slice(16 * row, 16 * row + 2); return r + g; });
  };
  const extremes = sums => [sums.indexOf(Math.max(...sums)), sums.indexOf(Math.min(...sums))].join();
  const shown = ['#decoded canvas', '#result-reconstruction canvas'].map(place => extremes(rows(document.querySelector(place))));
  const pad = document.getElementById('pad');
  pad.setPointerCapture = () => {};
  const box = pad.getBoundingClientRect();
  document.getElementById('level').value = document.getElementById('level').min;
  pad.dispatchEvent(new PointerEvent('pointerdown', { clientX: box.left + box.width / 2, clientY: box.top + box.height / 6, buttons: 1 }));
  const errors = Array.from(window.enkoder.given.errors);
  const row = Math.floor(errors.indexOf(Math.max(...errors)) / 4);
  leave([...shown, row].join('|'));
});";
    for (latitudes, northern) in [([-10.0, 0.0, 10.0], 2), ([10.0, 0.0, -10.0], 0)] {
        let place = Workplace::new();
        write_fields(&place, "t.nc", latitudes);
        place.succeed("train t.nc --arch linear --latent 2 --out run --no-report -q");
        place.succeed("explore run t.nc -q");
        let Some(found) = browser::run(&place.path("explore.html"), script) else { return };
        assert_eq!(found, format!("0,2|0,2|{northern}"), "latitudes {latitudes:?}");
    }
}

#[test]
fn a_training_writes_the_page_and_its_report_links_to_it() {
    let place = Workplace::new();
    let run = place.succeed("train strokes:60 --epochs 1 --hidden 16 --latent 4 --out run --explore -q");
    assert!(run.stdout.contains("explore.html"), "{}", run.stdout);
    assert_eq!(place.names("run"), ["explore.html", "model.safetensors", "report.html"]);
    assert!(String::from_utf8(place.read("run/report.html")).unwrap().contains("href=\"explore.html\""));
}

#[test]
fn a_page_is_written_whole_or_refused_with_a_way_out() {
    let place = Workplace::new().with_model();
    place.write("taken.html", "mine");
    assert_snapshot!("taken", place.fail("explore . strokes:60 --out taken.html"));
    assert_eq!(place.read("taken.html"), b"mine");
    assert_snapshot!("other", place.fail("explore . fields --out page.html"));
    place.succeed("explore . --out alone.html -q");
    let page = String::from_utf8(place.read("alone.html")).unwrap();
    assert!(page.contains("id=\"sliders\"") && !page.contains("id=\"plane\""));
    place.succeed("train strokes:20 --hidden 11000 --latent 2 --epochs 1 --out large --no-report -q");
    assert_snapshot!("large", place.fail("explore large --out page.html"));
}
