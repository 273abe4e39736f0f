//! How high is the chart? To a round amount a little above the highest day, in four equal steps.

/// Steps between the marks.
pub const STEPS: i128 = 4;

/// Round numbers, in tenths. Close enough together that the highest bar fills most of the chart.
const ROUND: [i128; 9] = [10, 15, 20, 25, 30, 40, 50, 60, 80];

/// The value of one step for bars up to `highest`: a round number times a power of ten, so that four steps reach it.
pub fn step(highest: i128) -> i128 {
    let wanted = (highest.max(1) + STEPS - 1) / STEPS;
    let mut power = 1_i128;
    loop {
        for tenths in ROUND.map(|round| power * round) {
            if tenths % 10 == 0 && tenths / 10 >= wanted {
                return tenths / 10;
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
            (9, 3),
            (21, 6),
            (2_560_000_000, 800_000_000),
            (i128::from(i64::MAX), 2_500_000_000_000_000_000),
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
