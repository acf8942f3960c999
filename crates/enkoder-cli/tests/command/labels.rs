//! `enkoder detect score --label` knows which labels mean a normal row, asks where it does not, and says what it took for what.

use serde_json::Value;

use crate::workplace::Workplace;

/// A detector of the pump, and labelled rows of it: the label of a row follows from whether it is a fault, and from its number.
fn with_labels(label: impl Fn(bool, usize) -> &'static str) -> Workplace {
    let place = Workplace::new();
    place.succeed("data export pump --samples 1000 -o normal.csv -q");
    place.succeed("detect fit normal.csv -o d.st --method linear -q");
    place.succeed("data export pump:faults --samples 800 -o faults.csv -q");
    let table = String::from_utf8(place.read("faults.csv")).unwrap();
    let mut lines = table.lines();
    let mut labelled = format!("{}\n", lines.next().unwrap());
    for (row, line) in lines.enumerate() {
        let (values, fault) = line.rsplit_once(',').unwrap();
        labelled += &format!("{values},{}\n", label(fault == "fault", row));
    }
    place.write("new.csv", labelled);
    place
}

fn found(place: &Workplace, options: &str) -> Value {
    let run = place.succeed(&format!("detect score d.st new.csv --label label --json {options}"));
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn the_usual_conventions_give_the_same_figures() {
    let place = with_labels(|fault, _| if fault { "fault" } else { "normal" });
    let expected = found(&place, "");
    assert!(expected["auroc"].as_f64().unwrap() > 0.7, "{expected}");
    assert_eq!((&expected["labels"]["normal"], &expected["labels"]["rows_normal"]), (&["normal"].into(), &780.into()));
    for (normal, fault, options) in [
        ("OK", "NOK", ""),
        ("1", "-1", ""),
        ("Benign", "attack", ""),
        ("0", "1", ""),
        ("A", "B", "--normal a"),
        ("1", "0", "--normal 1"),
        ("-1", "1", "--normal -1"),
        ("", "fault", "--normal none"),
    ] {
        let place = with_labels(move |is_fault, _| if is_fault { fault } else { normal });
        let found = found(&place, options);
        assert_eq!(found["auroc"], expected["auroc"], "{normal}/{fault}: {found}");
        assert_eq!(found["recall"], expected["recall"], "{normal}/{fault}: {found}");
    }
}

#[test]
fn labels_of_which_none_is_known_to_be_normal_are_refused_with_the_way_out() {
    let place = with_labels(|fault, _| if fault { "B" } else { "A" });
    for (options, message, hint) in [
        ("", "no label is known to mean a normal row: A, B", "as --normal A"),
        ("--normal C", "no row has the label \"C\"; the labels are A, B", "as the column has them"),
    ] {
        let run = place.run(&format!("detect score d.st new.csv --label label -o s.csv {options}"));
        assert!(run.code == Some(2) && run.stderr.contains(message) && run.stderr.contains(hint), "{}", run.stderr);
        assert!(!place.path("s.csv").exists());
    }
    let place = with_labels(|fault, _| if fault { "0" } else { "1" });
    let said = place.succeed("detect score d.st new.csv --label label -o s.csv").stderr;
    assert!(
        said.contains("hint: what is labelled as an anomaly has the lower scores") && said.contains("--normal 1"),
        "{said}"
    );
    let message = place.fail("detect score d.st new.csv --normal A");
    assert!(message.contains("there are no labels") && message.contains("--label COLUMN"), "{message}");
}

#[test]
fn rows_without_a_label_do_not_count_and_other_classes_are_named() {
    let all = found(&with_labels(|fault, _| if fault { "fault" } else { "ok" }), "");
    let label = |fault: bool, row: usize| match (fault, row % 10) {
        (true, _) => "fault",
        (false, 3) => "",
        (false, 4) => "standby",
        _ => "ok",
    };
    let place = with_labels(label);
    let some = found(&place, "--normal ok,standby");
    assert!((some["auroc"].as_f64().unwrap() - all["auroc"].as_f64().unwrap()).abs() < 0.01, "{some} {all}");
    assert_eq!((&some["recall"], &some["labels"]["rows_unlabelled"]), (&all["recall"], &80.into()));
    let said = place.succeed("detect score d.st new.csv --label label -q -o s.csv").stderr;
    let expected = "labels: 620 rows are normal (ok), and 100 are anomalous (fault, standby) (--normal LABEL says otherwise); \
                    80 rows have no label, and the figures leave them out";
    assert!(said.contains(expected), "{said}");
}
