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

/// Two machines, whose rows come in turn; the first of them breaks its rhythm in 300..330 of the new ones, and a stretch is missing.
fn machines(rows: std::ops::Range<usize>, gap: std::ops::Range<usize>, broken: std::ops::Range<usize>) -> String {
    let mut text = "at,machine,a,b\n".to_owned();
    for row in rows.filter(|row| !gap.contains(row)) {
        for (machine, speed) in [("m1", 0.3), ("m2", 0.45)] {
            let speed = if machine == "m1" && broken.contains(&row) { speed * 3.0 } else { speed };
            let (hour, minute, second) = (row / 3600, row / 60 % 60, row % 60);
            let (a, b) = ((row as f64 * speed).sin(), (row as f64 * speed).cos());
            text += &format!("2026-01-01 {hour:02}:{minute:02}:{second:02},{machine},{a:.4},{b:.4}\n");
        }
    }
    text
}

#[test]
fn series_are_told_apart_by_group_and_no_window_crosses_a_gap() {
    let place = Workplace::new();
    place.write("normal.csv", machines(0..1200, 700..760, 0..0));
    place.write("new.csv", machines(0..600, 100..110, 300..330));
    let fit = "detect fit normal.csv -o d.safetensors --window 16 --time at --group machine --method linear";
    let fitted = place.succeed(fit).stderr;
    assert!(fitted.contains("2 series in 4 stretches without a gap, a row every 1.0 s"), "{fitted}");
    assert!(fitted.contains("2 gaps where about 120 rows are missing"), "{fitted}");
    assert!(fitted.contains("normal moments on the average over time"), "{fitted}");
    place.succeed("detect score d.safetensors new.csv -o scored.csv --report r.html -q");
    let scored = String::from_utf8(place.read("scored.csv")).unwrap();
    assert_eq!(scored.lines().next(), Some("row,at,machine,score,p_value,flagged"));
    assert_eq!(scored.lines().count(), 1181);
    let flagged: Vec<Vec<&str>> =
        scored.lines().skip(1).map(|line| line.split(',').collect()).filter(|cells: &Vec<_>| cells[5] == "1").collect();
    let broken = flagged.iter().filter(|cells| cells[2] == "m1" && cells[1] >= "2026-01-01 00:04:45").count();
    assert!(broken >= 15 && broken * 2 > flagged.len(), "{broken} of {} flagged", flagged.len());
    let page = String::from_utf8(place.read("r.html")).unwrap();
    assert!(page.contains("From 2026-01-01 00:00:00 to 2026-01-01 00:09:59"), "the span of times is missing");

    let backwards = place.read("new.csv");
    let backwards = String::from_utf8(backwards).unwrap().replace("2026-01-01 00:05:00", "2025-12-31 00:05:00");
    place.write("backwards.csv", backwards);
    let message = place.fail("detect score d.safetensors backwards.csv -o x.csv");
    assert!(message.contains("the clock of \"m1\" runs backwards") && message.contains("row 581"), "{message}");
    assert!(!place.path("x.csv").exists());
    let watched = place.succeed_with_input("detect watch d.safetensors -q", &machines(0..40, 0..0, 0..0));
    // The first window of either series ends with its sixteenth row.
    assert!(watched.stdout.lines().nth(30).unwrap().ends_with(",,,"), "{}", watched.stdout);
    assert!(!watched.stdout.lines().nth(31).unwrap().ends_with(",,,"), "{}", watched.stdout);
}

#[test]
fn a_fault_far_down_is_named_by_its_line_and_nothing_is_left_behind() {
    let place = with_detector();
    let normal = String::from_utf8(place.read("normal.csv")).unwrap();
    for (last, expected) in [
        ("1,2,3", "line 2002: the row has 3 cells, but the first row has 8"),
        ("hot,1,2,3,4,5,6,normal", "line 2002: column \"speed_rpm\" holds \"hot\""),
        ("inf,1,2,3,4,5,6,normal", "line 2002: the value of feature speed_rpm is inf"),
    ] {
        place.write("bad.csv", format!("{normal}{last}\n"));
        let message = place.fail("detect score pump.safetensors bad.csv -o x.csv --report x.html");
        assert!(message.contains(expected), "{message}");
        assert!(!place.path("x.csv").exists() && !place.path("x.html").exists());
    }
    place.write("bad.csv", format!("{normal}hot,1,2,3,4,5,6,normal\n"));
    let warned = place.succeed("detect fit bad.csv -o d.safetensors --method linear").stderr;
    assert!(warned.contains("column \"speed_rpm\" holds \"hot\" in line 2002"), "{warned}");
}

#[test]
fn more_rows_than_the_sample_are_drawn_from_and_that_is_said() {
    let place = Workplace::new();
    place.succeed("data export pump --samples 2000 -o normal.csv -q");
    let fitted = place.succeed("detect fit normal.csv -o d.safetensors --method linear --sample 400").stderr;
    assert!(fitted.contains("the table has 2000 rows, of which 400 are taken, drawn evenly at random"), "{fitted}");
    assert!(fitted.contains("learned from 300 rows"), "{fitted}");
}

#[test]
fn the_report_of_scored_rows_is_a_page_that_is_complete() {
    let place = with_detector();
    place.succeed("data export pump:faults -o faults.csv -q");
    place.succeed("detect score pump.safetensors faults.csv --label label --report r.html -o scored.csv -q");
    let page = String::from_utf8(place.read("r.html")).unwrap();
    for part in
        ["4,000 rows flagged", "The worst rows, and why", "vibration_mms", "AUROC", "label: anomaly", "faults.csv"]
    {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["http://", "https://", "<script", "src="] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(foreign), "{foreign}");
    }
}
