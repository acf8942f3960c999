//! Codes in two dimensions: as they are where there are two, their first two principal components where there are more, and
//! spread out along a line where there is one.

use enkoder::{Dataset, Scaling, fit_pca};
use ndarray::{Array2, ArrayView2};

use crate::palette::CLASS_COLOURS;

/// Where the codes of the shown samples lie.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) x_title: String,
    pub(crate) y_title: String,
    /// Whether the height of a point only keeps it apart from others.
    pub(crate) flat: bool,
    /// How much of the codes' variance the picture shows, where it does not show all.
    pub(crate) share: Option<f64>,
    /// Of labelled samples.
    pub(crate) neighbours: Option<Neighbours>,
}

/// For which share of the samples the nearest one in the picture is of the same class, and for which it would be if they lay anywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Neighbours {
    pub(crate) same: f64,
    pub(crate) by_chance: f64,
}

impl Neighbours {
    /// Nothing where there are not two classes, or classes share a colour.
    fn of(points: &[(f64, f64)], flat: bool, classes: &[PointClass]) -> Option<Self> {
        if classes.len() < 2 || classes.iter().any(|class| class.colour.is_none()) {
            return None;
        }
        let members =
            classes.iter().enumerate().flat_map(|(number, class)| class.points.iter().map(move |&at| (at, number)));
        let known = |&(at, _): &(usize, usize)| points.get(at).is_some_and(|(x, y)| x.is_finite() && y.is_finite());
        let members: Vec<(usize, usize)> = members.filter(known).collect();
        let distance = |a: usize, b: usize| {
            let ((x, y), (x2, y2)) = (points[a], points[b]);
            // Height that only keeps points apart is no distance.
            (x - x2).powi(2) + if flat { 0.0 } else { (y - y2).powi(2) }
        };
        let nearest = |&(at, class): &(usize, usize)| {
            let others = members.iter().filter(|other| other.0 != at);
            let nearest = others.min_by(|a, b| distance(at, a.0).total_cmp(&distance(at, b.0)))?;
            Some(nearest.1 == class)
        };
        let same = members.iter().filter(|member| nearest(member) == Some(true)).count();
        let all = members.len() as f64;
        let of_class = |number: usize| members.iter().filter(|member| member.1 == number).count() as f64;
        let pairs: f64 = (0..classes.len()).map(of_class).map(|count| count * (count - 1.0)).sum();
        (all > 1.0).then(|| Self { same: same as f64 / all, by_chance: pairs / (all * (all - 1.0)) })
    }
}

/// A class as it is coloured; its points are positions among the shown samples.
#[derive(Clone, Debug)]
pub(crate) struct PointClass {
    /// Empty where there are no labels.
    pub(crate) name: String,
    /// Its own colour's number; `None` for all that have none.
    pub(crate) colour: Option<usize>,
    pub(crate) points: Vec<usize>,
}

/// The shown samples by class: the most frequent classes get a colour of their own, all others one together.
pub(super) fn point_classes(data: &Dataset, shown: &[usize], names: &[String]) -> Vec<PointClass> {
    if names.is_empty() {
        let points = (0..shown.len()).collect();
        return vec![PointClass { name: String::new(), colour: Some(0), points }];
    }
    let mut by_class: Vec<(usize, Vec<usize>)> = (0..names.len()).map(|class| (class, Vec::new())).collect();
    for (position, &index) in shown.iter().enumerate() {
        if let Some((_, points)) = data.label(index).and_then(|class| by_class.get_mut(class as usize)) {
            points.push(position);
        }
    }
    by_class.retain(|(_, points)| !points.is_empty());
    by_class.sort_by_key(|(class, points)| (std::cmp::Reverse(points.len()), *class));
    let rest = if by_class.len() > CLASS_COLOURS { by_class.split_off(CLASS_COLOURS - 1) } else { Vec::new() };
    by_class.sort_by_key(|(class, _)| *class);
    let mut classes: Vec<PointClass> = by_class
        .into_iter()
        .enumerate()
        .map(|(colour, (class, points))| PointClass { name: names[class].clone(), colour: Some(colour), points })
        .collect();
    if !rest.is_empty() {
        let name = format!("{} other classes", rest.len());
        let points = rest.into_iter().flat_map(|(_, points)| points).collect();
        classes.insert(0, PointClass { name, colour: None, points });
    }
    classes
}

impl Projection {
    /// The network's codes.
    pub(super) fn of_codes(codes: ArrayView2<'_, f32>, classes: &[PointClass]) -> Self {
        if codes.ncols() <= 2 {
            return Self::of_first_two(codes, "code", classes);
        }
        let Some(components) = principal_components(codes) else {
            return Self { share: share(codes, 2, codes), ..Self::of_first_two(codes, "code", classes) };
        };
        Self {
            share: share(codes, 2, components.view()),
            ..Self::of_first_two(components.view(), "component of the codes", classes)
        }
    }

    /// The first two of PCA's components of the data.
    pub(super) fn of_first_components(codes: ArrayView2<'_, f32>, classes: &[PointClass]) -> Self {
        Self { share: share(codes, 2, codes), ..Self::of_first_two(codes, "component of the data", classes) }
    }

    fn of_first_two(codes: ArrayView2<'_, f32>, what: &str, classes: &[PointClass]) -> Self {
        let flat = codes.ncols() < 2;
        let mut points: Vec<(f64, f64)> = codes
            .rows()
            .into_iter()
            .map(|code| {
                let number = |at: usize| code.get(at).map_or(0.0, |&value| f64::from(value));
                (number(0), number(1))
            })
            .collect();
        if flat {
            // The golden ratio's multiples lie evenly within each class's band, whatever their number.
            for (band, class) in classes.iter().enumerate() {
                for &position in &class.points {
                    if let Some(point) = points.get_mut(position) {
                        point.1 = -(band as f64) + 0.7 * (position as f64 * 0.618_033_988_749_895).fract();
                    }
                }
            }
        }
        let (x_title, y_title) = match (what, flat) {
            ("code", true) => ("the one number of the code".to_owned(), String::new()),
            (_, true) => (format!("the one {what}"), String::new()),
            ("code", false) => ("first number of the code".to_owned(), "second number of the code".to_owned()),
            _ => (format!("first {what}"), format!("second {what}")),
        };
        let neighbours = Neighbours::of(&points, flat, classes);
        Self { points, x_title, y_title, flat, share: None, neighbours }
    }
}

/// The first two principal components of the codes; `None` where they have none.
fn principal_components(codes: ArrayView2<'_, f32>) -> Option<Array2<f32>> {
    let codes = Dataset::from_f32("codes", codes.to_owned()).ok()?;
    fit_pca(&codes, &codes, 2, Scaling::None).ok()?.encode(&codes).ok()
}

/// The share of the variance of `codes` that the first columns of `shown` hold.
fn share(codes: ArrayView2<'_, f32>, columns: usize, shown: ArrayView2<'_, f32>) -> Option<f64> {
    let variance = |values: ndarray::ArrayView1<'_, f32>| {
        let count = values.len() as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count
    };
    let all: f64 = codes.columns().into_iter().map(variance).sum();
    let held: f64 = shown.columns().into_iter().take(columns).map(variance).sum();
    let share = held / all;
    (codes.ncols() > columns && share.is_finite()).then_some(share.min(1.0))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn of_many_classes_the_frequent_ones_keep_their_names_and_the_rest_share_one() {
        let names: Vec<String> = (0..15).map(|class| format!("class {class}")).collect();
        // Class 14 is the most frequent, class 0 the rarest.
        let values: Vec<u32> = (0..15).flat_map(|class| std::iter::repeat_n(class, class as usize + 1)).collect();
        let samples = values.len();
        let labels = enkoder::Labels { classes: names.clone(), values };
        let data = Dataset::from_f32("x", Array2::zeros((samples, 1))).unwrap().with_labels(labels).unwrap();
        let shown: Vec<usize> = (0..samples).collect();
        let classes = point_classes(&data, &shown, &names);
        assert_eq!(classes.len(), CLASS_COLOURS);
        assert_eq!((classes[0].name.as_str(), classes[0].colour), ("6 other classes", None));
        assert_eq!(classes.last().map(|class| class.name.as_str()), Some("class 14"));
        assert_eq!(classes.iter().map(|class| class.points.len()).sum::<usize>(), samples);
    }

    #[test]
    fn one_number_is_spread_within_its_class_and_two_are_shown_as_they_are() {
        let all = [PointClass { name: String::new(), colour: Some(0), points: vec![0, 1, 2] }];
        let one = Projection::of_codes(array![[5.0], [6.0], [7.0]].view(), &all);
        assert!(one.flat && one.points.iter().all(|(_, height)| (0.0..0.7).contains(height)));
        let two = Projection::of_codes(array![[5.0, 1.0], [6.0, 2.0], [7.0, 3.0]].view(), &all);
        assert_eq!((two.points[2], two.flat, two.share), ((7.0, 3.0), false, None));
    }

    #[test]
    fn neighbours_of_classes_that_lie_apart_are_of_the_same_class() {
        let class = |colour, points| PointClass { name: "c".into(), colour, points };
        let points = [(0.0, 0.0), (0.1, 0.0), (5.0, 0.0), (5.1, 9.0), (f64::NAN, 0.0)];
        let two = [class(Some(0), vec![0, 1]), class(Some(1), vec![2, 3, 4])];
        let found = Neighbours::of(&points, true, &two).unwrap();
        assert_eq!((found.same, (found.by_chance * 3.0).round()), (1.0, 1.0));
        assert_eq!(Neighbours::of(&points, false, &two).unwrap().same, 0.75);
        assert_eq!(Neighbours::of(&points, false, &two[..1]), None);
        assert_eq!(Neighbours::of(&points, false, &[class(Some(0), vec![0, 1]), class(None, vec![2])]), None);
    }

    #[test]
    fn longer_codes_are_shown_along_the_directions_in_which_they_vary() {
        let codes = Array2::from_shape_fn((50, 4), |(row, at)| match at {
            2 => row as f32,
            3 => (row % 7) as f32,
            _ => 0.5,
        });
        let all = [PointClass { name: String::new(), colour: Some(0), points: (0..50).collect() }];
        let projection = Projection::of_codes(codes.view(), &all);
        assert!(projection.share.unwrap() > 0.999);
        let (first, last) = (projection.points[0].0, projection.points[49].0);
        assert!((first - last).abs() > 48.0);
    }
}
