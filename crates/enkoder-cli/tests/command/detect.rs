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
    assert_eq!(
        lines.next(),
        Some("row,score,p_value,flagged,reasons,column_1,was_1,expected_1,column_2,was_2,expected_2")
    );
    assert_eq!(lines.clone().count(), 4000);
    for line in lines {
        let cells: Vec<&str> = line.splitn(5, ',').collect();
        assert_eq!(cells[3] == "1", cells[4].contains(" was ") && cells[4].contains(", expected "), "{line}");
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
fn of_the_rows_of_a_table_so_many_are_flagged_that_few_of_them_are_normal() {
    let place = Workplace::new();
    let rows = |rows: std::ops::Range<usize>, odd: usize| {
        let line =
            |(row, line): (usize, String)| if row % 20 < odd { format!("{row},-9,1\n") } else { format!("{line},0\n") };
        format!("a,b,odd\n{}", pairs(rows).into_iter().enumerate().map(line).collect::<String>())
    };
    place.write("normal.csv", rows(0..4000, 0));
    place.write("new.csv", rows(4000..5000, 1));
    place.succeed("detect fit normal.csv --ignore odd -q");
    let command = "detect score detector.safetensors new.csv --label odd --fdr 0.1 --json";
    let found: Value = serde_json::from_str(&place.succeed(command).stdout).unwrap();
    assert_eq!(found["threshold"]["guarantee"], "discoveries");
    assert!(found["recall"].as_f64().unwrap() > 0.9 && found["precision"].as_f64().unwrap() > 0.8, "{found}");
    // Without an odd row none is flagged, and that is said.
    let run = place.succeed("detect score detector.safetensors normal.csv --fdr 0.001 -o s.csv");
    assert!(
        run.stderr.contains("0 of 4,000 rows flagged") && run.stderr.contains("no row is flagged"),
        "{}",
        run.stderr
    );
    let message = place.fail("detect score detector.safetensors new.csv --fdr 1.5");
    assert!(message.contains("the false discovery rate is 1.5, but must be more than 0 and less than 1"), "{message}");
    place.succeed("detect fit normal.csv --ignore odd --window 4 --method linear -o s.safetensors -q");
    let message = place.fail("detect score s.safetensors new.csv --fdr 0.1");
    assert!(message.contains("--fdr is for rows of a table") && message.contains("--false-alarm"), "{message}");
}

#[test]
fn a_detector_that_is_not_there_is_missed_by_its_name() {
    let message = Workplace::new().fail("detect score missing.safetensors pump");
    assert!(message.contains("cannot read missing.safetensors"), "{message}");
    assert!(
        message.contains("DETECTOR is the file that `enkoder detect fit") && !message.contains("MODEL"),
        "{message}"
    );
}

#[test]
fn a_detector_says_what_it_is() {
    let place = with_detector();
    let text = place.succeed("info pump.safetensors").stdout;
    for part in
        ["the autoencoder 9-32-16-4-16-32-9", "learned from 1,500 rows", "speed_rpm", "at most 2 % of normal rows"]
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
    let message = place.fail("detect fit equal.csv -o d.safetensors --unchanging 0");
    assert!(message.contains("nothing tells one row from another"), "{message}");
    let message = place.fail("detect fit pump -o d.safetensors --false-alarm 1.5");
    assert!(message.contains("the false-alarm rate is 1.5, but must be more than 0 and less than 1"), "{message}");
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

#[test]
fn windows_are_chosen_by_how_a_series_repeats_and_readings_are_told_from_commands() {
    let place = Workplace::new();
    let row = |row: usize| {
        let wave = (row as f64 * 0.25).sin() + ((row * 7919) % 100) as f64 * 1e-3;
        let command = |number: usize| u8::from((row * 31 + number * 17).is_multiple_of(97));
        format!("{row},{wave:.4},{},{},{}\n", command(0), command(1), command(2))
    };
    place.write("normal.csv", format!("time,wave,a,b,c\n{}", (0..900).map(row).collect::<String>()));
    let told = place.succeed("detect fit normal.csv -o d.safetensors --window auto --ignore time").stderr;
    assert!(told.contains("windows of 50 rows, by how the series repeats"), "{told}");
    assert!(told.contains("1 of 4 columns judged by their own windows (wave)"), "{told}");
    let told = place.succeed("detect fit normal.csv -o e.safetensors --window 40 --ignore time --context wave").stderr;
    assert!(told.contains("3 of 4 columns"), "{told}");
    let message = place.fail("detect fit normal.csv -o f.safetensors --window auto --context depth");
    assert!(message.contains("there is no column \"depth\""), "{message}");
    let scored = place.succeed("detect score d.safetensors normal.csv -q").stdout;
    assert_eq!(scored.lines().count(), 901);
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
    assert!(fitted.contains("normal moments, on average over time"), "{fitted}");
    place.succeed("detect score d.safetensors new.csv -o scored.csv --report r.html -q");
    let scored = String::from_utf8(place.read("scored.csv")).unwrap();
    assert_eq!(scored.lines().next(), Some("row,at,machine,score,p_value,flagged"));
    assert_eq!(scored.lines().count(), 1181);
    let flagged: Vec<Vec<&str>> =
        scored.lines().skip(1).map(|line| line.split(',').collect()).filter(|cells: &Vec<_>| cells[5] == "1").collect();
    let broken = flagged.iter().filter(|cells| cells[2] == "m1" && cells[1] >= "2026-01-01 00:04:45").count();
    assert!(broken >= 15 && broken * 2 > flagged.len(), "{broken} of {} flagged", flagged.len());
    let page = String::from_utf8(place.read("r.html")).unwrap();
    assert!(page.contains("2026-01-01 00:04:"), "the time of the incident is missing");

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
        ("1,2,3,4,5,6,7,8,9", "line 2002: the row has 9 cells, but the first row has 8"),
        ("hot,1,2,3,4,5,6,normal", "line 2002: column \"speed_rpm\" holds \"hot\""),
    ] {
        place.write("bad.csv", format!("{normal}{last}\n"));
        let message = place.fail("detect score pump.safetensors bad.csv -o x.csv --report x.html");
        assert!(message.contains(expected), "{message}");
        assert!(!place.path("x.csv").exists() && !place.path("x.html").exists());
    }
    place.write("short.csv", format!("{normal}1,2,3\n"));
    let told = place.succeed("detect score pump.safetensors short.csv -o x.csv").stderr;
    assert!(
        told.contains("a row has fewer cells than the table has columns (8)") && told.contains("line 2002"),
        "{told}"
    );
    assert!(
        place.fail("detect score pump.safetensors short.csv -o y.csv --strict").contains("line 2002: the row has 3")
    );
    place.write("bad.csv", format!("{normal}hot,1,2,3,4,5,6,normal\n"));
    let asked = place.fail("detect fit bad.csv -o d.safetensors --method linear");
    assert!(
        asked.contains("column \"speed_rpm\" holds numbers, but 1 of its 2001 cells is none: \"hot\" in line 2002"),
        "{asked}"
    );
    assert!(asked.contains("--bad-cells missing"), "{asked}");
    let told = place.succeed("detect fit bad.csv -o d.safetensors --method linear --bad-cells missing").stderr;
    assert!(told.contains("1 cell that is no number counts as missing: \"hot\" in line 2002"), "{told}");
}

/// Two columns that go together, as lines.
fn pairs(rows: std::ops::Range<usize>) -> Vec<String> {
    let pair = |row: usize| (f64::from((row * 37 % 101) as u32) / 50.0, f64::from((row * 17 % 13) as u32) / 100.0);
    rows.map(pair).map(|(a, noise)| format!("{a:.3},{:.3}", 2.0 * a + noise)).collect()
}

#[test]
fn what_can_teach_nothing_is_refused_with_a_way_out() {
    let place = Workplace::new();
    let words: Vec<String> = (0..1500).map(|row| format!("x{row},u{}", row * row)).collect();
    place.write("words.csv", format!("name,id\n{}\n", words.join("\n")));
    place.write("usual.csv", format!("a,b\n{}\n", pairs(0..300).join("\n")));
    place.write("short.csv", format!("a,b\n{}\n", pairs(0..15).join("\n")));
    place.write("hot.csv", "a,b\n1,2\n1,hot\n");
    place.write("empty.csv", format!("a,b\n{}\n", [","; 60].join("\n")));
    place.succeed("detect fit usual.csv -o d.st --method linear");
    place.succeed("detect fit usual.csv -o w.st --method linear --window 30");
    for (arguments, said) in [
        (
            "detect fit words.csv -o x.st",
            &["no column is left to learn from: \"name\", \"id\" left out", "hint: a column to learn from"][..],
        ),
        (
            "detect fit usual.csv --ignore a --ignore b -o x.st",
            &["no column is left to learn from", "hint: a column to learn from"],
        ),
        ("detect fit short.csv -o x.st", &["a detector needs at least 20 rows, but there are 15"]),
        ("detect fit empty.csv -o x.st", &["empty"]),
        (
            "detect fit usual.csv --window 200 -o x.st",
            &["no series has 400 rows in a row", "hint: choose a shorter window"],
        ),
        (
            "detect score w.st short.csv",
            &["nothing could be scored", "hint: give more rows without a gap, or fit with a shorter --window"],
        ),
        (
            "detect score d.st hot.csv",
            &[
                "line 3: column \"b\" holds \"hot\"",
                "hint: name words that mean a missing value with --na",
                "--bad-cells missing",
            ],
        ),
    ] {
        let run = place.run(arguments);
        assert!(run.code == Some(1) && !place.path("x.st").exists(), "{arguments}: {run:?}");
        said.iter().for_each(|said| assert!(run.stderr.contains(said), "{arguments}: {said}\n{}", run.stderr));
    }
}

#[test]
fn ten_thousand_columns_are_learned_and_scored() {
    let place = Workplace::new();
    let row = |row: usize| {
        (0..10_000).map(|column| ((row * 7919 + column * 104_729) % 97).to_string()).collect::<Vec<_>>().join(",")
    };
    let header: Vec<String> = (0..10_000).map(|column| format!("c{column}")).collect();
    let rows: Vec<String> = (0..40).map(row).collect();
    place.write("wide.csv", format!("{}\n{}\n", header.join(","), rows.join("\n")));
    place.succeed("detect fit wide.csv -o w.st --method linear");
    assert_eq!(place.succeed("detect score w.st wide.csv --explain 2").stdout.lines().count(), 41);
}

#[test]
fn the_smallest_change_that_would_not_have_been_flagged_is_told() {
    let place = Workplace::new();
    place.write("normal.csv", format!("a,b\n{}\n", pairs(0..600).join("\n")));
    place.succeed("detect fit normal.csv -o d.st --method linear");
    place.write("new.csv", "a,b\n1,2.1\n1,-2\n");
    place.succeed("detect score d.st new.csv -o s.jsonl --counterfactual --report r.html");
    let lines = String::from_utf8(place.read("s.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0].get("counterfactual"), None);
    let change = &lines[1]["counterfactual"];
    assert_eq!((&change["columns"][0]["column"], change["columns"].as_array().unwrap().len()), (&"b".into(), 1));
    let becomes = change["columns"][0]["becomes"].as_f64().unwrap();
    assert!((1.0..2.2).contains(&becomes), "{change}");
    let text = change["text"].as_str().unwrap();
    assert!(text.starts_with("not flagged with b ") && text.ends_with(" instead of -2"), "{text}");
    // It is true of a row with the value that is printed, which has few digits.
    let printed = text.strip_prefix("not flagged with b ").unwrap().split(' ').next().unwrap();
    assert!(printed.len() <= 6, "{text}");
    let again = place.succeed_with_input("detect score d.st -", &format!("a,b\n1,{printed}\n")).stdout;
    assert!(again.ends_with(",0\n"), "{text}: {again}");
    let page = String::from_utf8(place.read("r.html")).unwrap();
    assert!(page.contains("Not flagged with b ") && page.contains("there may be a smaller one"));
    let input = "a,b\n1,-2\n1,2.1\n";
    let watched = place.succeed_with_input("detect watch d.st --counterfactual", input);
    let lines: Vec<&str> = watched.stdout.lines().collect();
    assert!(
        lines[0].ends_with(",flagged,counterfactual") && lines[1].ends_with(text) && lines[2].ends_with(",0,"),
        "{lines:?}"
    );
}

#[test]
fn parts_of_a_table_merge_into_the_detector_of_all_of_it() {
    let place = Workplace::new();
    let lines: Vec<String> = pairs(0..900)
        .iter()
        .enumerate()
        .map(|(row, line)| format!("{line},{}", ["hall", "attic"][row % 7 / 4]))
        .collect();
    let table = |rows: &[String]| format!("a,b,place\n{}\n", rows.join("\n"));
    place.write("all.csv", table(&lines));
    for (name, rows) in [("one", 0..300), ("two", 300..310), ("three", 310..900)] {
        place.write(&format!("{name}.csv"), table(&lines[rows]));
        place.succeed(&format!("detect fit {name}.csv --part -o {name}.part.st --method linear"));
    }
    let said = place.succeed("detect fit all.csv --part -o all.part.st --method linear").stderr;
    assert!(!said.contains("are taken"), "{said}");
    assert!(said.contains("a part that saw 900 rows and keeps 900 of them"), "{said}");
    let said = place.succeed("detect merge three.part.st one.part.st two.part.st -o apart.st").stderr;
    assert!(said.contains("3 parts that saw 900 rows, of which 900 were kept"), "{said}");
    place.succeed("detect merge all.part.st -o together.st");
    assert!(place.read("apart.st") == place.read("together.st"));
    let scored = place.succeed_with_input("detect score apart.st -", "a,b,place\n1,2,hall\n1,-2,attic\n");
    assert!(scored.stdout.lines().nth(1).unwrap().ends_with(",0"), "{}", scored.stdout);
    assert!(scored.stdout.lines().nth(2).unwrap().ends_with(",1"), "{}", scored.stdout);
    assert!(place.succeed("info one.part.st").stdout.contains("saw 300 rows, of which it keeps 300"));

    place.write("other.csv", "a,c,place\n1,2,hall\n1,3,hall\n");
    place.succeed("detect fit other.csv --part -o other.part.st --method linear");
    place.succeed("detect fit two.csv --part -o seeded.part.st --method linear --seed 4");
    for (arguments, words) in [
        (
            "detect merge one.part.st other.part.st -o m.st",
            "column 2 is \"b\", of numbers in one and \"c\", of numbers in another",
        ),
        ("detect merge one.part.st seeded.part.st -o m.st", "the option seed is 0 in one and 4 in another"),
        ("detect merge one.part.st two.part.st one.part.st -o m.st", "one.part.st is the same part as one.part.st"),
        ("detect merge two.part.st -o m.st", "a detector needs at least 20 rows, but there are 10"),
        ("detect merge apart.st -o m.st", "hint: PART is a file that `enkoder detect fit DATA --part -o FILE` wrote"),
        ("detect score one.part.st all.csv", "hint: `enkoder detect merge one.part.st -o FILE` makes a detector of it"),
        ("detect merge one.part.st no.st -o m.st", "cannot read no.st"),
        (
            "detect fit all.csv --part --window 9 -o m.st",
            "the argument '--part' cannot be used with '--window <N|auto>'",
        ),
        ("detect merge one.part.st -o one.part.st --force", "one.part.st"),
    ] {
        let run = place.run(arguments);
        assert!(run.code != Some(0) && run.stderr.contains(words), "{arguments}: {}", run.stderr);
        assert!(!place.path("m.st").exists());
    }
}

#[test]
fn a_row_without_any_value_is_unscored_counted_and_said() {
    let place = Workplace::new();
    let mut lines = pairs(0..400);
    lines[7] = ",".to_owned();
    place.write("normal.csv", format!("a,b\n{}\n", lines.join("\n")));
    let fitted = place.succeed("detect fit normal.csv -o d.safetensors --method linear").stderr;
    assert!(fitted.contains("without any value, and left out: 1 row"), "{fitted}");
    let new = "a,b\n1,2.1\n,\n9,\n1,2.1\n";
    place.write("new.csv", new);
    let scored = place.succeed("detect score d.safetensors new.csv");
    let lines: Vec<&str> = scored.stdout.lines().collect();
    assert_eq!((lines[2], lines[3].ends_with(",1")), ("2,,,", true), "{lines:?}");
    let why = "row 2: it has no value in any column that the detector judges";
    assert!(scored.stderr.contains(&format!("1 have no score because they cannot be scored (the first is {why})")));
    let watched = place.succeed_with_input("detect watch d.safetensors", new);
    assert_eq!(watched.stdout.lines().nth(2), Some("2,,,"));
    assert!(watched.stderr.contains(why), "{}", watched.stderr);
    assert!(watched.stderr.contains("1 row could not be scored and have no score"), "{}", watched.stderr);
    place.write("empty.csv", "a,b\n,\n,\n");
    let run = place.run("detect score d.safetensors empty.csv");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("nothing could be scored: 0 of 2 rows flagged"), "{}", run.stderr);
}

#[test]
fn a_row_that_cannot_be_scored_has_no_score_and_the_others_do() {
    let place = Workplace::new();
    let mut lines = pairs(0..400);
    lines[7] = "inf,1".to_owned();
    lines[9] = "1e300,1".to_owned();
    place.write("normal.csv", format!("a,b\n{}\n", lines.join("\n")));
    let fitted = place.succeed("detect fit normal.csv -o d.safetensors --method linear").stderr;
    assert!(fitted.contains("left out because a value is infinite or beyond ±3.4e38: 2 rows"), "{fitted}");
    assert!(fitted.contains("learned from 298 rows"), "{fitted}");
    place.write("new.csv", "a,b\n1,2.1\n1,-inf\n1,2.1\n-1e300,2.1\n0.5,1.1\n");
    let scored = place.succeed("detect score d.safetensors new.csv --report r.html --explain 1");
    let lines: Vec<&str> = scored.stdout.lines().collect();
    assert_eq!((lines.len(), lines[2], lines[4]), (6, "2,,,,,,,", "4,,,,,,,"));
    assert_eq!(lines[1].split_once(',').unwrap().1, lines[3].split_once(',').unwrap().1);
    let said = "2 have no score because they cannot be scored (the first is row 2: b is infinite, or beyond ±3.4e38)";
    assert_eq!(scored.stderr.matches(said).count(), 1, "{}", scored.stderr);
    assert!(String::from_utf8(place.read("r.html")).unwrap().contains("2 rows have no score: a value is infinite"));
    let found: Value =
        serde_json::from_str(&place.succeed("detect score d.safetensors new.csv --json").stdout).unwrap();
    assert_eq!((&found["rows"], &found["unscorable"]), (&5.into(), &2.into()));
    let watched = place.succeed_with_input("detect watch d.safetensors", "a,b\n1,2.1\ninf,1\n1,2.1\n");
    assert_eq!(watched.stdout.lines().nth(2), Some("2,,,"));
    assert!(watched.stderr.contains("row 2: ") && watched.stderr.contains("inf"), "{}", watched.stderr);
}

#[test]
fn dropped_rows_shift_no_number_time_or_group() {
    let place = Workplace::new();
    place.write("normal.csv", format!("a,b\n{}\n", pairs(0..200).join("\n")));
    place.succeed("detect fit normal.csv -o d.safetensors --method linear -q");
    place.write("new.csv", "a,b\n1,2.1\n,2\n1,2.1\n1,\n9,-9\n");
    let scored = place.succeed("detect score d.safetensors new.csv --missing drop");
    let numbers: Vec<&str> = scored.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(numbers, ["1", "3", "5"]);
    let said = "2 of 5 rows are left out because they miss a value";
    assert_eq!(scored.stderr.matches(said).count(), 1, "{}", scored.stderr);

    // Row k of either machine is line 2k or 2k + 1; the first one's is torn at its rows 20 and 21.
    place.write("normal.csv", machines(0..600, 0..0, 0..0));
    place.succeed("detect fit normal.csv -o s.safetensors --window 8 --group machine --ignore at --method linear -q");
    let torn = |line: (usize, &str)| match (line.0, line.1.rsplit_once(',')) {
        (41 | 43, Some((rest, _))) => format!("{rest},\n"),
        _ => format!("{}\n", line.1),
    };
    let new: String = machines(0..60, 0..0, 0..0).lines().enumerate().map(torn).collect();
    place.write("new.csv", new);
    let scored = place.succeed("detect score s.safetensors new.csv --missing drop -q").stdout;
    let alone = |machine: &str, rows: std::ops::Range<usize>| {
        let lines: String = machines(rows, 0..0, 0..0)
            .lines()
            .filter(|line| !line.contains(machine))
            .map(|line| format!("{line}\n"))
            .collect();
        place.write("alone.csv", lines);
        let scored = place.succeed("detect score s.safetensors alone.csv -q").stdout;
        scored.lines().skip(1).map(|line| line.split_once(',').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let of = |machine: &str| -> Vec<(usize, String)> {
        let cells = scored.lines().skip(1).map(|line| line.split_once(',').unwrap());
        let mut rows: Vec<_> = cells
            .filter(|(_, rest)| rest.starts_with(machine))
            .map(|(number, rest)| (number.parse().unwrap(), rest.to_owned()))
            .collect();
        rows.sort();
        rows
    };
    let first = of("m1");
    assert_eq!(
        first.iter().map(|row| row.0).collect::<Vec<_>>(),
        (0..60).filter(|row| ![20, 21].contains(row)).map(|row| 2 * row + 1).collect::<Vec<_>>()
    );
    let expected = [alone("m2", 0..20), alone("m2", 22..60)].concat();
    assert_eq!(first.into_iter().map(|row| row.1).collect::<Vec<_>>(), expected);
    assert_eq!(of("m2").into_iter().map(|row| row.1).collect::<Vec<_>>(), alone("m1", 0..60));
}

#[test]
fn no_window_that_is_learned_from_spans_a_dropped_row() {
    let place = Workplace::new();
    let mut lines = pairs(0..300);
    (0..30).for_each(|gap| lines[10 * gap] = ",1".to_owned());
    place.write("torn.csv", format!("a,b\n{}\n", lines.join("\n")));
    let message = place.fail("detect fit torn.csv -o d.safetensors --window 10 --missing drop --method linear");
    assert!(message.contains("no series has 20 rows in a row"), "{message}");
    let fitted = place.succeed("detect fit torn.csv -o d.safetensors --window 3 --missing drop --method linear").stderr;
    assert!(fitted.contains("1 series in 30 stretches without a gap"), "{fitted}");
    assert!(fitted.contains("left out because a value is missing: 30 rows"), "{fitted}");
    // Of each stretch of nine rows the first six are learned from, in four windows.
    assert!(fitted.contains("learned from 120 windows"), "{fitted}");
}

#[test]
fn options_out_of_their_range_are_told_before_anything_is_read() {
    let place = Workplace::new();
    for (option, expected) in [
        ("--budget inf", "budget is inf, but must be a positive and finite number of seconds"),
        ("--budget NaN", "budget is NaN"),
        ("--budget=-1", "budget is -1"),
        ("--budget 0", "budget is 0"),
        ("--budget 1e400", "budget is inf"),
        ("--false-alarm NaN", "the false-alarm rate is NaN, but must be more than 0 and less than 1"),
        ("--contamination 0", "the contamination is 0"),
        ("--window 4 --stride 5", "the stride is 5, but must be from 1 to the rows of a window"),
    ] {
        let message = place.fail(&format!("detect fit nowhere.csv -o d.safetensors {option}"));
        assert!(message.contains(expected) && message.starts_with("exit code 2"), "{message}");
    }
    assert_eq!(place.names("."), Vec::<String>::new());
}

#[test]
fn labels_of_one_class_leave_scores_and_page_and_the_figure_is_undefined() {
    let place = Workplace::new();
    place.write("normal.csv", format!("a,b\n{}\n", pairs(0..200).join("\n")));
    place.succeed("detect fit normal.csv -o d.safetensors --method linear -q");
    let labelled: String = pairs(200..260).iter().map(|line| format!("{line},normal\n")).collect();
    place.write("new.csv", format!("a,b,label\n{labelled}"));
    let said = place.succeed("detect score d.safetensors new.csv --label label -o s.csv --report r.html").stderr;
    assert!(said.contains("AUROC is undefined, for all of them are of one class"), "{said}");
    assert_eq!(String::from_utf8(place.read("s.csv")).unwrap().lines().count(), 61);
    assert!(String::from_utf8(place.read("r.html")).unwrap().contains("undefined: all labels are of one class"));
    let json = place.succeed("detect score d.safetensors new.csv --label label --json").stdout;
    let found: Value = serde_json::from_str(&json).unwrap();
    assert!(found["auroc"].is_null() && found["precision"].is_number(), "{found}");
}

#[test]
fn flags_and_states_give_a_detector_that_scores() {
    let place = Workplace::new();
    let flags = |row: usize| if row % 11 == 10 { ["0,0,0,1", "0,1,0,0", "1,0,0,0"][row / 11 % 3] } else { "0,0,0,0" };
    let flags: String = (0..400).map(|row| format!("{}\n", flags(row))).collect();
    place.write("flags.csv", format!("b0,b1,b2,b3\n{flags}"));
    let state = |row: usize| ["p,on", "q,off", "r,on", "s,off", "p,off", "s,on", "r,off", "q,on"][row * 37 % 101 % 8];
    let states: String = (0..400).map(|row| format!("{}\n", state(row))).collect();
    place.write("states.csv", format!("state,switch\n{states}"));
    for kind in ["flags", "states"] {
        let fitted = place.succeed(&format!("detect fit {kind}.csv -o {kind}.safetensors")).stderr;
        assert!(!fitted.contains("NaN") && !fitted.contains("inf "), "{fitted}");
        let scored = place.succeed(&format!("detect score {kind}.safetensors {kind}.csv -q")).stdout;
        assert!(scored.lines().skip(1).all(|line| line.split(',').nth(1).unwrap().parse::<f32>().unwrap().is_finite()));
    }
    place.write("rare.csv", "b0,b1,b2,b3\n0,0,0,0\n1,1,0,1\n");
    let scored = place.succeed("detect score flags.safetensors rare.csv -q").stdout;
    assert!(
        scored.lines().nth(1).unwrap().ends_with(",0") && scored.lines().nth(2).unwrap().ends_with(",1"),
        "{scored}"
    );
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
fn a_counter_with_a_missing_cell_or_a_reset_is_not_judged_and_neither_is_a_clock_finer_than_float32() {
    let place = Workplace::new();
    let table = |first: usize| {
        let line = |(row, pair): (usize, &String)| {
            let counted = match row {
                17 => String::new(),
                0..300 => (first + row).to_string(),
                _ => (row - 300).to_string(),
            };
            format!("{}.{},{counted},{pair}\n", 1_700_000_000 + row / 10, row % 10)
        };
        format!("ts,record,a,b\n{}", pairs(0..500).iter().enumerate().map(line).collect::<String>())
    };
    place.write("normal.csv", table(70));
    place.write("later.csv", table(7000).replace("17000000", "17000900"));
    let said = place.succeed("detect fit normal.csv -o d.st -q").stderr;
    let expected =
        "not judged because they only grow, as a clock or a counter does: record (--reading COLUMN judges one)";
    assert!(said.contains(expected) && said.contains("left out as clocks") && said.contains("\"ts\""), "{said}");
    assert!(!said.contains("float32") && !said.contains("never changed"), "{said}");
    let found: Value = serde_json::from_str(&place.succeed("detect score d.st later.csv --json").stdout).unwrap();
    assert!(found["flagged"].as_u64().unwrap() < 25, "{found}");
}

#[test]
fn what_contradicts_itself_or_means_nothing_for_a_table_is_refused() {
    let place = Workplace::new();
    place.write("rows.csv", format!("a,b\n{}\n", pairs(0..100).join("\n")));
    place.succeed("detect fit rows.csv -o d.st --method linear -q");
    for (arguments, code, message) in [
        ("detect fit rows.csv --ignore a --reading a", 2, "--reading \"a\" and --ignore \"a\" contradict each other"),
        ("detect fit rows.csv --layers 4", 2, "add --method autoencoder"),
        ("detect fit rows.csv --budget -1", 2, "budget is -1, but must be a positive"),
        ("detect fit rows.csv --false-alarm -1", 2, "the false-alarm rate is -1, but must be more than 0"),
        ("detect score d.st rows.csv --stay 2", 2, "--stay is 2, but must be more than 0 and less than 1"),
        ("detect score d.st rows.csv -o s.csv.gz", 2, "s.csv.gz: a table is not written as .gz"),
        ("detect score d.st rows.csv -o s.parquet", 2, "name the output .csv or .jsonl"),
        ("detect score d.st rows.csv --variable q", 1, "blocks and variables are of arrays"),
        ("detect score d.st rows.csv --shape 4 --dtype f32", 1, "rows.csv"),
        ("detect score d.st rows.csv --size 8x8", 2, "no image of 8×8 pixels"),
        ("detect score d.st rows.csv --grey", 2, "--grey is for pictures"),
        ("detect score d.st rows.csv --decimal , --thousands ,", 2, "--decimal and --thousands are both ','"),
        ("detect score rows.csv rows.csv", 1, "rows.csv is no detector"),
        ("encode d.st rows.csv", 1, "this is a detector, not a model"),
    ] {
        let run = place.run(arguments);
        assert!(run.code == Some(code) && run.stderr.contains(message), "{arguments}: {run:?}");
    }
    assert_eq!(place.names("."), ["d.st", "rows.csv"]);
    let said = place.succeed("detect fit rows.csv -o e.st --method linear --time b -q").stderr;
    assert!(said.contains("--time: \"b\" is not judged") && said.contains("--window N"), "{said}");
}

#[test]
fn a_quiet_fit_says_what_it_did_not_learn_from() {
    let place = Workplace::new();
    // From row 300 on a pause after every five rows.
    let line = |(row, pair): (usize, String)| format!("{},{pair}\n", 60 * row + 3600 * (row.max(300) / 5));
    place
        .write("events.csv", format!("t,a,b\n{}", pairs(0..600).into_iter().enumerate().map(line).collect::<String>()));
    let said = place.succeed("detect fit events.csv -o d.st --time t --window 8 --method linear -q").stderr;
    let expected = "left out because they are shorter than a window: 59 stretches with 295 of the 600 rows\nhint: ";
    assert!(said.contains(expected) && said.contains("--every DURATION"), "{said}");
    place.write("empty.csv", "a,b\n1,\n2,\n");
    place.write("normal.csv", format!("a,b\n{}\n", pairs(0..200).join("\n")));
    place.succeed("detect fit normal.csv -o d.st --method linear -q --force");
    let said = place.succeed("detect score d.st empty.csv -q").stderr;
    assert!(said.contains("no row has a value of b: the scores rest on the other columns"), "{said}");
}

#[test]
fn a_table_that_only_grows_is_learned_where_that_is_asked_for() {
    let place = Workplace::new();
    let rows: String = (0..120).map(|row| format!("{},{}\n", 1970 + row, 1000 + 10 * row + row % 3)).collect();
    place.write("people.csv", format!("year,people\n{rows}"));
    let failed = place.fail("detect fit people.csv -o d.safetensors --method linear");
    assert!(failed.contains("these columns only grow, as a clock does: year, people"), "{failed}");
    place.succeed("detect fit people.csv -o d.safetensors --method linear --reading people");
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

#[test]
fn a_clock_that_was_left_out_while_learning_is_no_news_while_scoring() {
    let place = Workplace::new();
    let mut table = "at,a,b,note\n".to_owned();
    for row in 0..400 {
        let (day, hour) = (1 + row / 24, row % 24);
        let a = f64::from(row * 37 % 101);
        table += &format!("2026-01-{day:02} {hour:02}:00:00,{a},{},\n", 2.0 * a + f64::from(row % 7));
    }
    place.write("t.csv", table);
    let fit = place.succeed("detect fit t.csv -o d.safetensors --window 8");
    assert!(fit.stderr.contains("left out as clocks") && fit.stderr.contains("--time \"at\""), "{}", fit.stderr);
    let score = place.succeed("detect score d.safetensors t.csv -o scores.csv");
    assert!(!score.stderr.contains("\"at\""), "{}", score.stderr);
    // No row had a value in `note` while learning, so one that has is news.
    assert!(score.stderr.contains("the model does not know them: \"note\""), "{}", score.stderr);
    let info = place.succeed("info d.safetensors").stdout;
    assert!(info.contains("at (a clock), note (no row had a value)"), "{info}");
}
