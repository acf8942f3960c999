//! The built-in series: a plant that heats water in a tank, a row every five minutes. Readings follow from commands, from the day and from
//! their own past, and the normal drifts as the season does. It needs no file, and the same seed gives the same rows on any machine. The
//! faulty series goes on where the normal one ends and has faults of five kinds.

use enkoder::{Column, Dataset, Labels, Schema};
use ndarray::Array2;

use crate::noise::Noise;

/// Rows of `plant`, thirty days, all of them normal.
pub const NORMAL_ROWS: usize = 30 * DAY;
/// Rows of `plant:faults`, the fifteen days after those.
pub const FAULTY_ROWS: usize = 15 * DAY;

const DAY: usize = 24 * 60 / 5;
const SECONDS: f32 = 300.0;

/// A clock in seconds, five readings, and three commands: valve, heater and pump.
const COLUMNS: [&str; 9] = [
    "time",
    "temperature_c",
    "flow_m3h",
    "pressure_bar",
    "level_m",
    "vibration_mms",
    "valve_open",
    "heater_on",
    "pump_on",
];
const TEMPERATURE: usize = 1;
const FLOW: usize = 2;
const PRESSURE: usize = 3;
const LEVEL: usize = 4;
const VIBRATION: usize = 5;

/// A fault: when it begins and how long it lasts, in rows, and what it does to the readings of a row that is so far into it.
struct Fault {
    begins: usize,
    lasts: usize,
    change: fn(readings: &mut [f32], before: &[f32], part: f32),
}

/// Five kinds, two of each. `before` are the readings when the fault began, `part` goes from 0 to 1.
const FAULTS: [Fault; 10] = {
    const SPIKE: fn(&mut [f32], &[f32], f32) = |readings, _, _| readings[TEMPERATURE] += 9.0;
    const HANGS: fn(&mut [f32], &[f32], f32) = |readings, before, _| readings[FLOW] = before[FLOW];
    const SHIFT: fn(&mut [f32], &[f32], f32) = |readings, _, _| readings[PRESSURE] += 0.6;
    const LEAK: fn(&mut [f32], &[f32], f32) = |readings, _, part| readings[LEVEL] -= 0.5 * part;
    const WEAR: fn(&mut [f32], &[f32], f32) = |readings, _, part| readings[VIBRATION] += 1.5 * part;
    [
        Fault { begins: 400, lasts: 3, change: SPIKE },
        Fault { begins: 800, lasts: 90, change: HANGS },
        Fault { begins: 1_200, lasts: 60, change: SHIFT },
        Fault { begins: 1_600, lasts: 120, change: LEAK },
        Fault { begins: 2_000, lasts: 150, change: WEAR },
        Fault { begins: 2_500, lasts: 2, change: SPIKE },
        Fault { begins: 2_800, lasts: 70, change: HANGS },
        Fault { begins: 3_150, lasts: 100, change: SHIFT },
        Fault { begins: 3_500, lasts: 80, change: LEAK },
        Fault { begins: 3_900, lasts: 120, change: WEAR },
    ]
};

/// `rows` normal rows: `time` in seconds since the beginning, readings and commands.
///
/// ```
/// use enkoder_data::plant;
///
/// let rows = plant::normal(100, 0);
/// assert_eq!((rows.len(), rows.shape()), (100, &[9][..]));
/// assert_eq!(rows.row_f32(2).map(|row| row[0]), Some(600.0));
/// ```
pub fn normal(rows: usize, seed: u64) -> Dataset {
    table("plant", run(rows, seed))
}

/// `rows` labelled rows (`normal` or `fault`) that follow those of [`normal`] with the same seed, with ten faults: the temperature jumps, the
/// flow meter hangs, the pressure gauge is off by a constant, the tank leaks, a bearing wears.
///
/// ```
/// use enkoder_data::plant;
///
/// let rows = plant::faulty(plant::FAULTY_ROWS, 0);
/// assert_eq!((0..rows.len()).filter(|&row| rows.label(row) == Some(1)).count(), 795);
/// ```
pub fn faulty(rows: usize, seed: u64) -> Dataset {
    let mut values = run(NORMAL_ROWS + rows, seed).split_off(NORMAL_ROWS);
    let mut labels = vec![0; rows];
    for Fault { begins, lasts, change } in &FAULTS {
        let Some(before) = values.get(*begins).copied() else { continue };
        for row in *begins..rows.min(begins + lasts) {
            change(&mut values[row], &before, (row - begins) as f32 / *lasts as f32);
            labels[row] = 1;
        }
    }
    let classes = vec!["normal".to_owned(), "fault".to_owned()];
    table("plant:faults", values).with_labels(Labels { classes, values: labels }).expect("one label for each row")
}

fn table(name: &str, rows: Vec<[f32; COLUMNS.len()]>) -> Dataset {
    let values = Array2::from_shape_vec((rows.len(), COLUMNS.len()), rows.into_flattened()).expect("whole rows");
    Dataset::from_f32(name, values)
        .and_then(|data| data.with_schema(Schema::new(COLUMNS.map(Column::numeric).to_vec())))
        .expect("a row has these features")
}

/// The first rows of a run.
fn run(rows: usize, seed: u64) -> Vec<[f32; COLUMNS.len()]> {
    let mut random = Noise::new(seed, 0);
    let (mut temperature, mut level, mut wander) = (55.0f32, 2.0f32, 0.0f32);
    let (mut valve, mut heater) = (true, true);
    let mut until = 0;
    (0..rows)
        .map(|row| {
            // An operator opens and closes the valve for one to four hours; the pump runs while it is open or the tank is low.
            if row == until {
                valve = !valve;
                until = row + 12 + (36.0 * random.uniform()) as usize;
            }
            let pump = valve || level < 1.6;
            // The heater keeps the water between two temperatures, as a thermostat does.
            heater = if heater { temperature < 60.0 } else { temperature < 50.0 };
            let [is_open, is_heated, is_pumped] = [valve, heater, pump].map(|command| f32::from(u8::from(command)));
            // Outside it is coldest in the morning, and warmer by a degree every five days.
            let outside = 8.0 + 6.0 * wave(row + 2 * DAY / 3) + row as f32 / (5 * DAY) as f32;
            wander = 0.97 * wander + 0.02 * random.bell();
            let flow = 0.2 + is_open * (14.0 + 3.0 * wave(row) + 4.0 * wander);
            level += 0.028 * is_pumped - 0.0018 * flow + 0.02 * (2.0 - level);
            temperature += 0.9 * is_heated - 0.008 * (temperature - outside) - 0.01 * flow;
            let pressure = 1.2 + 0.35 * level + 1.1 * is_pumped - 0.02 * flow;
            let vibration = 0.3 + is_pumped * (1.3 + 0.05 * flow);
            [
                row as f32 * SECONDS,
                temperature + 0.15 * random.bell(),
                (flow + 0.2 * random.bell()).max(0.0),
                pressure + 0.03 * random.bell(),
                level + 0.01 * random.bell(),
                vibration + 0.08 * random.bell(),
                is_open,
                is_heated,
                is_pumped,
            ]
        })
        .collect()
}

/// From -1 to 1 and back in a day, by two parabolas.
fn wave(row: usize) -> f32 {
    let part = (row % DAY) as f32 / DAY as f32;
    if part < 0.5 { 16.0 * part * (0.5 - part) } else { -16.0 * (part - 0.5) * (1.0 - part) }
}
