//! In which order the values of an array are coded, and from what each may be predicted. A traversal is a list of passes; a pass
//! visits a grid of places in row-major order, and the values around that are known by then lie alike for all of them.

/// A place relative to the one that is predicted: steps along each axis.
pub(crate) type Offset = Vec<isize>;

/// A sum of values around, each with a factor. The factors add up to 0: a feature says how values differ, not how large they are.
pub(crate) type Feature = Vec<(Offset, f64)>;

/// How the places of an array are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traversal {
    /// Row by row: every value is predicted from those before it, as Lorenzo's predictor does.
    Rows,
    /// From a coarse grid to ever finer ones: most values lie between known ones (Zhao et al., *Optimizing error-bounded lossy
    /// compression for scientific data by dynamic spline interpolation*, ICDE 2021).
    Levels,
}

/// What features are added to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Base {
    /// Nothing is known yet.
    Zero,
    /// The first of these places that there is.
    Nearest(Vec<Offset>),
    /// A cubic through the values at one and three distances on both sides along an axis.
    Between { axis: usize, distance: usize },
    /// The line through the values at one and three distances before.
    Beyond { axis: usize, distance: usize },
}

impl Base {
    /// The values that it is made from, those next to the place; none where there are none.
    pub(crate) fn nearest(&self, axes: usize) -> Option<Feature> {
        match self {
            Self::Zero => None,
            Self::Nearest(offsets) => Some(vec![(offsets[0].clone(), 1.0)]),
            Self::Between { axis, distance } => {
                Some([-1, 1].map(|side| (at(axes, (*axis, side * *distance as isize), None), 0.5)).to_vec())
            }
            Self::Beyond { axis, distance } => Some(vec![(at(axes, (*axis, -(*distance as isize)), None), 1.0)]),
        }
    }
}

/// Places that are visited together.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    /// Along each axis the first place, the distance to the next, and where the places end. What lies behind counts as outside of
    /// the array: it is not known yet.
    pub(crate) start: Vec<usize>,
    pub(crate) stride: Vec<usize>,
    pub(crate) end: Vec<usize>,
    pub(crate) base: Base,
    pub(crate) features: Vec<Feature>,
    /// Known places whose surprises say how large the next may be, with how much each counts.
    pub(crate) around: Vec<(Offset, u32)>,
    /// How coarse the grid is: 0 is the finest.
    pub(crate) level: usize,
}

/// A stride that no axis is long enough for.
const ONCE: usize = 1 << 30;

impl Traversal {
    /// The number that a file gives it, and back.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Rows => 0,
            Self::Levels => 1,
        }
    }

    pub(crate) fn from_number(number: u64) -> Option<Self> {
        [Self::Rows, Self::Levels].into_iter().find(|traversal| traversal.number() == number)
    }

    /// The passes over an array of this shape, which together visit every place once.
    pub(crate) fn passes(self, shape: &[usize]) -> Vec<Pass> {
        let mut passes = match self {
            Self::Rows => rows(shape),
            Self::Levels => levels(shape),
        };
        passes.retain(|pass| pass.count() > 0);
        passes
    }
}

impl Pass {
    /// How many places it visits.
    pub(crate) fn count(&self) -> usize {
        let ends = self.start.iter().zip(&self.stride).zip(&self.end);
        ends.map(|((&start, &stride), &end)| end.saturating_sub(start).div_ceil(stride)).product()
    }
}

fn rows(shape: &[usize]) -> Vec<Pass> {
    let axes = shape.len();
    let (mut passes, mut start) = (Vec::new(), vec![0; axes]);
    if axes > 1 {
        // Nothing lies before the first index of the leading axis: it is an array of its own.
        passes = rows(&shape[1..]).into_iter().map(within_first).collect();
        start[0] = 1;
    }
    let offsets = before(axes);
    let squares = |offset: &Offset| offset.iter().map(|step| step * step).sum::<isize>();
    let counts = |offset: &Offset| if squares(offset) == 1 { 2 } else { 1 };
    let near = offsets.iter().filter(|offset| squares(offset) <= 2);
    let from_nearest = |offset: &Offset| vec![(offset.clone(), 1.0), (offsets[0].clone(), -1.0)];
    passes.push(Pass {
        start,
        stride: vec![1; axes],
        end: shape.to_vec(),
        base: Base::Nearest(offsets.iter().filter(|offset| squares(offset) == 1).cloned().collect()),
        features: offsets[1..].iter().map(from_nearest).collect(),
        around: near.map(|offset| (offset.clone(), counts(offset))).collect(),
        level: 0,
    });
    passes
}

/// The pass over an array with one axis more, of which only the first index is visited.
fn within_first(mut pass: Pass) -> Pass {
    let widen = |offset: &mut Offset| offset.insert(0, 0);
    pass.start.insert(0, 0);
    pass.stride.insert(0, ONCE);
    pass.end.insert(0, 1);
    if let Base::Nearest(offsets) = &mut pass.base {
        offsets.iter_mut().for_each(widen);
    }
    pass.features.iter_mut().flatten().for_each(|(offset, _)| widen(offset));
    pass.around.iter_mut().for_each(|(offset, _)| widen(offset));
    pass
}

/// Places before one in row-major order, the nearest first; of equally near ones, those along the last axes.
fn before(axes: usize) -> Vec<Offset> {
    let split = axes.saturating_sub(2);
    let mut offsets: Vec<Offset> = vec![Vec::new()];
    for axis in 0..axes {
        let steps = if axis < split { -2..=0 } else { -2..=2 };
        let longer = |offset: &Offset| steps.clone().map(|step| [&offset[..], &[step]].concat()).collect::<Vec<_>>();
        offsets = offsets.iter().flat_map(longer).collect();
    }
    let squares = |offset: &Offset| offset.iter().map(|step| step * step).sum::<isize>();
    offsets.retain(|offset| {
        let leading = &offset[..split];
        // Fewer and nearer ones of what lies further back along the leading axes.
        let most = match leading.iter().map(|step| step.abs()).sum() {
            0isize => 5,
            1 => 3,
            2 if leading.contains(&-2) => 4,
            _ => 0,
        };
        offset.iter().find(|&&step| step != 0).is_some_and(|&step| step < 0) && squares(offset) <= most
    });
    let lengths = |offset: &Offset| offset.iter().map(|step| step.abs()).collect::<Vec<_>>();
    offsets.sort_by_key(|offset| (squares(offset), lengths(offset)));
    offsets
}

fn levels(shape: &[usize]) -> Vec<Pass> {
    let axes = shape.len();
    let longest = shape.iter().copied().max().unwrap_or(1);
    let coarsest = longest.next_power_of_two().ilog2() as usize;
    let mut passes = vec![Pass {
        start: vec![0; axes],
        stride: vec![ONCE; axes],
        end: shape.to_vec(),
        base: Base::Zero,
        features: Vec::new(),
        around: Vec::new(),
        level: coarsest,
    }];
    for level in (0..coarsest).rev() {
        let distance = 1 << level;
        for axis in (0..axes).filter(|&axis| distance < shape[axis]) {
            let stride: Vec<usize> =
                (0..axes).map(|other| if other < axis { distance } else { 2 * distance }).collect();
            let mut pass = between(axis, distance, &stride);
            (pass.end, pass.level) = (shape.to_vec(), level);
            let last = (shape[axis] - 1) / distance;
            if last.is_multiple_of(2) {
                passes.push(pass);
                continue;
            }
            // There is nothing behind the last one.
            let mut edge = beyond(axis, distance, &stride);
            (edge.end, edge.level) = (shape.to_vec(), level);
            edge.start[axis] = last * distance;
            pass.end[axis] = last * distance;
            passes.extend([pass, edge]);
        }
    }
    passes
}

/// A place at some steps along an axis and, where given, another one.
fn at(axes: usize, along: (usize, isize), other: Option<(usize, isize)>) -> Offset {
    let mut offset = vec![0; axes];
    for (axis, step) in [along].into_iter().chain(other) {
        offset[axis] = step;
    }
    offset
}

/// The pass along an axis over a grid of these strides whose places lie between known ones.
fn between(axis: usize, distance: usize, stride: &[usize]) -> Pass {
    let axes = stride.len();
    let d = distance as isize;
    let at = |along: isize, other| at(axes, (axis, along), other);
    // How far the value at a place is from the middle of those beside it.
    let bulge =
        |along: isize, other| vec![(at(along, other), 1.0), (at(along - d, other), -0.5), (at(along + d, other), -0.5)];
    let mut features = vec![
        vec![(at(-3 * d, None), 0.5), (at(3 * d, None), 0.5), (at(-d, None), -0.5), (at(d, None), -0.5)],
        bulge(-2 * d, None),
        vec![(at(-d, None), 0.5), (at(d, None), -0.5)],
    ];
    let mut around = vec![(at(-2 * d, None), 2), (at(-d, None), 1), (at(d, None), 1)];
    for (other, &step) in stride.iter().enumerate().filter(|(other, _)| *other != axis) {
        let step = step as isize;
        let before = Some((other, -step));
        features.push(bulge(0, before));
        around.push((at(0, before), 2));
        let mut sides = vec![(at(-d, None), -0.5), (at(d, None), -0.5)];
        for side in [before, Some((other, step))] {
            sides.extend([-d, d].map(|along| (at(along, side), 0.25)));
        }
        features.push(sides);
        // The two diagonals that were visited before.
        let later = if other < axis { (2 * d, before) } else { (-2 * d, Some((other, step))) };
        for (along, side) in [later, (-2 * d, before)] {
            features.push(bulge(along, side));
            around.push((at(along, side), 1));
        }
    }
    let base = Base::Between { axis, distance };
    let mut start = vec![0; axes];
    start[axis] = distance;
    Pass { start, stride: stride.to_vec(), end: Vec::new(), base, features, around, level: 0 }
}

/// The pass over the last places along an axis, behind which there is nothing.
fn beyond(axis: usize, distance: usize, stride: &[usize]) -> Pass {
    let axes = stride.len();
    let d = distance as isize;
    let at = |along: isize, other| at(axes, (axis, along), other);
    let mut features = vec![
        vec![(at(-d, None), 1.0), (at(-3 * d, None), -1.0)],
        vec![(at(-d, None), 1.0), (at(-3 * d, None), -2.0), (at(-5 * d, None), 1.0)],
        vec![(at(-d, None), 1.0), (at(-2 * d, None), -1.0)],
    ];
    let mut around = vec![(at(-d, None), 1), (at(-2 * d, None), 1)];
    for (other, &step) in stride.iter().enumerate().filter(|(other, _)| *other != axis) {
        let (before, after) = (Some((other, -(step as isize))), Some((other, step as isize)));
        features.push(vec![(at(0, before), 1.0), (at(-d, before), -1.0)]);
        around.push((at(0, before), 2));
        features.push(vec![(at(-d, None), -1.0), (at(-d, before), 0.5), (at(-d, after), 0.5)]);
    }
    let base = Base::Beyond { axis, distance };
    Pass { start: vec![0; axes], stride: stride.to_vec(), end: Vec::new(), base, features, around, level: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The places of a pass in the order in which they are visited.
    fn places(pass: &Pass) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new()];
        for axis in 0..pass.start.len() {
            let along: Vec<usize> = (pass.start[axis]..pass.end[axis]).step_by(pass.stride[axis]).collect();
            places = places.iter().flat_map(|place| along.iter().map(|&at| [&place[..], &[at]].concat())).collect();
        }
        places
    }

    proptest! {
        #[test]
        fn every_place_is_visited_once_and_predicted_from_known_ones(shape in proptest::collection::vec(1usize..8, 1..4)) {
            for traversal in [Traversal::Rows, Traversal::Levels] {
                let mut known: Vec<Vec<usize>> = Vec::new();
                let passes = traversal.passes(&shape);
                for pass in &passes {
                    let visited = places(pass);
                    prop_assert_eq!(visited.len(), pass.count());
                    let mut offsets: Vec<&Offset> = pass.features.iter().flatten().map(|(offset, _)| offset).collect();
                    offsets.extend(pass.around.iter().map(|(offset, _)| offset));
                    for place in visited {
                        for offset in &offsets {
                            let near: Option<Vec<usize>> =
                                place.iter().zip(offset.iter()).map(|(at, &step)| at.checked_add_signed(step)).collect();
                            if let Some(near) = near && near.iter().zip(&pass.end).all(|(at, end)| at < end) {
                                prop_assert!(known.contains(&near), "{traversal:?} {shape:?}: {place:?} needs {near:?}");
                            }
                        }
                        prop_assert!(!known.contains(&place));
                        known.push(place);
                    }
                }
                prop_assert_eq!(known.len(), shape.iter().product::<usize>());
            }
        }

        #[test]
        fn features_say_how_values_differ(shape in proptest::collection::vec(1usize..20, 1..5)) {
            for pass in [Traversal::Rows, Traversal::Levels].into_iter().flat_map(|traversal| traversal.passes(&shape)) {
                for feature in &pass.features {
                    prop_assert_eq!(feature.iter().map(|(_, factor)| factor).sum::<f64>(), 0.0);
                }
            }
        }
    }
}
