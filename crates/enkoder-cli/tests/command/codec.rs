//! What is compressed comes back: arrays of every kind, in their type and shape, within the bound; and what cannot is said.

use std::fs;

use enkoder::codec::SampleSource as _;
use enkoder_data::npy::write_array_header;
use enkoder_data::{ArrayOptions, ReadOptions, Source};
use insta::assert_snapshot;
use netcdf3::{DataSet, FileWriter, Version};
use serde_json::Value;

use crate::workplace::{Workplace, test_data};

/// A workplace with two runs of the generated fields and a linear model of the first.
fn with_fields() -> Workplace {
    let place = Workplace::new();
    place.succeed("data export fields:60 --data-seed 1 -o a.npy -q");
    place.succeed("data export fields:30 --data-seed 2 -o b.npy -q");
    place.succeed("train a.npy --arch linear --latent 12 --out model --no-report -q");
    place
}

/// Smooth values of this many, and an NPY file of this shape with them.
fn npy(place: &Workplace, name: &str, shape: &[u64]) -> Vec<f32> {
    let count: u64 = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * 0.05).sin() * 10.0 + (i % 7) as f32 * 0.01).collect();
    let mut file = Vec::new();
    write_array_header(&mut file, enkoder::codec::ElementType::F32, shape).unwrap();
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    place.write(name, file);
    values
}

/// The numbers of an array, and its shape.
fn numbers(place: &Workplace, name: &str) -> (Vec<u64>, Vec<f32>) {
    let names = [place.path(name).to_str().unwrap().to_owned()];
    let mut arrays = Source::find_all(&names).unwrap().open_arrays(&ReadOptions::default()).unwrap().unwrap();
    let bytes = arrays.read(0, arrays.samples() as usize).unwrap();
    let mut values = Vec::new();
    arrays.element().extend_f32(&bytes, &mut values);
    (arrays.array().to_vec(), values)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn fields_come_back_within_the_bound_and_every_byte_is_accounted_for() {
    let place = with_fields();
    let summary = json(&place.succeed("compress model b.npy -o b.enk --bound abs:0.25 --chunk 8 --json").stdout);
    place.succeed("decompress b.enk -o back.npy");
    let (original, back) = (numbers(&place, "b.npy"), numbers(&place, "back.npy"));
    assert_eq!(original.0, back.0);
    let largest = largest_difference(&original.1, &back.1);
    assert!(largest <= 0.25 && largest > 0.01, "{largest}");
    assert!((f64::from(largest) - summary["largest_error"].as_f64().unwrap()).abs() < 1e-6);

    let info = json(&place.succeed("info b.enk --json").stdout);
    let bytes = info["bytes"].as_object().unwrap();
    let part = |name: &str| bytes[name].as_u64().unwrap();
    let parts: u64 = ["header", "model", "codes", "residual", "framing"].map(part).iter().sum();
    assert_eq!(parts, part("file"));
    assert_eq!(part("file"), fs::metadata(place.path("b.enk")).unwrap().len());
    assert_eq!((&info["bound"], &info["chunks"], &info["chunk_samples"]), (&"abs:0.25".into(), &4.into(), &8.into()));
    let text = place.succeed("info b.enk").stdout;
    for said in ["30 samples of 48×96 f32", "abs:0.25", "4 chunks", "(in the file)", "without the model"] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    // A part is the same as that part of the whole.
    place.succeed("decompress b.enk -o part.npy --range 10..13 -q");
    let (shape, part) = numbers(&place, "part.npy");
    assert_eq!((shape, &part[..]), (vec![3, 48, 96], &back.1[10 * 48 * 96..13 * 48 * 96]));
}

#[test]
fn lossless_gives_every_bit_back_of_arrays_that_hold_anything() {
    let place = Workplace::new();
    let mut values = npy(&place, "plain.npy", &[40, 6]);
    for (place, value) in [f32::NAN, f32::INFINITY, -0.0, 1e30, f32::from_bits(0x7fc0_1234)].iter().enumerate() {
        values[place * 17] = *value;
    }
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    place.write("odd.raw", &bytes);
    place.succeed("train plain.npy --arch linear --latent 2 --out model --no-report -q");
    place.succeed("compress model odd.raw --shape 40x6 --dtype f32 -o odd.enk --bound lossless -q");
    place.succeed("decompress odd.enk -o back.raw -q");
    assert!(place.read("back.raw") == bytes);
    let big: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    place.write("big.raw", big);
    place.succeed("compress model big.raw --shape 40x6 --dtype >f4 -o big.enk --bound lossless -q");
    place.succeed("decompress big.enk -o big-back.raw -q");
    assert!(place.read("big-back.raw") == bytes, "little-endian comes back");
}

#[test]
fn blocks_are_put_together_again() {
    let place = Workplace::new();
    let values = npy(&place, "field.npy", &[5, 13, 22]);
    place.succeed("train field.npy --block 4x6 --arch linear --latent 5 --out model --no-report -q");
    place.succeed("compress model field.npy --block 4x6 --bound abs:0.001 -o field.enk -q");
    let info = json(&place.succeed("info field.enk --json").stdout);
    assert_eq!((&info["samples"], &info["block"], &info["array"]), (&80.into(), &json("[4,6]"), &json("[5,13,22]")));
    place.succeed("decompress field.enk -o back.npy -q");
    let (shape, back) = numbers(&place, "back.npy");
    assert_eq!(shape, [5, 13, 22]);
    assert!(largest_difference(&values, &back) <= 0.001);
    place.succeed("decompress field.enk -o part.npy --range 2..4 -q");
    let (shape, part) = numbers(&place, "part.npy");
    assert_eq!((shape, &part[..]), (vec![2, 13, 22], &back[2 * 13 * 22..4 * 13 * 22]));
    assert_snapshot!(place.fail("compress model field.npy --bound abs:0.1 -o other.enk"));
    assert_snapshot!(place.fail("compress model field.npy --block 14x6 --bound abs:0.1 -o other.enk"));
    assert_snapshot!(place.fail("compress model field.npy --block 4x6 --samples 7 --bound abs:0.1 -o other.enk"));
    assert_snapshot!(place.fail("compress model field.npy --block 4x --bound abs:0.1 -o other.enk"));
    assert!(!place.path("other.enk").exists());
}

#[test]
fn variables_of_netcdf_come_back_by_name() {
    let place = Workplace::new();
    let ts: Vec<f32> = (0..20 * 48).map(|i| 280.0 + (i as f32 * 0.1).sin()).collect();
    let mut psl: Vec<f32> = (0..20 * 48).map(|i| 101_325.0 + 50.0 * (i as f32 * 0.07).cos()).collect();
    let mut set = DataSet::new();
    set.set_unlimited_dim("time", 20).unwrap();
    set.add_fixed_dim("lat", 6).unwrap();
    set.add_fixed_dim("lon", 8).unwrap();
    for name in ["ts", "psl"] {
        set.add_var_f32(name, &["time", "lat", "lon"]).unwrap();
    }
    set.add_var_attr_f32("psl", "missing_value", vec![1e20]).unwrap();
    psl[5] = 1e20;
    let mut writer = FileWriter::create_new(place.path("a.nc")).unwrap();
    writer.set_def(&set, Version::Offset64Bit, 0).unwrap();
    writer.write_var_f32("ts", &ts).unwrap();
    writer.write_var_f32("psl", &psl).unwrap();
    writer.close().unwrap();

    assert_snapshot!(place.fail("train a.nc"));
    place.succeed("train a.nc --variable ts,psl --arch linear --latent 6 --out model --no-report -q");
    place.succeed("compress model a.nc --variable ts,psl --bound abs:0.01 -o a.enk -q");
    assert_snapshot!(place.fail("decompress a.enk -o a.npy"));
    place.succeed("decompress a.enk -o a.npz -q");
    for (name, values) in [("ts", &ts), ("psl", &psl)] {
        let (shape, back) = numbers(&place, &format!("a.npz:{name}"));
        assert_eq!(shape, [20, 6, 8]);
        assert!(largest_difference(values, &back) <= 0.01, "{name}");
    }
    // The value for missing ones comes back as it was, and an NPZ file is read as a NetCDF file is.
    assert_eq!(numbers(&place, "a.npz:psl").1[5], 1e20);
    let options = ReadOptions {
        arrays: ArrayOptions { variables: vec!["psl".into()], ..Default::default() },
        ..Default::default()
    };
    let data = enkoder_data::open(place.path("a.npz").to_str().unwrap(), &options).unwrap();
    assert_eq!(data.shape(), [6, 8]);
    // It does not count in the range that a bound is relative to.
    place.succeed("compress model a.nc --variable ts,psl --bound rel:0.001 -o rel.enk -q");
    place.succeed("decompress rel.enk -o rel.npz -q");
    let back = numbers(&place, "rel.npz:psl").1;
    assert_eq!(back[5], 1e20);
    let range = |values: &[f32]| {
        let present = || values.iter().copied().filter(|&value| value < 1e19);
        present().fold(f32::MIN, f32::max) - present().fold(f32::MAX, f32::min)
    };
    assert!(largest_difference(&psl, &back) <= 0.001 * range(&psl), "{}", largest_difference(&psl, &back));

    // Without a model every variable may have a bound of its own.
    place.succeed("compress a.nc --variable ts,psl --bound psl=prel:1e-5,abs:0.05 -o own.enk -q");
    let info = json(&place.succeed("info own.enk --json").stdout);
    assert_eq!(info["bounds"], serde_json::json!(["abs:0.05", "prel:0.00001"]));
    assert!(place.succeed("info own.enk").stdout.contains("ts=abs:0.05, psl=prel:0.00001"));
    place.succeed("decompress own.enk -o own.npz -q");
    assert!(largest_difference(&ts, &numbers(&place, "own.npz:ts").1) <= 0.05);
    for (value, back) in psl.iter().zip(numbers(&place, "own.npz:psl").1) {
        assert!((value - back).abs() <= 1e-5 * value, "{value} came back as {back}");
    }
    // All that have one shape and type are taken where none is chosen.
    place.succeed("compress a.nc --bound rel:1e-4 -o all.enk -q");
    assert_eq!(json(&place.succeed("info all.enk --json").stdout)["variables"], serde_json::json!(["ts", "psl"]));
    let refused = |arguments: &str| place.fail(&format!("compress {arguments} -o no.enk"));
    let said = refused("a.nc --variable ts,psl --bound ts=abs:0.05");
    assert!(said.contains("ts=abs:0.05 says nothing of the variable psl"), "{said}");
    let said = refused("a.nc --variable ts,psl --bound tas=abs:0.05,lossless");
    assert!(said.contains("hint: the variables are ts, psl"), "{said}");
    let said = refused("model a.nc --variable ts,psl --bound ts=abs:0.05,lossless");
    assert!(said.contains("with a model all have the same bound"), "{said}");
    let said = refused("model a.nc --variable ts,psl --bound bits:7");
    assert!(said.contains("bits:7 is a bound of files without a model"), "{said}");
    assert!(!place.path("no.enk").exists());
}

#[test]
fn a_model_may_stay_outside_of_the_file() {
    let place = with_fields();
    place.succeed("compress model b.npy -o b.enk --bound rel:0.01 --without-model -q");
    place.succeed("compress model b.npy -o whole.enk --bound rel:0.01 --weight-bits 16 -q");
    assert_snapshot!(
        place
            .fail("decompress b.enk -o back.npy")
            .split_once("model ")
            .map(|(before, after)| { format!("{before}model HASH{}", &after[64..]) })
            .unwrap()
    );
    place.succeed("decompress b.enk -o back.npy --model model -q");
    place.succeed("decompress whole.enk -o whole.npy -q");
    assert!(place.read("back.npy") == place.read("whole.npy"));
    place.succeed("train b.npy --arch linear --latent 12 --out other --no-report -q");
    let message = place.fail("decompress b.enk -o other.npy --model other");
    assert!(message.contains("the model given has the hash"), "{message}");
    assert!(!place.path("other.npy").exists());
}

#[test]
fn a_damaged_chunk_is_named_and_the_others_are_salvaged() {
    let place = with_fields();
    place.succeed("compress model b.npy -o b.enk --bound rel:0.001 --chunk 10 -q");
    place.succeed("decompress b.enk -o whole.npy -q");
    let mut bytes = place.read("b.enk");
    let second = bytes.windows(4).enumerate().filter(|(_, window)| window == b"ENKB").nth(1).unwrap().0;
    bytes[second + 60] ^= 1;
    place.write("damaged.enk", &bytes);
    assert_snapshot!(place.fail("decompress damaged.enk -o back.npy"));
    let run = place.run("decompress damaged.enk -o back.npy --salvage");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("lost: block 1 (samples 10 to 19) is damaged"), "{}", run.stderr);
    let (back, whole) = (numbers(&place, "back.npy").1, numbers(&place, "whole.npy").1);
    let step = 48 * 96;
    assert!(back[..10 * step] == whole[..10 * step] && back[20 * step..] == whole[20 * step..]);
    assert!(back[10 * step..20 * step].iter().all(|value| value.is_nan()));
    assert_snapshot!("info-damaged", place.fail("info damaged.enk"));
    // Cut off, it is no file; but what is there is salvaged.
    place.write("short.enk", &bytes[..second]);
    let cut = place.fail("decompress short.enk -o none.npy");
    assert!(cut.contains("hint: --salvage decodes the blocks that are whole"), "{cut}");
    let cut = place.fail("info short.enk");
    assert!(cut.contains("hint: `enkoder decompress short.enk -o FILE --salvage` decodes what is whole"), "{cut}");
    let run = place.run("decompress short.enk -o short.npy --salvage --json -q");
    assert_eq!((run.code, &json(&run.stdout)["lost"]), (Some(1), &20.into()));
    // The model in it is damaged, but there is another copy of it.
    let mut bytes = place.read("b.enk");
    bytes[300] ^= 1;
    place.write("model.enk", &bytes);
    let message = place.fail("decompress model.enk -o again.npy");
    assert!(message.contains("the model's checksum is wrong\nhint: give the model with --model"), "{message}");
    assert!(place.succeed("info model.enk").stdout.contains("in the file, but damaged"));
    place.succeed("decompress model.enk -o again.npy --model model -q");
    assert!(place.read("again.npy") == place.read("whole.npy"));
    place.succeed("decompress model.enk -o again.npy --model model --salvage --force -q");
    assert!(place.read("again.npy") == place.read("whole.npy"));
    place.write("short.enk", &bytes[..20]);
    assert!(place.fail("decompress short.enk -o none.npy --salvage").contains("exit code 1"));
    assert!(!place.path("none.npy").exists());
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_left_behind() {
    let place = with_fields();
    place.write("taken.enk", "mine");
    let before = place.names(".");
    for (name, arguments) in [
        ("no-bound", "compress model b.npy -o b.enk"),
        ("bound", "compress model b.npy -o b.enk --bound 0.1"),
        ("weights", "compress model b.npy -o b.enk --bound abs:1 --weight-bits 4"),
        ("taken", "compress model b.npy -o taken.enk --bound abs:1"),
        ("no-folder", "compress model b.npy -o none/b.enk --bound abs:1"),
        ("digits", "compress model strokes:20 -o b.enk --bound abs:1"),
        ("not-arrays", "compress model strokes:20 --block 2x2 -o b.enk --bound abs:1"),
        ("shape-alone", "compress model b.npy --shape 2x3 -o b.enk --bound abs:1"),
        ("dtype", "compress model b.npy --shape 2x3 --dtype f128 -o b.enk --bound abs:1"),
        ("wrong-shape", "compress model b.npy --shape 30x48x96 --dtype f32 -o b.enk --bound abs:1"),
        ("no-variable", "compress model b.npy --variable ts -o b.enk --bound abs:1"),
        ("no-enk", "decompress b.npy -o back.npy"),
        ("no-format", "decompress taken.enk -o back.txt"),
        ("chunk", "compress model b.npy -o b.enk --bound abs:1 --chunk 0"),
        ("bounds-alone", "eval model b.npy --bounds abs:1"),
    ] {
        assert_snapshot!(name, place.fail(arguments));
    }
    assert_eq!(place.names("."), before);
    place.succeed("compress model b.npy -o b.enk --bound abs:1 -q");
    assert_snapshot!("compressed-twice", place.fail("compress model b.enk -o c.enk --bound abs:1"));
    place.write("unknown.xyz", [0, 1, 2, 3]);
    assert_snapshot!("unknown", place.fail("compress model unknown.xyz -o c.enk --bound abs:1"));
    assert_snapshot!("range", place.fail("decompress b.enk -o part.npy --range 20..31"));
    place.write("peers.json", r#"[{"name": "SZ3", "points": [{"bytes": -1, "psnr": 40, "largest_error": 1}]}]"#);
    assert_snapshot!("peers", place.fail("eval model b.npy --codec --peers peers.json"));
}

#[test]
fn the_codec_is_evaluated_at_a_ladder_of_bounds_beside_others() {
    let place = with_fields();
    place.write("peers.json", r#"[{"name": "SZ3", "points": [{"bytes": 90000, "psnr": 50, "largest_error": 0.9}]}]"#);
    let run = place
        .succeed("eval model b.npy --codec --bounds abs:1,rel:1e-3,none --peers peers.json --json -q --report r.html");
    let result = json(&run.stdout);
    let points = result["codec"]["points"].as_array().unwrap();
    assert_eq!(points.len(), 3);
    assert!(points[0]["of_bound"].as_f64().unwrap() <= 1.0);
    assert_eq!(points[0]["paid_for"][0]["codec"], "SZ3");
    assert!(points[2]["residual_bytes"] == 0);
    let report = String::from_utf8(place.read("r.html")).unwrap();
    assert!(report.contains("<h2>Compression</h2>") && report.contains("decoded, abs:1"));
    let text = place.succeed("eval model b.npy --codec --bounds abs:1 --peers peers.json -q").stdout;
    assert!(text.contains("the model has paid for itself after"), "{text}");
    // Of data that the model was trained on only the validation samples count.
    let run = place.succeed("eval model a.npy --codec --bounds abs:1 --json -q");
    assert_eq!(json(&run.stdout)["codec"]["original_bytes"], 12 * 48 * 96 * 4);
}

#[test]
fn digits_come_back_bit_for_bit() {
    let place = Workplace::new().with_model();
    place.succeed("compress model.safetensors strokes:200 -o digits.enk --bound lossless -q");
    place.succeed("decompress digits.enk -o digits.npy -q");
    place.succeed("data export strokes:200 -o expected.npy -q");
    assert!(place.read("digits.npy") == place.read("expected.npy"));
}

#[test]
fn every_step_of_the_climate_is_within_its_bound() {
    let Some(climate) = test_data("climate") else { return };
    let place = Workplace::new();
    let run = |number: u32| climate.join(format!("trefht_run{number}.npy")).display().to_string();
    let train = [57, 59, 60].map(run).join(" ");
    place.succeed(&format!("train {train} --arch linear --latent 50 --out model --no-report -q"));
    place.succeed(&format!("compress model {} -o run.enk --bound rel:1e-3 -q", run(61)));
    place.succeed("decompress run.enk -o back.npy -q");
    fs::copy(run(61), place.path("run.npy")).unwrap();
    let ((shape, original), (_, back)) = (numbers(&place, "run.npy"), numbers(&place, "back.npy"));
    assert_eq!(shape, [110, 64, 128]);
    let range = original.iter().fold(f32::MIN, |a, &b| a.max(b)) - original.iter().fold(f32::MAX, |a, &b| a.min(b));
    assert!(largest_difference(&original, &back) <= range * 1e-3 * 1.000_001);
}

#[cfg(unix)]
#[test]
fn a_disk_without_room_is_told_and_nothing_is_left_behind() {
    use std::process::Command;

    let place = with_fields();
    place.succeed("compress model b.npy -o b.enk --bound abs:1 -q");
    let before = place.names(".");
    for arguments in
        ["compress model b.npy -o c.enk --bound lossless", "decompress b.enk -o c.npy", "decompress b.enk -o c.npz"]
    {
        // No file may grow beyond 100 kB, as on a full disk.
        let limited = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", limited, env!("CARGO_BIN_EXE_enkoder")]).args(arguments.split_whitespace());
        let output = command.current_dir(place.path(".")).env("NO_COLOR", "1").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: cannot write c."), "{said}");
        assert_eq!(place.names("."), before);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_half_written() {
    use std::process::Command;

    let place = with_fields();
    place.succeed("data export fields:800 -o long.npy -q");
    let before = place.names(".");
    let begun = |place: &Workplace| {
        let mut entries = fs::read_dir(place.path(".")).unwrap().filter_map(|entry| entry.ok());
        entries
            .any(|e| e.file_name().to_string_lossy().ends_with(".partial") && e.metadata().is_ok_and(|m| m.len() > 0))
    };
    let mut command = place.command("compress model long.npy -o long.enk --bound lossless --chunk 50");
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    while !begun(&place) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted: long.enk was not written"), "{said}");
    assert_eq!(place.names("."), before);
}

#[test]
fn one_file_is_compressed_with_no_model_at_hand() {
    let place = Workplace::new();
    let values = npy(&place, "field.npy", &[12, 30, 40]);
    let summary = json(&place.succeed("compress field.npy -o field.enk --bound rel:1e-3 --json").stdout);
    assert_eq!((&summary["model_bytes"], &summary["bound"]), (&0.into(), &"rel:0.001".into()));
    place.succeed("decompress field.enk -o back.npy -q");
    let (shape, back) = numbers(&place, "back.npy");
    assert_eq!(shape, [12, 30, 40]);
    let range = summary["range"].as_f64().unwrap();
    assert!(f64::from(largest_difference(&values, &back)) <= 1e-3 * range);

    let info = json(&place.succeed("info field.enk --json").stdout);
    let bytes = info["bytes"].as_object().unwrap();
    let parts = ["header", "model", "codes", "residual", "framing"].map(|part| bytes[part].as_u64().unwrap());
    assert_eq!(parts.iter().sum::<u64>(), fs::metadata(place.path("field.enk")).unwrap().len());
    let prediction = &info["predictions"][0][0];
    assert_eq!(prediction["residual_bytes"], bytes["residual"]);
    let text = place.succeed("info field.enk").stdout;
    assert!(text.contains("learned weights") && text.contains("of what they miss"), "{text}");

    let effort = |effort: u8| {
        place.succeed(&format!("compress field.npy -o e.enk --bound rel:1e-3 --effort {effort} --force -q"));
        fs::metadata(place.path("e.enk")).unwrap().len()
    };
    assert!(effort(9) <= effort(1));
}

#[test]
fn the_first_of_several_names_is_the_model_where_it_is_one() {
    let place = with_fields();
    // Two arrays one after the other, or a model and an array.
    place.succeed("compress a.npy b.npy -o both.enk --bound abs:0.1 -q");
    place.succeed("decompress both.enk -o both.npy -q");
    assert_eq!(numbers(&place, "both.npy").0, [90, 48, 96]);
    place.succeed("compress model b.npy -o b.enk --bound abs:0.1 -q");
    assert!(json(&place.succeed("info b.enk --json").stdout)["bytes"]["model"].as_u64().unwrap() > 0);
    assert_snapshot!("model-alone", place.fail("compress model -o c.enk --bound abs:0.1"));
    assert_snapshot!("effort-with-model", place.fail("compress model b.npy -o c.enk --bound abs:0.1 --effort 9"));
    assert_snapshot!("without-what-model", place.fail("compress b.npy -o c.enk --bound abs:0.1 --without-model"));
    assert_snapshot!("block-without-model", place.fail("compress b.npy -o c.enk --bound abs:0.1 --block 4x4"));
    assert_snapshot!("none-without-model", place.fail("compress b.npy -o c.enk --bound none"));
    assert!(!place.path("c.enk").exists());
}

/// An NPY file of this type and order, as NumPy writes it.
fn npy_of(descr: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let padding = (header.len() + 11).next_multiple_of(64) - header.len() - 11;
    header += &" ".repeat(padding);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16 + 1).to_le_bytes());
    file.extend(header.bytes());
    file.push(b'\n');
    file.extend(values);
    file
}

/// An NPZ file whose members `a.npy` and `b.npy` are both this file.
fn npz_of_both(file: &[u8]) -> Vec<u8> {
    let mut zip = zip::write::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.npy", "b.npy"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, file).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A member of an NPZ file.
fn member(place: &Workplace, npz: &str, name: &str) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(place.read(npz))).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
    bytes
}

#[test]
fn every_type_and_order_of_npy_comes_back_as_it_was_and_ratios_count_its_bytes() {
    let place = Workplace::new();
    let halves: Vec<u8> = (0..96u16).flat_map(|i| (0x3c00 + i * 3).to_le_bytes()).collect();
    let truths: Vec<u8> = (0..96).map(|i| u8::from(i % 3 == 0)).collect();
    let bytes: Vec<u8> = (0..96u32).flat_map(|i| (i as f32 * 0.5 - 7.0).to_be_bytes()).collect();
    for (descr, fortran, values) in [
        ("<f2", "False", &halves),
        (">f2", "False", &halves),
        ("|b1", "False", &truths),
        ("|b1", "True", &truths),
        (">f4", "False", &bytes),
        (">f4", "True", &bytes),
        ("<f4", "True", &bytes),
        (">i2", "True", &halves),
        (">u8", "False", &bytes),
    ] {
        let size = descr[2..].parse::<usize>().unwrap();
        let shape = format!("({}, 4)", values.len() / size / 4);
        place.write("a.npy", npy_of(descr, fortran, &shape, values));
        let run = place.succeed("compress a.npy -o a.enk --bound lossless --force --json");
        assert_eq!(json(&run.stdout)["original_bytes"], values.len(), "{descr}");
        place.succeed("decompress a.enk -o back.npy --force -q");
        assert!(place.read("back.npy") == place.read("a.npy"), "{descr} {fortran}");
        // A part of it, too, has the type and the order.
        place.succeed("decompress a.enk -o part.npy --range 1..3 --force -q");
        let header = String::from_utf8_lossy(&place.read("part.npy")[10..128]).into_owned();
        assert!(
            header.contains(&format!("'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 4)")),
            "{header}"
        );
    }
    // What a bound promises holds for numbers of 16 bits.
    place.write("a.npy", npy_of("<f2", "False", "(24, 4)", &halves));
    let run = place.succeed("compress a.npy -o a.enk --bound abs:0.003 --force --json");
    assert!(json(&run.stdout)["largest_error"].as_f64().unwrap() <= 0.003);
    let run = place.succeed("decompress a.enk -o back.npy --force --json");
    assert_eq!(json(&run.stdout)["element"], "f16");
    let (before, after) = (numbers(&place, "a.npy").1, numbers(&place, "back.npy").1);
    assert!(largest_difference(&before, &after) <= 0.003);
    assert_eq!(place.read("back.npy").len(), place.read("a.npy").len());
    // They are coded as what they are: what is said of the file is what was asked for.
    let info = json(&place.succeed("info a.enk --json").stdout);
    assert_eq!((&info["element"], &info["bound"]), (&"f16".into(), &"abs:0.003".into()));
    assert_eq!(info["bytes"]["original"], halves.len());
    // Several arrays together.
    let both = npy_of(">f2", "True", "(24, 4)", &halves);
    place.write("ab.npz", npz_of_both(&both));
    place.succeed("compress ab.npz --variable b,a -o ab.enk --bound lossless -q");
    place.succeed("decompress ab.enk -o back.npz -q");
    for name in ["a.npy", "b.npy"] {
        assert!(member(&place, "back.npz", name) == both, "{name}");
    }
}

#[test]
fn bounds_of_numbers_of_16_bits_hold_once_they_have_16_bits_again() {
    let place = Workplace::new();
    // From 1.3 to 15.
    let half = |i: u16| 0x4400 + (800.0 * (f32::from(i) * 0.05).sin()) as i16 + (i * 37 % 101) as i16;
    let halves: Vec<u8> = (0..4000).flat_map(|i| half(i % 1700).to_le_bytes()).collect();
    let file = npy_of("<f2", "False", "(400, 10)", &halves);
    place.write("a.npy", &file);
    place.write("ab.npz", npz_of_both(&file));
    let before = numbers(&place, "a.npy").1;
    let range = before.iter().copied().fold(f32::MIN, f32::max) - before.iter().copied().fold(f32::MAX, f32::min);
    // What a value may be off by, and the part of itself.
    for (bound, most, part) in [
        ("abs:0.02", 0.02, 0.0),
        ("rel:0.003", 0.003 * range, 0.0),
        ("prel:0.004", 0.0, 0.004),
        ("bits:7", 0.0, 1.0 / 128.0),
    ] {
        let check = |back: &str| {
            let after = numbers(&place, back).1;
            let broken = before.iter().zip(&after).filter(|(x, y)| (*x - *y).abs() > most + part * x.abs()).count();
            assert_eq!(broken, 0, "{bound} {back}");
        };
        place.succeed(&format!("compress a.npy -o a.enk --bound {bound} --force -q"));
        place.succeed("decompress a.enk -o back.npy --force -q");
        check("back.npy");
        place.succeed(&format!("compress ab.npz -o ab.enk --bound a={bound},lossless --force -q"));
        place.succeed("decompress ab.enk -o back.npz --force -q");
        place.write("of-several.npy", member(&place, "back.npz", "a.npy"));
        check("of-several.npy");
    }
}

/// A NetCDF file with a field `t` along time from `first` on, its coordinates, letters and attributes.
fn write_netcdf(place: &Workplace, name: &str, first: usize, steps: usize) -> Vec<i16> {
    let mut set = DataSet::new();
    set.add_global_attr_string("title", "a field").unwrap();
    set.set_unlimited_dim("time", steps).unwrap();
    for (name, length) in [("lat", 3), ("lon", 5), ("bnds", 2), ("letters", 7)] {
        set.add_fixed_dim(name, length).unwrap();
    }
    set.add_var_f64("time", &["time"]).unwrap();
    set.add_var_attr_string("time", "units", "days since 2000-01-01").unwrap();
    set.add_var_attr_string("time", "bounds", "time_bnds").unwrap();
    set.add_var_f64("time_bnds", &["time", "bnds"]).unwrap();
    set.add_var_f32("lat", &["lat"]).unwrap();
    set.add_var_f32("lon", &["lon"]).unwrap();
    set.add_var_i16("t", &["time", "lat", "lon"]).unwrap();
    set.add_var_attr_f64("t", "scale_factor", vec![0.01]).unwrap();
    set.add_var_attr_string("t", "units", "K").unwrap();
    set.add_var_u8("station", &["letters"]).unwrap();
    set.add_var_i32::<&str>("crs", &[]).unwrap();
    set.add_var_attr_string("crs", "grid_mapping_name", "latitude_longitude").unwrap();
    let t: Vec<i16> =
        (0..steps * 15).map(|i| ((i + first * 15) as f32 * 0.1).sin().mul_add(900.0, 3.0) as i16).collect();
    let days: Vec<f64> = (first..first + steps).map(|step| step as f64 + 0.5).collect();
    let bounds: Vec<f64> = (first..first + steps).flat_map(|step| [step as f64, step as f64 + 1.0]).collect();
    let mut writer = FileWriter::create_new(place.path(name)).unwrap();
    writer.set_def(&set, Version::Classic, 0).unwrap();
    writer.write_var_f64("time", &days).unwrap();
    writer.write_var_f64("time_bnds", &bounds).unwrap();
    writer.write_var_f32("lat", &[-10.0, 0.0, 10.0]).unwrap();
    writer.write_var_f32("lon", &[0.0, 72.0, 144.0, 216.0, 288.0]).unwrap();
    writer.write_var_i16("t", &t).unwrap();
    writer.write_var_u8("station", b"Hamburg").unwrap();
    writer.write_var_i32("crs", &[4326]).unwrap();
    writer.close().unwrap();
    t
}

#[test]
fn netcdf_comes_back_with_names_attributes_and_coordinates() {
    let place = Workplace::new();
    let t = write_netcdf(&place, "a.nc", 0, 6);
    let more = write_netcdf(&place, "b.nc", 6, 4);
    place.succeed("compress a.nc -o a.enk --bound lossless -q");
    place.succeed("decompress a.enk -o back.nc -q");
    let open = |name: &str| netcdf3::FileReader::open(place.path(name)).unwrap();
    let (mut before, mut after) = (open("a.nc"), open("back.nc"));
    assert_eq!(
        before.data_set().get_global_attr_as_string("title"),
        after.data_set().get_global_attr_as_string("title")
    );
    assert!(after.data_set().has_unlimited_dim());
    let names = before.data_set().get_var_names();
    assert_eq!(names, after.data_set().get_var_names());
    for name in names {
        let (one, two) = (before.data_set().get_var(&name).unwrap(), after.data_set().get_var(&name).unwrap());
        assert_eq!((one.get_dims(), one.get_attrs()), (two.get_dims(), two.get_attrs()), "{name}");
        assert_eq!(before.read_var(&name).unwrap(), after.read_var(&name).unwrap(), "{name}");
    }
    // A part of it has the part of the coordinates that belongs to it.
    place.succeed("decompress a.enk -o part.nc --range 2..5 -q");
    let mut part = open("part.nc");
    assert_eq!(part.read_var_f64("time").unwrap(), [2.5, 3.5, 4.5]);
    assert_eq!(part.read_var_f64("time_bnds").unwrap(), [2.0, 3.0, 3.0, 4.0, 4.0, 5.0]);
    assert_eq!(part.read_var_i16("t").unwrap(), t[30..75]);
    // Files that were put together are one, with their coordinates.
    place.succeed("compress a.nc b.nc -o ab.enk --bound lossless -q");
    place.succeed("decompress ab.enk -o ab.nc -q");
    let mut both = open("ab.nc");
    assert_eq!(both.read_var_f64("time").unwrap().len(), 10);
    assert_eq!(both.read_var_i16("t").unwrap(), [t.clone(), more].concat());
    place.succeed("compress a.nc --samples 2 -o head.enk --bound lossless -q");
    place.succeed("decompress head.enk -o head.nc -q");
    assert_eq!(open("head.nc").read_var_f64("time").unwrap(), [0.5, 1.5]);
    // What is compressed again gives the same, and a pipe takes it too.
    place.succeed("compress back.nc -o again.enk --bound lossless -q");
    assert!(place.read("again.enk") == place.read("a.enk"));
    // Arrays without names get some.
    npy(&place, "plain.npy", &[4, 4, 3]);
    place.succeed("compress plain.npy -o plain.enk --bound lossless -q");
    place.succeed("decompress plain.enk -o plain.nc -q");
    let mut plain = open("plain.nc");
    assert_eq!(plain.data_set().get_var("data").unwrap().dim_names(), ["dim_4", "dim_4_2", "dim_3"]);
    assert_eq!(plain.read_var_f32("data").unwrap(), numbers(&place, "plain.npy").1);
    assert_snapshot!("netcdf-info", place.succeed("data info back.nc").stdout);
    // A description that is damaged costs the names, which is said, and no number.
    let mut file = place.read("a.enk");
    let at = file.windows(4).position(|bytes| bytes == [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
    file[at + 20] ^= 1;
    place.write("damaged.enk", file);
    let refused = place.fail("decompress damaged.enk -o damaged.nc");
    assert!(refused.contains("--salvage writes the numbers without it"), "{refused}");
    let run = place.succeed("decompress damaged.enk -o damaged.nc --salvage");
    assert!(run.stderr.contains("names, coordinates) is lost"), "{}", run.stderr);
    assert_eq!(open("damaged.nc").read_var_i16("t").unwrap(), t);
}

#[test]
fn a_damaged_end_is_said_where_every_sample_was_found() {
    let place = Workplace::new();
    npy(&place, "a.npy", &[40, 6]);
    place.succeed("compress a.npy -o a.enk --bound lossless -q");
    let whole = place.read("a.enk");
    place.write("short.enk", &whole[..whole.len() - 5]);
    let run = place.succeed("decompress short.enk -o back.npy --salvage");
    assert!(
        run.stderr.contains("the end of short.enk is damaged, and every block was found by its mark"),
        "{}",
        run.stderr
    );
    assert!(place.read("back.npy") == place.read("a.npy"));
}

/// A NetCDF file of arrays of several shapes: `t` along time, `oro` along the last axes, `hyam` along levels, and integers `flag`.
fn write_several(place: &Workplace, name: &str) -> [Vec<f32>; 2] {
    let mut set = DataSet::new();
    for (name, length) in [("time", 8), ("lat", 18), ("lon", 36), ("lev", 5)] {
        set.add_fixed_dim(name, length).unwrap();
    }
    for (name, units) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
        set.add_var_f32(name, &[name]).unwrap();
        set.add_var_attr_string(name, "units", units).unwrap();
    }
    set.add_var_f32("t", &["time", "lat", "lon"]).unwrap();
    set.add_var_f32("oro", &["lat", "lon"]).unwrap();
    set.add_var_f64("hyam", &["lev"]).unwrap();
    set.add_var_i16("flag", &["lat", "lon"]).unwrap();
    let t: Vec<f32> = (0..8 * 648).map(|i| ((i / 648) as f32 * 0.5 + (i % 648) as f32 * 0.02).sin() * 20.0).collect();
    // Nothing over the sea, which is a third of it.
    let oro: Vec<f32> = (0..648).map(|i| if i % 36 < 12 { 0.0 } else { (i as f32 * 0.1).cos() * 900.0 }).collect();
    let flag: Vec<i16> = oro.iter().map(|&height| (height != 0.0).into()).collect();
    let mut writer = FileWriter::create_new(place.path(name)).unwrap();
    writer.set_def(&set, Version::Classic, 0).unwrap();
    writer.write_var_f32("lat", &(0..18).map(|i| -85.0 + 10.0 * i as f32).collect::<Vec<_>>()).unwrap();
    writer.write_var_f32("lon", &(0..36).map(|i| 10.0 * i as f32).collect::<Vec<_>>()).unwrap();
    writer.write_var_f32("t", &t).unwrap();
    writer.write_var_f32("oro", &oro).unwrap();
    writer.write_var_f64("hyam", &[0.1, 0.2, 0.3, 0.4, 0.5]).unwrap();
    writer.write_var_i16("flag", &flag).unwrap();
    writer.close().unwrap();
    [t, oro]
}

#[test]
fn all_arrays_of_a_file_go_into_one_and_come_back() {
    let place = Workplace::new();
    let [t, oro] = write_several(&place, "a.nc");
    let run = place.succeed("compress a.nc -o a.enk --bound t=abs:0.05,rel:1e-3 --json");
    assert!(
        run.stderr.contains("every bit is kept of integers") && run.stderr.contains("hyam, flag"),
        "{}",
        run.stderr
    );
    let summary = json(&run.stdout);
    let length = fs::metadata(place.path("a.enk")).unwrap().len();
    assert_eq!((&summary["file_bytes"], summary["variables"].as_array().unwrap().len()), (&length.into(), 4));
    // Errors of several variables have no unit in common.
    assert!(summary.get("mean_squared_error").is_none() && summary["variables"][0]["mean_squared_error"].is_f64());
    // By standard input nothing else is kept.
    let mut piped = place.command("compress - -o piped.enk --bound t=abs:0.05,rel:1e-3 -q");
    assert!(piped.stdin(fs::File::open(place.path("a.nc")).unwrap()).status().unwrap().success());
    assert!(place.read("piped.enk") == place.read("a.enk"));
    // Some of them, of several shapes, go into one file, too.
    place.succeed("compress a.nc --variable oro,t -o some.enk --bound rel:1e-3 -q");
    assert_eq!(json(&place.succeed("info some.enk --json").stdout)["arrays"].as_array().unwrap().len(), 2);
    let info = json(&place.succeed("info a.enk --json").stdout);
    let bounds: Vec<&str> =
        info["arrays"].as_array().unwrap().iter().map(|array| array["bound"].as_str().unwrap()).collect();
    assert_eq!(bounds, ["abs:0.05", "rel:0.001", "lossless", "lossless"]);
    let inside: u64 =
        info["arrays"].as_array().unwrap().iter().map(|array| array["bytes"]["file"].as_u64().unwrap()).sum();
    assert_eq!(inside + info["bytes"]["framing"].as_u64().unwrap(), length);
    assert_snapshot!("info-of-several", place.succeed("info a.enk").stdout);
    // As NetCDF, with all that is beside them.
    place.succeed("decompress a.enk -o back.nc -q");
    let open = |name: &str| netcdf3::FileReader::open(place.path(name)).unwrap();
    let (mut before, mut after) = (open("a.nc"), open("back.nc"));
    assert_eq!(before.data_set().get_var_names(), after.data_set().get_var_names());
    for name in ["lat", "lon", "hyam", "flag"] {
        assert_eq!(before.read_var(name).unwrap(), after.read_var(name).unwrap(), "{name}");
    }
    assert!(largest_difference(&t, &after.read_var_f32("t").unwrap()) <= 0.05);
    assert!(largest_difference(&oro, &after.read_var_f32("oro").unwrap()) <= 1.8);
    // In a folder, in an NPZ file, and some of them.
    place.succeed("decompress a.enk -o back -q");
    assert_eq!(place.names("back"), ["flag.npy", "hyam.npy", "lat.npy", "lon.npy", "oro.npy", "t.npy"]);
    assert_eq!(numbers(&place, "back/lat.npy").1, after.read_var_f32("lat").unwrap());
    place.succeed("decompress a.enk -o back.npz -q");
    assert!(member(&place, "back.npz", "oro.npy") == place.read("back/oro.npy"));
    place.succeed("decompress a.enk -o part.npy --variable t --range 2..4 -q");
    assert_eq!(numbers(&place, "part.npy").0, [2, 18, 36]);
    place.succeed("decompress a.enk -o part.nc --variable oro,t -q");
    assert_eq!(open("part.nc").data_set().get_var_names().len(), 4);
    place.succeed("decompress a.enk -o north.nc --variable oro,flag --range 0..9 -q");
    assert_eq!(open("north.nc").read_var_f32("oro").unwrap(), after.read_var_f32("oro").unwrap()[..9 * 36]);
    assert_eq!(open("north.nc").read_var_f32("lat").unwrap().len(), 9);
    // What an NPZ file holds goes along too, whatever it is called.
    place.succeed("compress back.npz -o npz.enk --bound lossless -q");
    place.succeed("decompress npz.enk -o again.npz -q");
    assert!(member(&place, "again.npz", "hyam.npy") == place.read("back/hyam.npy"));
    for (name, arguments) in [
        ("several-as-one", "decompress a.enk -o one.npy"),
        ("several-range", "decompress a.enk -o one.npz --range 0..2"),
        ("several-unknown", "decompress a.enk -o one.npz --variable q"),
        ("several-taken", "decompress a.enk -o back"),
        ("several-no-bound", "compress a.nc -o no.enk --bound t=abs:0.05"),
        ("several-no-variable", "compress a.nc -o no.enk --bound q=abs:0.05,lossless"),
        ("several-coordinate", "compress a.nc -o no.enk --bound lat=abs:0.05,lossless"),
        ("several-twice", "compress a.nc -o no.enk --bound t=abs:0.05,t=abs:2,lossless"),
        ("bound-comma", "compress a.nc -o no.enk --bound abs:0,5"),
        ("bound-limit", "compress a.nc -o no.enk --bound psnr:1000"),
        ("several-integers", "compress a.nc -o no.enk --bound flag=prel:1e-3,rel:1e-3"),
        ("region-empty", "compress a.nc --variable t -o no.enk --bound abs:1 --region lat=91:95=lossless"),
        ("several-samples", "compress a.nc -o no.enk --bound lossless --samples 2"),
    ] {
        assert_snapshot!(name, place.fail(arguments));
    }
    // A damaged end costs no array, and a damaged array no other.
    let whole = place.read("a.enk");
    place.write("short.enk", &whole[..whole.len() - 30]);
    assert_snapshot!("several-short", place.fail("decompress short.enk -o rest.npz"));
    place.succeed("decompress short.enk -o rest.npz --salvage");
    assert!(member(&place, "rest.npz", "t.npy") == place.read("back/t.npy"));
    // Of an array without a beginning nothing is left, and the others keep their names.
    let begins = |bytes: &[u8]| (0..bytes.len()).filter(|&at| bytes[at..].starts_with(b"\x89ENK")).collect::<Vec<_>>();
    let mut gone = whole[..whole.len() - 30].to_vec();
    let second = begins(&gone)[2];
    gone[second..second + 8].fill(0);
    place.write("gone.enk", gone);
    let said = place.fail("decompress gone.enk -o rest.nc --salvage");
    assert!(said.contains("lost: 1 array, whose beginning is damaged"), "{said}");
    assert_eq!(open("rest.nc").read_var("flag").unwrap(), before.read_var("flag").unwrap());
    assert!(open("rest.nc").data_set().get_var("oro").is_none());
    let mut damaged = whole;
    let block = damaged.windows(4).position(|mark| mark == b"ENKB").unwrap();
    damaged[block + 20] ^= 1;
    place.write("damaged.enk", damaged);
    let said = place.fail("decompress damaged.enk -o rest.npz --salvage --force");
    assert!(said.contains("lost: block 0"), "{said}");
    assert!(member(&place, "rest.npz", "oro.npy") == place.read("back/oro.npy"));
}

#[test]
fn regions_have_bounds_of_their_own_and_what_must_be_exact_is() {
    let place = Workplace::new();
    let [t, oro] = write_several(&place, "a.nc");
    let bound = "--bound rel:1e-2 --region lat=-25:30,lon=-30:20=abs:0.01";
    place.succeed(&format!("compress a.nc --variable t -o box.enk {bound} -q"));
    place.succeed("decompress box.enk -o box.npy -q");
    let is_in =
        |i: usize| (-25.0..=30.0).contains(&(-85.0 + 10.0 * (i / 36 % 18) as f32)) && !(3..33).contains(&(i % 36));
    let back = numbers(&place, "box.npy").1;
    let worst = |inside: bool| {
        let errors = t.iter().zip(&back).enumerate().filter(|(i, _)| is_in(*i) == inside);
        errors.map(|(_, (x, y))| (x - y).abs()).fold(0.0, f32::max)
    };
    assert!(worst(true) <= 0.01 && worst(false) > 0.02 && worst(false) <= 0.4001, "{} {}", worst(true), worst(false));
    assert_snapshot!("info-of-regions", place.succeed("info box.enk").stdout);
    // A mask of the file, and one of another.
    place.succeed("compress a.nc --variable oro -o mask.enk --bound abs:20 --region flag=lossless --exact zeros,signs,extremes -q");
    place.succeed("decompress mask.enk -o mask.npy -q");
    assert!(numbers(&place, "mask.npy").1 == oro);
    place.succeed("decompress mask.enk -o land.npy -q");
    place.succeed("compress a.nc --variable t -o land.enk --bound abs:1 --region land.npy=lossless -q");
    place.succeed("decompress land.enk -o land-back.npy -q");
    let back = numbers(&place, "land-back.npy").1;
    assert!(t.iter().zip(&back).enumerate().all(|(i, (x, y))| oro[i % 648] == 0.0 || x == y));
    // Zeros, signs and extremes by themselves.
    place.succeed("compress a.nc --variable oro -o exact.enk --bound abs:50 --exact zeros,signs,extremes -q");
    place.succeed("decompress exact.enk -o exact.npy -q");
    let back = numbers(&place, "exact.npy").1;
    assert!(oro.iter().zip(&back).all(|(x, y)| (*x != 0.0 || *y == 0.0) && x * y >= 0.0 && (x - y).abs() <= 50.0));
    let extremes =
        |values: &[f32]| values.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    assert_eq!(extremes(&oro), extremes(&back));
    for (name, arguments) in [
        ("region-nowhere", "a.nc --variable t --bound abs:1 --region depth=0:10=lossless"),
        ("region-form", "a.nc --bound abs:1 --region lat=35:60"),
        ("region-range", "a.nc --bound abs:1 --region lat=35-60=lossless"),
        ("region-backwards", "a.nc --variable t --bound abs:1 --region lat=60:35=lossless"),
        ("region-psnr", "a.nc --variable t --bound psnr:50 --region lat=35:60=lossless"),
        ("region-of-psnr", "a.nc --variable t --bound abs:1 --region lat=35:60=psnr:50"),
        ("region-other-axes", "a.nc --variable hyam --bound abs:1 --region lat=35:60=lossless"),
        ("exact-unknown", "a.nc --bound abs:1 --exact nan"),
    ] {
        assert_snapshot!(name, place.fail(&format!("compress {arguments} -o no.enk")));
    }
    assert!(!place.path("no.enk").exists());
}

#[test]
fn a_model_of_convolutions_compresses_and_one_of_joined_layers_is_refused_with_the_way_out() {
    let place = Workplace::new();
    place.succeed("train strokes:60 --arch conv --channels 2 --latent 2 --epochs 1 --out run --no-report -q");
    place.succeed("compress run strokes:60 -o digits.enk --bound abs:20");
    place.succeed("decompress digits.enk -o back.npy");
    let config = r#"
        [[encoder]]
        kind = "dense"
        units = 4
        [[decoder]]
        kind = "dense"
        units = 784
        [[decoder]]
        kind = "reshape"
        shape = [28, 28, 1]
        [[decoder]]
        kind = "convolution"
        channels = 1
        kernel = 3
        [[decoder]]
        kind = "add"
        from = "decoder.1"
    "#;
    std::fs::write(place.path("joined.toml"), config).unwrap();
    place.succeed("train strokes:60 --config joined.toml --epochs 1 --out joined --no-report -q");
    let said = place.fail("compress joined strokes:60 -o no.enk --bound abs:20");
    assert!(said.contains("layer decoder.3 (add) joins two values"), "{said}");
    assert!(said.contains("hint: compress without a model"), "{said}");
}

/// A NetCDF file of one year with a field along time and one without, whose `units` of time and of the field, and first latitude, are these.
fn write_year(place: &Workplace, name: &str, time: &str, units: &str, south: f32) {
    let mut set = DataSet::new();
    set.set_unlimited_dim("time", 4).unwrap();
    for (name, length) in [("lat", 3), ("lon", 5), ("bnds", 2)] {
        set.add_fixed_dim(name, length).unwrap();
    }
    set.add_var_f64("time", &["time"]).unwrap();
    set.add_var_attr_string("time", "units", time).unwrap();
    set.add_var_attr_string("time", "bounds", "time_bnds").unwrap();
    set.add_var_f64("time_bnds", &["time", "bnds"]).unwrap();
    set.add_var_f32("lat", &["lat"]).unwrap();
    set.add_var_f32("tas", &["time", "lat", "lon"]).unwrap();
    set.add_var_attr_string("tas", "units", units).unwrap();
    set.add_var_f32("total", &["time", "lat"]).unwrap();
    set.add_var_f32("orog", &["lat", "lon"]).unwrap();
    set.add_var_f32("run", &["lat", "lon"]).unwrap();
    set.add_global_attr_string("title", name).unwrap();
    let seed = name.len() as f32;
    let mut writer = FileWriter::create_new(place.path(name)).unwrap();
    writer.set_def(&set, Version::Classic, 0).unwrap();
    writer.write_var_f64("time", &[0.0, 90.0, 180.0, 270.0]).unwrap();
    writer.write_var_f64("time_bnds", &[0.0, 1.0, 90.0, 91.0, 180.0, 181.0, 270.0, 271.0]).unwrap();
    writer.write_var_f32("lat", &[south, 0.0, -south]).unwrap();
    writer.write_var_f32("tas", &(0..60).map(|i| (i as f32 + seed).sin()).collect::<Vec<_>>()).unwrap();
    writer.write_var_f32("total", &[seed; 12]).unwrap();
    writer.write_var_f32("orog", &[7.0; 15]).unwrap();
    writer.write_var_f32("run", &[seed; 15]).unwrap();
    writer.close().unwrap();
}

#[test]
fn files_are_joined_where_they_mean_the_same_and_refused_where_not() {
    let place = Workplace::new();
    write_year(&place, "2000.nc", "days since 2000-01-01", "K", -60.0);
    write_year(&place, "next2001.nc", "hours since 2001-01-01 12:00", "K", -60.0);
    let said = place.succeed("compress 2000.nc next2001.nc -o both.enk --bound lossless").stderr;
    assert_snapshot!("joined", said);
    place.succeed("decompress both.enk -o both.nc -q");
    let mut both = netcdf3::FileReader::open(place.path("both.nc")).unwrap();
    let noon = 366.5;
    let second = [noon, noon + 90.0 / 24.0, noon + 180.0 / 24.0, noon + 270.0 / 24.0];
    assert_eq!(both.read_var_f64("time").unwrap(), [&[0.0, 90.0, 180.0, 270.0][..], &second].concat());
    // Bounds have the units of their coordinate.
    assert_eq!(both.read_var_f64("time_bnds").unwrap()[8..10], [noon, noon + 1.0 / 24.0]);
    assert_eq!(both.read_var_f32("tas").unwrap().len(), 120);
    assert_eq!(both.read_var_f32("total").unwrap(), [[7.0; 12], [11.0; 12]].concat());
    assert_eq!(both.read_var_f32("orog").unwrap(), [7.0; 15]);
    assert!(both.data_set().get_var("run").is_none());
    write_year(&place, "celsius.nc", "days since 2001-01-01", "degC", -60.0);
    write_year(&place, "flipped.nc", "days since 2001-01-01", "K", 60.0);
    write_year(&place, "months.nc", "months since 2001-01-01", "K", -60.0);
    for (name, arguments) in [
        ("joined-units", "2000.nc celsius.nc"),
        ("joined-flipped", "2000.nc flipped.nc --variable tas"),
        ("joined-months", "2000.nc months.nc"),
        ("joined-asked", "2000.nc next2001.nc --variable tas,run"),
    ] {
        assert_snapshot!(name, place.fail(&format!("compress {arguments} -o no.enk --bound lossless")));
    }
    assert!(!place.path("no.enk").exists());
}

#[test]
fn open_ranges_reach_to_the_end_and_names_may_have_commas() {
    let place = Workplace::new();
    let values = npy(&place, "a.npy", &[8, 3]);
    place.succeed("compress a.npy -o a.enk --bound lossless -q");
    place.succeed("decompress a.enk -o tail.npy --range 3.. -q");
    place.succeed("decompress a.enk -o head.npy --range ..3 -q");
    assert_eq!(
        (numbers(&place, "head.npy").1, numbers(&place, "tail.npy").1),
        (values[..9].to_vec(), values[9..].to_vec())
    );
    let mut zip = zip::write::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, file) in [
        ("a,b.npy", place.read("a.npy")),
        ("time.npy", place.read("head.npy")),
        ("dt.npy", npy_of("<f4", "False", "()", &0.1f32.to_le_bytes())),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &file).unwrap();
    }
    place.write("names.npz", zip.finish().unwrap().into_inner());
    // All are kept, single numbers and what is called like a coordinate too.
    let said = place.succeed("compress names.npz -o names.enk --bound a\\,b=abs:0.5,lossless").stderr;
    assert!(said.contains("dt: a single number, which comes back as an array of one"), "{said}");
    place.succeed("decompress names.enk -o back -q");
    assert_eq!(place.names("back"), ["a,b.npy", "dt.npy", "time.npy"]);
    place.succeed("decompress names.enk -o one.npy --variable a\\,b -q");
    assert!(largest_difference(&numbers(&place, "one.npy").1, &values) <= 0.5);
}
