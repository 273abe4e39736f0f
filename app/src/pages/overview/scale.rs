//! How high is the chart? To a round amount a little above the highest day, in four equal steps.

/// Steps between the marks.
pub const STEPS: i128 = 4;

/// The value of one step for bars up to `highest`: 1, 2 or 5 times a power of ten, so that four steps reach it.
pub fn step(highest: i128) -> i128 {
    let wanted = (highest.max(1) + STEPS - 1) / STEPS;
    let mut power = 1_i128;
    loop {
        for factor in [1, 2, 5] {
            if power * factor >= wanted {
                return power * factor;
            }
        }
        power *= 10;
    }
}

/// How long a bar of `value` is when the whole scale is `length` long. What is not nothing shows.
pub fn length(value: i128, step: i128, length: i128) -> i128 {
    if value <= 0 {
        0
    } else {
        (value * length / (step * STEPS)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_the_top() {
        for (highest, wanted) in [
            (0, 1),
            (1, 1),
            (4, 1),
            (5, 2),
            (9, 5),
            (21, 10),
            (2_560_000_000, 1_000_000_000),
            (i128::from(i64::MAX), 5_000_000_000_000_000_000),
        ] {
            assert_eq!(step(highest), wanted, "{highest}");
            assert!(step(highest) * STEPS >= highest);
        }
    }

    #[test]
    fn the_smallest_amount_still_shows() {
        assert_eq!(length(1, 1_000_000_000, 200), 1);
        assert_eq!(length(0, 1_000_000_000, 200), 0);
        assert_eq!(length(4_000_000_000, 1_000_000_000, 200), 200);
    }
}
