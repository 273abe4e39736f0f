//! `[seller]`: who stands on receipts as the seller?

use server::receipts::{SellerFacts, Tax};

use super::file::SellerTable;
use super::load::{Loader, optional};

/// Lines of an address at most; receipts have one page.
const LINES_MAX: usize = 8;
/// Characters of a line at most.
const LINE_MAX: usize = 120;
/// Characters of the note about taxes at most.
const NOTE_MAX: usize = 400;
const RECEIPTS: &str = "R-";
const CREDIT_NOTES: &str = "C-";

/// `brand` and `support` stand in where nothing is said.
pub(super) fn settings(
    l: &mut Loader<'_>,
    file: SellerTable,
    brand: &str,
    support: Option<&str>,
) -> SellerFacts {
    let raw = l.raw(None, file.name, brand);
    let name = l.read("seller.name", raw, brand, line);
    let raw = l.raw(None, file.address.map(|lines| lines.join("\n")), "");
    let address = l.read("seller.address", raw, "", address);
    let raw = l.raw(None, file.tax_id, "");
    let tax_id = l.read("seller.tax_id", raw, "", |text| optional(text, line));
    let raw = l.raw(None, file.tax, "");
    let tax = l.read("seller.tax", raw, "", |text| optional(text, tax));
    let raw = l.raw(None, file.tax_note, "");
    let tax_note = l.read("seller.tax_note", raw, "", |text| optional(text, note));
    // What help is asked at is often no address of mail; it is a default only where it is one.
    let usual = support.filter(|text| text.contains('@')).unwrap_or("");
    let raw = l.raw(None, file.email, usual);
    let email = l.read("seller.email", raw, usual, |text| optional(text, line));
    let raw = l.raw(None, file.receipt_prefix, RECEIPTS);
    let receipt_prefix = l.read("seller.receipt_prefix", raw, RECEIPTS, prefix);
    let raw = l.raw(None, file.credit_note_prefix, CREDIT_NOTES);
    let mut credit_note_prefix = l.read("seller.credit_note_prefix", raw, CREDIT_NOTES, prefix);
    if receipt_prefix == credit_note_prefix {
        l.problems.push(
            "seller.credit_note_prefix must differ from seller.receipt_prefix: the two are numbered apart"
                .to_owned(),
        );
        credit_note_prefix = format!("{receipt_prefix}{CREDIT_NOTES}");
    }
    SellerFacts {
        name,
        address,
        tax_id,
        tax,
        tax_note,
        email,
        receipt_prefix,
        credit_note_prefix,
    }
}

fn line(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= LINE_MAX && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("write one line of 1 to {LINE_MAX} characters"))
}

fn address(text: &str) -> Result<Vec<String>, String> {
    let lines: Vec<String> = text
        .lines()
        .filter(|text| !text.trim().is_empty())
        .map(line)
        .collect::<Result<_, _>>()?;
    if lines.len() > LINES_MAX {
        return Err(format!("an address has at most {LINES_MAX} lines"));
    }
    Ok(lines)
}

fn note(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= NOTE_MAX && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("write one line of at most {NOTE_MAX} characters"))
}

/// `VAT 20`, `НДС 22`: a name and per cent.
fn tax(text: &str) -> Result<Tax, String> {
    let wrong = || {
        "write the tax's name and per cent from 0 to 100, like \"VAT 20\" or \"VAT 7.7\"".to_owned()
    };
    let (name, percent) = text.trim().rsplit_once(' ').ok_or_else(wrong)?;
    let (whole, part) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 3 {
        return Err(wrong());
    }
    let bp: u16 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
    if bp > 10_000 {
        return Err(wrong());
    }
    Ok(Tax {
        name: line(name)?,
        bp,
    })
}

/// Goes into addresses of pages and names of files.
fn prefix(text: &str) -> Result<String, String> {
    let fits = text.len() <= 12
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| text.to_owned())
        .ok_or_else(|| "use at most 12 Latin letters, digits and hyphens".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn taxes_are_a_name_and_per_cent() {
        for (text, name, bp) in [
            ("VAT 20", "VAT", 2_000),
            ("НДС 22", "НДС", 2_200),
            ("MwSt. (DE) 7.7", "MwSt. (DE)", 770),
            ("GST 0.05", "GST", 5),
        ] {
            let tax = tax(text).unwrap();
            assert_eq!((tax.name.as_str(), tax.bp), (name, bp), "{text}");
        }
        for wrong in [
            "20",
            "VAT",
            "VAT 20%",
            "VAT 101",
            "VAT -1",
            "VAT 1.234",
            "VAT 1.",
        ] {
            assert!(tax(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn prefixes_fit_into_addresses() {
        assert_eq!(prefix("").unwrap(), "");
        assert_eq!(prefix("FB-R").unwrap(), "FB-R");
        for wrong in ["a/b", "a b", "ЧЕК-", "1234567890123"] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
    }
}
