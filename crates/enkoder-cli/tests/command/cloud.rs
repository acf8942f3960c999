//! Data on servers: one of S3 that checks signatures, and one of files.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;

use crate::server::{Reply, Server};
use crate::workplace::{Run, Workplace};

/// A server of S3 that ends with the test.
struct S3 {
    process: Child,
    said: Value,
}

impl S3 {
    /// One with these files of the workplace, where there is a Python with moto: `ENKODER_TEST_PYTHON`, or `python3`.
    fn start(work: &Workplace, files: &[&str]) -> Option<Self> {
        let python = std::env::var_os("ENKODER_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command.args(["-c", include_str!("s3_server.py")]).args(files.iter().map(|name| work.path(name)));
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut process) = process else {
            eprintln!("skipped: there is no python3");
            return None;
        };
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut why = String::new();
            process.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            // Whatever else goes wrong in the script is a fault of the test.
            assert!(why.contains("moto is missing"), "{why}");
            eprintln!("skipped: {why}");
            return None;
        }
        Some(Self { process, said: serde_json::from_str(&line).unwrap() })
    }

    /// A run with the keys of the user who may read, but for these variables.
    fn run(&self, work: &Workplace, arguments: &str, others: &[(&str, &str)]) -> Run {
        let mut command = work.command(arguments);
        let said = |name: &str| self.said[name].as_str().unwrap();
        command.env("AWS_ENDPOINT_URL", said("address"));
        command.env("AWS_ACCESS_KEY_ID", said("id")).env("AWS_SECRET_ACCESS_KEY", said("secret"));
        command.env_remove("AWS_SESSION_TOKEN").env_remove("AWS_ENDPOINT_URL_S3").envs(others.iter().copied());
        Run::of(command.output().unwrap())
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// An array of more than two blocks.
fn write_array(work: &Workplace) {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1500, 1000), }";
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:117}\n").as_bytes());
    bytes.extend((0..1_500_000u32).flat_map(|i| ((i % 1000) as f32 * 0.25).to_le_bytes()));
    work.write("waves.npy", bytes);
}

#[test]
fn objects_of_s3_are_what_the_files_are() {
    let work = Workplace::new();
    let table = work.write_table("prices.csv");
    write_array(&work);
    let Some(server) = S3::start(&work, &["prices.csv", "waves.npy"]) else { return };
    for name in ["prices.csv", "waves.npy"] {
        let remote = server.run(&work, &format!("data info s3://data/{name}"), &[]);
        assert_eq!((remote.code, &*remote.stderr), (Some(0), ""), "{remote:?}");
        let local = work.succeed(&format!("data info {name}"));
        assert_eq!(remote.stdout.replace("s3://data/", ""), local.stdout);
    }
    let compressed = server.run(&work, "compress s3://data/waves.npy -o remote.enk --bound lossless", &[]);
    assert_eq!(compressed.code, Some(0), "{compressed:?}");
    work.succeed("compress waves.npy -o local.enk --bound lossless");
    assert_eq!(work.read("remote.enk"), work.read("local.enk"));
    let training = "train s3://data/prices.csv --epochs 1 --hidden 8 --latent 2 --no-report -q --out";
    assert_eq!(server.run(&work, &format!("{training} remote"), &[]).code, Some(0));
    work.succeed(&format!("{} local", training.replace("s3://data/", "")));
    assert_eq!(work.read("remote/model.safetensors"), work.read("local/model.safetensors"));
    assert_eq!(work.read("prices.csv"), table.as_bytes());

    let wrong = |arguments: &str, others: &[(&str, &str)], what: &str, hint: &str| {
        let run = server.run(&work, arguments, others);
        assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{run:?}");
        assert!(run.stderr.contains(what) && run.stderr.contains(hint), "{run:?}");
    };
    wrong("data info s3://data/none.csv", &[], "there is no such object (404, NoSuchKey)", "upper and lower case");
    wrong("data info s3://none/a.csv", &[], "(404, NoSuchBucket)", "check the name");
    let secret = [("AWS_SECRET_ACCESS_KEY", "wrong")];
    wrong(
        "data info s3://data/prices.csv",
        &secret,
        "refuses access (403, SignatureDoesNotMatch)",
        "check AWS_ACCESS_KEY_ID",
    );
    let nobody = [("AWS_SKIP_SIGNATURE", "true")];
    wrong("data info s3://data/prices.csv", &nobody, "the server refuses access (", "set AWS_ACCESS_KEY_ID");
}

#[test]
fn a_report_and_messages_have_no_secrets_of_an_address() {
    let work = Workplace::new();
    let table: Arc<[u8]> = work.write_table("prices.csv").into_bytes().into();
    let server = Server::start(move |request, _| match &*request.path {
        "/prices.csv?sig=SECRET" => Reply::file(request, &table, "\"1\""),
        _ => Reply::new(403, ""),
    });
    let address = server.address().to_owned();
    let run =
        work.succeed(&format!("train {address}/prices.csv?sig=SECRET --epochs 1 --hidden 8 --latent 2 --out run"));
    assert!(!run.stdout.contains("SECRET") && !run.stderr.contains("SECRET"), "{run:?}");
    for name in work.names("run") {
        assert!(!String::from_utf8_lossy(&work.read(&format!("run/{name}"))).contains("SECRET"), "{name}");
    }
    // By a name that is no signature of the server's.
    let refused = work.fail(&format!("data info {address}/prices.csv?sig=WRONG"));
    assert_eq!(
        refused.replace(&address, "http://server"),
        "exit code 1\nerror: http://server/prices.csv: the server refuses access (status 403)\n\
         hint: give a signed address, or name and password as https://NAME:PASSWORD@HOST/PATH\n"
    );
}
