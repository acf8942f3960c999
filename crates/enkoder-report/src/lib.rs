//! Figures and the self-contained HTML report, from results.
