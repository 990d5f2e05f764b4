//! Severity from impact and likelihood.

use crate::domain::severity::Severity;

/// The words for both, the worst first.
pub(super) const STEPS: [&str; 3] = ["high", "medium", "low"];

/// Rows are the impact, columns the likelihood, both the worst first.
const MATRIX: [[u8; 3]; 3] = [[1, 2, 4], [3, 5, 7], [6, 8, 9]];

/// Returns the severity of an impact and a likelihood, each a word of [`STEPS`].
pub(super) fn of(impact: &str, likelihood: &str) -> Option<Severity> {
    let step = |word: &str| STEPS.iter().position(|step| *step == word);
    Severity::new(MATRIX[step(impact)?][step(likelihood)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_severity_has_one_place() {
        let mut all: Vec<u8> = MATRIX.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(of("high", "medium").map(Severity::number), Some(2));
        assert_eq!(of("high", "often"), None);
    }
}
