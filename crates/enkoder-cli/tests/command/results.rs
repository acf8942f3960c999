//! What encode, decode, reconstruct and export write agrees with the library.

use enkoder::{Autoencoder, Dataset};
use enkoder_data::{ReadOptions, TableOptions, open};
use ndarray::Array2;
use serde_json::Value;

use crate::workplace::Workplace;

fn read(place: &Workplace, name: &str) -> Dataset {
    open(place.path(name).to_str().unwrap(), &ReadOptions::default()).unwrap()
}

fn digits() -> (Workplace, Autoencoder, Dataset) {
    let place = Workplace::new().with_model();
    let model = Autoencoder::load(place.path("model.safetensors")).unwrap();
    (place, model, enkoder_data::strokes::strokes(70, 0))
}

#[test]
fn codes_agree_with_the_library_as_npy_and_as_csv() {
    let (place, model, data) = digits();
    place.succeed("encode model.safetensors strokes:70 --out codes.npy");
    place.succeed("encode . strokes:70 --out codes.csv");
    let codes = model.encode(&data).unwrap();
    assert_eq!(read(&place, "codes.npy").to_array(), codes);
    assert_eq!(read(&place, "codes.csv").to_array(), codes);
    let printed = place.succeed("encode . strokes:70 -q").stdout;
    assert_eq!(printed.as_bytes(), place.read("codes.csv"));
    assert!(printed.starts_with("code1,code2,code3,code4\n"), "{printed}");
}

#[test]
fn codes_are_decoded_to_what_reconstructing_gives() {
    let (place, model, data) = digits();
    place.succeed("encode . strokes:70 --out codes.npy");
    place.succeed("encode . strokes:70 --out codes.csv");
    place.succeed("decode . codes.npy --out decoded.npy");
    place.succeed("reconstruct . strokes:70 --out copies.npy");
    let expected = model.reconstruct(&data).unwrap();
    let copies = read(&place, "copies.npy");
    assert_eq!(copies.shape(), [28, 28]);
    assert_eq!(copies.to_array(), expected);
    let decoded = read(&place, "decoded.npy").to_array();
    assert!(decoded.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3));
    place.succeed("decode . codes.csv --out images");
    assert_eq!(place.names("images").len(), 70);
    let images = read(&place, "images").to_array();
    assert!(images.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.51));
}

#[test]
fn a_table_comes_back_with_its_columns() {
    let place = Workplace::new();
    let table = place.write_table("table.csv");
    place.succeed("train table.csv --arch linear --latent 3 --out run --no-report -q");
    place.succeed("reconstruct run table.csv --out copy.csv");
    let copy = String::from_utf8(place.read("copy.csv")).unwrap();
    assert!(copy.starts_with("size,colour,price\n"), "{copy}");
    for (copied, original) in copy.lines().zip(table.lines()).skip(1) {
        let [copied, original] = [copied, original].map(|line| line.split(',').collect::<Vec<_>>());
        assert_eq!(copied[1], original[1], "the data has three directions, and so has the code");
        for column in [0, 2] {
            let [copied, original] = [&copied, &original].map(|cells| cells[column].parse::<f32>().unwrap());
            assert!((copied - original).abs() < 1e-3, "{copied} is not {original}");
        }
    }
    let model = Autoencoder::load(place.path("run/model.safetensors")).unwrap();
    let options = TableOptions { schema: model.schema().cloned(), ..TableOptions::default() };
    let options = ReadOptions { table: options, ..ReadOptions::default() };
    let data = open(place.path("table.csv").to_str().unwrap(), &options).unwrap();
    place.succeed("reconstruct run table.csv --out copy.npy");
    assert_eq!(read(&place, "copy.npy").to_array(), model.reconstruct(&data).unwrap());
}

#[test]
fn data_is_exported_as_it_is() {
    let place = Workplace::new();
    place.succeed("data export strokes --samples 30 --data-seed 5 --out digits.npy");
    place.succeed("data export strokes:30 --data-seed 5 --out digits");
    let expected = enkoder_data::strokes::strokes(30, 5);
    for name in ["digits.npy", "digits"] {
        let data = read(&place, name);
        assert_eq!((data.is_u8(), data.shape()), (true, &[28, 28][..]));
        assert_eq!(data.to_array(), expected.to_array(), "{name}");
    }
}

#[test]
fn evaluation_takes_the_validation_samples_of_the_data_it_was_trained_on() {
    let (place, model, _) = digits();
    let run = place.succeed("eval . strokes:60 --json");
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&result["measured"], &result["samples"]), (&"validation samples".into(), &12.into()));
    let mse = result["errors"]["mse"].as_f64().unwrap();
    assert!((mse - model.record().validation_loss).abs() < 1e-6 * mse, "{mse}");
    assert!(run.stderr.contains("from which it has not learned"), "{}", run.stderr);

    let run = place.succeed("eval . strokes:40 --data-seed 9 --json --report report.html --figures figures");
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&result["measured"], &result["samples"]), (&"other samples".into(), &40.into()));
    assert!(place.read("report.html").starts_with(b"<!DOCTYPE html>"));
    assert!(place.names("figures").contains(&"network.svg".to_owned()));
}

#[test]
fn a_linear_model_is_as_good_as_its_baseline_says() {
    let place = Workplace::new();
    let run = place.succeed("train strokes:200 --arch linear --latent 5 --out pca --json -q");
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["validation"]["mse"], result["validation"]["pca"]["mse"]);
    place.succeed("encode pca strokes:10 --out codes.npy");
    assert_eq!(read(&place, "codes.npy").to_array().dim(), (10, 5));
}

#[test]
fn info_tells_models_checkpoints_and_data_apart() {
    let (place, ..) = digits();
    place.succeed("train strokes:60 --epochs 2 --hidden 4 --out run --checkpoint-every 1 --no-report -q");
    let kind = |arguments: &str| {
        let result: Value = serde_json::from_str(&place.succeed(arguments).stdout).unwrap();
        result["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind("info . --json"), "model");
    assert_eq!(kind("info run/checkpoint.safetensors --json"), "checkpoint");
    assert_eq!(kind("info strokes:10 --json"), "data");
    insta::assert_snapshot!("info-model", place.succeed("info .").stdout);
    insta::assert_snapshot!("info-checkpoint", place.succeed("info run/checkpoint.safetensors").stdout);
    place.write("table.csv", "size,colour,kind\n1,red,a\n2,green,b\n,red,a\n");
    insta::assert_snapshot!("info-table", place.succeed("info table.csv --label kind").stdout);
    insta::assert_snapshot!("info-strokes", place.succeed("data info strokes:50").stdout);
}

#[test]
fn the_list_of_data_names_what_is_built_in() {
    let place = Workplace::new();
    insta::assert_snapshot!(place.succeed("data list").stdout);
    let list: Value = serde_json::from_str(&place.succeed("data list --json").stdout).unwrap();
    assert_eq!(list["builtin"][0]["name"], "strokes");
}

#[test]
fn one_code_decodes_to_one_sample() {
    let (place, model, _) = digits();
    place.write("codes.csv", "a,b,c,d\n0,0,0,0\n");
    place.succeed("decode . codes.csv --out one.npy");
    assert_eq!(read(&place, "one.npy").to_array(), model.decode(&Array2::<f32>::zeros((1, 4))).unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_work() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (place, ..) = digits();
    let name = |end: &[u8]| place.path(".").join(OsStr::from_bytes(&[b"caf\xe9", end].concat()));
    let succeed = |words: &[&OsStr]| {
        let output = place.command("").args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let word = |word: &'static str| OsStr::new(word);
    let [digits, codes, copy, images, model] =
        [b".npy".as_slice(), b".codes.csv", b".copy.npy", b"-images", b"-model"].map(name);
    let [digits, codes, copy, images, model] = [&digits, &codes, &copy, &images, &model].map(|path| path.as_os_str());
    succeed(&[word("data"), word("export"), word("strokes:20"), word("-o"), digits, word("--json")]);
    succeed(&[word("encode"), word("."), digits, word("-o"), codes, word("--json")]);
    succeed(&[word("decode"), word("."), codes, word("-o"), images, word("--json")]);
    succeed(&[word("data"), word("export"), images, word("-o"), copy, word("--json")]);
    succeed(&[word("train"), digits, word("--epochs"), word("1"), word("--out"), model, word("--json")]);
    succeed(&[word("eval"), model, images, word("--json")]);
    succeed(&[word("info"), model, word("--json")]);
    let data = enkoder_data::open(copy, &ReadOptions::default()).unwrap();
    assert_eq!((data.len(), data.shape()), (20, &[28, 28][..]));
    let one = std::path::Path::new(images).join("0000.png");
    succeed(&[word("data"), word("info"), one.as_os_str()]);
    // A pattern finds them too.
    std::fs::copy(&one, name(b".png")).unwrap();
    assert!(place.succeed("data info *.png").stdout.contains("samples  1\n"));
}

#[test]
fn codes_with_labels_decode_as_without_and_one_code_becomes_one_picture() {
    let place = Workplace::new();
    place.succeed("train strokes:100 --epochs 1 --hidden 8 --latent 2 --no-report -q");
    place.succeed("encode enkoder-out strokes:3 --labels -o labelled.csv");
    place.succeed("encode enkoder-out strokes:3 -o codes.csv");
    let text = String::from_utf8(place.read("labelled.csv")).unwrap();
    assert!(text.starts_with("code1,code2,label\n"), "{text}");
    assert_eq!(
        place.succeed("decode enkoder-out labelled.csv").stdout,
        place.succeed("decode enkoder-out codes.csv").stdout
    );
    let first: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    place.write("one.csv", first);
    place.succeed("decode enkoder-out one.csv -o one.png");
    assert!(place.read("one.png").starts_with(b"\x89PNG"));
    let run = place.run("decode enkoder-out codes.csv -o three.png");
    assert!(run.code == Some(1) && run.stderr.contains("3 samples") && !place.path("three.png").exists(), "{run:?}");
}

#[test]
fn a_card_says_what_the_model_reached() {
    let place = Workplace::new();
    place.succeed("train strokes:100 --epochs 1 --hidden 8 --latent 2 -q");
    place.succeed("info enkoder-out --card card.md");
    let card = String::from_utf8(place.read("card.md")).unwrap();
    for said in ["# Model card: autoencoder of `strokes`", "Training samples: 80", "Of PCA: ", "2 components"] {
        assert!(card.contains(said), "{said} is not in\n{card}");
    }
    assert_ne!(place.run("info enkoder-out --card card.md").code, Some(0), "a card is not written over");
}
