//! The library names its own options where it knows a way out; whoever types commands is told the flag in its place.

use crate::wording;

/// What the library says, and what is typed.
const FLAGS: &[(&str, &str)] = &[
    ("`Architecture::denoiser`", "`enkoder train PHOTOS --arch denoiser --noise gaussian:25`"),
    ("`ArrayOptions::block`", "--block"),
    ("`ArrayOptions::raw`", "--shape and --dtype"),
    ("`ArrayOptions::variables`", "--variable"),
    ("`BadCells::Missing`", "--bad-cells missing"),
    ("`EnkFile::salvage`", "--salvage"),
    ("`EnkFile::with_model`", "--model"),
    ("`Loss::Huber`", "--loss huber"),
    ("`MissingPolicy::Drop`", "--missing drop"),
    ("`MissingPolicy::Keep`", "--missing keep"),
    ("`OpenmlClient::with_cache_folder`", "--cache-dir"),
    ("`OpenmlClient::with_offline`", "--offline"),
    ("`Overwrite::Replace`", "--force"),
    ("`ReadOptions::samples`", "--samples"),
    ("`ReadOptions::size`", "--size"),
    ("`ReadOptions::strict`", "--strict"),
    ("`TableOptions::header`", "--header yes"),
    ("`TableOptions::ignore`", "--ignore"),
    ("`TextOptions::bad_cells`", "--bad-cells missing or --bad-cells words"),
    ("`TextOptions::decimal`", "--decimal"),
    ("`TextOptions::missing_words`", "--na"),
    ("`TextOptions::skip_lines`", "--skip-lines"),
    ("`TextOptions::strict`", "--strict"),
    ("`TextOptions::thousands`", "--thousands"),
];

/// A message or a hint with flags for the library's options, and with the beginning of names that are too long to read.
pub fn in_flags(text: &str) -> String {
    FLAGS.iter().fold(wording::shortened(text), |text, (option, flag)| text.replace(option, flag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::Arguments;
    use clap::CommandFactory;
    use enkoder_data::DataError;

    fn flags_of(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|argument| argument.get_long().map(|long| format!("--{long}")));
        own.chain(command.get_subcommands().flat_map(flags_of)).collect()
    }

    #[test]
    fn what_is_typed_for_an_option_is_a_flag_of_the_command() {
        let flags = flags_of(&Arguments::command());
        for (option, typed) in FLAGS {
            for word in typed.split([' ', '`']).filter(|word| word.starts_with("--")) {
                assert!(flags.iter().any(|flag| flag == word), "{option}: {word}");
            }
        }
    }

    #[test]
    fn a_hint_of_the_library_names_the_flag() {
        let hint = DataError::Exists { path: "model.npy".into() }.hint();
        assert_eq!(in_flags(&hint.unwrap()), "name another output, or replace it with --force");
    }
}
