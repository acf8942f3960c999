//! What can be asked of the experiment on its command line.

use std::path::PathBuf;
use std::str::FromStr;

/// The options, each with a default that a small machine has done in a few minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Phantoms whose field is solved for training.
    pub phantoms: usize,
    /// Positions in which each of them is shown, from 1 to 24.
    pub positions: usize,
    /// Epochs of training.
    pub epochs: usize,
    /// The most noise added to codes in training, as a part of their spread.
    pub noise: f32,
    /// Phantoms of each kind for testing.
    pub tests: usize,
    pub seed: u64,
    /// Where the figure goes.
    pub figure: Option<PathBuf>,
    /// Where the model goes.
    pub model: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { phantoms: 4000, positions: 6, epochs: 10, noise: 0.005, tests: 200, seed: 0, figure: None, model: None }
    }
}

/// An argument that means nothing.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum OptionsError {
    #[error(
        "unknown option {0}\nhint: there are --phantoms, --positions, --epochs, --noise, --tests, --seed, --figure and --model"
    )]
    Unknown(String),
    #[error("{0} needs a value")]
    Missing(String),
    #[error("{option} is {value}, but must be {range}")]
    Range { option: String, value: String, range: &'static str },
}

impl Options {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// When an option is not known or its value out of range.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| OptionsError::Missing(option.clone()));
            match option.as_str() {
                "--phantoms" => options.phantoms = number(&option, value()?, "from 1 on", |&n| n >= 1)?,
                "--positions" => {
                    options.positions = number(&option, value()?, "from 1 to 24", |n| (1..=24).contains(n))?
                }
                "--epochs" => options.epochs = number(&option, value()?, "from 1 on", |&n| n >= 1)?,
                "--noise" => options.noise = number(&option, value()?, "from 0 to 1", |n| (0.0..=1.0).contains(n))?,
                "--tests" => options.tests = number(&option, value()?, "from 1 on", |&n| n >= 1)?,
                "--seed" => options.seed = number(&option, value()?, "a whole number", |_| true)?,
                "--figure" => options.figure = Some(value()?.into()),
                "--model" => options.model = Some(value()?.into()),
                _ => return Err(OptionsError::Unknown(option)),
            }
        }
        Ok(options)
    }
}

fn number<T: FromStr>(
    option: &str,
    value: String,
    range: &'static str,
    fits: impl Fn(&T) -> bool,
) -> Result<T, OptionsError> {
    match value.parse() {
        Ok(number) if fits(&number) => Ok(number),
        _ => Err(OptionsError::Range { option: option.to_owned(), value, range }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_mistakes_named() {
        let parse = |line: &str| Options::parse(line.split_whitespace().map(str::to_owned));
        let expected = Options { phantoms: 20, noise: 0.01, ..Options::default() };
        assert_eq!(parse("--phantoms 20 --noise 0.01"), Ok(expected));
        let error = |line| parse(line).unwrap_err().to_string();
        assert_eq!(error("--positions 25"), "--positions is 25, but must be from 1 to 24");
        assert_eq!(error("--seed"), "--seed needs a value");
        assert!(error("--sed 1").starts_with("unknown option --sed"));
    }
}
