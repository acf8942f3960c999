//! Results on stdout, everything else on stderr, and a reader that goes away.

use std::io::Read;
use std::process::Stdio;

use crate::workplace::Workplace;

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
