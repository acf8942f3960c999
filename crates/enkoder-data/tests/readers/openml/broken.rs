//! What goes wrong for good: one clear error each, and nothing half-written under a real name.

use std::path::Path;
use std::time::{Duration, Instant};

use enkoder_data::openml::DataFormat;

use super::*;
use crate::server::{Reply, Server};

/// The files that are left of data set 7.
fn left(cache: &Path) -> Vec<String> {
    let Some(server) = cache.join("openml").read_dir().ok().and_then(|mut entries| entries.next()) else {
        return Vec::new();
    };
    let Ok(entries) = server.unwrap().path().join("7").read_dir() else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_file_that_stays_damaged_is_an_error_with_both_sums_and_leaves_nothing() {
    let server = arff_server(|_, body| Reply::ok(vec![b'x'; body.len()]));
    let cache = tempfile::tempdir().unwrap();
    let error = fetch(&client(&server, &cache)).unwrap_err();
    let actual = md5(&vec![b'x'; arff().len()]);
    let expected = md5(&arff());
    let url = format!("{}/7.arff", server.address());
    assert_eq!(error.to_string(), format!("{url} arrived twice with MD5 {actual}, but {expected} was promised"));
    assert!(error.hint().unwrap().contains("save it yourself"));
    assert!(left(cache.path()).is_empty(), "{:?}", left(cache.path()));
}

#[test]
fn a_missing_parquet_file_leads_to_the_arff_file() {
    let server = parquet_server(|_, _| Reply::new(404, "not here"));
    let (set, events) = fetch_watched(&client(&server, &tempfile::tempdir().unwrap()));
    assert_eq!(set.unwrap().format, DataFormat::Arff);
    assert_eq!(events, ["falling back", "received"]);
    assert_eq!(server.requests_for("/7.pq").len(), 1);
}

#[test]
fn a_parquet_file_that_is_none_leads_to_the_arff_file() {
    for page in ["<html>please log in</html>", "PAR1"] {
        let server = parquet_server(move |_, _| Reply::ok(page));
        let (set, events) = fetch_watched(&client(&server, &tempfile::tempdir().unwrap()));
        assert_eq!(set.unwrap().format, DataFormat::Arff);
        assert_eq!(events, ["received", "falling back", "received"]);
    }
}

#[test]
fn a_parquet_file_unlike_its_tag_leads_to_the_arff_file() {
    let server = parquet_server(|request, body| {
        Reply::file(request, body, "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"").header("x-amz-request-id", "17A")
    });
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(fetch(&client(&server, &cache)).unwrap().format, DataFormat::Arff);
    let mut left = left(cache.path());
    left.sort();
    assert_eq!(left, ["data.arff", "metadata.json"]);
}

#[test]
fn a_parquet_file_cut_short_without_a_length_leads_to_the_arff_file() {
    let server =
        parquet_server(|_, body| Reply { body: body.clone(), ..Reply::ok("") }.without_length().cut_after(1_000_000));
    assert_eq!(fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap().format, DataFormat::Arff);
}

#[test]
fn a_missing_arff_file_is_an_error_at_once() {
    let server = arff_server(|_, _| Reply::new(404, "not here"));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert_eq!(error.to_string(), format!("{}/7.arff answered with HTTP status 404", server.address()));
    assert_eq!(server.requests_for("/7.arff").len(), 1);
}

#[test]
fn a_server_that_stays_in_trouble_is_asked_four_times() {
    let server = arff_server(|_, _| Reply::new(500, "trouble"));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert!(matches!(error, OpenmlError::Status { status: 500, .. }));
    assert_eq!(server.requests_for("/7.arff").len(), 4);
}

#[test]
fn a_server_that_always_stalls_is_a_timeout() {
    let server = arff_server(|_, body| {
        Reply { body: body.clone(), ..Reply::ok("") }.cut_after(0).then_stall(Duration::from_secs(8))
    });
    let client = impatient(&server, &tempfile::tempdir().unwrap()).with_retries(1, Duration::ZERO);
    let start = Instant::now();
    let error = fetch(&client).unwrap_err();
    assert_eq!(error.to_string(), format!("{}/7.arff could not be read", server.address()));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("timeout"), "{cause}");
    assert!(start.elapsed() < Duration::from_secs(8));
}

#[test]
fn redirects_in_a_circle_end() {
    let server = arff_server(|_, _| Reply::redirect("/7.arff"));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "too many redirects");
    assert!(server.requests_for("/7.arff").len() <= 11);
}

#[test]
fn a_machine_that_does_not_answer_is_an_error_that_names_the_way_out() {
    let server = arff_server(|_, _| Reply::ok(""));
    let client = client(&server, &tempfile::tempdir().unwrap());
    let address = server.address().to_owned();
    drop(server);
    let error = fetch(&client).unwrap_err();
    assert_eq!(error.to_string(), format!("{address}/api/v1/json/data/7 could not be read"));
    assert_eq!(
        error.hint().unwrap(),
        "check the network; what was fetched before can be used with `OpenmlClient::with_offline`"
    );
}

#[test]
fn a_server_that_does_not_speak_https_is_an_error_and_no_panic() {
    let server = arff_server(|_, _| Reply::ok(""));
    let client = client(&server, &tempfile::tempdir().unwrap()).with_retries(0, Duration::ZERO);
    let client = client.with_server(server.address().replace("http://", "https://")).unwrap();
    assert!(matches!(fetch(&client), Err(OpenmlError::Network { .. })));
}

#[test]
fn an_unknown_data_set_is_called_so() {
    let server = Server::start(|_, _| Reply::new(412, r#"{"error":{"code":"111","message":"Unknown dataset"}}"#));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert_eq!(error.to_string(), format!("openml has no data set 7 (asked {})", server.address()));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_refusal_is_passed_on_in_the_servers_words() {
    let server = Server::start(|_, _| Reply::new(412, r#"{"error":{"code":"112","message":"No access granted"}}"#));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert_eq!(error.to_string(), "openml refuses data set 7: No access granted (code 112)");
}

#[test]
fn a_description_that_is_no_json_is_an_error() {
    let server = Server::start(|_, _| Reply::ok("<html>welcome to the hotel</html>"));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert_eq!(error.to_string(), "the description of data set 7 is not what openml documents");
    assert!(error.hint().unwrap().contains("login page"));
}

#[test]
fn a_description_of_enormous_size_is_refused_before_it_fills_the_memory() {
    for announced in [true, false] {
        let server = Server::start(move |_, _| {
            let reply = Reply::ok(vec![b' '; 5 << 20]);
            if announced { reply } else { reply.without_length() }
        });
        let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
        let url = format!("{}/api/v1/json/data/7", server.address());
        assert_eq!(error.to_string(), format!("{url} is larger than the 4194304 bytes accepted"));
    }
}

#[test]
fn a_description_that_unpacks_to_an_enormous_size_is_refused() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b' '), 64 << 20), &mut packer).unwrap();
    let packed = packer.finish().unwrap();
    let server = Server::start(move |_, _| Reply::ok(packed.clone()).header("Content-Encoding", "gzip"));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert!(matches!(error, OpenmlError::TooLarge { .. }), "{error}");
}

#[test]
fn a_file_over_the_limit_is_refused_and_removed() {
    for announced in [true, false] {
        let server = arff_server(move |_, body| {
            let reply = Reply { body: body.clone(), ..Reply::ok("") };
            if announced { reply } else { reply.without_length() }
        });
        let cache = tempfile::tempdir().unwrap();
        let error = fetch(&client(&server, &cache).with_limit(1000)).unwrap_err();
        let url = format!("{}/7.arff", server.address());
        assert_eq!(error.to_string(), format!("{url} is larger than the 1000 bytes accepted"));
        assert!(left(cache.path()).is_empty());
    }
}

#[test]
fn an_encoding_that_is_not_understood_is_an_error() {
    let server = arff_server(|_, _| Reply::ok("...").header("Content-Encoding", "br"));
    let error = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "content encoding `br`");
}
