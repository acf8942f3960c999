//! The built-in sensor data: a pump with its drive, whose readings follow from speed and valve as physics has it, with noise. It
//! needs no file, and the same seed gives the same rows on any machine. In the faulty data some rows break a relation between
//! readings, of which most stay within their usual ranges.

use enkoder::{Column, Dataset, Labels, Schema};
use ndarray::Array2;

use crate::noise::Noise;

/// Rows of `pump`, all of them normal.
pub const NORMAL_ROWS: usize = 8_000;
/// Rows of `pump:faults`.
pub const FAULTY_ROWS: usize = 4_000;
/// In `pump:faults` one row in so many is a fault.
const FAULT_EVERY: usize = 40;

const NUMBERS: [&str; 7] =
    ["speed_rpm", "flow_m3h", "pressure_bar", "current_a", "temperature_c", "vibration_mms", "level_m"];
const MODES: [&str; 2] = ["normal", "boost"];
const WIDTH: usize = NUMBERS.len() + MODES.len();

/// `rows` normal rows: seven readings and the mode of the drive.
///
/// ```
/// use enkoder_data::pump;
///
/// let rows = pump::normal(100, 0);
/// assert_eq!(rows.schema().map(|schema| schema.columns.len()), Some(8));
/// assert!(rows.classes().is_none());
/// ```
pub fn normal(rows: usize, seed: u64) -> Dataset {
    table("pump", rows, seed, |_, _| {})
}

/// `rows` labelled rows (`normal` or `fault`), of which one in forty is a fault: a worn bearing, a leak, a clogged filter or a
/// sensor that hangs.
///
/// ```
/// use enkoder_data::pump;
///
/// let rows = pump::faulty(400, 0);
/// assert_eq!((0..400).filter(|&row| rows.label(row) == Some(1)).count(), 10);
/// ```
pub fn faulty(rows: usize, seed: u64) -> Dataset {
    let is_fault = |row: usize| row % FAULT_EVERY == FAULT_EVERY - 1;
    let values = (0..rows).map(|row| u32::from(is_fault(row))).collect();
    let classes = vec!["normal".to_owned(), "fault".to_owned()];
    let data = table("pump:faults", rows, seed, |row, values| {
        if !is_fault(row) {
            return;
        }
        match row / FAULT_EVERY % 4 {
            0 => values[5] += 2.5,
            1 => values[2] *= 0.75,
            2 => values[1] *= 0.7,
            _ => values[3] = 20.0,
        }
    });
    data.with_labels(Labels { classes, values }).expect("one label for each row")
}

fn table(name: &str, rows: usize, seed: u64, change: impl Fn(usize, &mut [f32])) -> Dataset {
    let mut values = Array2::zeros((rows, WIDTH));
    for (row, mut reading) in values.rows_mut().into_iter().enumerate() {
        let reading = reading.as_slice_mut().expect("rows of a new array are contiguous");
        // The streams of normal and faulty rows lie apart.
        let mut random = Noise::new(seed, (row as u64) << 1 | u64::from(name != "pump"));
        read(&mut random, reading);
        change(row, reading);
    }
    let mut columns: Vec<Column> = NUMBERS.map(Column::numeric).to_vec();
    columns.push(Column::categorical("mode", MODES.map(str::to_owned).to_vec()));
    Dataset::from_f32(name, values)
        .and_then(|data| data.with_schema(Schema::new(columns)))
        .expect("a row has these features")
}

/// One moment of normal operation.
fn read(random: &mut Noise, reading: &mut [f32]) {
    let boost = random.uniform() < 0.2;
    let speed = if boost { 2400.0 + 500.0 * random.uniform() } else { 1000.0 + 1300.0 * random.uniform() };
    let valve = 0.4 + 0.6 * random.uniform();
    let part = speed / 2900.0;
    // The pump's laws of similarity: flow as the speed, pressure as its square, power as its cube.
    let flow = 120.0 * part * valve;
    let pressure = 9.0 * part * part * (1.15 - 0.5 * valve * valve);
    let power = pressure * flow / 36.0;
    let numbers = [
        speed + 4.0 * random.bell(),
        flow + 0.8 * random.bell(),
        pressure + 0.05 * random.bell(),
        4.0 + 1.4 * power + 0.3 * random.bell(),
        35.0 + 1.2 * power + 0.8 * random.bell(),
        0.8 + 1.6 * part * part + 0.12 * random.bell(),
        3.0 + 0.4 * random.bell(),
    ];
    reading[..numbers.len()].copy_from_slice(&numbers);
    reading[numbers.len() + usize::from(boost)] = 1.0;
}
