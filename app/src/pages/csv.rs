//! How is a table written for a spreadsheet? RFC 4180 in UTF-8, and nothing that people wrote becomes a formula.

/// What a file begins with. Without it some spreadsheets take UTF-8 for something else, and names in most languages come
/// out as rubbish.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Lines of a file; fields are quoted where they must be.
pub fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row)
            .expect("rows of one length are written into memory");
    }
    writer.into_inner().unwrap_or_default()
}

/// A text that no spreadsheet takes for a formula: names and reasons come from people. Numbers are ours.
pub fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_disarmed() {
        let fields = [
            "=1+1",
            "+7",
            "-2",
            "@sum",
            "a,b",
            "say \"hi\"",
            "two\nlines",
            "ключ",
        ];
        let file = lines(&[fields.map(guarded)]);
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "'=1+1,'+7,'-2,'@sum,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",ключ\r\n"
        );
    }

    #[test]
    fn what_people_wrote_is_no_formula() {
        for text in ["=1+1", "+7", "-2", "@sum", "\tx", "\rx", "\nx"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        assert_eq!(guarded("grant:1 = a"), "grant:1 = a");
    }
}
