//! Mistakes, damaged files and impossible data: one clear message each, with the way out, and nothing half-written.

use enkoder_data::export::Overwrite;
use enkoder_data::npy::write_npy;
use insta::assert_snapshot;
use ndarray::{Array2, Array3, array};

use crate::workplace::Workplace;

#[test]
fn a_file_that_is_not_there() {
    let place = Workplace::new();
    assert_snapshot!(place.fail("train none.csv"));
    assert_snapshot!(place.fail("train stroks"));
    assert_snapshot!(place.fail("eval none.safetensors strokes:50"));
    assert_eq!(place.names("."), [""; 0], "the folder made for the results is gone again");
}

#[test]
fn a_place_that_cannot_be_written() {
    let place = Workplace::new().with_model();
    place.write("file", "");
    assert_snapshot!(place.fail("train strokes:50 --out file"));
    assert_snapshot!(place.fail("train strokes:50 --out file/run"));
    assert_snapshot!(place.fail("encode model.safetensors strokes:50 --out none/codes.npy"));
}

#[test]
fn an_output_that_is_there_already() {
    let place = Workplace::new().with_model();
    let before = place.read("model.safetensors");
    assert_snapshot!(place.fail("train strokes:50 --out ."));
    assert_eq!(place.read("model.safetensors"), before);
    place.write("codes.npy", "mine");
    assert_snapshot!(place.fail("encode . strokes:50 --out codes.npy"));
    assert_eq!(place.read("codes.npy"), b"mine");
    std::fs::create_dir(place.path("images")).unwrap();
    place.write("images/0000.png", "mine");
    assert_snapshot!(place.fail("reconstruct . strokes:50 --out images"));
    assert_snapshot!(place.fail("eval . strokes:50 --figures images"));
    place.succeed("encode . strokes:50 --out codes.npy --force -q");
    assert_ne!(place.read("codes.npy"), b"mine");
}

#[test]
fn a_model_of_other_data() {
    let place = Workplace::new().with_model();
    place.write("table.csv", "a,b\n1,2\n3,4\n5,7\n");
    place.write("swapped.csv", "b,a\n1,2\n3,4\n5,7\n");
    place.write("other.csv", "a,c\n1,2\n3,4\n5,7\n");
    let wide = Array3::<u8>::zeros((4, 14, 56));
    write_npy(&place.path("wide.npy"), Overwrite::Never, wide.into_dyn().view()).unwrap();
    assert_snapshot!(place.fail("eval . table.csv"));
    assert_snapshot!(place.fail("encode . wide.npy"));
    place.succeed("train table.csv --latent 1 --hidden none --epochs 1 --out table --no-report -q");
    assert_snapshot!(place.fail("encode table other.csv"));
    place.succeed("encode table swapped.csv");
    write_npy(&place.path("codes.npy"), Overwrite::Never, array![[1f32, 2.0]].into_dyn().view()).unwrap();
    assert_snapshot!(place.fail("decode . codes.npy"));
    place.write("codes.csv", "code1,code2,code3,code4\n1,2,3,4\n1,2,,4\n");
    assert_snapshot!("decode-missing", place.fail("decode . codes.csv"));
}

#[test]
fn a_damaged_model() {
    let place = Workplace::new().with_model();
    let model = place.read("model.safetensors");
    place.write("short.safetensors", &model[..model.len() / 2]);
    place.write("empty.safetensors", "");
    place.write("text.safetensors", "not a model at all");
    for (name, verb) in [("short", "eval"), ("empty", "encode"), ("text", "reconstruct")] {
        assert_snapshot!(name, place.fail(&format!("{verb} {name}.safetensors strokes:50")));
    }
    assert_snapshot!(place.fail("info short.safetensors"));
    let mut changed = model.clone();
    *changed.last_mut().unwrap() ^= 1;
    place.write("changed.safetensors", changed);
    assert_snapshot!("changed", place.fail("eval changed.safetensors strokes:50"));
    assert_snapshot!("info-changed", place.fail("info changed.safetensors"));
    assert_snapshot!(place.fail("train strokes:60 --resume model.safetensors"));
    place.succeed("train strokes:60 --epochs 1 --hidden 4 --out run --checkpoint-every 1 --no-report -q");
    assert_snapshot!(place.fail("eval run/checkpoint.safetensors strokes:60"));
}

#[test]
fn values_that_no_option_takes() {
    let place = Workplace::new();
    for (name, arguments) in [
        ("epochs", "train --epochs 0"),
        ("loss", "train --loss mean"),
        ("activation", "train --activation swish"),
        ("noise", "train --noise rain"),
        ("penalty", "train --penalty l1"),
        ("size", "train --size 28x"),
        ("hidden", "train --hidden 128,x"),
        ("scaling", "train --scaling log"),
        ("validation", "train --validation 1"),
        ("learning-rate", "train --learning-rate -1"),
        ("bce", "train strokes:50 --loss bce --output-activation linear"),
        ("kl", "train strokes:50 --penalty kl:1:0.1"),
        ("delta", "train strokes:50 --huber-delta 2"),
        ("linear", "train strokes:50 --arch linear --epochs 3"),
        ("resume", "train strokes:50 --resume run --hidden 3"),
        ("strokes", "train strokes:none"),
        ("samples", "train --samples 0"),
    ] {
        assert_snapshot!(name, place.fail(arguments));
    }
    let place = Workplace::new().with_model();
    assert_snapshot!(place.fail("encode . strokes:50 --out codes.txt"));
    assert_snapshot!(place.fail("data export strokes:50 --out digits.xls"));
    assert_snapshot!(place.fail("data fetch strokes"));
}

#[test]
fn data_that_is_cut_off() {
    let place = Workplace::new();
    write_npy(&place.path("whole.npy"), Overwrite::Never, Array2::<f32>::ones((30, 4)).into_dyn().view()).unwrap();
    let whole = place.read("whole.npy");
    place.write("short.npy", &whole[..whole.len() - 100]);
    assert_snapshot!(place.fail("train short.npy"));
    place.write("ragged.csv", "a,b\n1,2\n3,4,5\n");
    assert_snapshot!(place.fail("train ragged.csv"));
    place.write("empty.csv", "");
    assert_snapshot!(place.fail("train empty.csv"));
}

#[test]
fn one_sample_cannot_be_split() {
    assert_snapshot!(Workplace::new().fail("train strokes:1"));
}

#[test]
fn infinite_and_missing_values() {
    let place = Workplace::new();
    place.write("infinite.csv", "a,b\n1,2\n3,inf\n5,6\n");
    assert_snapshot!(place.fail("train infinite.csv"));
    place.write("missing.csv", "a,b\n1,2\n3,\n5,6\n4,4\n");
    assert_snapshot!(place.fail("train missing.csv --missing error"));
    place.succeed("train missing.csv --latent 1 --hidden none --epochs 1 --no-report -q");
    assert_snapshot!(place.fail("train missing.csv --label c"));
}

#[test]
fn other_data_than_the_checkpoint_was_made_with() {
    let place = Workplace::new();
    place.succeed("train strokes:60 --epochs 1 --hidden 4 --out run --checkpoint-every 1 --no-report -q");
    assert_snapshot!(place.fail("train strokes:50 --resume run --no-report -q"));
    assert_snapshot!("resume-other-shape", place.fail("train fields --resume run --no-report -q"));
}

#[test]
fn a_set_that_is_not_in_the_cache() {
    assert_snapshot!(Workplace::new().fail("train openml:61 --offline"));
}

#[test]
fn a_training_that_diverges() {
    let place = Workplace::new();
    place.write("large.csv", (0..40).map(|i| format!("{}e30,{}e30\n", i, 40 - i * i)).collect::<String>());
    assert_snapshot!(place.fail("train large.csv --scaling none --epochs 2 --latent 1"));
    assert!(!place.path("enkoder-out").exists());
}

#[test]
fn an_output_that_is_an_input() {
    let place = Workplace::new().with_model();
    place.succeed("data export strokes:5 -o digits.csv -q");
    place.succeed("data export strokes:5 -o images -q");
    let digits = place.read("digits.csv");
    assert_snapshot!("own-input", place.fail("encode . digits.csv -o digits.csv --force"));
    let mut names = vec!["./digits.csv", "images/../digits.csv"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("digits.csv", place.path("soft.csv")).unwrap();
        std::fs::hard_link(place.path("digits.csv"), place.path("hard.csv")).unwrap();
        names.extend(["soft.csv", "hard.csv"]);
    }
    for name in names {
        let said = place.fail(&format!("reconstruct . digits.csv -o {name} --force"));
        assert!(said.starts_with("exit code 2") && said.contains("is the input digits.csv"), "{said}");
    }
    assert_snapshot!("own-folder", place.fail("reconstruct . images -o images --force"));
    for arguments in [
        "compress . digits.csv --bound lossless -o model.safetensors",
        "data export digits.csv -o digits.csv",
        "detect fit digits.csv -o digits.csv",
        "eval . digits.csv --report digits.csv",
        "decode . digits.csv -o digits.csv",
        "decompress digits.csv -o digits.csv",
    ] {
        let said = place.fail(&format!("{arguments} --force"));
        // What was not named so far is not written to this format.
        assert!(said.starts_with("exit code 2"), "{arguments}: {said}");
    }
    assert!(place.read("digits.csv") == digits);
}

#[test]
fn a_folder_that_another_training_writes_to() {
    let place = Workplace::new();
    let mut first =
        place.command("train strokes:2000 --epochs 1000 --hidden 256 --out run --no-report -q").spawn().unwrap();
    while !place.path("run").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let second = "train strokes:60 --epochs 1 --hidden 4 --out run --no-report -q";
    assert_snapshot!("folder-in-use", place.fail(&format!("{second} --force")));
    first.kill().unwrap();
    first.wait().unwrap();
    // It did not say goodbye, and leaves nothing to clean up.
    place.succeed(second);
}

#[test]
fn images_that_cannot_be_read_are_left_out_and_named_by_every_verb_alike() {
    let place = Workplace::new();
    place.succeed("data export strokes:6 -o images -q");
    place.write("images/1.avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf");
    place.write("images/2.bmp", b"BM\x1a\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0");
    place.write("images/3.png", "");
    let whole = place.read("images/0003.png");
    place.write("images/4.png", &whole[..whole.len() / 2]);
    place.write("images/labels.txt", "no image");
    let verbs = [
        "data info images",
        "data export images -o digits.npy",
        "train images --epochs 1 --hidden 4 --out model --no-report",
        "train images --arch denoiser --channels 4 --depth 2 --patch 8 --patches 64 --epochs 1 --out den",
        "encode model images",
        "reconstruct model images -o copies.npy",
        "compress model images --bound lossless -o images.enk",
        "eval model images",
        "eval den images --noise gaussian:25",
        "denoise den images -o denoised",
    ];
    let left_out = |stderr: &str| {
        let lines = stderr.lines().filter(|line| line.contains("left out"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let said = verbs.map(|verb| left_out(&place.succeed(verb).stderr));
    assert_snapshot!("images-left-out", said[0]);
    for (verb, said_of) in verbs.iter().zip(&said) {
        assert_eq!(said_of, &said[0], "{verb}");
    }
    for verb in verbs {
        let force = if verb.contains("data info") || verb.starts_with("encode") { "" } else { "--force" };
        let run = place.run(&format!("{verb} --strict {force}"));
        assert_eq!(run.code, Some(1), "{verb}: {run:?}");
        assert!(run.stderr.contains("1.avif: AVIF images are not read"), "{verb}: {run:?}");
    }
    assert_snapshot!("one-avif", place.fail("data info images/1.avif"));
}

#[test]
fn all_that_learns_says_once_what_float32_does_not_keep() {
    let place = Workplace::new();
    let mut table = "heat,pressure\n".to_owned();
    for row in 0..600u32 {
        table += &format!("{},{}\n", row * 37 % 100, 1_600_000_000 + row * 7919 % 90);
    }
    place.write("table.csv", table);
    for verb in [
        "train table.csv --epochs 1 --hidden 4 --latent 1 --no-report --out model",
        "train table.csv --epochs 1 --hidden 4 --latent 1 --no-report --memory 32MB --out blocks",
        "detect fit table.csv --method linear -o rows",
        "detect fit table.csv --window 8 -o series",
        "detect fit table.csv --window 8 --method linear -o windows",
        "detect fit table.csv --part --method linear -o part",
        "detect merge part -o merged",
    ] {
        let said = place.succeed(verb).stderr;
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("kept as float32")).collect();
        assert!(matches!(lines[..], [line] if line.ends_with("hardly more than that: pressure")), "{verb}: {said}");
    }
}

#[test]
fn files_that_are_cut_off_or_hold_words_say_the_way_out() {
    let place = Workplace::new();
    let words = b"\x93NUMPY\x01\x00\x46\x00{'descr': '<U1', 'fortran_order': False, 'shape': (2,), }            \na\0\0\0b\0\0\0";
    let mut numbers = Vec::new();
    enkoder_data::npy::write_npy_to(&mut numbers, Array2::<f32>::ones((30, 4)).into_dyn().view()).unwrap();
    let mut zip = zip::write::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in [("data.npy", &words[..]), ("ts.npy", &numbers)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    let npz = zip.finish().unwrap().into_inner();
    place.write("words.npz", &npz);
    assert_snapshot!("words-npz", place.fail("train words.npz"));
    let said = place.succeed("compress words.npz -o a.enk --bound lossless").stderr;
    assert!(said.contains("of words.npz is left out: data ("), "{said}");
    let only_words = |bytes: &[u8]| {
        let mut zip = zip::write::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["names.npy", "more.npy"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    place.write("only-words.npz", only_words(words));
    assert_snapshot!("only-words-npz", place.fail("train only-words.npz"));
    let pickled =
        b"\x93NUMPY\x01\x00\x46\x00{'descr': '|O', 'fortran_order': False, 'shape': (2,), }             \n\x80\x04";
    place.write("pickled.npy", pickled);
    assert_snapshot!("pickled-npy", place.fail("train pickled.npy"));
    place.write("short.npz", &npz[..npz.len() - 30]);
    assert_snapshot!("short-npz", place.fail("train short.npz"));
    place.write("short.parquet", b"PAR1\x15\x04\x15\x20");
    assert_snapshot!("short-parquet", place.fail("train short.parquet"));
    #[cfg(feature = "hdf5")]
    {
        let mut hdf5 = b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0\x04\0\x10\0".to_vec();
        hdf5.resize(60, 0);
        place.write("short.nc", hdf5);
        assert!(place.fail("data info short.nc").contains("hint: copy or fetch it again"));
    }
    place.write("empty.npy", "");
    assert_snapshot!("empty-npy", place.fail("data info empty.npy"));
    place.write("13_inf.v2.csv", "a,b\n1,2\n3,inf\n5,6\n");
    assert_snapshot!("named-infinite", place.fail("train 13_inf.v2.csv"));
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_nobody_gets_is_a_failure() {
    let place = Workplace::new();
    for arguments in ["--help", "detect score --help", "--version"] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = place.command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("standard output cannot be written"));
    }
}
