//! A lesson's Markdown as blocks: headings, paragraphs, fences, and what unfolds.
//!
//! pulldown-cmark reads it. What it leaves as HTML are the `<details>` of hints: they
//! become blocks with something inside. Of other HTML the words are kept and the tags are not.
//! Everything that a terminal would obey is made visible while it is read.

use anstyle::Style;
use given::{printable, printable_lines};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::places::Places;
use crate::screen::{BOLD, CODE};

/// A piece of a lesson that stands by itself. Texts have their styles in them, and their line
/// breaks are those that the author wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Rank 1 is the title.
    Heading {
        rank: u8,
        text: String,
    },
    Paragraph(String),
    /// What stands between two lines of backticks, and the words behind the first.
    Fence {
        info: String,
        text: String,
    },
    List {
        /// The number of the first item, if they have numbers.
        first: Option<u64>,
        /// Whether the author has left no empty lines between the items.
        is_tight: bool,
        items: Vec<Vec<Block>>,
    },
    Quote(Vec<Block>),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// What a browser unfolds.
    Details {
        title: String,
        inside: Vec<Block>,
    },
    /// A line from side to side.
    Rule,
}

impl Block {
    /// Whether it is a hint of the lesson's task, and no other thing that unfolds.
    pub(super) fn is_hint(&self) -> bool {
        matches!(self, Block::Details { title, .. } if title.starts_with("Hint"))
    }
}

/// Reads a lesson. Without colour, code stands in backticks.
pub(super) fn read(markdown: &str, places: &Places, has_color: bool) -> Vec<Block> {
    let mut reader = Reader {
        places,
        has_color,
        open: Vec::new(),
        page: Vec::new(),
        text: None,
        styles: Vec::new(),
        targets: Vec::new(),
        raw: None,
        rows: Vec::new(),
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        reader.event(event);
    }
    reader.end_paragraph();
    while let Some(open) = reader.open.pop() {
        reader.close(open);
    }
    reader.page
}

/// A block that has begun, and what is in it so far.
struct Open {
    kind: Kind,
    inside: Vec<Block>,
}

enum Kind {
    List {
        first: Option<u64>,
        is_tight: bool,
        items: Vec<Vec<Block>>,
    },
    Item,
    Quote,
    Details {
        title: String,
    },
}

struct Reader<'a> {
    places: &'a Places,
    has_color: bool,
    open: Vec<Open>,
    /// The blocks that are in no other.
    page: Vec<Block>,
    /// The text that we are in.
    text: Option<String>,
    styles: Vec<Style>,
    /// Where the links and pictures lead that we are in, and where in the text they begin.
    targets: Vec<(usize, String)>,
    /// The lines of the fence, or of the piece of HTML, that we are in.
    raw: Option<String>,
    /// The rows of the table that we are in.
    rows: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) => match &mut self.raw {
                Some(raw) => raw.push_str(&text),
                None => self.write(&printable(text)),
            },
            Event::Code(code) => self.code(&code),
            // In the middle of a sentence only a line break has a meaning here.
            Event::InlineHtml(tag) if tag.starts_with("<br") => self.write("\n"),
            Event::SoftBreak => self.write(" "),
            Event::HardBreak => self.write("\n"),
            Event::Rule => self.add(Block::Rule),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Emphasis => self.begin_style(Style::new().italic()),
            Tag::Strong => self.begin_style(BOLD),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.begin_target(dest_url),
            Tag::Paragraph | Tag::Heading { .. } | Tag::TableCell => {
                self.end_paragraph();
                self.text = Some(String::new());
            }
            Tag::CodeBlock(_) | Tag::HtmlBlock => {
                self.end_paragraph();
                self.raw = Some(String::new());
                if let Tag::CodeBlock(CodeBlockKind::Fenced(info)) = tag {
                    self.targets.push((0, printable(info)));
                }
            }
            Tag::List(first) => self.begin(Kind::List {
                first,
                is_tight: false,
                items: Vec::new(),
            }),
            Tag::Item => self.begin(Kind::Item),
            Tag::BlockQuote(_) => self.begin(Kind::Quote),
            Tag::Table(_) => {
                self.end_paragraph();
                self.rows = Vec::new();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong => self.end_style(),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_picture(),
            TagEnd::Paragraph => {
                let text = self.text.take().unwrap_or_default();
                self.add(Block::Paragraph(text));
            }
            TagEnd::Heading(rank) => {
                let text = self.text.take().unwrap_or_default();
                let rank = rank_of(rank);
                self.add(Block::Heading { rank, text });
            }
            TagEnd::CodeBlock => {
                let text = printable_lines(self.raw.take().unwrap_or_default());
                let info = self.targets.pop().map(|(_, info)| info).unwrap_or_default();
                self.add(Block::Fence { info, text });
            }
            TagEnd::HtmlBlock => {
                let html = self.raw.take().unwrap_or_default();
                self.html(&html);
            }
            TagEnd::List(_) | TagEnd::Item | TagEnd::BlockQuote(_) => {
                self.end_paragraph();
                self.end_forgotten_details();
                if let Some(open) = self.open.pop() {
                    self.close(open);
                }
            }
            TagEnd::TableCell => {
                let cell = self.text.take().unwrap_or_default();
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let mut rows = std::mem::take(&mut self.rows);
                if !rows.is_empty() {
                    let head = rows.remove(0);
                    self.add(Block::Table { head, rows });
                }
            }
            _ => {}
        }
    }

    // ---- blocks ----

    fn add(&mut self, block: Block) {
        match self.open.last_mut() {
            Some(open) => open.inside.push(block),
            None => self.page.push(block),
        }
    }

    fn begin(&mut self, kind: Kind) {
        self.end_paragraph();
        let inside = Vec::new();
        self.open.push(Open { kind, inside });
    }

    /// Items of a tight list have text and no paragraphs.
    fn end_paragraph(&mut self) {
        let Some(text) = self.text.take() else { return };
        let lists = self.open.iter_mut().rev();
        let mut lists = lists.filter_map(|open| match &mut open.kind {
            Kind::List { is_tight, .. } => Some(is_tight),
            _ => None,
        });
        if let Some(is_tight) = lists.next() {
            *is_tight = true;
        }
        self.add(Block::Paragraph(text));
    }

    fn close(&mut self, open: Open) {
        let inside = open.inside;
        match open.kind {
            Kind::List {
                first,
                is_tight,
                items,
            } => self.add(Block::List {
                first,
                is_tight,
                items,
            }),
            Kind::Item => match self.open.last_mut().map(|open| &mut open.kind) {
                Some(Kind::List { items, .. }) => items.push(inside),
                _ => inside.into_iter().for_each(|block| self.add(block)),
            },
            Kind::Quote => self.add(Block::Quote(inside)),
            Kind::Details { title } => self.add(Block::Details { title, inside }),
        }
    }

    /// A block ends with all that began in it.
    fn end_forgotten_details(&mut self) {
        while let Some(open) = self.open.pop_if(|open| open.is_details()) {
            self.close(open);
        }
    }

    // ---- what stands in a line ----

    fn write(&mut self, text: &str) {
        self.text.get_or_insert_default().push_str(text);
    }

    fn code(&mut self, code: &CowStr) {
        let code = printable(code);
        match self.has_color {
            true => {
                self.write(&format!("{CODE}{code}{CODE:#}"));
                self.write_styles();
            }
            false => self.write(&format!("`{code}`")),
        }
    }

    fn begin_style(&mut self, style: Style) {
        self.styles.push(style);
        if self.has_color {
            self.write(&style.to_string());
        }
    }

    fn end_style(&mut self) {
        let ended = self.styles.pop();
        if let Some(style) = ended.filter(|_| self.has_color) {
            self.write(&format!("{style:#}"));
            self.write_styles();
        }
    }

    /// The end of one style is the end of all of them.
    fn write_styles(&mut self) {
        if self.has_color {
            let styles: String = self.styles.iter().map(Style::to_string).collect();
            self.write(&styles);
        }
    }

    fn begin_target(&mut self, destination: CowStr) {
        let begin = self.text.get_or_insert_default().len();
        self.targets.push((begin, destination.into_string()));
    }

    fn end_link(&mut self) {
        let Some((begin, destination)) = self.targets.pop() else {
            return;
        };
        let text = self.text.as_deref().unwrap_or_default();
        let text = anstream::adapter::strip_str(text.get(begin..).unwrap_or_default()).to_string();
        if let Some(place) = self.places.behind(&destination, &text) {
            self.write(" (");
            match place.is_command {
                true => self.code(&place.text.into()),
                false => self.write(&printable(place.text)),
            }
            self.write(")");
        }
    }

    fn end_picture(&mut self) {
        let Some((begin, destination)) = self.targets.pop() else {
            return;
        };
        let text = self.text.get_or_insert_default();
        let said = text.split_off(begin.min(text.len()));
        self.picture(&destination, &said);
    }

    fn picture(&mut self, destination: &str, said: &str) {
        let path = printable(self.places.path(destination));
        match said.trim() {
            "" => self.write(&format!("[picture: {path}]")),
            said => self.write(&format!("[picture: {said} ({path})]")),
        }
    }

    // ---- HTML ----

    /// A piece of HTML: what unfolds begins or ends, and other tags are left out.
    fn html(&mut self, html: &str) {
        let mut summary = None;
        let mut rest = html;
        while let Some((words, tag, behind)) = next_tag(rest) {
            match &mut summary {
                Some(title) => *title += words,
                None => self.loose(words),
            }
            rest = behind;
            match name(tag) {
                "details" => self.begin(Kind::Details {
                    title: String::new(),
                }),
                "summary" => summary = Some(String::new()),
                "/summary" => {
                    let text = plain(&summary.take().unwrap_or_default());
                    match self.open.last_mut().map(|open| &mut open.kind) {
                        Some(Kind::Details { title }) => *title = text,
                        _ => self.write(&text),
                    }
                }
                "/details" => {
                    self.end_paragraph();
                    if let Some(open) = self.open.pop_if(|open| open.is_details()) {
                        self.close(open);
                    }
                }
                "img" => {
                    let said = plain(attribute(tag, "alt").unwrap_or_default());
                    self.picture(attribute(tag, "src").unwrap_or_default(), &said);
                }
                _ => {}
            }
        }
        self.loose(rest);
        if let Some(text) = self.text.take() {
            self.add(Block::Paragraph(text));
        }
    }

    /// Words between tags.
    fn loose(&mut self, words: &str) {
        let words = plain(words);
        if !words.is_empty() {
            self.write(&words);
            self.write(" ");
        }
    }
}

impl Open {
    fn is_details(&self) -> bool {
        matches!(self.kind, Kind::Details { .. })
    }
}

fn rank_of(level: HeadingLevel) -> u8 {
    level as u8
}

/// What stands before the next tag, that tag without its brackets, and what stands behind it. A
/// comment is a tag without a name.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let (words, rest) = html.split_once('<')?;
    match rest.strip_prefix("!--") {
        Some(comment) => {
            let (_, behind) = comment.split_once("-->").unwrap_or((comment, ""));
            Some((words, "", behind))
        }
        None => {
            let (tag, behind) = rest.split_once('>')?;
            Some((words, tag, behind))
        }
    }
}

/// The name of a tag, with the slash of one that ends something.
fn name(tag: &str) -> &str {
    tag.split([' ', '\n', '\t']).next().unwrap_or_default()
}

/// The value of `name="value"` in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// Words of HTML as they are read: on one line, and with what is written as `&lt;`.
fn plain(html: &str) -> String {
    let words: Vec<&str> = html.split_whitespace().collect();
    let mut text = words.join(" ");
    for (written, read) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(written, read);
    }
    printable(text)
}
