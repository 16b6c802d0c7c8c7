//! Blocks as lines of a terminal.

use super::document::Block;
use super::lines::{columns, fit};
use super::{fence, table};
use crate::screen::{BOLD, CODE, DIM, paint};

/// How a page is to look.
pub(super) struct Page {
    /// The level as it is named in a command.
    pub(super) level: String,
    /// Whether there is a skeleton and a solution that a console can show.
    pub(super) has_task: bool,
    /// Whether hints are shown with what is in them.
    pub(super) unfolds_hints: bool,
    pub(super) has_color: bool,
}

/// How much room there is from here to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// For sentences: long lines are hard to read.
    pub(super) prose: usize,
    /// For code, which is not wrapped.
    pub(super) code: usize,
}

impl Room {
    /// What is left of it behind something that is set in by so many columns.
    fn behind(self, columns: usize) -> Room {
        Room {
            prose: self.prose.saturating_sub(columns),
            code: self.code.saturating_sub(columns),
        }
    }
}

impl Page {
    /// The lines of a lesson, with a colour that begins in one ending in it: a pager shows each
    /// line for itself.
    pub(super) fn lines(&self, blocks: &[Block], room: Room) -> Vec<String> {
        self.blocks(blocks, room, Gap::Line, false)
    }

    fn blocks(&self, blocks: &[Block], room: Room, gap: Gap, in_step: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = blocks;
        while let Some((block, others)) = rest.split_first() {
            if gap == Gap::Line && !lines.is_empty() {
                lines.push(String::new());
            }
            let hints = rest.iter().take_while(|block| block.is_hint()).count();
            if hints > 0 && !self.unfolds_hints {
                lines.extend(self.folded(hints, in_step, room));
                rest = &rest[hints..];
            } else {
                lines.extend(self.block(block, room));
                rest = others;
            }
        }
        lines
    }

    fn block(&self, block: &Block, room: Room) -> Vec<String> {
        match block {
            Block::Heading { rank, text } => self.heading(*rank, text, room),
            Block::Paragraph(text) => fit(text, room.prose),
            Block::Fence { info, text } => self.fence(info, text, room),
            Block::List {
                first,
                is_tight,
                items,
            } => self.list(*first, *is_tight, items, room),
            Block::Quote(inside) => {
                let lines = self.blocks(inside, room.behind(2), Gap::Line, false);
                behind("| ", "| ", lines)
            }
            Block::Table { head, rows } => {
                table::lines(head, rows, room.prose, |text| self.styled(BOLD, text))
            }
            Block::Details { title, inside } => {
                let mut lines = fit(&self.styled(BOLD, title), room.prose);
                if !inside.is_empty() {
                    lines.push(String::new());
                }
                let inside = self.blocks(inside, room.behind(2), Gap::Line, false);
                lines.extend(behind("  ", "  ", inside));
                lines
            }
            Block::Rule => vec!["-".repeat(room.prose)],
        }
    }

    /// Where there is no bold, a line below says that it is one.
    fn heading(&self, rank: u8, text: &str, room: Room) -> Vec<String> {
        let mut lines = fit(&self.styled(BOLD, text), room.prose);
        let below = match rank {
            1 => "=",
            2 => "-",
            _ => "",
        };
        if !self.has_color && !below.is_empty() {
            let widest = lines.iter().map(|line| columns(line)).max();
            lines.push(below.repeat(widest.unwrap_or_default()));
        }
        lines
    }

    fn fence(&self, info: &str, text: &str, room: Room) -> Vec<String> {
        let fence = fence::read(info, text, self.has_task);
        // Set in, unless that is what makes it too wide.
        let indent = match room.code.checked_sub(fence.widest()) {
            Some(left) => " ".repeat(left.min(INDENT)),
            None => " ".repeat(INDENT),
        };
        let mut lines = Vec::new();
        if !fence.label.is_empty() {
            let room = room.prose.saturating_sub(indent.len());
            lines.extend(fit(&self.styled(DIM, &fence.label), room));
        }
        lines.extend(fence.lines.iter().map(|line| match line {
            fence::Line::Typed { prompt, command } => {
                self.styled(DIM, prompt) + &self.styled(CODE, command)
            }
            fence::Line::Printed(text) => (*text).to_owned(),
            fence::Line::Code(text) => self.styled(CODE, text),
        }));
        behind(&indent, &indent, lines)
    }

    fn list(
        &self,
        first: Option<u64>,
        is_tight: bool,
        items: &[Vec<Block>],
        room: Room,
    ) -> Vec<String> {
        let gap = match is_tight {
            true => Gap::None,
            false => Gap::Line,
        };
        let mut lines = Vec::new();
        let mut number = first;
        for item in items {
            if gap == Gap::Line && !lines.is_empty() {
                lines.push(String::new());
            }
            let marker = match number {
                Some(number) => format!("{number}. "),
                None => "- ".to_owned(),
            };
            let room = room.behind(marker.len());
            let inside = self.blocks(item, room, gap, number.is_some());
            let below = " ".repeat(marker.len());
            let marker = match number {
                Some(_) => self.styled(BOLD, marker.trim_end()) + " ",
                None => marker,
            };
            lines.extend(behind(&marker, &below, inside));
            number = number.map(|number| number + 1);
        }
        lines
    }

    /// One line for the hints that stand here.
    fn folded(&self, count: usize, in_step: bool, room: Room) -> Vec<String> {
        let hints = match count {
            1 => "1 hint".to_owned(),
            count => format!("{count} hints"),
        };
        let what = match in_step {
            true => format!("{hints} for this step"),
            false => hints,
        };
        let command = format!("cargo workshop hint {}", self.level);
        let command = match self.has_color {
            true => paint(CODE, command),
            false => format!("`{command}`"),
        };
        let what = self.styled(DIM, &format!("({what};"));
        let end = self.styled(DIM, "shows the next)");
        fit(&format!("{what} {command} {end}"), room.prose)
    }

    fn styled(&self, style: anstyle::Style, text: &str) -> String {
        match self.has_color && !text.is_empty() {
            // A style inside of it ends this one, too.
            true => paint(style, text.replace("\x1b[0m", &format!("\x1b[0m{style}"))),
            false => text.to_owned(),
        }
    }
}

/// How far code is set in.
const INDENT: usize = 4;

/// What stands between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Line,
    None,
}

/// Lines with something before them: before the first, and before each other that is not empty.
fn behind(first: &str, others: &str, lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter().enumerate();
    let put = |(index, line): (usize, String)| match index {
        0 => format!("{first}{line}"),
        _ if line.is_empty() => line,
        _ => format!("{others}{line}"),
    };
    lines.map(put).collect()
}
