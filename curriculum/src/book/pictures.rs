//! Pictures. Each is drawn once, below `DIRECTORY`, and stands alone as well: what shows a page's
//! Markdown shows it as an image. The book puts the drawing itself into the page, where it
//! follows the reader's theme and its words can be found.

use super::super::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they are, seen from the root.
pub const DIRECTORY: &str = "docs/src/pictures";

/// What their classes mean. Every picture holds it as its style, for where it stands alone.
pub const STYLE: &str = "docs/theme/pictures.css";

const BEGIN: &str = "<style>\n";
const END: &str = "</style>\n";

/// What is around a drawing that stands alone, so that its paper has a margin.
const MARGIN: f64 = 16.0;

/// How large it is in the book: its letters, 24 units high, are as high as the text's.
const SCALE: f64 = 0.66;

/// A line that is an image and nothing else: what it says, and where it is.
pub fn image(line: &str) -> Option<(&str, &str)> {
    let (alt, target) = line.strip_prefix("![")?.split_once("](")?;
    let target = target.strip_suffix(')')?;
    (target.ends_with(".svg") && !target.contains(')')).then_some((alt, target))
}

/// The picture as a figure of the page. `id` is what its ids begin with: a page has each once.
pub fn figure(svg: &str, id: &str, alt: &str, caption: &str) -> Result<String> {
    let (head, rest) = svg
        .split_once("<title")
        .ok_or("it has no <title> behind its <svg ...>")?;
    let (_, drawing) = rest
        .split_once(END)
        .ok_or("it has no line </style> behind its <title>")?;
    let view = view(head)?;
    let open = format!(
        "<svg viewBox=\"{}\" width=\"{}\" role=\"img\" aria-label=\"{}\"{}>",
        view.map(|it| it.to_string()).join(" "),
        (view[2] * SCALE).round(),
        escape(alt),
        // Its steps, if it has any: see docs/theme/steps.js.
        head.split_once(" data-steps=\"")
            .and_then(|(_, behind)| behind.split_once('"'))
            .map_or(String::new(), |(words, _)| format!(
                " data-steps=\"{words}\""
            )),
    );
    let drawing = drawing
        .replace(" id=\"", &format!(" id=\"{id}-"))
        .replace("url(#", &format!("url(#{id}-"));
    // An empty line would end it for Markdown.
    let lines: Vec<&str> = drawing.lines().filter(|it| !it.trim().is_empty()).collect();
    let caption = match caption {
        "" => String::new(),
        words => format!("<figcaption>\n\n{words}\n\n</figcaption>\n"),
    };
    Ok(format!(
        "<figure class=\"picture\">\n{open}\n{}\n{caption}</figure>\n",
        lines.join("\n")
    ))
}

/// The `viewBox` without the margin.
fn view(head: &str) -> Result<[f64; 4]> {
    let numbers = head
        .split_once("viewBox=\"")
        .and_then(|(_, behind)| behind.split_once('"'))
        .map(|(numbers, _)| numbers.split(' ').map(str::parse::<f64>));
    let numbers: Vec<f64> = numbers
        .ok_or("it has no viewBox")?
        .collect::<std::result::Result<_, _>>()?;
    let [x, y, width, height] = numbers[..] else {
        return Err("its viewBox has four numbers".into());
    };
    let both = 2.0 * MARGIN;
    Ok([x + MARGIN, y + MARGIN, width - both, height - both])
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// All of them, in the order of their names.
pub fn all(root: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root.join(DIRECTORY))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "svg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The picture with `style` as its style.
pub fn styled(svg: &str, style: &str) -> Result<String> {
    let parts = svg.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, behind) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}{style}{END}{behind}"))
    });
    parts.ok_or_else(|| "it has no lines <style> and </style>".into())
}

/// Gives every picture the style of today. Returns those that had another.
pub fn restyle(root: &Path) -> Result<Vec<PathBuf>> {
    let style = fs::read_to_string(root.join(STYLE))?;
    let mut changed = Vec::new();
    for path in all(root)? {
        let was = fs::read_to_string(&path)?;
        let is = styled(&was, &style).map_err(|error| format!("{}: {error}", path.display()))?;
        if is != was {
            fs::write(&path, is)?;
            changed.push(path);
        }
    }
    Ok(changed)
}
