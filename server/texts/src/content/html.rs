//! How does Markdown become HTML that fits our pages? Headings get ids, tables can be scrolled, links are checked, and
//! what is no Markdown is shown as text.

use std::collections::BTreeSet;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::Heading;

/// A heading or link of a text as its writer wrote it.
pub enum Part {
    Heading {
        level: u8,
        /// What stands in `{#id}`.
        id: Option<String>,
        line: usize,
    },
    Link {
        to: String,
        line: usize,
    },
}

/// The headings and links of a text, facts filled in or not. `line` is where the text begins in its file.
pub fn parts(markdown: &str, line: usize) -> Vec<Part> {
    let line_at = |at: usize| line + markdown[..at].matches('\n').count();
    Parser::new_ext(markdown, options())
        .into_offset_iter()
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Heading { level, id, .. }) => Some(Part::Heading {
                level: number(level),
                id: id.map(|id| id.to_string()),
                line: line_at(range.start),
            }),
            Event::Start(Tag::Link { dest_url, .. }) => Some(Part::Link {
                to: dest_url.to_string(),
                line: line_at(range.start),
            }),
            _ => None,
        })
        .collect()
}

/// The HTML and the headings. `address` says where a path of this site leads; `dress` writes visible words.
pub fn html(
    markdown: &str,
    address: &dyn Fn(&str) -> String,
    dress: &dyn Fn(String) -> String,
) -> (String, Vec<Heading>) {
    let mut writer = Writer {
        address,
        dress,
        out: Vec::new(),
        headings: Vec::new(),
        heading: None,
        ids: BTreeSet::new(),
        links: Vec::new(),
        columns: Vec::new(),
        column: 0,
        in_head: false,
        in_code: false,
    };
    for event in Parser::new_ext(markdown, options()) {
        writer.event(event);
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    pulldown_cmark::html::push_html(&mut html, writer.out.into_iter());
    (html, writer.headings)
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_STRIKETHROUGH
}

struct Writer<'a> {
    address: &'a dyn Fn(&str) -> String,
    dress: &'a dyn Fn(String) -> String,
    out: Vec<Event<'a>>,
    headings: Vec<Heading>,
    /// The open heading, and where its tag belongs in `out`.
    heading: Option<(Heading, usize)>,
    ids: BTreeSet<String>,
    /// Per open link, whether it became one.
    links: Vec<bool>,
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
    in_code: bool,
}

impl<'a> Writer<'a> {
    fn raw(&mut self, html: impl Into<String>) {
        self.out.push(Event::Html(html.into().into()));
    }

    /// The id of what names the table or code that stands here: the nearest heading.
    fn name(&self) -> &str {
        self.headings
            .last()
            .map_or("title", |heading| heading.id.as_str())
    }

    fn event(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => {
                if let Some((heading, _)) = &mut self.heading {
                    heading.text.push_str(&text);
                }
                let text = if self.in_code {
                    text
                } else {
                    (self.dress)(text.to_string()).into()
                };
                self.out.push(Event::Text(text));
            }
            Event::Code(code) => {
                if let Some((heading, _)) = &mut self.heading {
                    heading.text.push_str(&code);
                }
                self.raw(format!("<code translate=\"no\">{}</code>", escaped(&code)));
            }
            // HTML of a file, shown as it stands.
            Event::Html(html) | Event::InlineHtml(html) => self.out.push(Event::Text(html)),
            other => self.out.push(other),
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        match tag {
            Tag::Heading { level, id, .. } => {
                let heading = Heading {
                    // The title is the page's only h1.
                    level: number(level).max(2),
                    id: id.map(|id| id.to_string()).unwrap_or_default(),
                    text: String::new(),
                };
                self.heading = Some((heading, self.out.len()));
                self.raw("");
            }
            Tag::CodeBlock(kind) => {
                self.in_code = true;
                let language = match kind {
                    CodeBlockKind::Fenced(name) if !name.is_empty() => {
                        format!(" data-language=\"{}\"", escaped(&name))
                    }
                    _ => String::new(),
                };
                let name = escaped(self.name());
                self.raw(format!(
                    "<pre tabindex=\"0\" role=\"group\" dir=\"ltr\" translate=\"no\" aria-labelledby=\"{name}\"{language}><code>"
                ));
            }
            Tag::Table(columns) => {
                self.columns = columns;
                let name = escaped(self.name());
                self.raw(format!(
                    "<div class=\"tablewrap\" role=\"group\" tabindex=\"0\" aria-labelledby=\"{name}\"><table aria-labelledby=\"{name}\">"
                ));
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.raw("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.raw("<tr>");
            }
            Tag::TableCell => {
                let number = self.columns.get(self.column) == Some(&Alignment::Right);
                self.column += 1;
                self.raw(match (self.in_head, number) {
                    (true, true) => "<th scope=\"col\" class=\"n\">",
                    (true, false) => "<th scope=\"col\">",
                    (false, true) => "<td class=\"n num\">",
                    (false, false) => "<td>",
                });
            }
            Tag::Link { dest_url, .. } => {
                let href = self.href(&dest_url);
                self.links.push(href.is_some());
                if let Some(href) = href {
                    self.raw(format!("<a href=\"{}\">", escaped(&href)));
                }
            }
            // What a picture shows is said in words.
            Tag::Image { .. } => {}
            Tag::HtmlBlock => self.raw("<p>"),
            other => self.out.push(Event::Start(other)),
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Heading(_) => self.end_heading(),
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.raw("</code></pre>\n");
            }
            TagEnd::Table => self.raw("</tbody></table></div>\n"),
            TagEnd::TableHead => {
                self.in_head = false;
                self.raw("</tr></thead><tbody>");
            }
            TagEnd::TableRow => self.raw("</tr>"),
            TagEnd::TableCell => self.raw(if self.in_head { "</th>" } else { "</td>" }),
            TagEnd::Link => {
                if self.links.pop() == Some(true) {
                    self.raw("</a>");
                }
            }
            TagEnd::Image => {}
            TagEnd::HtmlBlock => self.raw("</p>\n"),
            other => self.out.push(Event::End(other)),
        }
    }

    fn end_heading(&mut self) {
        let Some((mut heading, at)) = self.heading.take() else {
            return;
        };
        let wanted = if heading.id.is_empty() {
            slug(&heading.text)
        } else {
            heading.id
        };
        let mut id = wanted.clone();
        let mut again = 1;
        while !self.ids.insert(id.clone()) {
            again += 1;
            id = format!("{wanted}-{again}");
        }
        heading.id = id;
        heading.text = (self.dress)(heading.text);
        let Heading { level, id, .. } = &heading;
        self.out[at] = Event::Html(format!("<h{level} id=\"{}\">", escaped(id)).into());
        self.raw(format!("</h{level}>\n"));
        self.headings.push(heading);
    }

    /// Where a link leads; nothing for an address that could run code.
    fn href(&self, to: &str) -> Option<String> {
        if to.starts_with('/') && !to.starts_with("//") {
            let end = to.find(['?', '#']).unwrap_or(to.len());
            let (path, rest) = to.split_at(end);
            return Some(format!("{}{rest}", (self.address)(path)));
        }
        let fine = ["https://", "http://", "mailto:", "#"]
            .iter()
            .any(|start| to.starts_with(start));
        fine.then(|| to.to_owned())
    }
}

const fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The words as an address: letters and digits of any script, small, with hyphens between.
fn slug(text: &str) -> String {
    let small = text.to_lowercase();
    let words: Vec<_> = small
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        "section".to_owned()
    } else {
        words.join("-")
    }
}

/// Text as it may stand between tags and in quoted attributes.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
