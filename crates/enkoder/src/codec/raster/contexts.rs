//! By what a value is coded: the few numbers of each context, and the sets of weights. `docs/enk-format.md` lists them.

use super::network::Seen;
use super::surroundings::{Near, Surroundings};

/// Numbers become one: of a channel.
#[inline(always)]
fn join<const N: usize>(near: &Near, parts: [u32; N]) -> u32 {
    parts.iter().fold(near.channel, |sum, &part| sum.wrapping_mul(257).wrapping_add(part + 1)).wrapping_mul(0x9E37_79B1)
}

/// What a plane or a line through three values says of the next.
#[inline(always)]
fn beyond(plus: u8, also: u8, minus: u8) -> u8 {
    (i32::from(plus) + i32::from(also) - i32::from(minus)).clamp(0, 255) as u8
}

pub(super) const FEW: usize = 8;
pub(super) const MANY: usize = 31;

/// The numbers of sets that values are told apart by.
pub(super) const SETS_OF_FEW: [usize; 2] = [16, 64];
pub(super) const SETS_OF_MANY: [usize; 4] = [16, 64, 1024, 64];
pub(super) const LAST: usize = 16;
pub(super) const CORRECTIONS_OF_FEW: [usize; 2] = [16, 64];
pub(super) const CORRECTIONS_OF_MANY: [usize; 2] = [1024, 1024];

/// A few that are quick.
#[inline(always)]
pub(super) fn few(s: &Surroundings<false>) -> Seen<FEW, 2> {
    let near = &s.near();
    let &Near { w, n, ne, nw, ww, nn, .. } = near;
    let edges = near.wide & 15;
    let [b_w, b_n, b_ne] = [w, n, ne].map(|value| s.bin(value));
    let u = u32::from;
    let contexts = [
        join(near, [b_w, b_n, b_ne, s.bin(nw)]),
        join(near, [s.bin(ww), b_w, s.bin(nn), b_n, b_ne]),
        join(near, [u(beyond(w, n, nw)) >> 1, b_w]),
        join(near, [near.place, edges & 3]),
        join(near, [near.wide & 0xfff, b_w, b_n]),
        join(near, [u(w), b_n]),
        join(near, [u(n), b_w]),
        join(near, [u(near.p), b_w, b_n]),
    ];
    let sets = [edges as usize, (8 * b_w + b_n) as usize];
    Seen { contexts, sets, last: edges as usize, corrections: sets }
}

/// All that were found to say something.
#[inline(always)]
pub(super) fn many(s: &Surroundings<true>) -> Seen<MANY, 4> {
    let near = &s.near();
    let &Near { w, n, ne, nw, ww, nn, nee, nww, nnw, nne, wide, run, p, .. } = near;
    let edges = wide & 15;
    let [b_w, b_n, b_ne, b_nw, b_p] = [w, n, ne, nw, p].map(|value| s.bin(value));
    let u = u32::from;
    let around = [w, n, nw, ne, ww, nn, nee, nww].map(|value| s.part(value));
    let [q_w, q_n, q_nw, q_ne, q_ww, q_nn, q_nee, q_nww] = around;
    let (right, left, right_that) = (u(near.right_above), u(near.left_above), u(near.right_above_that));
    let many =
        |count: usize| if count == 0 { 0 } else { count.ilog2() * 4 + (((count << 2) >> count.ilog2()) & 3) as u32 };
    let [here, above, so_far] = near.upper;
    let plane = beyond(w, n, nw);
    let contexts = [
        join(near, [u(w) >> 3, u(n) >> 3]),
        join(near, [b_w, b_n, b_ne, b_nw]),
        join(near, [near.place, edges & 3]),
        join(near, [s.bin(ww), b_w, s.bin(nn), b_n, b_ne]),
        join(near, [u(plane) >> 1, b_w]),
        join(near, [u(beyond(n, n, nn)) >> 2, b_n, b_w]),
        join(near, [u(beyond(w, w, ww)) >> 2, b_n, b_ne]),
        join(near, [u(beyond(ne, w, n)) >> 2, b_n]),
        join(near, [wide]),
        join(near, [wide & 0xfff, b_w, b_n]),
        join(near, around),
        join(
            near,
            [q_w, q_n, q_nw, q_ne, q_ww, q_nn, q_nee, q_nww, s.part(nnw), s.part(nne), wide >> 10 & 1, wide >> 14 & 1],
        ),
        join(near, [u(run), right, left, edges & 1]),
        join(near, [left, right, right_that, b_w]),
        join(near, [u(near.up), u(run), b_n, b_w]),
        join(near, [u(w), b_n]),
        join(near, [u(n), b_w]),
        join(near, [u(ne) >> 2, b_w, b_n]),
        join(near, [u(nw) >> 2, b_w, b_n, b_ne]),
        join(near, [near.place, b_w, b_n]),
        join(near, [near.row, above.min(8) as u32, here.min(8) as u32, edges]),
        join(near, [many(so_far), near.empty_rows as u32, edges, near.about & 31]),
        join(near, [(u(w) + u(n)) >> 2, b_ne, b_nw]),
        join(near, [near.about, edges, wide >> 4 & 3]),
        join(near, [u(near.diagonal), right, b_nw, b_w]),
        join(near, [u(w) >> 4, u(n) >> 4, u(ne) >> 4, u(nw) >> 4]),
        join(near, [u(near.mean) >> 2, b_w, b_n]),
        join(near, [u(p), u(near.pp) >> 3, b_w]),
        join(near, [u(beyond(w, p, near.pw)) >> 1, b_n]),
        join(near, [u(beyond(n, p, near.pn)) >> 1, u(plane) >> 4]),
        join(near, [u(beyond(plane, p, beyond(near.pw, near.pn, near.pnw))), b_p]),
    ];
    let sets = [edges as usize, (8 * b_w + b_n) as usize, near.about as usize, (8 * b_ne + s.bin(plane)) as usize];
    Seen { contexts, sets, last: edges as usize, corrections: [(wide & 1023) as usize, near.about as usize] }
}
