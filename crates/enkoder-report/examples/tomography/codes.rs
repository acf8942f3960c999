//! Capacitances as codes. Opposite electrodes see much less change than neighbours, and a network learns best from numbers of one
//! size: each pair's capacitance is brought to mean 0 and spread 1 over the training frames.

use ndarray::{Array1, Array2, Axis};

/// How capacitances become codes and back.
#[derive(Clone, Debug)]
pub struct Codes {
    means: Array1<f32>,
    spreads: Array1<f32>,
}

impl Codes {
    /// As these capacitances, `samples × pairs`, need it.
    pub fn fit(capacitances: &Array2<f32>) -> Self {
        let means = capacitances.mean_axis(Axis(0)).expect("there are training frames");
        let spreads = capacitances.std_axis(Axis(0), 0.0).mapv_into(|spread| if spread > 0.0 { spread } else { 1.0 });
        Self { means, spreads }
    }

    pub fn codes(&self, capacitances: &Array2<f32>) -> Array2<f32> {
        (capacitances - &self.means) / &self.spreads
    }

    pub fn capacitances(&self, codes: &Array2<f32>) -> Array2<f32> {
        codes * &self.spreads + &self.means
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn codes_have_one_size_and_become_the_same_capacitances_again() {
        let capacitances = array![[1.0, 10.0, 5.0], [3.0, 30.0, 5.0]];
        let scale = Codes::fit(&capacitances);
        let codes = scale.codes(&capacitances);
        assert_eq!(codes, array![[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]);
        assert_eq!(scale.capacitances(&codes), capacitances);
    }
}
