//! The sensor: twelve electrodes around a pipe, within an earthed screen, and the field between them.
//!
//! ∇·(ε ∇φ) = 0 is solved by finite volumes on a polar grid: nodes where rings and rays meet, a permittivity for each cell between
//! them. The innermost ring lies half a step from the centre, where no flux crosses a circle of no length (Mohseni and Colonius,
//! J. Comput. Phys. 157, 2000). Lengths are in inner radii of the pipe, permittivities relative to vacuum.

use std::f64::consts::TAU;

use crate::banded::{BandedSystem, NotPositive};

/// Electrodes around the pipe.
pub const ELECTRODES: usize = 12;
/// Pairs of electrodes, and so capacitances of one frame.
pub const PAIRS: usize = ELECTRODES * (ELECTRODES - 1) / 2;
/// ε₀ in pF/m (CODATA 2018).
const VACUUM: f64 = 8.854_187_812_8;

/// The pairs in the order of a frame: (0, 1), (0, 2) … (10, 11).
pub fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..ELECTRODES).flat_map(|a| (a + 1..ELECTRODES).map(move |b| (a, b)))
}

/// A layer around the pipe's inside.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Where it ends.
    pub radius: f64,
    /// Its permittivity.
    pub permittivity: f64,
    /// Cells across it.
    pub cells: usize,
}

/// What a sensor is built from.
#[derive(Clone, Copy, Debug)]
pub struct Design {
    /// Whole cells along a radius of the inside; half a cell at the centre comes on top.
    pub cells: usize,
    /// The pipe's wall, with the electrodes on its outside.
    pub wall: Layer,
    /// What is between electrodes and screen.
    pub gap: Layer,
    /// Rays from the middle of an electrode to that of the next.
    pub rays: usize,
    /// Rays of an electrode to each side of its middle.
    pub reach: usize,
}

impl Default for Design {
    /// An acrylic pipe with 5 mm of wall to 50 mm of inner radius, electrodes of 24° of every 30°, and 10 mm of air to the screen.
    fn default() -> Self {
        Self {
            cells: 20,
            wall: Layer { radius: 1.1, permittivity: 2.6, cells: 3 },
            gap: Layer { radius: 1.3, permittivity: 1.0, cells: 3 },
            rays: 10,
            reach: 4,
        }
    }
}

/// A conductance between two nodes for each unit of a cell's permittivity.
#[derive(Clone, Copy, Debug)]
struct Edge {
    cell: usize,
    from: Node,
    to: Node,
    weight: f64,
}

/// What a node's potential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Free(usize),
    Electrode(usize),
    Screen,
}

/// A sensor with its grid.
#[derive(Clone, Debug)]
pub struct Sensor {
    rays: usize,
    /// Radii of the rings; the first cell of each ray is between the centre and the first of them.
    rings: Vec<f64>,
    inside_cells: usize,
    /// Permittivities of all cells outside the inside, ring after ring.
    around: Vec<f64>,
    edges: Vec<Edge>,
    unknowns: usize,
    half_width: usize,
    /// Places in the order of unknowns that stand empty, because their nodes are on electrodes.
    empty: Vec<usize>,
}

/// What solving again and again needs.
pub type System = BandedSystem<ELECTRODES>;

impl Sensor {
    /// The sensor of a design.
    pub fn new(design: Design) -> Self {
        let rays = design.rays * ELECTRODES;
        let step = 1.0 / (design.cells as f64 + 0.5);
        let mut rings: Vec<f64> = (0..=design.cells).map(|ring| (ring as f64 + 0.5) * step).collect();
        let mut around = Vec::new();
        let mut electrode_ring = 0;
        for (number, layer) in [design.wall, design.gap].into_iter().enumerate() {
            let start = rings[rings.len() - 1];
            let width = (layer.radius - start) / layer.cells as f64;
            rings.extend((1..=layer.cells).map(|cell| start + cell as f64 * width));
            around.extend(std::iter::repeat_n(layer.permittivity, layer.cells * rays));
            if number == 0 {
                electrode_ring = rings.len() - 1;
            }
        }
        // Rays 0, last, 1, last but one …: neighbours on the circle are at most two places apart, which keeps the band narrow.
        let free = rings.len() - 1;
        let place = |ray: usize| if ray < rays / 2 { 2 * ray } else { 2 * (rays - 1 - ray) + 1 };
        let node = |ring: usize, ray: usize| {
            let from_middle = (ray + design.reach) % design.rays;
            if ring == free {
                Node::Screen
            } else if ring == electrode_ring && from_middle <= 2 * design.reach {
                Node::Electrode((ray + design.reach) / design.rays % ELECTRODES)
            } else {
                Node::Free(place(ray) * free + ring)
            }
        };
        let inside_cells = (design.cells + 1) * rays;
        let edges = edges(&rings, rays, node);
        let mut empty = vec![true; free * rays];
        for node in edges.iter().flat_map(|edge| [edge.from, edge.to]) {
            if let Node::Free(i) = node {
                empty[i] = false;
            }
        }
        let empty = empty.iter().enumerate().filter(|(_, empty)| **empty).map(|(place, _)| place).collect();
        Self { rays, inside_cells, around, edges, unknowns: free * rays, half_width: 2 * free, empty, rings }
    }

    /// Cells within the pipe.
    pub fn inside_cells(&self) -> usize {
        self.inside_cells
    }

    /// Unknowns of the field.
    pub fn unknowns(&self) -> usize {
        self.unknowns
    }

    /// Bounds of a cell: radii, then angles.
    pub fn cell(&self, cell: usize) -> ((f64, f64), (f64, f64)) {
        let (ring, ray) = (cell / self.rays, cell % self.rays);
        let inner = if ring == 0 { 0.0 } else { self.rings[ring - 1] };
        let angle = |ray: usize| ray as f64 * TAU / self.rays as f64;
        ((inner, self.rings[ring]), (angle(ray), angle(ray + 1)))
    }

    /// An empty system of the right size.
    pub fn system(&self) -> System {
        System::new(self.unknowns, self.half_width)
    }

    fn permittivity(&self, inside: &[f64], cell: usize) -> f64 {
        if cell < self.inside_cells { inside[cell] } else { self.around[cell - self.inside_cells] }
    }

    /// Sets up the field's equations, one electrode after the other at unit potential and all else earthed; returns how electrodes
    /// are coupled directly.
    fn assemble(&self, inside: &[f64], system: &mut System) -> [[f64; ELECTRODES]; ELECTRODES] {
        assert_eq!(inside.len(), self.inside_cells, "a permittivity for each cell within the pipe");
        system.clear();
        let mut coupling = [[0.0; ELECTRODES]; ELECTRODES];
        for edge in &self.edges {
            let weight = edge.weight * self.permittivity(inside, edge.cell);
            for (node, other) in [(edge.from, edge.to), (edge.to, edge.from)] {
                match (node, other) {
                    (Node::Free(i), other) => {
                        system.add(i, i, weight);
                        match other {
                            Node::Free(j) if i < j => system.add(i, j, -weight),
                            Node::Electrode(electrode) => system.add_right(i, electrode, weight),
                            _ => {}
                        }
                    }
                    (Node::Electrode(a), Node::Electrode(b)) if a == b => {}
                    (Node::Electrode(a), other) => {
                        coupling[a][a] += weight;
                        if let Node::Electrode(b) = other {
                            coupling[a][b] -= weight;
                        }
                    }
                    (Node::Screen, _) => {}
                }
            }
        }
        self.empty.iter().for_each(|&place| system.add(place, place, 1.0));
        coupling
    }

    /// The charges in pF/m on every electrode (column) while one of them (row) is at 1 V and all else is earthed.
    ///
    /// # Errors
    /// When a permittivity is not positive.
    pub fn charges(&self, inside: &[f64], system: &mut System) -> Result<[[f64; ELECTRODES]; ELECTRODES], NotPositive> {
        let mut charges = self.assemble(inside, system);
        system.eliminate()?;
        // What is left of the equations once all potentials between the electrodes are eliminated.
        for (row, products) in charges.iter_mut().zip(system.product()) {
            row.iter_mut().zip(products).for_each(|(charge, product)| *charge = VACUUM * (*charge - product));
        }
        Ok(charges)
    }

    /// The capacitances of all [`pairs`] in pF/m.
    ///
    /// # Errors
    /// When a permittivity is not positive.
    pub fn capacitances(&self, inside: &[f64], system: &mut System) -> Result<[f64; PAIRS], NotPositive> {
        let charges = self.charges(inside, system)?;
        let mut capacitances = [0.0; PAIRS];
        capacitances.iter_mut().zip(pairs()).for_each(|(capacitance, (a, b))| *capacitance = -charges[a][b]);
        Ok(capacitances)
    }

    /// How capacitances change with the permittivity of each cell within the pipe, around the given ones, in pF/m: `pairs × cells`.
    /// By the potentials of both electrodes of a pair: ∂C/∂ε = −∫ ∇φₐ·∇φ_b over the cell (Dyakowski et al., Meas. Sci. Technol. 1999;
    /// Yang and Peng, Meas. Sci. Technol. 14, 2003).
    ///
    /// # Errors
    /// When a permittivity is not positive.
    pub fn sensitivities(&self, inside: &[f64], system: &mut System) -> Result<Vec<Vec<f64>>, NotPositive> {
        self.assemble(inside, system);
        system.eliminate()?;
        let potentials = system.solution();
        let potential = |node: Node, electrode: usize| match node {
            Node::Free(i) => potentials[i][electrode],
            Node::Electrode(of) => f64::from(of == electrode),
            Node::Screen => 0.0,
        };
        let mut rows = vec![vec![0.0; self.inside_cells]; PAIRS];
        for edge in self.edges.iter().filter(|edge| edge.cell < self.inside_cells) {
            let fall: [f64; ELECTRODES] =
                std::array::from_fn(|electrode| potential(edge.from, electrode) - potential(edge.to, electrode));
            for (row, (a, b)) in rows.iter_mut().zip(pairs()) {
                row[edge.cell] -= VACUUM * edge.weight * fall[a] * fall[b];
            }
        }
        Ok(rows)
    }
}

/// Conductances along the sides of every cell. Half of a cell belongs to each of its sides: along a ray, its width halfway between
/// the rings over the step between them; along a ring, half the step between rings over the length between the rays.
fn edges(rings: &[f64], rays: usize, node: impl Fn(usize, usize) -> Node) -> Vec<Edge> {
    let angle = TAU / rays as f64;
    let mut edges = Vec::new();
    for (ring, &outer) in rings.iter().enumerate() {
        for ray in 0..rays {
            let (cell, next) = (ring * rays + ray, (ray + 1) % rays);
            let inner = if ring == 0 { 0.0 } else { rings[ring - 1] };
            let step = outer - inner;
            // The centre's cell belongs to the first ring alone, whole.
            let half = if ring == 0 { step } else { step / 2.0 };
            let mut edge = |from, to, weight| edges.push(Edge { cell, from, to, weight });
            edge(node(ring, ray), node(ring, next), half / (outer * angle));
            if ring > 0 {
                edge(node(ring - 1, ray), node(ring - 1, next), half / (inner * angle));
                for ray in [ray, next] {
                    edge(node(ring - 1, ray), node(ring, ray), angle / 2.0 * (inner + outer) / 2.0 / step);
                }
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests;
