//! `enkoder detect` finds the faults of the generated pump, keeps its word, and says what it cannot use.

use serde_json::Value;

use crate::workplace::Workplace;

fn with_detector() -> Workplace {
    let place = Workplace::new();
    place.succeed("data export pump --samples 2000 -o normal.csv -q");
    let network = "--method autoencoder --layers 32,16,4 --epochs 200";
    place.succeed(&format!("detect fit normal.csv -o pump.safetensors {network} --false-alarm 0.02 -q"));
    place
}

#[test]
fn faults_are_found_and_false_alarms_are_as_rare_as_promised() {
    let place = with_detector();
    let found: Value =
        serde_json::from_str(&place.succeed("detect score pump.safetensors pump:faults --json").stdout).unwrap();
    assert_eq!(found["rows"], 4000);
    assert!(found["auroc"].as_f64().unwrap() > 0.85, "{found}");
    assert!(found["recall"].as_f64().unwrap() > 0.25, "{found}");
    let flagged = found["flagged"].as_f64().unwrap();
    let true_positives = found["recall"].as_f64().unwrap() * 100.0;
    assert!((flagged - true_positives) / 3900.0 < 0.04, "{found}");
}

#[test]
fn every_row_has_a_line_and_flagged_ones_have_reasons() {
    let place = with_detector();
    place.succeed("data export pump:faults -o faults.csv -q");
    place.succeed("detect score pump.safetensors faults.csv --label label -o scored.csv --explain 2");
    let scored = String::from_utf8(place.read("scored.csv")).unwrap();
    let mut lines = scored.lines();
    assert_eq!(lines.next(), Some("row,score,p_value,flagged,reasons"));
    assert_eq!(lines.clone().count(), 4000);
    for line in lines {
        let cells: Vec<&str> = line.splitn(5, ',').collect();
        assert_eq!(cells[3] == "1", cells[4].contains("expected"), "{line}");
    }
    // The first fault is in the vibration.
    let fault = scored.lines().nth(40).unwrap();
    assert!(fault.contains("vibration_mms"), "{fault}");
}

#[test]
fn a_stream_is_scored_line_by_line_as_the_file_is() {
    let place = with_detector();
    place.succeed("data export pump:faults --samples 50 -o faults.csv -q");
    place.succeed("detect score pump.safetensors faults.csv -o scored.csv --explain 1 -q");
    let scored = String::from_utf8(place.read("scored.csv")).unwrap();
    let faults = String::from_utf8(place.read("faults.csv")).unwrap();
    let watched = place.succeed_with_input("detect watch pump.safetensors --explain 1 -q", &faults);
    assert_eq!(watched.stdout, scored);

    let header = faults.lines().next().unwrap();
    let torn = format!("{header}\n1,2\n{}\n", faults.lines().nth(1).unwrap());
    let watched = place.succeed_with_input("detect watch pump.safetensors", &torn);
    assert_eq!(watched.stdout.lines().nth(1), Some("1,,,"));
    assert!(watched.stdout.lines().nth(2).unwrap().starts_with("2,"), "{}", watched.stdout);
    assert!(watched.stderr.contains("row 1: "), "{}", watched.stderr);
}

#[test]
fn a_detector_says_what_it_is() {
    let place = with_detector();
    let text = place.succeed("info pump.safetensors").stdout;
    for part in
        ["the autoencoder 9-32-16-4-16-32-9", "learned from 1,500 rows", "speed_rpm", "at most 0.02 of normal rows"]
    {
        assert!(text.contains(part), "{text}");
    }
    let json: Value = serde_json::from_str(&place.succeed("info pump.safetensors --json").stdout).unwrap();
    assert_eq!(json["rows_learned"], 1500);
}

#[test]
fn rows_of_other_columns_are_refused_by_name() {
    let place = with_detector();
    place.write("other.csv", "a,b\n1,2\n3,4\n");
    let message = place.fail("detect score pump.safetensors other.csv");
    assert!(message.contains("speed_rpm"), "{message}");
}

#[test]
fn what_cannot_be_learned_from_is_refused_with_the_reason() {
    let place = Workplace::new();
    place.write("three.csv", "a,b\n1,2\n3,4\n5,6\n");
    let message = place.fail("detect fit three.csv -o d.safetensors");
    assert!(message.contains("at least 20 rows, but there are 3"), "{message}");
    place.write("equal.csv", format!("a,b\n{}", "1,2\n".repeat(40)));
    let message = place.fail("detect fit equal.csv -o d.safetensors");
    assert!(message.contains("nothing tells one row from another"), "{message}");
    let message = place.fail("detect fit pump -o d.safetensors --false-alarm 1.5");
    assert!(message.contains("the false-alarm rate is 1.5, but must be between 0 and 1"), "{message}");
    assert!(!place.path("d.safetensors").exists());
}

#[test]
fn a_series_is_scored_moment_by_moment() {
    let place = Workplace::new();
    let wave = |row: usize, speed: f64| format!("{},{}\n", row, (row as f64 * speed).sin());
    let normal: String = (0..600).map(|row| wave(row, 0.3)).collect();
    let broken: String = (0..300).map(|row| wave(row, if (150..180).contains(&row) { 0.9 } else { 0.3 })).collect();
    place.write("normal.csv", format!("time,value\n{normal}"));
    place.write("new.csv", format!("time,value\n{broken}"));
    place.succeed("detect fit normal.csv -o d.safetensors --window 24 --ignore time --method linear -q");
    let scored = place.succeed("detect score d.safetensors new.csv -q").stdout;
    let score =
        |row: usize| -> f32 { scored.lines().nth(row + 1).unwrap().split(',').nth(1).unwrap().parse().unwrap() };
    assert_eq!(scored.lines().count(), 301);
    assert!(score(165) > 2.0 * score(60), "{} against {}", score(165), score(60));
}
