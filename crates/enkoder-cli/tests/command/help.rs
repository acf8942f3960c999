//! Every `--help`, word for word: a change of what users read should be seen.

use insta::assert_snapshot;

use crate::workplace::Workplace;

fn help(arguments: &str) -> String {
    Workplace::new().succeed(arguments).stdout
}

#[test]
fn help_of_every_verb() {
    assert_snapshot!("enkoder", help("--help"));
    for verb in [
        "train",
        "eval",
        "explore",
        "encode",
        "decode",
        "reconstruct",
        "denoise",
        "detect",
        "compress",
        "decompress",
        "export",
        "import",
        "info",
        "data",
        "completions",
    ] {
        assert_snapshot!(verb, help(&format!("{verb} --help")));
    }
    for verb in ["list", "info", "fetch", "export"] {
        assert_snapshot!(format!("data-{verb}"), help(&format!("data {verb} --help")));
    }
    for verb in ["fit", "merge", "score", "watch"] {
        assert_snapshot!(format!("detect-{verb}"), help(&format!("detect {verb} --help")));
    }
}

#[test]
fn short_help_fits_a_line_to_each_option() {
    assert_snapshot!("train-short", help("train -h"));
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help("--version"), format!("enkoder {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_arguments_show_the_help_as_a_mistake() {
    let run = Workplace::new().run("");
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("Usage: enkoder"), "{}", run.stderr);
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(help(&format!("completions {shell}")).contains("reconstruct"), "{shell}");
    }
}
