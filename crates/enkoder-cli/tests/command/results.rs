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
    // The report has the same facts, and the plane of two numbers.
    let report = String::from_utf8(place.read("enkoder-out/report.html")).unwrap();
    let facts: Vec<&str> =
        card.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": ")).map(|(_, value)| value).collect();
    for value in facts.iter().map(|value| value.trim_matches('`')).filter(|value| !value.contains('`')) {
        assert!(report.contains(value), "{value} is not in the report");
    }
    assert!(report.contains("The plane decoded: the first number rises from"), "{report}");
    assert_ne!(place.run("info enkoder-out --card card.md").code, Some(0), "a card is not written over");
}

#[test]
fn codes_come_with_what_they_are_of_and_decode_as_without() {
    let place = Workplace::new();
    place.write_table("table.csv");
    place.succeed("train table.csv --arch linear --latent 2 --out run --no-report -q");
    place.write("new.csv", "when,size,colour,price\nMon 08:00,3,red,9\nTue 09:30,,blue,50\n\"Wed, noon\",5,green,35\n");
    place.succeed("encode run new.csv --ids --keep when,colour --missing drop -o codes.csv");
    let codes = String::from_utf8(place.read("codes.csv")).unwrap();
    let lines: Vec<&str> = codes.lines().collect();
    assert_eq!(lines[0], "row,when,colour,code1,code2");
    assert!(lines[1].starts_with("1,Mon 08:00,red,") && lines[2].starts_with("3,\"Wed, noon\",green,"), "{codes}");
    assert_eq!(lines.len(), 3);
    let alone = place.succeed("encode run new.csv --missing drop -o alone.csv");
    assert!(alone.stderr.contains("\"when\""), "what is left out is said: {}", alone.stderr);
    assert_eq!(place.succeed("decode run codes.csv").stdout, place.succeed("decode run alone.csv").stdout);
    let said = place.fail("encode run new.csv --keep where");
    assert!(said.contains("where") && said.contains("when"), "{said}");
    let said = place.fail("encode run new.csv --ids -o codes.npy");
    assert!(said.starts_with("exit code 2") && said.contains("no place for it"), "{said}");

    // Pictures are called by their files, in whose order they are read.
    place.succeed("data export strokes:3 --out digits");
    place.succeed("train strokes:60 --arch linear --latent 2 --out of-digits --no-report -q");
    let printed = place.succeed("encode of-digits digits --ids -q").stdout;
    let files: Vec<&str> = printed.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(files, ["file", "0000.png", "0001.png", "0002.png"]);
    let printed = place.succeed("encode of-digits strokes:2 --ids -q").stdout;
    assert!(printed.starts_with("row,code1,code2\n1,"), "{printed}");
    let said = place.fail("encode of-digits strokes:2 --keep when");
    assert!(said.starts_with("exit code 2"), "{said}");
}

#[test]
fn a_walk_between_two_codes_is_decoded_step_by_step() {
    let place = Workplace::new();
    place.succeed("train strokes:60 --arch linear --latent 5 --out run --no-report -q");
    place.succeed("encode run strokes:3 -o codes.csv");
    place.succeed("decode run codes.csv --between 3,1 --steps 3 -o walk.npy");
    place.succeed("decode run codes.csv -o all.npy");
    let [walk, all] = ["walk.npy", "all.npy"].map(|name| read(&place, name).to_array());
    assert_eq!(walk.nrows(), 3);
    for pixel in 0..walk.ncols() {
        let [from, to] = [all[[2, pixel]], all[[0, pixel]]];
        let expected = [from, (from + to) / 2.0, to];
        // Principal components decode a straight line to one.
        assert!((0..3).all(|step| (walk[[step, pixel]] - expected[step]).abs() < 1e-2), "pixel {pixel}");
    }
    place.succeed("decode run codes.csv --between 3,1 -o walk.png");
    let beside = read(&place, "walk.png");
    assert_eq!(beside.shape(), [28, 9 * 28]);
    place.succeed("decode run codes.csv -o all");
    let first = read(&place, "all/0002.png").to_array();
    let row: Vec<f32> = beside.to_array().iter().copied().skip(9 * 28 * 14).take(28).collect();
    assert_eq!(row, first.row(0).to_vec()[14 * 28..15 * 28]);
    let said = place.fail("decode run codes.csv --between 1,4");
    assert!(said.starts_with("exit code 2") && said.contains("row 4, but there are 3 codes"), "{said}");
    assert!(place.fail("decode run codes.csv --between 0,1").contains("write two row numbers"));
}

#[test]
fn a_model_that_the_library_made_gets_the_result_that_the_command_stores() {
    let place = Workplace::new().with_model();
    let recipe = enkoder::Recipe::dense(&[16], 4).epochs(1);
    recipe.fit(&enkoder_data::strokes::strokes(60, 0)).unwrap().save(place.path("own.safetensors")).unwrap();
    let card = place.succeed("info own.safetensors --card -").stdout;
    assert!(card.contains("No results are stored. `enkoder eval MODEL DATA --save-results`"), "{card}");
    let said = place.fail("eval own.safetensors strokes:50 --save-results");
    assert!(said.starts_with("exit code 2") && said.contains("not the validation samples"), "{said}");
    place.succeed("eval own.safetensors strokes:60 --save-results");
    assert_eq!(place.read("own.safetensors"), place.read("model.safetensors"));
}
