//! The field against what is known of it without a computer.

use std::f64::consts::{LN_2, PI};

use super::*;

fn coarse() -> Sensor {
    Sensor::new(Design { cells: 10, rays: 6, reach: 2, ..Design::default() })
}

/// Something without any symmetry.
fn lumps(sensor: &Sensor) -> Vec<f64> {
    (0..sensor.inside_cells()).map(|cell| 1.0 + 2.0 * (cell as f64 * 0.37).sin().powi(2)).collect()
}

/// Electrodes that meet, on the pipe's inside, and nothing outside.
fn calculable(cells: usize, rays: usize) -> [[f64; ELECTRODES]; ELECTRODES] {
    let nothing = 1e-9;
    let sensor = Sensor::new(Design {
        cells,
        wall: Layer { radius: 1.0 + 0.5 / cells as f64, permittivity: 1.0, cells: 1 },
        gap: Layer { radius: 1.3, permittivity: nothing, cells: 1 },
        rays,
        reach: rays / 2,
    });
    sensor.charges(&vec![1.0; sensor.inside_cells()], &mut sensor.system()).unwrap()
}

/// Capacitance in pF/m between two arcs of a circle, of all of which electrodes are: with s the sine of half the angle between two
/// ends, ε/π · ln(s(a₁,b₁) s(a₂,b₂) / (s(a₁,b₂) s(a₂,b₁))), which keeps its value under conformal maps.
fn between_arcs(a: (f64, f64), b: (f64, f64)) -> f64 {
    let s = |p: f64, q: f64| ((p - q) / 2.0).sin().abs();
    VACUUM / PI * (s(a.0, b.0) * s(a.1, b.1) / (s(a.0, b.1) * s(a.1, b.0))).ln().abs()
}

#[test]
fn electrodes_that_meet_on_a_circle_have_the_capacitances_of_conformal_mapping() {
    let charges = calculable(30, 15);
    let arc = |electrode: usize| {
        let middle = electrode as f64 * TAU / ELECTRODES as f64;
        (middle - PI / ELECTRODES as f64, middle + PI / ELECTRODES as f64)
    };
    for (other, charge) in charges[0].iter().enumerate().take(7).skip(2) {
        let (found, expected) = (-charge, between_arcs(arc(0), arc(other)));
        assert!((found / expected - 1.0).abs() < 0.01, "{other} apart: {found} is not {expected}");
    }
}

/// The cross capacitances of four electrodes that meet are ε₀ ln 2 / π, whatever the size (Thompson and Lampard, Nature 177, 1956).
#[test]
fn quarters_of_a_circle_have_the_capacitance_of_thompson_and_lampard() {
    let charges = calculable(20, 9);
    let cross: f64 = (0..3).flat_map(|a| (6..9).map(move |b| (a, b))).map(|(a, b)| -charges[a][b]).sum();
    let expected = VACUUM * LN_2 / PI;
    assert!((cross / expected - 1.0).abs() < 0.01, "{cross} is not {expected}");
}

#[test]
fn electrodes_at_one_potential_make_a_coaxial_capacitor_with_the_screen() {
    let design = Design { rays: 9, reach: 4, ..Design::default() };
    let sensor = Sensor::new(design);
    let charges = sensor.charges(&lumps(&sensor), &mut sensor.system()).unwrap();
    let found: f64 = charges.iter().flatten().sum();
    let expected = VACUUM * TAU / (design.gap.radius / design.wall.radius).ln();
    assert!((found / expected - 1.0).abs() < 1e-3, "{found} is not {expected}");
}

#[test]
fn capacitances_are_the_same_both_ways_and_positive() {
    let sensor = coarse();
    let charges = sensor.charges(&lumps(&sensor), &mut sensor.system()).unwrap();
    for (a, b) in pairs() {
        assert!(charges[a][b] < 0.0 && (charges[a][b] - charges[b][a]).abs() < 1e-12);
    }
    // What is not on the electrodes is on the screen, with the other sign.
    assert!(charges.iter().all(|row| row.iter().sum::<f64>() > 0.0));
}

#[test]
fn an_empty_sensor_looks_the_same_from_every_electrode_and_in_a_mirror() {
    let sensor = coarse();
    let charges = sensor.charges(&vec![1.0; sensor.inside_cells()], &mut sensor.system()).unwrap();
    for (a, b) in pairs() {
        let apart = (b - a).min(ELECTRODES - (b - a));
        assert!((charges[a][b] / charges[0][apart] - 1.0).abs() < 1e-9);
        assert!(apart == 1 || charges[0][apart] > charges[0][apart - 1], "farther apart, less capacitance");
    }
}

#[test]
fn capacitances_grow_with_permittivity_as_a_whole() {
    let with = |factor: f64| {
        let mut design = Design { cells: 10, rays: 6, reach: 2, ..Design::default() };
        design.wall.permittivity *= factor;
        design.gap.permittivity *= factor;
        let sensor = Sensor::new(design);
        let inside: Vec<f64> = lumps(&sensor).iter().map(|value| value * factor).collect();
        sensor.capacitances(&inside, &mut sensor.system()).unwrap()
    };
    with(1.0).iter().zip(with(3.0)).for_each(|(one, three)| assert!((three / one - 3.0).abs() < 1e-9));
}

#[test]
fn sensitivities_are_the_slopes_of_the_capacitances() {
    let sensor = coarse();
    let mut system = sensor.system();
    let inside = lumps(&sensor);
    let sensitivities = sensor.sensitivities(&inside, &mut system).unwrap();
    for cell in [0, 7, 300, sensor.inside_cells() - 1] {
        let mut moved = |by: f64| {
            let mut inside = inside.clone();
            inside[cell] += by;
            sensor.capacitances(&inside, &mut system).unwrap()
        };
        let (less, more) = (moved(-1e-4), moved(1e-4));
        for pair in 0..PAIRS {
            let slope = (more[pair] - less[pair]) / 2e-4;
            assert!((slope - sensitivities[pair][cell]).abs() < 1e-7 + 1e-4 * slope.abs(), "cell {cell}, pair {pair}");
        }
    }
}

/// Not of capacitances between neighbours, whose field is singular at the electrodes' edges, but of the normalised ones.
#[test]
fn a_finer_grid_changes_normalised_capacitances_little() {
    let normalised = |design: Design| {
        let sensor = Sensor::new(design);
        let mut system = sensor.system();
        // Nothing, a rod beside the centre, a full pipe.
        let mut measure = |radius: f64| {
            let permittivity = |cell| {
                let ((inner, outer), (from, to)) = sensor.cell(cell);
                let (r, angle): (f64, f64) = ((inner + outer) / 2.0, (from + to) / 2.0);
                let apart = (r * angle.cos() - 0.4).hypot(r * angle.sin());
                1.0 + 2.0 * (0.5 + (radius - apart) / 0.1).clamp(0.0, 1.0)
            };
            let inside: Vec<f64> = (0..sensor.inside_cells()).map(permittivity).collect();
            sensor.capacitances(&inside, &mut system).unwrap()
        };
        let (low, rod, high) = (measure(-1.0), measure(0.3), measure(3.0));
        let part = |pair: usize| (rod[pair] - low[pair]) / (high[pair] - low[pair]);
        std::array::from_fn::<f64, PAIRS, _>(part)
    };
    let mut fine = Design { cells: 30, rays: 15, reach: 6, ..Design::default() };
    fine.wall.cells = 5;
    fine.gap.cells = 5;
    let pairs = normalised(Design::default()).into_iter().zip(normalised(fine));
    let farthest = pairs.map(|(usual, fine)| (usual - fine).abs()).fold(0.0, f64::max);
    assert!(farthest < 0.02, "{farthest}");
}
