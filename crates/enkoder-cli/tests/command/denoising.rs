//! Pictures in and pictures out: denoising, its measures, and filling what a mask or NaN says is missing.

use std::fs::File;
use std::path::Path;

use enkoder::codec::ElementType;
use enkoder::metrics::mse;
use enkoder_data::export::Overwrite;
use enkoder_data::images::{Depth, Picture};
use enkoder_data::npy::{write_array_header, write_npy};
use insta::assert_snapshot;
use ndarray::{Array2, Array3};
use serde_json::Value;

use crate::workplace::Workplace;

/// A picture in binary PGM or PPM: smooth waves with edges, and noise that a few steps of a generator make.
fn pnm(height: usize, width: usize, channels: usize, peak: u16, noise: f32) -> Vec<u8> {
    let mut state = 12345u64;
    let mut bytes = format!("P{} {width} {height} {peak}\n", if channels == 1 { 5 } else { 6 }).into_bytes();
    for (y, x, channel) in ndarray::indices((height, width, channels)) {
        let (y, x, c) = (y as f32, x as f32, channel as f32);
        // The sum of twelve uniform numbers is nearly normal, of variance 1.
        let normal: f32 = (0..12).map(|_| uniform(&mut state)).sum::<f32>() - 6.0;
        let edge = if (x + 0.3 * y) % 40.0 > 20.0 { 50.0 } else { 0.0 };
        let value = 90.0 + 40.0 * (x * 0.07 + c).sin() * (y * 0.08).cos() + edge + noise * normal;
        let value = (value / 255.0 * f32::from(peak)).round().clamp(0.0, peak.into()) as u16;
        match peak {
            255 => bytes.push(value as u8),
            _ => bytes.extend(value.to_be_bytes()),
        }
    }
    bytes
}

fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 40) as f32 / (1u64 << 24) as f32
}

/// With clean and noisy pictures, and a small denoiser in `den`.
fn workplace() -> Workplace {
    let place = Workplace::new();
    for folder in ["clean", "noisy"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    for (number, size) in [(1, 60), (2, 75), (3, 64)] {
        place.write(&format!("clean/{number}.pgm"), pnm(size, 90 - size / 2, 1, 255, 0.0));
    }
    place.write("noisy/grey.pgm", pnm(61, 47, 1, 255, 25.0));
    place.write("noisy/colour.ppm", pnm(40, 55, 3, 255, 25.0));
    place.write("noisy/deep.pgm", pnm(50, 50, 1, 65535, 25.0));
    place.succeed(
        "train clean --arch denoiser --noise gaussian:25 --channels 8 --depth 3 --patch 16 --patches 2000 --batch-size 16 \
         --learning-rate 0.005 --epochs 6 --out den --no-report -q",
    );
    place
}

fn picture(place: &Workplace, name: &str) -> Picture {
    Picture::read(&place.path(name)).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Without what the machine's speed decides.
fn settled(text: &str) -> String {
    let line =
        |line: &str| line.split("  ").filter(|part| !part.contains("megapixels/s")).collect::<Vec<_>>().join("  ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn pictures_of_any_kind_are_denoised_and_what_is_damaged_is_left_out_and_named() {
    let place = workplace();
    place.write("noisy/empty.png", "");
    let whole = place.read("noisy/grey.pgm");
    place.write("noisy/short.pgm", &whole[..whole.len() / 2]);
    let run = place.succeed("denoise den noisy -o out");
    assert_eq!(place.names("out"), ["colour.png", "deep.png", "grey.png"]);
    assert_eq!(run.stdout.lines().count(), 3, "{}", run.stdout);
    assert!(settled(&run.stdout).contains("out/deep.png: 50×50 grey, 16 bits  noise 2"), "{}", run.stdout);
    assert_snapshot!("left-out", run.stderr);
    let clean = pnm(61, 47, 1, 255, 0.0);
    place.write("clean.pgm", clean);
    let [clean, noisy, denoised] = ["clean.pgm", "noisy/grey.pgm", "out/grey.png"].map(|name| picture(&place, name));
    let error = |picture: &Picture| mse(clean.values(), picture.values()).unwrap();
    assert!(error(&denoised) < 0.6 * error(&noisy), "{} of {}", error(&denoised), error(&noisy));
    assert_eq!(picture(&place, "out/deep.png").depth(), Depth::Sixteen);
    assert_eq!(picture(&place, "out/colour.png").shape(), [40, 55, 3]);

    let summary = json(&place.succeed("denoise den noisy/grey.pgm -o one.png --json").stdout);
    let one = &summary["pictures"][0];
    assert_eq!((&one["height"], &one["bits"], &one["channels"]), (&61.into(), &8.into(), &1.into()));
    assert!(one["noise_before"].as_f64().unwrap() > 1.5 * one["noise_after"].as_f64().unwrap(), "{one}");
    assert_eq!(picture(&place, "one.png"), denoised);
    place.succeed("denoise den noisy/grey.pgm -o eight.png --ensemble -q");
    assert_ne!(picture(&place, "eight.png"), denoised);
    let summary = json(&place.succeed("denoise den noisy -o again --json -q").stdout);
    assert_eq!(summary["skipped"].as_array().unwrap().len(), 2);
}

#[test]
fn outputs_that_cannot_be_or_are_there_already() {
    let place = workplace().with_model();
    assert_snapshot!("not-convolutional", place.fail("denoise . noisy -o out"));
    place.succeed("denoise den noisy/grey.pgm -o out");
    let before = place.read("out/grey.png");
    assert_snapshot!("exists", place.fail("denoise den noisy -o out"));
    assert_eq!(place.names("out"), ["grey.png"]);
    assert_eq!(place.read("out/grey.png"), before);
    place.succeed("denoise den noisy -o out --force -q");
    assert_snapshot!("one-file", place.fail("denoise den noisy -o one.png"));
    assert_snapshot!("jpeg", place.fail("denoise den noisy/grey.pgm -o grey.jpg"));
    place.write("grey.png", before);
    assert_snapshot!("same-name", place.fail("denoise den noisy/grey.pgm grey.png -o both"));
    place.write("file", "");
    assert_snapshot!("unwritable", place.fail("denoise den noisy -o file/out"));
    place.write("noisy/empty.png", "");
    assert_snapshot!("strict", {
        let run = place.run("denoise den noisy -o strict --strict");
        assert_eq!(run.code, Some(1));
        run.stderr
    });
    assert_snapshot!("alone", place.fail("denoise den noisy/empty.png -o alone/"));
    assert!(!place.path("alone").exists(), "the folder made for nothing is gone again");
}

#[test]
fn a_denoiser_is_measured_beside_what_it_has_to_beat() {
    let place = workplace();
    let run = place.succeed("eval den clean --noise gaussian:25 --seed 1 --figures figures");
    let methods = ["noisy", "median 3×3", "non-local means", "this model"];
    for said in methods.into_iter().chain(["PSNR", "means over 3 pictures with noise gaussian:25", "denoised.svg"]) {
        assert!(run.stdout.contains(said), "{}", run.stdout);
    }
    assert_eq!(place.names("figures"), ["denoised.svg"]);
    let summary = json(&place.succeed("eval den clean --noise gaussian:25 --seed 1 --json").stdout);
    let psnr = |method: usize| summary["mean"][method]["psnr"].as_f64().unwrap();
    assert!((psnr(0) - 20.17).abs() < 0.2 && psnr(3) > psnr(0) + 2.0, "{summary}");
    assert_eq!(summary["pictures"].as_array().unwrap().len(), 3);
    let again = json(&place.succeed("eval den clean --noise gaussian:25 --seed 2 --json").stdout);
    assert_ne!(again["mean"][0]["psnr"], summary["mean"][0]["psnr"]);
    let eight = json(&place.succeed("eval den clean --noise gaussian:25 --seed 1 --ensemble --json").stdout);
    assert!(eight["mean"][3]["psnr"].as_f64().unwrap() > psnr(3), "{eight}");
    place.succeed("eval den clean --noise gaussian:25 --report report.html -q");
    let report = String::from_utf8(place.read("report.html")).unwrap();
    assert!(
        report.contains("Denoising, gaussian:25") && report.contains("<span>den</span> <span>clean</span>"),
        "{report}"
    );
    assert_snapshot!("report-exists", place.fail("eval den clean --noise gaussian:25 --report report.html"));
    assert_snapshot!("unknown-noise", place.fail("eval den clean --noise rain:3"));
    assert_snapshot!("noise-out-of-range", place.fail("eval den clean --noise masking:1.5"));
    assert_snapshot!("seed-alone", place.fail("eval den clean --seed 3"));
    let said = place.fail("eval den clean");
    assert!(said.starts_with("exit code 2") && said.contains("learned from patches of 16×16 pixels"), "{said}");
    for option in ["--fill 0.5", "--size 8", "--grey"] {
        let said = place.fail(&format!("eval den clean --noise gaussian:25 {option}"));
        assert!(said.starts_with("exit code 2") && said.contains("are measured as they are"), "{said}");
    }
}

#[test]
fn what_any_model_leaves_of_noise_is_measured_on_samples() {
    let place = Workplace::new();
    place.succeed("train strokes:300 --noise gaussian:0.1 --epochs 2 --hidden 16 --latent 4 --out run --no-report -q");
    let eval = "eval run strokes:300 --noise gaussian:0.1";
    let run = place.succeed(&format!("{eval} --report report.html --figures figures"));
    for said in ["mean PSNR", "PCA, 4 components", "sigma 0.1 in scaled units (25.5 of 255) on 60 samples"] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let summary = json(&place.succeed(&format!("{eval} --json")).stdout);
    let results = &summary["noise"]["results"];
    assert!((results[0]["mse"].as_f64().unwrap() - 0.01).abs() < 5e-4, "{summary}");
    assert!((results[0]["mean_psnr"].as_f64().unwrap() - 20.0).abs() < 0.2, "{summary}");
    assert_eq!(results[2]["name"], "this model");
    let report = String::from_utf8(place.read("report.html")).unwrap();
    assert!(report.contains("Taking noise out") && report.contains("Gaussian noise, sigma 25.5 (of 255)"), "{report}");
    assert!(place.names("figures").contains(&"noise.svg".to_owned()));
    // Of other data there is no range from black to white, and of new data no training samples.
    place.write_table("table.csv");
    place.succeed("train table.csv --noise gaussian:0.5 --scaling standard --epochs 2 --hidden 4 --latent 2 --out t --no-report -q");
    let table = place.succeed("eval t table.csv --samples 30 --noise gaussian:0.5 --report t.html").stdout;
    assert!(table.contains("noisy") && !table.contains("PSNR"), "{table}");

    let other = place.succeed("eval run strokes:50 --noise gaussian:25").stderr;
    assert!(other.contains("for 25 of 255 write gaussian:0.09804"), "{other}");
    let said = place.fail(&format!("{eval} --ensemble"));
    assert!(said.starts_with("exit code 2") && said.contains("for a denoiser"), "{said}");
    let weak =
        "train digits --arch denoiser --noise gaussian:0.5 --channels 4 --depth 2 --patch 12 --patches 40 --epochs 1";
    place.succeed("data export strokes:4 --out digits");
    let said = place.succeed(&format!("{weak} --out den --no-report")).stderr;
    assert!(said.contains("write gaussian:127.5"), "{said}");
    // A network of convolutions alone takes samples of any shape.
    let denoiser = json(&place.succeed("eval den strokes:20 --noise gaussian:25 --json").stdout);
    assert_eq!(denoiser["noise"]["samples"], 20);
}

#[test]
fn what_is_white_in_a_mask_is_filled_and_nothing_else() {
    let place = workplace();
    let mask = |height: usize, width: usize, side: usize| {
        let mut bytes = format!("P5 {width} {height} 255\n").into_bytes();
        bytes.extend((0..height * width).map(|at| if at / width < side && at % width < side { 255 } else { 0 }));
        bytes
    };
    place.write("mask.pgm", mask(50, 50, 9));
    let run = place.succeed("reconstruct den noisy/deep.pgm --mask mask.pgm -o filled.png");
    assert_eq!(run.stderr, "81 missing values filled\n");
    let [given, filled] = ["noisy/deep.pgm", "filled.png"].map(|name| picture(&place, name));
    assert_eq!(filled.depth(), Depth::Sixteen);
    let missing = |at: usize| at / 50 < 9 && at % 50 < 9;
    let changed = |at: &usize| filled.values()[*at] != given.values()[*at];
    assert!((0..2500).filter(changed).all(missing));
    assert!((0..2500).filter(changed).count() > 70);

    // A model of one size fills pictures of that size.
    place.succeed("train clean --size 12 --hidden 8 --latent 3 --epochs 1 --out small --no-report -q --validation 0.4");
    place.write("small.ppm", pnm(12, 12, 1, 255, 0.0));
    place.write("small-mask.pgm", mask(12, 12, 3));
    place.succeed("reconstruct small small.ppm --mask small-mask.pgm -o small.png --iterations 2 -q");
    let [given, filled] = ["small.ppm", "small.png"].map(|name| picture(&place, name));
    assert!((0..144).filter(|at| filled.values()[*at] != given.values()[*at]).all(|at| at / 12 < 3 && at % 12 < 3));

    assert_snapshot!("mask-size", place.fail("reconstruct den noisy/grey.pgm --mask mask.pgm -o other.png"));
    assert_snapshot!("mask-model", place.fail("reconstruct small noisy/deep.pgm --mask mask.pgm -o other.png"));
    assert_snapshot!("mask-many", place.fail("reconstruct den noisy --mask mask.pgm -o other.png"));
    assert_snapshot!("mask-out", place.fail("reconstruct den noisy/deep.pgm --mask mask.pgm -o other.npy"));
    assert_snapshot!("mask-exists", place.fail("reconstruct den noisy/deep.pgm --mask mask.pgm -o filled.png"));
    assert!(!Path::new(&place.path("other.png")).exists());
}

#[test]
fn a_masked_picture_is_filled_in_the_range_of_its_model() {
    let place = Workplace::new();
    // Pictures of one level each, as numbers of a range of their own.
    let levels = |black: f32, white: f32| {
        let value = |level: usize| black + (white - black) * level as f32 / 40.0;
        Array3::from_shape_fn((41, 12, 12), |(level, ..)| value(level))
    };
    let square = |inside: u8, outside: u8| {
        let mut bytes = b"P5 12 12 255\n".to_vec();
        bytes.extend((0..144).map(|at| if at / 12 < 3 && at % 12 < 3 { inside } else { outside }));
        bytes
    };
    place.write("picture.pgm", square(0, 160));
    place.write("mask.pgm", square(255, 0));
    for (black, white) in [(0.0, 1.0), (0.0, 1000.0), (200.0, 300.0)] {
        write_npy(&place.path("levels.npy"), Overwrite::Replace, levels(black, white).into_dyn().view()).unwrap();
        let network = "--hidden 16 --latent 2 --epochs 300 --batch-size 8 --scaling unit";
        place.succeed(&format!("train levels.npy {network} --out model --no-report --force -q"));
        place.succeed("reconstruct model picture.pgm --mask mask.pgm -o filled.png --force -q");
        let filled = picture(&place, "filled.png");
        assert!(filled.values().iter().all(|value| (value - 160.0).abs() < 20.0), "{black}..{white}: {filled:?}");
    }
    place.succeed("train levels.npy --arch linear --latent 1 --scaling standard --out model --no-report --force -q");
    assert_snapshot!("mask-range", place.fail("reconstruct model picture.pgm --mask mask.pgm -o other.png"));
    place.write("faint.pgm", square(1, 0));
    assert_snapshot!("mask-faint", place.fail("reconstruct model picture.pgm --mask faint.pgm -o other.png"));
}

#[test]
fn a_picture_goes_through_a_pipe() {
    let place = workplace();
    place.succeed("denoise den noisy/grey.pgm -o grey.png -q");
    let mut command = place.command("denoise den - -o -");
    command
        .stdin(File::open(place.path("noisy/grey.pgm")).unwrap())
        .stdout(File::create(place.path("piped.png")).unwrap());
    assert!(command.status().unwrap().success());
    assert_eq!(place.read("piped.png"), place.read("grey.png"));
    assert_snapshot!("many-to-a-pipe", place.fail("denoise den noisy -o -"));
}

#[test]
fn filling_is_measured_beside_what_it_has_to_beat() {
    let place = Workplace::new();
    place
        .succeed("train strokes:400 --hidden 64 --latent 16 --epochs 40 --batch-size 16 --noise missing:0.5 --out filler --no-report -q");
    let run = place.succeed("eval filler strokes:400 --fill 0.5 --report report.html --figures figures");
    for said in ["MSE of missing", "mean of all samples", "10 nearest samples", "iterated", "50 % of the values of 80"]
    {
        assert!(run.stdout.contains(said), "{said} in {}", run.stdout);
    }
    assert!(place.names("figures").contains(&"filled.svg".to_owned()));
    assert!(String::from_utf8(place.read("report.html")).unwrap().contains("Filling what is missing"));
    let filling = &json(&place.succeed("eval filler strokes:400 --fill 0.5 --json -q").stdout)["filling"];
    let mse = |way: usize| filling["results"][way]["mse"].as_f64().unwrap();
    assert!(filling["samples"] == 80 && mse(1) < mse(0) && mse(3) < mse(0), "{filling}");
    assert_snapshot!("fill-fraction", place.fail("eval filler strokes:400 --fill 1"));
    assert_snapshot!("fill-other-data", place.fail("eval filler strokes:50 --fill 0.5"));
}

#[test]
fn missing_cells_of_a_table_are_filled_and_the_others_stay() {
    let place = Workplace::new();
    let row = |i: usize| (i % 17, ["red", "green", "blue"][i % 3]);
    let mut table = "size,colour,price\n".to_owned();
    for i in 0..200 {
        let (size, colour) = row(i);
        table += &format!("{size},{colour},{}\n", 3 * size + 20 * (i % 3));
    }
    place.write("table.csv", &table);
    place.succeed("train table.csv --arch linear --latent 3 --out run --no-report -q");
    place.write("holes.csv", "size,colour,price\n4,red,\n,green,41\n5,,15\n0.1,blue,43\n");
    let run = place.succeed("reconstruct run holes.csv --fill --iterations 50 --out whole.csv");
    assert!(run.stderr.contains("filled"), "{}", run.stderr);
    let whole = String::from_utf8(place.read("whole.csv")).unwrap();
    let cells: Vec<Vec<&str>> = whole.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!((cells[0][0], cells[0][1], cells[3][0]), ("4", "red", "0.1"), "{whole}");
    assert!((cells[0][2].parse::<f32>().unwrap() - 12.0).abs() < 3.0, "{whole}");
    assert!((cells[1][0].parse::<f32>().unwrap() - 7.0).abs() < 2.0, "{whole}");
    assert_eq!(cells[2][1], "red", "{whole}");
    let run = place.succeed("reconstruct run table.csv --fill --out same.csv");
    assert!(run.stderr.starts_with("nothing is missing"), "{}", run.stderr);
    assert_eq!(place.read("same.csv"), table.as_bytes());
}

#[test]
fn a_filled_table_is_the_same_table_with_only_its_gaps_filled() {
    let place = Workplace::new();
    let table: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, ["red", "green"][i % 2], 2 * (i % 7))).collect();
    place.write("table.csv", "size,colour,price\n".to_owned() + &table);
    place.succeed("train table.csv --arch linear --latent 2 --out run --no-report -q");
    let holes =
        "id;price;note;size;colour\r\na-1;0.12345678901234;two words;1e0;pink\r\na-2;;;3.000;red\r\na-3;4;n/a;NA;\r\n";
    place.write("holes.csv", holes);
    let run = place.succeed("reconstruct run holes.csv --fill");
    let lines: Vec<&str> = run.stdout.split("\r\n").collect();
    assert_eq!(lines[..2], ["id;price;note;size;colour", "a-1;0.12345678901234;two words;1e0;pink"]);
    let cells = |line: usize| lines[line].split(';').collect::<Vec<_>>();
    assert_eq!((cells(2)[0], cells(2)[2], cells(2)[3], cells(2)[4]), ("a-2", "", "3.000", "red"));
    assert!((cells(2)[1].parse::<f32>().unwrap() - 6.0).abs() < 1.0, "{run:?}");
    assert_eq!((cells(3)[1], cells(3)[2]), ("4", "n/a"));
    assert!((cells(3)[3].parse::<f32>().unwrap() - 2.0).abs() < 1.0 && ["red", "green"].contains(&cells(3)[4]));
    assert!(run.stderr.ends_with("3 missing values filled\n") && !run.stderr.contains("left out"), "{}", run.stderr);
    assert_snapshot!("fill-drop", place.fail("reconstruct run holes.csv --fill --missing drop"));
    // Where all columns hold words, only the model tells that the first row has their names.
    place.write(
        "words.csv",
        (0..30).map(|i| ["a,x\n", "b,y\n"][i % 2]).collect::<String>().replacen("a,x", "one,two", 1),
    );
    place.succeed("train words.csv --arch linear --latent 1 --out words --no-report -q");
    place.write("gap.csv", "one,two\na,\nb,y\n");
    let words = place.succeed("reconstruct words gap.csv --fill -q").stdout;
    assert!(["one,two\na,x\nb,y\n", "one,two\na,y\nb,y\n"].contains(&words.as_str()), "{words}");
    // Standard input is a file, too.
    assert_eq!(place.succeed_with_input("reconstruct run - --fill -q", holes).stdout, run.stdout);

    // Images in a table.
    let pixels = |i: usize| (0..4).map(|at| format!("{},", i * at % 5)).collect::<String>();
    let rows: String = (0..40).map(|i| format!("{}c{}\n", pixels(i), i % 2)).collect();
    place.write("pixels.csv", "pixel1,pixel2,pixel3,pixel4,class\n".to_owned() + &rows);
    place.succeed("train pixels.csv --label class --arch linear --latent 2 --out images --no-report -q");
    place.write("gap.csv", "pixel1,pixel2,pixel3,pixel4,class\n1,,2,4,c0\n");
    let run = place.succeed("reconstruct images gap.csv --label class --fill -q");
    assert!(run.stdout.starts_with("pixel1,") && run.stdout.ends_with(",2,4,c0\n"), "{run:?}");
}

#[test]
fn filled_numbers_of_64_bits_keep_all_of_them() {
    let place = Workplace::new();
    let values = Array2::from_shape_fn((50, 3), |(i, j)| (i % 9) as f64 * (j + 1) as f64 + 0.1);
    let mut holes = values.clone();
    holes[[7, 1]] = f64::NAN;
    let npy = |name: &str, array: &Array2<f64>| {
        let mut bytes = Vec::new();
        write_array_header(&mut bytes, ElementType::F64, &[50, 3]).unwrap();
        bytes.extend(array.iter().flat_map(|value| value.to_le_bytes()));
        place.write(name, bytes);
    };
    npy("whole.npy", &values);
    npy("holes.npy", &holes);
    place.succeed("train whole.npy --arch linear --latent 1 --out run --no-report -q");
    let run = place.succeed("reconstruct run holes.npy --fill --out filled.npy");
    assert!(run.stderr.starts_with("1 missing value filled"), "{}", run.stderr);
    let [filled, whole] = ["filled.npy", "whole.npy"].map(|name| place.read(name));
    let different: Vec<usize> = (0..whole.len()).filter(|&at| filled[at] != whole[at]).collect();
    let hole = whole.len() - (150 - 22) * 8;
    assert!(filled.len() == whole.len() && different.iter().all(|at| (hole..hole + 8).contains(at)), "{different:?}");
    let run = place.succeed("reconstruct run holes.npy --fill -q");
    assert!(run.stdout.contains("\n8.1,16.1,24.1\n"), "{}", run.stdout);
}
