//! The cache: what is there is not fetched again, what is damaged is, and two runs do not get in each other's way.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use super::*;
use crate::server::Reply;

#[test]
fn a_data_set_in_the_cache_needs_no_network() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let first = fetch(&client).unwrap();
    drop(server);
    assert_eq!(fetch(&client).unwrap(), first);
    assert_eq!(fetch(&client.with_offline(true)).unwrap(), first);
}

#[test]
fn offline_without_the_data_set_says_how_to_get_it() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache).with_offline(true);
    let error = fetch(&client).unwrap_err();
    let folder = client.folder();
    let expected =
        format!("openml data set 7 is not in the cache {}, and the network may not be used", folder.display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.hint().as_deref(), Some("fetch it once without `OpenmlClient::with_offline`"));
    assert!(server.requests().is_empty());
    assert!(!folder.exists());
}

#[test]
fn a_file_of_another_length_is_fetched_again() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let set = fetch(&client).unwrap();
    fs::write(&set.path, "half").unwrap();
    let again = client.find_or_fetch(7, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(fs::read(again.path).unwrap(), *arff());
}

#[test]
fn a_file_with_one_bit_turned_is_found_by_fetch_and_fetched_again() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let set = fetch(&client).unwrap();
    let mut bytes = fs::read(&set.path).unwrap();
    bytes[100] ^= 1;
    fs::write(&set.path, &bytes).unwrap();
    client.find_or_fetch(7, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(fs::read(&set.path).unwrap(), bytes, "the quick way looks at the length alone");
    fetch(&client).unwrap();
    assert_eq!(fs::read(&set.path).unwrap(), *arff());
}

#[test]
fn a_damaged_record_is_as_good_as_none() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let set = fetch(&client).unwrap();
    for garbage in ["", "{", "[]", &"9".repeat(3 << 20)] {
        fs::write(set.path.with_file_name("metadata.json"), garbage).unwrap();
        assert!(client.cached().unwrap().is_empty());
        assert_eq!(fetch(&client).unwrap(), set);
    }
}

#[test]
fn garbage_beside_a_part_is_as_good_as_no_part() {
    let server = parquet_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let folder = client.folder().join("7");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("data.parquet.part"), "some bytes").unwrap();
    fs::write(folder.join("data.parquet.part.json"), "no notes").unwrap();
    assert_eq!(fetch(&client).unwrap().md5, md5(&parquet_frame()));
}

#[test]
fn of_two_runs_one_downloads_and_the_other_waits_for_it() {
    let server = parquet_server(|request, body| {
        thread::sleep(Duration::from_millis(800));
        Reply::file(request, body, "\"v1\"")
    });
    let cache = tempfile::tempdir().unwrap();
    let start = Barrier::new(2);
    let run = || {
        start.wait();
        fetch_watched(&client(&server, &cache))
    };
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(run);
        (run(), other.join().unwrap())
    });
    assert_eq!(one.0.unwrap(), other.0.unwrap());
    let mut events = [one.1, other.1];
    events.sort();
    assert_eq!(events, [vec!["received"], vec!["waiting"]]);
    assert_eq!(server.requests_for("/7.pq").len(), 1);
}

#[test]
fn a_run_that_waits_can_be_stopped() {
    let server = arff_server(|_, body| {
        Reply { body: body.clone(), ..Reply::ok("") }.cut_after(100).then_stall(Duration::from_secs(1))
    });
    let cache = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| fetch(&client(&server, &cache)));
        while server.requests().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        let stopped = client(&server, &cache).fetch(7, &mut |_| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(OpenmlError::Cancelled)));
        let removed = client(&server, &cache).remove(7).unwrap_err();
        assert_eq!(removed.to_string(), "data set 7 is being downloaded by another run");
    });
}

#[test]
fn cached_sets_are_listed_and_removed() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    assert!(client.cached().unwrap().is_empty());
    let set = fetch(&client).unwrap();
    assert_eq!(client.cached().unwrap(), std::slice::from_ref(&set));
    assert!(client.remove(7).unwrap());
    assert!(!set.path.exists());
    assert!(client.cached().unwrap().is_empty());
    assert!(!client.remove(7).unwrap());
}

#[test]
fn servers_do_not_share_a_data_set() {
    let one = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let other = parquet_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let (one, other) = (fetch(&client(&one, &cache)).unwrap(), fetch(&client(&other, &cache)).unwrap());
    assert_ne!(one.path, other.path);
}

#[test]
fn a_cache_folder_that_cannot_be_made_is_named_with_the_way_out() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let file = tempfile::NamedTempFile::new().unwrap();
    let client = OpenmlClient::with_cache_folder(file.path()).with_server(server.address()).unwrap();
    let error = fetch(&client).unwrap_err();
    let folder = client.folder().join("7");
    assert_eq!(error.to_string(), format!("cannot create {} in the cache", folder.display()));
    assert_eq!(
        error.hint().as_deref(),
        Some("choose another folder with `OpenmlClient::with_cache_folder` or ENKODER_CACHE")
    );
    assert!(server.requests().is_empty(), "the cache is tried before the network");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let folder = client.folder().join("7");
    fs::create_dir_all(&folder).unwrap();
    // A device that is always full takes the place of the part.
    std::os::unix::fs::symlink("/dev/full", folder.join("data.arff.part")).unwrap();
    let error = fetch(&client).unwrap_err();
    assert!(matches!(&error, OpenmlError::Cache { path, .. } if path.ends_with("data.arff.part")), "{error}");
}
