//! How does a statement read on paper? The same lines, one below the other, with the balance after each.

use domain::Amount;
use server::paper::{Align, Column, Paper, PaperError, Style, Sum, Table};
use server::statement::{Line, What};

use super::super::head::{closing_words, shown_days};
use super::super::words;
use super::Sheet;

/// Lines of one file at most: some hundred pages.
pub const LINES_MAX: u32 = 3_000;

/// # Errors
/// [`PaperError`], which [`LINES_MAX`] lines are too few for.
pub fn write(sheet: &Sheet, lines: &[Line]) -> Result<Vec<u8>, PaperError> {
    let (ui, query, statement) = (&sheet.ui, &sheet.query, &sheet.statement);
    let (title, days) = (t!(ui, "statement.title"), shown_days(ui, query));
    let name = t!(ui, "statement.kind.with", kind = title, more = days);
    let mut paper = Paper::new(&Style {
        title: &name,
        author: &ui.site().brand,
        language: ui.locale().code(),
        rtl: ui.locale().dir() == "rtl",
    });
    paper.title(&title);
    about(&mut paper, sheet, &days);

    let mut sums = vec![(
        t!(ui, "statement.balance.opening"),
        ui.exact(statement.opening),
        false,
    )];
    sums.extend(statement.totals.iter().map(|total| {
        let kind = words::kind(ui, &total.kind, total.amount);
        (kind, ui.exact(total.amount), false)
    }));
    let closing = (closing_words(ui, query), ui.exact(statement.closing));
    sums.push((closing.0.clone(), closing.1.clone(), true));
    let sums: Vec<Sum<'_>> = sums
        .iter()
        .map(|(label, value, total)| Sum {
            label,
            value,
            total: *total,
        })
        .collect();
    paper.sums(&sums);
    if let Some(date) = ui.rates_date() {
        let shown = |amount: Amount| sheet.shown(amount);
        let told = t!(
            ui,
            "statement.paper.about",
            opening = shown(statement.opening),
            closing = shown(statement.closing),
            date = date
        );
        paper.note(&told);
    }

    if !lines.is_empty() {
        paper.heading(&t!(ui, "statement.lines.title"));
        table(&mut paper, sheet, lines, closing);
    }
    paper.note(&t!(ui, "statement.lines.hint"));
    paper.finish()
}

/// Whose statement of what it is, and when it was made.
fn about(paper: &mut Paper, sheet: &Sheet, days: &str) {
    let ui = &sheet.ui;
    let account = ui.account().map_or("", |account| account.email.as_str());
    let zone = words::zone(ui, sheet.query.range.from);
    let made = ui.date_time(ui.prefs().now);
    let labels = [
        t!(ui, "statement.paper.account"),
        t!(ui, "statement.paper.workspace"),
        t!(ui, "statement.paper.days"),
        t!(ui, "statement.paper.zone"),
        t!(ui, "statement.paper.made"),
    ];
    let workspace = sheet.statement.workspace.to_string();
    let values = [
        account,
        workspace.as_str(),
        days,
        zone.as_str(),
        made.as_str(),
    ];
    let pairs: Vec<(&str, &str)> = labels.iter().map(String::as_str).zip(values).collect();
    paper.pairs(&pairs);
}

fn table(paper: &mut Paper, sheet: &Sheet, lines: &[Line], closing: (String, String)) {
    let ui = &sheet.ui;
    let heads = [
        t!(ui, "statement.lines.date"),
        t!(ui, "statement.lines.what"),
        t!(ui, "statement.lines.amount"),
        t!(ui, "statement.lines.balance"),
    ];
    let shares = [
        (Align::Start, 4),
        (Align::Start, 8),
        (Align::End, 5),
        (Align::End, 5),
    ];
    let columns: Vec<Column<'_>> = heads
        .iter()
        .zip(shares)
        .map(|(title, (align, share))| Column {
            title,
            align,
            share,
        })
        .collect();
    let edge = |words: String, balance: String| vec![String::new(), words, String::new(), balance];
    let mut rows = vec![edge(
        t!(ui, "statement.balance.opening"),
        ui.exact(sheet.statement.opening),
    )];
    rows.extend(lines.iter().map(|line| {
        let day = match &line.what {
            What::Usage(day) => day.start,
            What::Movement { .. } => line.at,
        };
        vec![
            ui.date(day),
            sheet.description(line),
            ui.exact(line.amount),
            ui.exact(line.balance),
        ]
    }));
    rows.push(edge(closing.0, closing.1));
    paper.table(&Table {
        columns: &columns,
        rows: &rows,
    });
}
