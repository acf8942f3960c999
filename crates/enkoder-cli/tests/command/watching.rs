//! `enkoder detect watch` goes on whatever comes, and is ended, resumed and asked; `score` and it have the same incidents.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::workplace::{Run, Workplace};

/// Two waves, a row a minute; those in `odd` are far from it.
fn waves(rows: std::ops::Range<usize>, odd: std::ops::Range<usize>) -> Vec<String> {
    let row = |row: usize| {
        let at = row as f64 * 0.35;
        let noise = (row * 7919 % 101) as f64 / 2000.0;
        let b = if odd.contains(&row) { 4.0 } else { at.cos() - noise };
        format!("{},{:.4},{b:.4}", minute(row), at.sin() + noise)
    };
    rows.map(row).collect()
}

/// The time of a minute of January 2026.
fn minute(number: usize) -> String {
    format!("2026-01-{:02} {:02}:{:02}:00", number / 1440 + 1, number / 60 % 24, number % 60)
}

fn text(lines: &[String]) -> String {
    format!("time,a,b\n{}\n", lines.join("\n"))
}

/// A detector of windows of eight rows.
fn with_series() -> Workplace {
    let place = Workplace::new();
    place.write("normal.csv", text(&waves(0..1500, 0..0)));
    place.succeed(
        "detect fit normal.csv -o d.safetensors --window 8 --time time --method linear --false-alarm 0.005 -q",
    );
    place
}

/// A detector of rows.
fn with_rows() -> Workplace {
    let place = Workplace::new();
    let row = |row: usize| {
        let (a, noise) = ((row * 37 % 101) as f64 / 50.0, (row * 17 % 13) as f64 / 100.0);
        format!("{a:.3},{:.3},{}\n", 2.0 * a + noise, ["kitchen", "hall"][row % 2])
    };
    place.write("plain.csv", format!("a,b,place\n{}", (0..400).map(row).collect::<String>()));
    place.succeed("detect fit plain.csv -o d.safetensors --method linear -q");
    place
}

/// As R and pandas write tables, with the numbers of rows first and without a name; and then without any name.
#[test]
fn rows_are_judged_alike_with_and_without_their_numbers_and_a_header() {
    let place = Workplace::new();
    let row = |row: usize| format!("{}.5,{}\n", row * 7 % 12, row * 5 % 9);
    let plain: String = (0..60).map(row).collect();
    let numbered: String = (0..60).map(|at| format!("{},{}", at + 1, row(at))).collect();
    place.write("numbered.csv", format!("\"\",a,b\n{numbered}"));
    place.write("plain.csv", format!("a,b\n{plain}"));
    place.write("nameless.csv", &numbered);
    let fitted = place.succeed("detect fit numbered.csv -o d.st");
    assert!(fitted.stderr.contains("columns left out as numbers of rows"), "{}", fitted.stderr);
    let info: Value = serde_json::from_str(&place.succeed("data info numbered.csv --json").stdout).unwrap();
    assert_eq!((info["columns"].as_array().unwrap().len(), &info["left_out"][0]["why"]), (2, &"row_number".into()));
    let scored = place.succeed("detect score d.st plain.csv").stdout;
    assert_eq!(place.succeed("detect score d.st numbered.csv").stdout, scored);
    place.succeed("detect fit nameless.csv -o nameless.st");
    assert_eq!(place.succeed("detect score nameless.st nameless.csv").stdout, scored);
    let watched = place.succeed_with_input("detect watch nameless.st", &numbered);
    assert_eq!(watched.stdout, scored);
    assert!(watched.stderr.contains("columns are known by their places"), "{}", watched.stderr);
}

fn run_with(place: &Workplace, arguments: &str, input: &[u8]) -> Run {
    let mut child = start(place, arguments);
    // A command that ends early closes its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    Run::of(child.wait_with_output().unwrap())
}

fn start(place: &Workplace, arguments: &str) -> Child {
    let mut command = place.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn whatever_a_line_holds_the_stream_goes_on() {
    let place = with_rows();
    let mut input = b"a,b,place\n1,2.1,kitchen\n1,2.1,K\xfcche\n".to_vec();
    input.extend(b"1,2.1\n1,2.1,kitchen,1,2.1,hall\n\n1,inf,hall\na,b,place\n1,2.1,");
    input.extend(vec![b'x'; 5 << 20]);
    input.extend(b"\n1,2.1,kitchen\r\n1,2.1,hall");
    let run = run_with(&place, "detect watch d.safetensors", &input);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let scored = |line: &str| !line.ends_with(",,,");
    assert_eq!(
        lines[1..].iter().map(|line| scored(line)).collect::<Vec<_>>(),
        [true, false, false, false, false, false, true, true]
    );
    assert_eq!(lines[1].split_once(',').unwrap().1, lines[7].split_once(',').unwrap().1);
    for said in [
        "row 2: column \"place\" is not text in UTF-8",
        "row 3: the row has 2 cells, but the header has 3",
        "row 4: the row has 6 cells",
        "row 5: b is infinite, or beyond ±3.4e38",
        "row 6: the line has 5.2 MB, more than the 4.2 MB that are read",
        "0 of 8 rows flagged; 4 rows could not be read and have no score; 1 row could not be scored and have no score (the first is row 2",
    ] {
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
    }
    // The same as JSON, with the reason in each line.
    let run = run_with(&place, "detect watch d.safetensors --json --explain 1 -q", b"a,b,place\n9,-9,hall\n1\n");
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["flagged"], &lines[1]["score"]), (&true.into(), &Value::Null));
    let text = lines[0]["reasons"][0]["text"].as_str().unwrap();
    assert!(text.contains(" was ") && text.contains(", expected "), "{text}");
    assert!(lines[1]["unscored"].as_str().unwrap().contains("the row has 1 cell,"), "{}", run.stdout);
}

#[test]
fn what_a_logger_writes_before_the_header_is_passed_over_and_cells_are_read_as_told() {
    let place = with_rows();
    let input = "Logger X7\n# of the kitchen\n\n place  a   b \n kitchen  1   2.1\n# battery low\n hall -999 2.1\n";
    let run = run_with(&place, "detect watch d.safetensors --na -999 --comment #", input.as_bytes());
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 3), "{run:?}");
    assert!(run.stderr.contains("2 lines before the header: passed over"), "{run:?}");
    assert!(!run.stderr.contains("could not be read"), "{run:?}");
    let run = run_with(&place, "detect watch d.safetensors", b"Logger X7\nwithout rows\n");
    assert!(run.stderr.contains("no line of standard input is a header"), "{run:?}");
}

/// Two readings with a rhythm, a row a minute.
fn wave(rows: std::ops::Range<usize>) -> Vec<String> {
    let row = |row: usize| {
        let (at, noise) = (row as f64 * 0.3, f64::from((row * 37 % 101) as u32) / 1000.0);
        let (hour, minute) = (row / 60 % 24, row % 60);
        format!(
            "2024-01-{:02} {hour:02}:{minute:02}:00,{:.3},{:.3}",
            1 + row / 1440,
            at.sin() + noise,
            at.cos() - noise
        )
    };
    rows.map(row).collect()
}

#[test]
fn a_stream_of_a_series_goes_on_whatever_happens_to_its_columns_and_its_clock() {
    let place = Workplace::new();
    place.write("usual.csv", format!("time,a,b\n{}\n", wave(0..900).join("\n")));
    place.succeed("detect fit usual.csv --time time --window 24 -o d.st");
    let lines = wave(900..1200);
    let watch = |rows: &dyn Fn(usize, &str) -> String| {
        let rows: Vec<String> = lines.iter().enumerate().map(|(row, line)| rows(row, line)).collect();
        place.succeed_with_input("detect watch d.st", &format!("time,a,b\n{}\n", rows.join("\n")))
    };
    let behind = |row: usize, line: &str, other: String| if row < 100 { line.to_owned() } else { other };
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    for (rows, words) in [
        (
            &(|row, line: &str| behind(row, line, format!("{line},7"))) as &dyn Fn(usize, &str) -> String,
            &[
                "row 101: the row has 4 cells, but the header has 3",
                "hint: a stream whose columns have changed goes on with a new line",
            ][..],
        ),
        (
            &|row, line| behind(row, line, cells(line)[..2].join(",")),
            &["row 101: the row has 2 cells, but the header has 3"],
        ),
        (
            &|row, line| behind(row, line, format!("{},hot", cells(line)[..2].join(","))),
            &["row 101: column \"b\" holds \"hot\"", "more such rows are counted"],
        ),
        (
            &|row, line| if (100..160).contains(&row) { format!("{},,", cells(line)[0]) } else { line.to_owned() },
            &["row 101: it has no value in any column that the detector judges", "60 rows could not be scored"],
        ),
        (
            &|row, line| behind(row, line, line.replace("2024", "2031")),
            &["the clock is not regular: 1 gap", "0 incidents"],
        ),
        (&|row, line| behind(row, line, line.replace("2024", "1999")), &["row 103: the clock was set back to \"1999"]),
        (
            &|row, line| if row % 40 == 3 { format!("{line}{line}") } else { line.to_owned() },
            &["row 4: the row has 5 cells, but the header has 3"],
        ),
        (&|row, line| if row == 0 { line[7..].to_owned() } else { line.to_owned() }, &["row 1: ", "is no time"]),
        (
            &|row, line| match row {
                100 => "time,c,b,a".to_owned(),
                _ => behind(row, line, format!("{},9,{},{}", cells(line)[0], cells(line)[2], cells(line)[1])),
            },
            &["of 299 rows flagged; 46 have no score"],
        ),
    ] {
        let run = watch(rows);
        let lines = run.stdout.lines().count();
        assert!(lines >= 300, "{words:?}: {lines} lines");
        for said in words {
            assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
        }
    }
}

#[test]
fn a_stream_without_its_header_is_refused_at_once_with_the_way_out() {
    let place = with_rows();
    for input in ["1,2.1,kitchen\n1,2.1,hall\n", "2.1,hall\n1,2.1,hall\n"] {
        let run = run_with(&place, "detect watch d.safetensors", input.as_bytes());
        assert!(run.code != Some(0) && run.stdout.is_empty(), "{run:?}");
        assert!(
            run.stderr.contains("no header for this detector: column \"a\"") && run.stderr.contains("--header FILE"),
            "{}",
            run.stderr
        );
        let run = run_with(&place, "detect watch d.safetensors --header plain.csv -q", input.as_bytes());
        assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 3), "{run:?}");
    }
    let run = run_with(&place, "detect watch d.safetensors", b"a,b,place\nx\ny\n");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("nothing could be scored: 0 of 2 rows flagged"), "{}", run.stderr);
}

#[test]
fn two_outputs_in_one_file_and_a_state_that_is_none_are_refused() {
    let place = with_rows();
    for outputs in ["-o s.csv --incidents ./s.csv", "-o s.csv --report s.csv --force"] {
        let message = place.fail(&format!("detect score d.safetensors plain.csv {outputs}"));
        assert!(message.contains("exit code 2") && message.contains("two outputs have the name"), "{message}");
        assert!(!place.path("s.csv").exists());
    }
    let run = run_with(&place, "detect watch d.safetensors --state /dev/full", b"a,b,place\n1,2.1,hall\n");
    assert!(run.code == Some(2) && run.stderr.contains("/dev/full is no file"), "{run:?}");
}

#[test]
fn a_stream_that_goes_on_with_other_names_is_read_by_them_or_refused() {
    let place = with_rows();
    let begun = |state: &str| {
        place.succeed_with_input(&format!("detect watch d.safetensors --state {state} -q"), "a,b,place\n1.0,2.1,hall\n")
    };
    begun("s.json");
    let said = place.succeed_with_input("detect watch d.safetensors --state s.json -q", "place,b,a\nhall,2.1,1.0\n");
    assert_eq!(
        said.stdout.split_once(',').unwrap().1,
        begun("t.json").stdout.lines().nth(1).unwrap()[2..].to_owned() + "\n"
    );
    for names in ["x,y,z", "A,B,PLACE", "a,b"] {
        let row = if names == "a,b" { "1.0,2.1" } else { "1.0,2.1,hall" };
        for before in ["", "1.0,2.1,hall\n"] {
            if names == "x,y,z" && !before.is_empty() {
                continue;
            }
            let state = format!("{}{}.json", names.replace(',', ""), before.len());
            begun(&state);
            let input = format!("{before}{names}\n{row}\n");
            let run = run_with(&place, &format!("detect watch d.safetensors --state {state}"), input.as_bytes());
            assert!(run.code == Some(2) && run.stderr.contains("a line of the stream names other columns"), "{run:?}");
            assert_eq!(run.stdout.lines().count(), usize::from(!before.is_empty()), "{run:?}");
            // Who goes on behind that line has to name the columns.
            let run =
                run_with(&place, &format!("detect watch d.safetensors --state {state}"), format!("{row}\n").as_bytes());
            assert!(run.code == Some(2) && run.stdout.is_empty(), "{run:?}");
        }
    }
    place.write(
        "other.csv",
        format!("q,r\n{}", (0..100).map(|row| format!("{},{}\n", row % 17, row % 13)).collect::<String>()),
    );
    place.succeed("detect fit other.csv -o other.st --method linear -q");
    let run = run_with(&place, "detect watch other.st --state t.json", b"q,r\n1,2\n");
    assert!(
        run.code == Some(2) && run.stderr.contains("t.json is the state of a watch with another detector"),
        "{run:?}"
    );
}

#[test]
fn units_below_the_names_are_no_row_of_a_stream() {
    let place = with_rows();
    let rows = "a,b,place\nV,°C,\nAvg,Smp,\n1.0,2.1,hall\n1.2,2.4,hall\n1.3,2.6,hall\n";
    place.write("units.csv", rows);
    let scored = place.succeed("detect score d.safetensors units.csv -q").stdout;
    let watched = place.succeed_with_input("detect watch d.safetensors", rows);
    assert_eq!((watched.stdout.lines().count(), watched.stdout), (4, scored));
    for row in ["V, °C", "Avg, Smp"] {
        assert!(
            watched.stderr.contains(&format!("the row below the names is taken for units: {row}")),
            "{}",
            watched.stderr
        );
    }
}

#[test]
fn scoring_nothing_is_a_failure() {
    let place = with_series();
    place.write("short.csv", text(&waves(0..5, 0..0)));
    let run = place.run("detect score d.safetensors short.csv -o s.csv");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("nothing could be scored") && run.stderr.contains("shorter --window"),
        "{}",
        run.stderr
    );
}

#[test]
fn one_time_in_the_future_costs_that_row_alone() {
    let place = with_series();
    let mut rows = waves(0..60, 0..0);
    rows[30] = rows[30].replacen("2026", "2099", 1);
    rows[40] = rows[40].replacen("2026", "1999", 1);
    let run = run_with(&place, "detect watch d.safetensors", text(&rows).as_bytes());
    assert!(run.stderr.contains("row 31: its time lies in the future"), "{}", run.stderr);
    assert!(
        run.stderr.contains("row 41: its time") && run.stderr.contains("is before that of the row before"),
        "{}",
        run.stderr
    );
    let without: Vec<&str> = run
        .stdout
        .lines()
        .skip(1)
        .filter(|line| line.ends_with(",,,"))
        .map(|line| line.split(',').next().unwrap())
        .collect();
    // The rows with wrong times are missing, and no window spans their places.
    let expected: Vec<String> = (1..=7).chain(31..=38).chain(41..=48).map(|row: usize| row.to_string()).collect();
    assert_eq!(without, expected, "{}", run.stdout);
    // A clock that is set back is followed.
    let rows = [waves(100..130, 0..0), waves(40..80, 0..0)].concat();
    let run = run_with(&place, "detect watch d.safetensors", text(&rows).as_bytes());
    assert!(run.stderr.contains("the clock was set back"), "{}", run.stderr);
    assert!(!run.stdout.lines().last().unwrap().ends_with(",,,"), "{}", run.stdout);
}

#[test]
fn one_time_in_the_future_costs_that_row_of_a_file_alone() {
    let place = with_series();
    let mut rows = waves(0..60, 0..0);
    rows[30] = rows[30].replacen("2026", "2099", 1);
    place.write("future.csv", text(&rows));
    let run = place.succeed("detect score d.safetensors future.csv -o scored.csv");
    for said in
        ["1 have no score", "the first is row 31: its time lies in the future of \"2026-01-01 00:31:00\" behind it"]
    {
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
    }
    rows.remove(30);
    place.write("without.csv", text(&rows));
    place.succeed("detect score d.safetensors without.csv -o expected.csv -q");
    let of = |name: &str| String::from_utf8(place.read(name)).unwrap();
    let (scored, expected) = (of("scored.csv"), of("expected.csv"));
    let cells = |line: &str| line.split_once(',').unwrap().1.to_owned();
    let mut lines: Vec<String> = scored.lines().map(cells).collect();
    assert!(lines.remove(31).ends_with(",,,"), "{scored}");
    assert_eq!(lines, expected.lines().map(cells).collect::<Vec<_>>());
    // Nothing is learned of it, which is said. Two of them are no single wrong time.
    let run = place.succeed("detect fit future.csv -o f.safetensors --window 4 --time time --method linear");
    let said = "left out, because the rows after them have earlier times: 1 row (the first is row 31)";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let mut rows = waves(0..60, 0..0);
    (30..32).for_each(|row| rows[row] = rows[row].replacen("2026", "2099", 1));
    place.write("future.csv", text(&rows));
    let message = place.fail("detect score d.safetensors future.csv -o f.csv");
    assert!(message.contains("row 33") && message.contains("--sort-time"), "{message}");
}

#[test]
fn moments_finer_than_the_rows_are_refused_with_the_interval_that_suits() {
    let place = Workplace::new();
    place.write("normal.csv", text(&waves(0..200, 0..0)));
    let message = place.fail("detect fit normal.csv --window auto --time time --every 10s");
    assert!(message.contains("moments every 10.0 s are finer than the data, whose rows come every 1 min"), "{message}");
    assert!(message.contains("choose --every 60s or more"), "{message}");
    assert!(!place.names(".").contains(&"detector.safetensors".to_owned()));
    place.succeed("detect fit normal.csv --window 8 --time time --every 20s --method linear -q");
}

#[cfg(unix)]
#[test]
fn who_interrupts_a_fit_is_told_that_nothing_was_written() {
    let place = Workplace::new();
    fs::create_dir(place.path("temporary")).unwrap();
    let mut command = place.command("detect fit - -o d.safetensors");
    let mut child = command
        .env("TMPDIR", place.path("temporary"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = child.stdin.take();
    until("the input is read", || !place.names("temporary").is_empty());
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let run = Run::of(child.wait_with_output().unwrap());
    drop(input);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.stderr.contains("interrupted: no detector was written"), "{run:?}");
    assert!(place.names("temporary").is_empty() && !place.path("d.safetensors").exists());
}

#[test]
fn the_page_of_a_series_shows_its_incidents_and_which_of_them_the_labels_know() {
    let place = with_series();
    let odd = [300..330, 700..730];
    let rows = [waves(2000..2500, 2300..2330), waves(2500..3000, 2700..2730)].concat();
    // The second fault is not labelled, and a usual span is.
    let label = |row: usize| u8::from(odd[0].contains(&row) || (900..910).contains(&row));
    let lines: Vec<String> = rows.iter().enumerate().map(|(row, line)| format!("{line},{}", label(row))).collect();
    place.write("new.csv", format!("time,a,b,odd\n{}\n", lines.join("\n")));
    let command = "detect score d.safetensors new.csv --label odd --report r.html -o s.csv --json";
    let found: Value = serde_json::from_str(&place.succeed(command).stdout).unwrap();
    assert_eq!(found["incidents"], 2, "{found}");
    assert_eq!(found["by_incident"], serde_json::json!({"hit": 1, "missed": 1, "false_alarms": 1}));
    let page = String::from_utf8(place.read("r.html")).unwrap();
    for part in [
        "1 of 2 labelled spans hit, 1 missed; 1 false alarm",
        "Readings and score over time",
        "time (UTC)",
        "id=\"incident-2\"",
        "data-course=\"0\"",
        ">hit</td>",
        ">false alarm</td>",
        "b was 4, expected ",
        " ± ",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["http://", "https://", "src=", "NaN"] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(foreign), "{foreign}");
    }
    let run = place.succeed("detect score d.safetensors new.csv --label odd -o s.csv --force");
    let said = "incidents hit 1 of 2 labelled spans; 1 incident outside of any";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn times_with_offsets_and_in_any_unit_are_read() {
    let place = with_series();
    let rows = waves(0..40, 0..0);
    let other = |time: &dyn Fn(usize) -> String| -> String {
        let line = |(row, line): (usize, &String)| format!("{},{}", time(row), line.split_once(',').unwrap().1);
        text(&rows.iter().enumerate().map(line).collect::<Vec<_>>())
    };
    let scores = |input: &str| -> Vec<String> {
        let run = run_with(&place, "detect watch d.safetensors -q", input.as_bytes());
        run.stdout.lines().skip(1).map(|line| line.split(',').skip(2).collect::<Vec<_>>().join(",")).collect()
    };
    let expected = scores(&text(&rows));
    assert!(expected[7] != ",,");
    let epoch = |row: usize| 1_767_225_600 + 60 * row;
    let gap = |row: usize| if row < 20 { row } else { row + 90 };
    for unit in [1, 1_000, 1_000_000, 1_000_000_000] {
        assert_eq!(scores(&other(&|row| (epoch(row) * unit).to_string())), expected, "{unit}");
        let with_gap = scores(&other(&|row| (epoch(gap(row)) * unit).to_string()));
        assert_eq!((with_gap[19] == ",,", with_gap[20].as_str(), with_gap[26].as_str()), (false, ",,", ",,"), "{unit}");
    }
    assert_eq!(scores(&other(&|row| format!("2026-01-01T{:02}:{:02}:00+0100", 1 + row / 60, row % 60))), expected);
}

#[test]
fn columns_of_the_rows_come_back() {
    let place = with_rows();
    let input = "id,a,b,place\nx1,1.50,3.1,kitchen\nx2,1,2.1,hall\n";
    place.write("new.csv", input);
    for (keep, header, first) in
        [("--keep", "row,id,a,b,place,score", "1,x1,1.5"), ("--keep=place,id", "row,place,id,score", "1,kitchen,x1,")]
    {
        let scored = place.succeed(&format!("detect score d.safetensors new.csv {keep} -q")).stdout;
        let watched = run_with(&place, &format!("detect watch d.safetensors {keep} -q"), input.as_bytes()).stdout;
        for text in [&scored, &watched] {
            assert!(text.starts_with(header) && text.lines().nth(1).unwrap().starts_with(first), "{text}");
        }
    }
    let run = run_with(&place, "detect watch d.safetensors --keep=id --json -q", input.as_bytes());
    assert!(run.stdout.contains(r#""kept":{"id":"x1"}"#), "{}", run.stdout);
    assert!(place.fail("detect score d.safetensors new.csv --keep=nothing").contains("nothing"));
}

#[test]
fn flagged_moments_that_belong_together_are_one_incident_in_both() {
    let place = with_series();
    let rows = waves(0..600, 300..312);
    place.write("new.csv", text(&rows));
    let said = place.succeed("detect score d.safetensors new.csv -o s.csv --incidents i.json").stderr;
    let found: Vec<Value> = serde_json::from_slice(&place.read("i.json")).unwrap();
    assert!(said.contains(&format!("{} incident", found.len())), "{said}");
    let around = |incident: &Value| {
        let (start, end) = (incident["start"]["row"].as_u64().unwrap(), incident["end"]["row"].as_u64().unwrap());
        (285..=302).contains(&start) && (305..=325).contains(&end)
    };
    let incident = found.iter().find(|incident| around(incident)).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(incident["columns"][0]["column"], "b", "{incident}");
    assert_eq!(incident["start"]["time"], minute(incident["start"]["row"].as_u64().unwrap() as usize - 1).as_str());
    assert!(found.len() <= 3, "{found:?}");
    place.succeed("detect score d.safetensors new.csv -o s2.csv --incidents i.csv -q");
    let table = String::from_utf8(place.read("i.csv")).unwrap();
    assert!(
        table.starts_with("series,start_row,end_row,peak_row") && table.lines().count() == found.len() + 1,
        "{table}"
    );
    run_with(&place, "detect watch d.safetensors --incidents w.jsonl -q", text(&rows).as_bytes());
    let watched = String::from_utf8(place.read("w.jsonl")).unwrap();
    assert!(
        watched.lines().any(|line| (300..=302)
            .contains(&serde_json::from_str::<Value>(line).unwrap()["start"]["row"].as_u64().unwrap())),
        "{watched}"
    );
    let again = run_with(&place, "detect watch d.safetensors --incidents w.jsonl -q", b"time,a,b\n");
    assert!(again.stderr.contains("exists already"), "{again:?}");
    assert!(place.fail("detect score d.safetensors new.csv --incidents i.txt").contains(".jsonl"));
}

#[test]
fn the_threshold_of_a_series_moves_unless_it_is_fixed_and_a_state_remembers_where_it_is() {
    let place = with_series();
    let lasting = waves(0..1200, 300..1200);
    place.write("new.csv", text(&lasting));
    let score = |options: &str| -> Value {
        serde_json::from_str(&place.succeed(&format!("detect score d.safetensors new.csv --json {options}")).stdout)
            .unwrap()
    };
    let (moving, fixed) = (score("--incidents i.json"), score("--fixed-threshold"));
    let flagged = |found: &Value| found["flagged"].as_u64().unwrap();
    assert!(flagged(&fixed) > 850 && (5..150).contains(&flagged(&moving)), "{moving} {fixed}");
    assert_eq!((&moving["threshold_moves"], &fixed["threshold_moves"]), (&true.into(), &false.into()));
    // Lines, incidents and what is counted have the same flags.
    let said = place.succeed("detect score d.safetensors new.csv -o s.csv");
    assert!(said.stderr.contains("at most 1 % of the moments are flagged"), "{}", said.stderr);
    let lines = String::from_utf8(place.read("s.csv")).unwrap();
    assert_eq!(lines.lines().filter(|line| line.ends_with(",1")).count() as u64, flagged(&moving));
    let incidents: Vec<Value> = serde_json::from_slice(&place.read("i.json")).unwrap();
    assert!(incidents.iter().map(flagged).sum::<u64>() <= flagged(&moving), "{incidents:?}");
    let at_once = run_with(&place, "detect watch d.safetensors -q", text(&lasting).as_bytes()).stdout;
    let mut resumed =
        run_with(&place, "detect watch d.safetensors --state w -q", text(&lasting[..400]).as_bytes()).stdout;
    let rest = format!("{}\n", lasting[400..].join("\n"));
    resumed += &run_with(&place, "detect watch d.safetensors --state w -q", rest.as_bytes()).stdout;
    assert_eq!(resumed, at_once);
}

#[test]
fn far_more_flagged_than_asked_for_is_said_with_a_way_out() {
    let place = with_rows();
    let rows = |shift: f64, count: usize| -> String {
        let row = |row: usize| {
            format!("{:.3},{:.3},hall\n", (row * 37 % 101) as f64 / 50.0, 2.0 * (row * 37 % 101) as f64 / 50.0 + shift)
        };
        format!("a,b,place\n{}", (0..count).map(row).collect::<String>())
    };
    let said = |text: String| {
        place.write("rows.csv", text);
        place.succeed("detect score d.safetensors rows.csv -o s.csv --force").stderr
    };
    let moved = said(rows(5.0, 300));
    assert!(moved.contains("100 % of the rows are flagged, where 1 % was asked for"), "{moved}");
    assert!(moved.contains("hint: fit again to newer rows"), "{moved}");
    for usual in [said(rows(0.06, 300)), said(rows(5.0, 1))] {
        assert!(!usual.contains("is not like that learned"), "{usual}");
    }
}

#[test]
fn drift_is_told_with_its_beginning_and_normal_rows_have_none() {
    let place = with_rows();
    let row = |row: usize, shift: f64| {
        let (a, noise) = ((row * 37 % 101) as f64 / 50.0, (row * 17 % 13) as f64 / 100.0);
        format!("{a:.3},{:.3},{}\n", 2.0 * a + noise + shift, ["kitchen", "hall"][row % 2])
    };
    let rows = |shift: f64| -> String { (400..1400).map(|at| row(at, if at < 900 { 0.0 } else { shift })).collect() };
    let said = |shift: f64| {
        run_with(&place, "detect watch d.safetensors", format!("a,b,place\n{}", rows(shift)).as_bytes()).stderr
    };
    assert!(!said(0.0).contains("no longer like what was learned"), "{}", said(0.0));
    let drifted = said(1.5);
    assert!(drifted.contains("is no longer like what was learned: its scores are higher"), "{drifted}");
    let since: usize = drifted.split("since row ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((460..=560).contains(&since), "{since}");
    place.write("new.csv", format!("a,b,place\n{}", rows(1.5)));
    let json: Value = serde_json::from_str(&place.succeed("detect score d.safetensors new.csv --json").stdout).unwrap();
    assert_eq!(json["drift"][0]["since"]["row"], since);
}

#[test]
fn a_watch_that_is_resumed_gives_what_one_that_never_stopped_gives() {
    let place = with_series();
    let rows = waves(0..400, 190..215);
    let whole =
        run_with(&place, "detect watch d.safetensors --incidents whole.jsonl -q", text(&rows).as_bytes()).stdout;
    let mut parts = String::new();
    for part in [0..100, 100..205, 205..400] {
        let lines = rows[part.clone()].join("\n") + "\n";
        // The header comes with the first part alone.
        let input = if part.start == 0 { format!("time,a,b\n{lines}") } else { lines };
        let run =
            run_with(&place, "detect watch d.safetensors --state s.json --incidents parts.jsonl", input.as_bytes());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stderr.contains("going on behind"), part.start > 0, "{}", run.stderr);
        parts += &run.stdout;
    }
    assert_eq!(parts, whole);
    assert_eq!(place.read("parts.jsonl"), place.read("whole.jsonl"));
    // A stream that begins again with its first row is passed over.
    let more = waves(0..410, 190..215);
    let run = run_with(&place, "detect watch d.safetensors --state s.json --replayed -q", text(&more).as_bytes());
    let numbers: Vec<&str> = run.stdout.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(numbers, (401..=410).map(|row| row.to_string()).collect::<Vec<_>>());
    assert!(!run.stdout.contains(",,,"), "{}", run.stdout);
    place.write("s.json", "{}");
    let run = run_with(&place, "detect watch d.safetensors --state s.json", b"");
    assert!(run.stderr.contains("no state of a watch") && run.code != Some(0), "{run:?}");
}

/// Waits until a file holds, or a deadline passes.
#[cfg(unix)]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn a_watch_that_is_killed_loses_no_row_that_was_written() {
    let place = with_series();
    let rows = waves(0..300, 0..0);
    let mut child = start(&place, "detect watch d.safetensors --state s.json -q");
    let mut input = child.stdin.take().unwrap();
    input.write_all(text(&rows[..120]).as_bytes()).unwrap();
    let counted = || {
        let state: Value = fs::read(place.path("s.json")).ok().and_then(|text| serde_json::from_slice(&text).ok())?;
        state["memory"]["counts"]["rows"].as_u64()
    };
    until("the state counts the rows", || counted() == Some(120));
    child.kill().unwrap();
    let mut written = String::new();
    child.stdout.take().unwrap().read_to_string(&mut written).unwrap();
    child.wait().unwrap();
    assert_eq!(written.lines().count(), 121);
    let rest =
        run_with(&place, "detect watch d.safetensors --state s.json -q", (rows[120..].join("\n") + "\n").as_bytes());
    let whole = run_with(&place, "detect watch d.safetensors -q", text(&rows).as_bytes());
    assert_eq!(written + &rest.stdout, whole.stdout);
}

#[cfg(unix)]
#[test]
fn signals_ask_reload_and_end() {
    let place = with_series();
    let mut child = start(&place, "detect watch d.safetensors --state s.json");
    let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let mut stderr = child.stderr.take().unwrap();
    let listener = {
        let said = said.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut bytes) {
                said.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        })
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(text(&waves(0..50, 0..0)).as_bytes()).unwrap();
    until("the rows are counted", || fs::read(place.path("s.json")).is_ok());
    let heard = |what: &str| said.lock().unwrap().contains(what);
    let kill = |signal: &str| {
        let status = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(status.success());
    };
    kill("-USR1");
    until("the counts are told", || heard("of 50 rows flagged; 7 have no score, at the beginning of a window"));
    kill("-HUP");
    until("the detector is loaded again", || heard("the detector was loaded again"));
    fs::write(place.path("d.safetensors"), b"torn").unwrap();
    kill("-HUP");
    until("a detector that is torn is not taken", || heard("the detector stays as it was"));
    input.write_all((waves(50..60, 0..0).join("\n") + "\n").as_bytes()).unwrap();
    until("the stream goes on", || {
        String::from_utf8(fs::read(place.path("s.json")).unwrap()).unwrap().contains("\"rows\":60")
    });
    kill("-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    listener.join().unwrap();
    assert!(heard("of 60 rows flagged"), "{}", said.lock().unwrap());
}

#[test]
fn rows_out_of_order_are_sorted_where_that_is_asked_for() {
    let place = Workplace::new();
    let mut rows = waves(0..1000, 0..0);
    rows.swap(300, 320);
    rows.insert(500, rows[499].clone());
    place.write("mixed.csv", text(&rows));
    let fit = "detect fit mixed.csv -o d.safetensors --window 8 --time time --method linear";
    let message = place.fail(fit);
    assert!(message.contains("runs backwards") && message.contains("--sort-time"), "{message}");
    let said = place.succeed(&format!("{fit} --sort-time")).stderr;
    assert!(said.contains("20 rows came after later ones and were sorted; 1 row with the time of another"), "{said}");
    assert!(place.fail("detect score d.safetensors mixed.csv -o s.csv").contains("--sort-time"));
    let scored = place.succeed("detect score d.safetensors mixed.csv --sort-time -q --keep=a").stdout;
    assert_eq!(scored.lines().count(), 1001);
    let times: Vec<&str> = scored.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(times.is_sorted(), "{scored}");
    let kept = place.succeed("detect score d.safetensors mixed.csv --sort-time --repeated keep -q").stdout;
    assert_eq!(kept.lines().count(), 1002);
}

#[test]
fn irregular_rows_become_moments_at_regular_times() {
    let place = Workplace::new();
    let irregular = |rows: std::ops::Range<usize>| -> String {
        let line = |row: usize| {
            let seconds = 40 * row + row * 7919 % 23;
            let at = seconds as f64 / 170.0;
            format!("{},{:.4},{:.4}\n", 1_767_225_600 + seconds, at.sin(), at.cos())
        };
        format!("time,a,b\n{}", rows.map(line).collect::<String>())
    };
    place.write("normal.csv", irregular(0..2000));
    let said = place
        .succeed("detect fit normal.csv -o d.safetensors --window 6 --time time --every 1min --method linear")
        .stderr;
    assert!(said.contains("moments at regular times were made of them"), "{said}");
    assert!(said.contains("in 1 stretch without a gap, a row every 1 min"), "{said}");
    let new = irregular(2000..2100);
    place.write("new.csv", new.as_str());
    let scored = place.succeed("detect score d.safetensors new.csv -q").stdout;
    let watched = run_with(&place, "detect watch d.safetensors -q", new.as_bytes()).stdout;
    let beside = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(',').take(2).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(beside(&watched), beside(&scored));
    assert!((60..75).contains(&scored.lines().count()), "{scored}");
    assert_eq!(watched.lines().filter(|line| line.ends_with(",,,")).count(), 5, "{watched}");
}

#[test]
fn windows_without_a_clock_speak_of_none() {
    let place = Workplace::new();
    let rows: String =
        waves(0..400, 0..0).iter().map(|line| format!("{}\n", line.split_once(',').unwrap().1)).collect();
    place.write("normal.csv", format!("a,b\n{rows}"));
    let fitted = place.succeed("detect fit normal.csv -o d.safetensors --window 8 --method linear").stderr;
    let scored = place.succeed("detect score d.safetensors normal.csv -o s.csv").stderr;
    assert!(!fitted.contains("clock") && !scored.contains("clock"), "{fitted}{scored}");
}

#[test]
fn a_row_that_misses_a_value_is_named_by_its_line() {
    let place = with_rows();
    place.write("gap.csv", "a,b,place\n1,2.1,hall\n1,,hall\n1,2.1,hall\n");
    for verb in ["fit gap.csv -o e.safetensors", "score d.safetensors gap.csv -o s.csv"] {
        let message = place.fail(&format!("detect {verb} --missing error"));
        assert!(message.contains("line 3: column \"b\" has no value"), "{message}");
    }
}
