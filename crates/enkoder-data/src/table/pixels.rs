//! Tables of pixels: the columns of some data sets are an image, and say so in their names.

/// The shape `[height, width]` of the image that columns with these names are, row by row: `pixel1` … `pixel784` (or from 0, or
/// `px`, `pix`) in order with a square count, or `1x1`, `1x2`, … `28x28`.
pub(super) fn image_shape(names: &[&str]) -> Option<[usize; 2]> {
    square_shape(names).or_else(|| grid_shape(names))
}

/// The shape of a sample that is a row of so many numbers and has to be an image of this height and width.
pub(crate) fn image_of(size: Option<(usize, usize)>, sample: &[usize]) -> Option<Vec<usize>> {
    let (height, width) = size?;
    (sample.len() == 1 && height.checked_mul(width) == Some(sample[0])).then(|| vec![height, width])
}

fn square_shape(names: &[&str]) -> Option<[usize; 2]> {
    let side = names.len().isqrt();
    if side < 2 || side * side != names.len() {
        return None;
    }
    let number = |name: &&str| {
        let name = name.to_ascii_lowercase();
        let digits = ["pixel", "pix", "px"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
        digits.trim_start_matches(['_', '-', '.', ' ']).parse::<usize>().ok()
    };
    let first = number(names.first()?)?;
    let in_order = names.iter().enumerate().all(|(index, name)| number(name) == Some(first + index));
    (first <= 1 && in_order).then_some([side, side])
}

fn grid_shape(names: &[&str]) -> Option<[usize; 2]> {
    let place = |name: &&str| {
        let (row, column) = name.split_once('x')?;
        Some((row.parse::<usize>().ok()?, column.parse::<usize>().ok()?))
    };
    let (height, width) = place(names.last()?)?;
    if height < 2 || width < 2 || height.checked_mul(width)? != names.len() {
        return None;
    }
    let in_order = names.iter().enumerate().all(|(i, name)| place(name) == Some((i / width + 1, i % width + 1)));
    in_order.then_some([height, width])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(names: impl IntoIterator<Item = String>) -> Option<[usize; 2]> {
        let names: Vec<String> = names.into_iter().collect();
        image_shape(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn numbered_pixels_in_a_square_are_an_image() {
        assert_eq!(shape((1..=784).map(|n| format!("pixel{n}"))), Some([28, 28]));
        assert_eq!(shape((0..16).map(|n| format!("Pixel_{n}"))), Some([4, 4]));
        assert_eq!(shape((1..=6).map(|n| format!("{}x{}", (n - 1) / 3 + 1, (n - 1) % 3 + 1))), Some([2, 3]));
    }

    #[test]
    fn other_names_are_not() {
        assert_eq!(shape((1..=785).map(|n| format!("pixel{n}"))), None);
        assert_eq!(shape((1..=16).rev().map(|n| format!("pixel{n}"))), None);
        assert_eq!(shape((1..=16).map(|n| format!("V{n}"))), None);
        assert_eq!(shape(["18446744073709551615x2".into(), "2x18446744073709551615".into()]), None);
        assert_eq!(shape([]), None);
    }
}
