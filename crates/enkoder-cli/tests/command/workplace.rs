//! A folder of its own for each test, in which the command runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder that goes away with the test.
pub struct Workplace {
    folder: TempDir,
}

/// How a run of the command ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workplace {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Writes a table of 200 rows whose price follows from size and colour, and gives its text.
    pub fn write_table(&self, name: &str) -> String {
        let mut table = "size,colour,price\n".to_owned();
        for i in 0..200 {
            let colour = ["red", "green", "blue"][i % 3];
            table += &format!("{},{colour},{}\n", i % 17, 3 * (i % 17) + 20 * (i % 3));
        }
        self.write(name, &table);
        table
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The command with these words, separated by spaces, in this folder.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enkoder"));
        command.args(arguments.split_whitespace()).current_dir(self.folder.path());
        command.env_remove("COLUMNS").env_remove("CLICOLOR_FORCE").env_remove("ENKODER_OPENML");
        command.env("NO_COLOR", "1").env("ENKODER_CACHE", "cache").stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &str) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// A run that must succeed.
    pub fn succeed(&self, arguments: &str) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "enkoder {arguments}\n{run:?}");
        run
    }

    /// A run that must succeed, with `input` on standard input.
    pub fn succeed_with_input(&self, arguments: &str, input: &str) -> Run {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let run = Run::of(child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(0), "enkoder {arguments}\n{run:?}");
        run
    }

    /// A run that must fail, as text: the exit code and what it says. Nothing may be on stdout.
    pub fn fail(&self, arguments: &str) -> String {
        let run = self.run(arguments);
        assert_ne!(run.code, Some(0), "enkoder {arguments}\n{run:?}");
        assert_eq!(run.stdout, "", "enkoder {arguments}");
        format!("exit code {}\n{}", run.code.unwrap(), run.stderr)
    }

    /// A small model of a few digits, in `model.safetensors`.
    pub fn with_model(self) -> Self {
        self.succeed("train strokes:60 --epochs 1 --hidden 16 --latent 4 --out . --no-report -q");
        self
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A file of the test data, where there is some.
pub fn test_data(path: &str) -> Option<PathBuf> {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return None;
    };
    Some(Path::new(&data).join(path))
}
