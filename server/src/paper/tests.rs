//! Facts about files: they are read by another program, say what was written, and are the same every time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::Currency;
use lopdf::{Document, Object};

use super::face::Face;
use super::wrap::wrap;
use super::*;

const STYLE: Style<'_> = Style {
    title: "Квитанция R-2026-000001",
    author: "Example Ltd",
    language: "ru",
    rtl: false,
};

fn everything(style: &Style<'_>, rows: usize) -> Vec<u8> {
    let mut paper = Paper::new(style);
    // 2026-11-21 15:04 UTC; from here on every rule of PDF/A-2u is checked.
    paper.date(1_795_273_440_000);
    paper.title("Квитанция");
    let lines = ["Ada Lovelace".to_owned(), "ada@example.com".to_owned()];
    paper.sides(&[
        Block {
            title: "Продавец",
            lines: &lines[..1],
        },
        Block {
            title: "Покупатель",
            lines: &lines,
        },
    ]);
    paper.heading("Оплачено");
    paper.pairs(&[
        ("Номер", "R-2026-000001"),
        ("Дата", "21 нояб. 2026\u{202f}г."),
    ]);
    paper.sums(&[
        Sum {
            label: "Пополнение",
            value: "1\u{a0}234,50\u{a0}₽",
            total: false,
        },
        Sum {
            label: "Всего оплачено",
            value: "1\u{a0}234,50\u{a0}₽",
            total: true,
        },
    ]);
    let signs: Vec<&str> = Currency::ALL.iter().map(|of| of.sign()).collect();
    paper.paragraph(&signs.join(" "));
    paper.note("≈ – — “quoted” «в кавычках» №\u{a0}7");
    let columns = [
        Column {
            title: "Дата",
            align: Align::Start,
            share: 1,
        },
        Column {
            title: "Сумма",
            align: Align::End,
            share: 1,
        },
    ];
    let rows: Vec<Vec<String>> = (0..rows)
        .map(|row| vec![format!("строка {row}"), format!("{row},00 €")])
        .collect();
    paper.table(&Table {
        columns: &columns,
        rows: &rows,
    });
    paper.finish().unwrap()
}

/// The text of each page, with one space for every space there is.
fn texts(file: &[u8]) -> Vec<String> {
    let document = Document::load_mem(file).unwrap();
    let pages = document.get_pages();
    pages
        .keys()
        .map(|page| {
            let text = document.extract_text(&[*page]).unwrap();
            text.replace(['\u{a0}', '\u{2009}', '\u{202f}'], " ")
        })
        .collect()
}

#[test]
fn another_program_reads_what_was_written() {
    let file = everything(&STYLE, 3);
    let pages = texts(&file);
    assert_eq!(pages.len(), 1);
    for wanted in [
        "Квитанция",
        "Ada Lovelace",
        "Номер",
        "R-2026-000001",
        "21 нояб. 2026 г.",
        "1 234,50 ₽",
        "«в кавычках» № 7",
        "1 / 1",
    ] {
        assert!(pages[0].contains(wanted), "{wanted}: {}", pages[0]);
    }
    for currency in Currency::ALL {
        assert!(
            pages[0].contains(currency.sign()),
            "{currency}: {}",
            pages[0]
        );
    }
    let again = everything(&STYLE, 3);
    assert_eq!(again, file, "the same input, the same bytes");
    let says = |words: &[u8]| file.windows(words.len()).any(|part| part == words);
    let archival = says(b"2026-11-21T15:04:00") && says(b"pdfaid:part");
    assert!(archival, "PDF/A names itself and its date");
}

#[test]
fn fonts_are_embedded_in_part_and_nothing_is_fetched() {
    let file = everything(&STYLE, 3);
    assert!(file.len() < 80_000, "{} bytes", file.len());
    let document = Document::load_mem(&file).unwrap();
    let dictionaries = document
        .objects
        .values()
        .filter_map(|object| object.as_dict().ok());
    let mut embedded = 0;
    for dictionary in dictionaries {
        let is = |name: &[u8]| {
            let kind = dictionary.get(b"Type").and_then(Object::as_name);
            kind.is_ok_and(|kind| kind == name)
        };
        if is(b"FontDescriptor") {
            let files = [b"FontFile2".as_slice(), b"FontFile3"];
            assert!(files.iter().any(|file| dictionary.has(file)));
            embedded += 1;
        }
        for active in [b"JS".as_slice(), b"URI", b"OpenAction", b"Launch"] {
            assert!(!dictionary.has(active));
        }
    }
    assert_eq!(embedded, 2, "regular and bold");
}

#[test]
fn a_long_table_repeats_its_head_and_keeps_every_row() {
    let pages = texts(&everything(&STYLE, 120));
    assert!(pages.len() > 2, "{}", pages.len());
    let count = pages.len();
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains("Сумма"), "page {index}");
        assert!(page.contains(&format!("{} / {count}", index + 1)));
    }
    let all = pages.join("\n");
    for row in 0..120 {
        assert!(all.contains(&format!("строка {row}")), "row {row}");
    }
}

#[test]
fn a_row_that_fits_on_no_page_goes_on_on_the_next() {
    let words: Vec<String> = (0..3_000).map(|word| format!("word{word}")).collect();
    let columns = [Column {
        title: "Words",
        align: Align::Start,
        share: 1,
    }];
    let mut paper = Paper::new(&STYLE);
    paper.table(&Table {
        columns: &columns,
        rows: &[vec![words.join(" ")]],
    });
    let pages = texts(&paper.finish().unwrap());
    assert!(pages.len() > 1);
    let all = pages.join(" ");
    assert!(words.iter().all(|word| all.contains(word.as_str())));
}

#[test]
fn no_line_is_wider_than_its_column_and_no_letter_is_lost() {
    let face = Face::get(false);
    let long = "1".repeat(200);
    for text in [
        "",
        "one",
        "a few words that need lines",
        "два\nабзаца",
        &long,
    ] {
        for width in [1_000, 30_000, 80_000, 1_000_000] {
            let lines = wrap(text, face, 10_000, width);
            let kept: String = lines.concat();
            let wanted: String = text.split([' ', '\n']).collect();
            assert_eq!(kept.replace(' ', ""), wanted, "{text} in {width}");
            for line in &lines {
                let fits = face.width(line, 10_000) <= width || line.chars().count() == 1;
                assert!(fits, "{line} is wider than {width}");
            }
        }
    }
}

#[test]
fn digits_are_of_equal_width_in_both_fonts() {
    for bold in [false, true] {
        let face = Face::get(bold);
        let zero = face.glyph('0').advance;
        let all = ('0'..='9').all(|digit| face.glyph(digit).advance == zero);
        assert!(zero > 0 && all);
        let same = ('А'..='я').all(|letter| face.glyph(letter).id != face.glyph('?').id);
        assert!(same, "Cyrillic letters are there");
    }
}

#[test]
fn what_cannot_be_written_is_known_and_stood_in_for() {
    assert!(writes("Ålesund, Łódź, Αθήνα, Їжак, Đà Nẵng \u{200f}"));
    for none in ["李明", "علي", "नमस्ते", "🙂"] {
        assert!(!writes(none), "{none}");
    }
    let mut paper = Paper::new(&STYLE);
    paper.paragraph("Li (李) Ming\u{7}\u{202e}");
    let pages = texts(&paper.finish().unwrap());
    assert!(pages[0].contains("Li (?) Ming"), "{}", pages[0]);
}
