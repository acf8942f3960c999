//! What the command says of data, and data as scientists write it.

use std::path::Path;

use enkoder_data::export::Overwrite;
use enkoder_data::npy::write_npy;
use insta::assert_snapshot;
use ndarray::Array2;

use crate::workplace::Workplace;

/// A place with one of the files that the readers are tested with.
fn place_with(name: &str) -> Workplace {
    let place = Workplace::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enkoder-data/tests/readers/recorded");
    place.write(name, std::fs::read(folder.join(name)).unwrap());
    place
}

#[test]
fn a_file_of_arrays_is_described_also_where_nothing_was_chosen() {
    let place = place_with("groups.nc");
    assert_snapshot!("info-groups", place.succeed("data info groups.nc").stdout);
    let json: serde_json::Value = serde_json::from_str(&place.succeed("data info groups.nc --json").stdout).unwrap();
    assert_eq!((&json["kind"], &json["taken"]), (&"arrays".into(), &"t".into()));
    assert_eq!((&json["arrays"][2]["filters"][2], &json["arrays"][2]["missing"]), (&"deflate".into(), &2.into()));
    assert!(place.succeed("data info groups.nc --variable /soil/moisture").stdout.contains("samples  5"));
    let place = place_with("cdf5.nc");
    assert_snapshot!("info-cdf5", place.succeed("data info cdf5.nc").stdout);
}

#[test]
fn transparency_that_is_left_out_is_told() {
    let place = Workplace::new();
    // One transparent pixel.
    let head = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0";
    let picture = b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    std::fs::create_dir(place.path("dots")).unwrap();
    place.write("dots/a.gif", [&head[..], picture].concat());
    place.write("dots/b.gif", [&head[..], picture].concat());
    let opaque = [&head[..13 + 6], picture].concat();
    place.write("dots/c.gif", &opaque);
    let told = |name: &str| place.succeed(&format!("data info {name}")).stderr;
    assert!(
        told("dots/a.gif").contains("a.gif has transparent pixels: their colours are read"),
        "{}",
        told("dots/a.gif")
    );
    assert!(told("dots").contains("2 files, as dots/a.gif, have transparent pixels"), "{}", told("dots"));
    assert_eq!(told("dots/c.gif"), "");
}

#[test]
fn a_table_is_described_whatever_its_values_are() {
    let place = Workplace::new();
    place.write("twice.csv", "a,b,a,a\n1,2,3,4\n");
    let told = place.succeed("data info twice.csv").stderr;
    let expected = "column 3 is named \"a\" as one before it; it is read as \"a.2\" (2 such columns in all)\n";
    assert!(told.ends_with(expected), "{told}");
    place.write("odd.csv", "when,days,share\n2014-01,1,0.5\n2014-02,inf,\n2014-03,1e39,0.25\n");
    assert_snapshot!("info-infinite", place.succeed("data info odd.csv").stdout);
    let json: serde_json::Value = serde_json::from_str(&place.succeed("data info odd.csv --json").stdout).unwrap();
    assert_eq!((&json["infinite"], &json["missing"], &json["max"]), (&2.into(), &1.into(), &1.0.into()));
}

#[test]
fn digits_that_float32_does_not_keep_are_told() {
    let place = Workplace::new();
    place.write("p.csv", "pascal\n101325003.19\n101325005.25\n101325001.5\n");
    for line in ["data info p.csv", "data export p.csv --out q.csv"] {
        let said = place.succeed(line).stderr;
        assert!(said.contains("float32") && said.contains("pascal"), "{line}: {said}");
    }
}

#[test]
fn rows_of_pixels_are_images_where_their_size_is_given() {
    let place = Workplace::new();
    let rows = Array2::from_shape_fn((40, 64), |(row, pixel)| ((row * 7 + pixel * pixel) % 251) as u8);
    write_npy(&place.path("rows.npy"), Overwrite::Never, rows.into_dyn().view()).unwrap();
    let text = (0..40).map(|row| (0..64).map(|i| (row * i % 251).to_string()).collect::<Vec<_>>().join(","));
    place.write("rows.csv", text.collect::<Vec<_>>().join("\n"));
    for name in ["rows.npy", "rows.csv"] {
        let told = place.succeed(&format!("data info {name}"));
        assert!(told.stdout.contains("64 bytes") && told.stderr.contains("--size 8x8 says so"), "{told:?}");
        assert!(place.succeed(&format!("data info {name} --size 8x8")).stdout.contains("8×8 bytes"));
        let wrong = place.fail(&format!("data info {name} --size 9x8"));
        assert!(wrong.contains("a sample has 64 values, which are no image of 9×8 pixels"), "{wrong}");
    }
    place.succeed("compress rows.npy --size 8x8 --bound lossless -o rows.enk -q");
    place.succeed("decompress rows.enk -o back.npy -q");
    assert!(place.read("back.npy") == place.read("rows.npy"), "it comes back in the shape that it had");
    place.succeed("train rows.csv --size 8x8 --arch linear --latent 2 --out model --no-report -q");
    assert!(place.succeed("info model").stdout.contains("8×8"));
}

#[test]
fn a_bound_is_in_the_units_of_packed_data_and_their_type_comes_back() {
    let place = place_with("groups.nc");
    place.succeed("train groups.nc --arch linear --latent 2 --out model --no-report -q");
    let run = place.succeed("compress model groups.nc --bound abs:0.5 -o t.enk --json -q");
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let largest = json["largest_error"].as_f64().unwrap();
    assert!(largest > 0.01 && largest <= 0.5, "{largest}");
    // Values outside of the valid range and those that stand for missing ones do not count.
    assert!((json["range"].as_f64().unwrap() - 39.9).abs() < 0.3, "{}", json["range"]);
    place.succeed("decompress t.enk -o t.npy -q");
    let npy = place.read("t.npy");
    assert!(npy.windows(3).any(|bytes| bytes == b"<i2"), "the type is kept");
    let stored: Vec<i16> =
        npy[npy.len() - 480..].chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect();
    let wrong = (0..239).filter(|&i| i != 67 && (i32::from(stored[i]) - (i as i32 * 37 % 4001 - 2000)).abs() > 50);
    assert_eq!(wrong.count(), 0);
    assert_snapshot!(place.fail("compress model groups.nc --bound abs:0.5 -o t.enk --force --without-model"));
}

#[test]
fn names_of_enumerations_come_back_as_flags() {
    let place = place_with("groups.nc");
    place.succeed("compress groups.nc -o all.enk --bound lossless -q");
    place.succeed("decompress all.enk -o back.nc -q");
    let back = place.read("back.nc");
    let holds = |text: &str| back.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds("flag_values") && holds("flag_meanings") && holds("clay sand peat"));
}

#[test]
fn pictures_of_16_bits_stay_what_they_are() {
    let place = Workplace::new();
    let mut picture = b"P5 16 8 65535\n".to_vec();
    picture.extend((0..128u16).flat_map(|i| (i * 500).to_be_bytes()));
    place.write("deep.pgm", picture);
    let run = place.succeed("compress deep.pgm -o deep.enk --bound lossless --json");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap()["original_bytes"], 256);
    place.succeed("decompress deep.enk -o deep.npy -q");
    assert!(place.read("deep.npy").windows(3).any(|bytes| bytes == b"<u2"));
}
