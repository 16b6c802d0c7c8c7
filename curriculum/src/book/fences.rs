//! What is said above a console fence. In the tree its first line says so itself:
//! ` ```console before `.

use super::super::transcript::SECOND;
use super::text::Fence;

/// The fence as the book shows it. Only a level has a skeleton and a solution.
pub fn show(fence: &Fence<'_>, in_level: bool) -> String {
    let Fence {
        indent,
        info,
        lines,
    } = fence;
    let (language, mode) = info.split_once(' ').unwrap_or((info, ""));
    if language != "console" {
        return block(indent, info, lines);
    }
    let mut words = Vec::new();
    let mut class = "";
    if in_level {
        match mode {
            "before" => (class, words) = ("before", vec!["before: the skeleton"]),
            "after" => (class, words) = ("after", vec!["after: the solution"]),
            _ => {}
        }
    }
    if lines
        .iter()
        .any(|line| line.trim_start().starts_with(SECOND))
    {
        words.push("<code>host$</code> is a second terminal");
    }
    let block = block(indent, language, lines);
    if words.is_empty() {
        return block;
    }
    let words = words.join("; ");
    format!(
        "{indent}<div class=\"transcript {class}\"><p class=\"label\">{words}</p>\n\n{block}\n{indent}</div>\n"
    )
}

fn block(indent: &str, info: &str, lines: &[&str]) -> String {
    let mut block = format!("{indent}```{info}\n");
    for line in lines {
        block.push_str(line);
        block.push('\n');
    }
    block + indent + "```\n"
}
