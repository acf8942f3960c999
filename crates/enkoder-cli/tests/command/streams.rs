//! Results on stdout, everything else on stderr, and a reader that goes away; files that come and go through both.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::workplace::{Run, Workplace};

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let place = Workplace::new().with_model();
    let mut child =
        place.command("reconstruct . strokes:500").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut start = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut start).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_stderr_that_nobody_reads_is_no_failure() {
    let place = Workplace::new();
    let mut child = place
        .command("train strokes:50 --epochs 3 --hidden 4 --no-report")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert!(place.path("enkoder-out/model.safetensors").exists());
}

#[test]
fn results_go_to_stdout_and_notes_to_stderr() {
    let place = Workplace::new().with_model();
    let run = place.succeed("encode . strokes:5");
    assert_eq!(run.stdout.lines().count(), 6);
    let run = place.succeed("encode . strokes:5 --out codes.csv");
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "codes.csv: 5 rows of 4 numbers\n"));
}

#[test]
fn colours_are_only_shown_where_they_are_wanted() {
    let place = Workplace::new().with_model();
    let styled = |variables: &[(&str, &str)]| {
        let mut command = place.command("info .");
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        command.output().unwrap().stdout.contains(&b'\x1b')
    };
    assert!(!styled(&[]), "a pipe is no terminal");
    assert!(styled(&[("CLICOLOR_FORCE", "1")]));
    assert!(!styled(&[("NO_COLOR", "1")]));
}

/// A run that must succeed, with a file on standard input and one for standard output; what it says.
fn pipe(place: &Workplace, arguments: &str, from: &str, to: &str) -> String {
    let mut command = place.command(arguments);
    command.stdin(File::open(place.path(from)).unwrap()).stdout(File::create(place.path(to)).unwrap());
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "enkoder {arguments}\n{said}");
    said
}

#[test]
fn a_dash_is_standard_input_and_output() {
    let place = Workplace::new().with_model();
    let same = |one: &str, other: &str| assert!(place.read(one) == place.read(other), "{one} and {other}");
    place.succeed("data export strokes:20 -o digits.npy -q");
    place.succeed("encode . digits.npy -o codes.csv -q");
    pipe(&place, "encode . - -o -", "digits.npy", "piped.csv");
    same("piped.csv", "codes.csv");
    pipe(&place, "encode - digits.npy", "model.safetensors", "piped.csv");
    same("piped.csv", "codes.csv");
    place.succeed("decode . codes.csv -o copies.csv -q");
    pipe(&place, "decode . - -o -", "codes.csv", "piped.csv");
    same("piped.csv", "copies.csv");
    pipe(&place, "reconstruct . - -o -", "digits.npy", "piped.csv");
    assert_eq!(place.read("piped.csv").iter().filter(|&&byte| byte == b'\n').count(), 21);
    place.succeed("data export digits.npy -o digits.csv -q");
    let said = pipe(&place, "data export - -o -", "digits.npy", "piped.csv");
    same("piped.csv", "digits.csv");
    assert_eq!(said, "standard output: standard input: 20 samples of 28×28 bytes\n");

    place.succeed("compress . digits.npy -o digits.enk --bound lossless");
    let said = pipe(&place, "compress . - -o - --bound lossless", "digits.npy", "piped.enk");
    same("piped.enk", "digits.enk");
    assert!(said.starts_with("standard output: 15.7 kB → "), "{said}");
    pipe(&place, "decompress - -o -", "piped.enk", "back.npy");
    same("back.npy", "digits.npy");
    let info = |from: &str| {
        pipe(&place, "info -", from, "info.txt");
        String::from_utf8(place.read("info.txt")).unwrap()
    };
    assert!(info("digits.npy").starts_with("data     standard input\nsamples  20\n"));
    assert!(info("piped.enk").starts_with("compressed  20 samples"));
    assert!(info("model.safetensors").starts_with("model "));

    place.write("table.csv", (0..300).map(|i| format!("{},{}\n", i % 17, i % 5)).collect::<String>());
    place.succeed("detect fit table.csv --method linear -o detector -q");
    pipe(&place, "detect fit - --method linear -o -", "table.csv", "piped.detector");
    place.succeed("detect score detector table.csv -o scores.csv -q");
    pipe(&place, "detect score piped.detector - -o -", "table.csv", "piped.csv");
    same("piped.csv", "scores.csv");
    pipe(&place, "train - --arch linear --latent 1 --out run --no-report", "table.csv", "piped.txt");
    assert!(place.path("run/model.safetensors").exists());
    assert!(!place.path("-").exists());
}

#[test]
fn mistakes_with_a_dash_are_told() {
    let place = Workplace::new().with_model();
    for arguments in ["encode - -", "encode . - -", "decode - -", "decompress - -m - -o a.npy", "detect score - -"] {
        let said = place.fail(arguments);
        insta::allow_duplicates! { insta::assert_snapshot!("dash-twice", said) };
    }
    insta::assert_snapshot!("dash-empty", place.fail("encode . -"));
    insta::assert_snapshot!("dash-json", place.fail("compress . strokes:5 --bound lossless -o - --json"));
    insta::assert_snapshot!("dash-report", place.fail("eval . strokes:60 --report -"));
    place.write("table.csv", "a,b\n1,2\n3,4,5\n");
    let mut command = place.command("data info -");
    let run = Run::of(command.stdin(File::open(place.path("table.csv")).unwrap()).output().unwrap());
    insta::assert_snapshot!("dash-ragged", run.stderr);
}

#[test]
fn a_reader_of_a_file_who_goes_away_is_no_failure() {
    let place = Workplace::new().with_model();
    let mut command = place.command("compress . strokes:2000 --bound lossless -o - -q");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_told_and_what_was_there_is_kept() {
    let place = Workplace::new().with_model();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for arguments in ["encode . strokes:60", "compress . strokes:60 --bound lossless -o -"] {
        let run = Run::of(place.command(arguments).stdout(full()).output().unwrap());
        let said = "error: standard output cannot be written\n  caused by: No space left on device (os error 28)\n";
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), said), "{arguments}");
    }
    insta::assert_snapshot!("full", place.fail("compress . strokes:60 --bound lossless -o /dev/full"));
    place.succeed("compress . strokes:60 --bound lossless -o /dev/null --force");
    place.succeed("encode . strokes:60 -o /dev/null");
    // A file that outgrows its limit fails as on a full disk.
    place.write("digits.npy", "mine");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_enkoder")]);
    shell.args("data export strokes:50 -o digits.npy --force".split(' ')).current_dir(place.path("."));
    let run = Run::of(shell.output().unwrap());
    insta::assert_snapshot!("too-large", run.stderr);
    assert_eq!((run.code, place.read("digits.npy")), (Some(1), b"mine".to_vec()));
    assert_eq!(place.names("."), ["digits.npy", "model.safetensors"]);
}
