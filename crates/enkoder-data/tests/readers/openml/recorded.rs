//! Real answers of openml.org, recorded, served again from this machine.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use enkoder_data::TableOptions;
use enkoder_data::openml::{DataFormat, Verified};

use super::*;
use crate::server::{Reply, Server};

/// The folder with recorded answers, or a word on why there is none.
fn recorded() -> Option<PathBuf> {
    let folder = std::env::var_os("ENKODER_TEST_DATA");
    if folder.is_none() {
        println!("skipped: ENKODER_TEST_DATA is not set");
    }
    folder.map(|folder| PathBuf::from(folder).join("openml"))
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// All descriptions by number and all files by number, served as openml.org does.
fn recorded_server(folder: &Path) -> (Server, Vec<u32>) {
    let mut descriptions = HashMap::new();
    let mut files = HashMap::new();
    for set in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(set).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let number = |prefix, suffix| name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse::<u32>().ok();
            if let Some(id) = number("api-v1-jd-", ".json.gz") {
                descriptions.insert(id, String::from_utf8(unpacked(&path)).unwrap());
            } else if let Some(id) = number("data-v1-dl-", ".arff.gz") {
                files.insert(id, Arc::<[u8]>::from(unpacked(&path)));
            }
        }
    }
    let mut ids: Vec<u32> = descriptions.keys().copied().collect();
    ids.sort();
    let server = Server::start(move |request, address| {
        let mut parts = request.path.trim_start_matches('/').split('/');
        let description =
            request.path.strip_prefix("/api/v1/json/data/").and_then(|id| descriptions.get(&id.parse().ok()?));
        let file = parts.nth(3).and_then(|id| files.get(&id.parse().ok()?));
        match (description, file) {
            // The recorded addresses lead to the real server.
            (Some(json), _) => Reply::ok(json.replace(r"https:\/\/www.openml.org", &address.replace('/', r"\/"))),
            (None, Some(bytes)) => Reply::file(request, bytes, "\"v1\""),
            (None, None) => Reply::new(412, r#"{"error":{"code":"111","message":"Unknown dataset"}}"#),
        }
    });
    (server, ids)
}

#[test]
fn every_recorded_data_set_arrives_with_the_md5_of_its_description() {
    let Some(folder) = recorded() else { return };
    let (server, ids) = recorded_server(&folder);
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    assert!(ids.len() >= 9, "{ids:?}");
    for id in &ids {
        let set = client.fetch(*id, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((set.format, set.verified), (DataFormat::Arff, Verified::Description));
        assert_eq!(Some(set.md5), set.description.md5);
    }
    let cached: Vec<u32> = client.cached().unwrap().into_iter().map(|set| set.description.id).collect();
    assert_eq!(cached, ids);
    let error = client.fetch(99_999_999, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(error.to_string(), format!("openml has no data set 99999999 (asked {})", server.address()));
}

#[test]
fn a_recorded_description_is_read_with_all_its_lists() {
    let Some(folder) = recorded() else { return };
    let (server, _) = recorded_server(&folder);
    let cache = tempfile::tempdir().unwrap();
    let set = client(&server, &cache).fetch(40966, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(set.description.name, "MiceProtein");
    assert_eq!(set.description.version, Some(4));
    assert_eq!(set.description.target, ["class"]);
    assert_eq!(set.description.row_id, ["MouseID"]);
    assert_eq!(set.description.ignore, ["Genotype", "Treatment", "Behavior"]);
    assert_eq!(set.description.status.as_deref(), Some("active"));
    assert_eq!(set.description.licence.as_deref(), Some("Public"));
}

#[test]
fn recorded_data_sets_become_samples_without_what_is_to_be_ignored() {
    let Some(folder) = recorded() else { return };
    let (server, _) = recorded_server(&folder);
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let open = |id| client.open(id, &TableOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap();

    let iris = open(61);
    assert_eq!((iris.name(), iris.len(), iris.features()), ("iris", 150, 4));
    assert_eq!(iris.classes().unwrap(), ["Iris-setosa", "Iris-versicolor", "Iris-virginica"]);

    // The animal's name is to be ignored; 15 columns are true or false, and legs is a number.
    let zoo = open(62);
    assert_eq!((zoo.len(), zoo.features()), (101, 31));
    assert!(zoo.schema().unwrap().columns.iter().all(|column| column.name != "animal"));

    // Sparse; of its 690 rows the recorded file has the first 85.
    assert_eq!((open(292).len(), open(292).features()), (85, 14));
}
