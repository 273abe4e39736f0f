//! Which sum does a prompt contain, and what is its result? For `sandbox-reasoner`.

/// A calculation with two whole numbers, and what it gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub left: i128,
    pub operator: char,
    pub right: i128,
    /// The whole-number result; `None` for a division by zero.
    pub result: Option<i128>,
    /// What a division leaves over.
    pub remainder: i128,
}

impl Sum {
    /// The first "number operator number" of a text: + - * x × / ÷, with or without spaces.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let Some((left, after)) = number(&chars, at) else {
                at += 1;
                continue;
            };
            let sum = operator(&chars, after).and_then(|(operator, next)| {
                number(&chars, skip_spaces(&chars, next)).map(|(right, _)| (operator, right))
            });
            if let Some((operator, right)) = sum {
                return Some(Self::of(left, operator, right));
            }
            at = after;
        }
        None
    }

    fn of(left: i128, operator: char, right: i128) -> Self {
        // Operands have at most 18 digits, so that no operation leaves i128.
        let (result, remainder) = match operator {
            '+' => (Some(left + right), 0),
            '-' => (Some(left - right), 0),
            '*' => (Some(left * right), 0),
            _ => (
                left.checked_div(right),
                left.checked_rem(right).unwrap_or(0),
            ),
        };
        Self {
            left,
            operator,
            right,
            result,
            remainder,
        }
    }

    /// "6 * 7 = 42", "7 / 2 = 3 remainder 1", "1 / 0 is undefined"
    pub(crate) fn sentence(&self) -> String {
        let Self {
            left,
            operator,
            right,
            result,
            remainder,
        } = self;
        match (result, remainder) {
            (None, _) => format!("{left} {operator} {right} is undefined"),
            (Some(result), 0) => format!("{left} {operator} {right} = {result}"),
            (Some(result), rest) => {
                format!("{left} {operator} {right} = {result} remainder {rest}")
            }
        }
    }
}

/// The number that begins at `at`, with the place after it; none when it has more than 18 digits.
fn number(chars: &[char], at: usize) -> Option<(i128, usize)> {
    let digits: String = chars
        .get(at..)?
        .iter()
        .take_while(|c| c.is_ascii_digit())
        .collect();
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    Some((digits.parse().ok()?, at + digits.len()))
}

fn operator(chars: &[char], at: usize) -> Option<(char, usize)> {
    let at = skip_spaces(chars, at);
    let operator = match chars.get(at)? {
        '+' => '+',
        '-' | '−' => '-',
        '*' | 'x' | '×' | '·' => '*',
        '/' | '÷' => '/',
        _ => return None,
    };
    Some((operator, at + 1))
}

fn skip_spaces(chars: &[char], at: usize) -> usize {
    at + chars.iter().skip(at).take_while(|c| **c == ' ').count()
}
