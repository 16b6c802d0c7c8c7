//! What the book makes of a page.

use crate::fixture::Workshop;
use curriculum::book::{Book, pictures};
use rstest::rstest;
use serde_json::{Value, json};
use std::path::Path;

const LESSON: &str = "lessons/01.md";

/// Of a small workshop: two lessons, two pages more, and two documented calls.
fn page(path: &str, text: &str) -> Result<String, String> {
    let workshop = Workshop::of_mains(["", "", ""]);
    for page in ["lessons/00.md", LESSON, "faq.md", "prepare/mounts.md"] {
        workshop.write(&format!("docs/src/{page}"), "");
    }
    let functions = ["mount", "umask"].map(str::to_owned).into();
    Book::new(workshop.root(), &workshop.levels(), functions)
        .page(Path::new(path), text)
        .map_err(|error| error.to_string())
}

#[rstest]
#[case::a_lesson(LESSON, "[on](../00_first/README.md)", "[on](../lessons/00.md)")]
#[case::its_directory(LESSON, "[on](../00_first)", "[on](../lessons/00.md)")]
#[case::a_page(LESSON, "[why](../../docs/src/faq.md#x)", "[why](../faq.md#x)")]
#[case::from_a_page("prepare/mounts.md", "[on](../faq.md)", "[on](../faq.md)")]
#[case::a_page_to_a_lesson("faq.md", "[on](../../levels/00_first)", "[on](lessons/00.md)")]
#[case::a_file(LESSON, "[it](src/main.rs).", "it (`levels/01_second/src/main.rs`).")]
#[case::its_path(LESSON, "[`levels`](..)", "`levels`")]
#[case::elsewhere(LESSON, "[it](https://example.org/a)", "[it](https://example.org/a)")]
#[case::here(LESSON, "[it](#there)", "[it](#there)")]
#[case::code(LESSON, "`[it](nowhere)`", "`[it](nowhere)`")]
fn a_link_leads_there(#[case] path: &str, #[case] line: &str, #[case] expected: &str) {
    assert_eq!(page(path, line), Ok(format!("{expected}\n")));
}

#[rstest]
#[case::nowhere("[it](src/nothing.rs)", "leads nowhere")]
#[case::no_page("[it](../../docs/src/nothing.md)", "leads to no page")]
#[case::out_of_the_tree("[it](../../../etc)", "leads out of the tree")]
#[case::broken("it](src/main.rs)", "keep it on one")]
fn a_link_that_leads_nowhere_is_an_error(#[case] line: &str, #[case] expected: &str) {
    let error = page(LESSON, line).unwrap_err();
    assert!(error.contains(expected), "{error}");
    assert!(error.contains(LESSON), "{error}");
}

#[test]
fn a_console_fence_says_whose_program_it_shows() {
    let text = "   ```console before\n   $ true\n   ```\n";
    let shown = page(LESSON, text).unwrap();
    assert!(
        shown.contains("   <div class=\"transcript before\">"),
        "{shown}"
    );
    assert!(shown.contains("the skeleton"), "{shown}");
    assert!(
        shown.contains("\n   ```console\n   $ true\n   ```\n"),
        "{shown}"
    );
}

#[test]
fn outside_of_a_level_a_console_fence_is_plain() {
    for path in ["faq.md", "lessons/complete.md"] {
        let shown = page(path, "```console after\n$ true\n```\n");
        assert_eq!(shown, Ok("```console\n$ true\n```\n".to_owned()));
    }
}

#[test]
fn a_second_terminal_is_named_wherever_it_is_used() {
    let shown = page("faq.md", "```console after\n$ true\nhost$ true\n```\n").unwrap();
    assert!(shown.contains("second terminal"), "{shown}");
}

#[rstest]
#[case::in_code("`mount` it", "[`mount`](../reference/linux_sys/fn.mount.html) it")]
#[case::with_arguments("`umask(0)`", "[`umask(0)`](../reference/linux_sys/fn.umask.html)")]
#[case::bold("**mount** it", "**[mount](../reference/linux_sys/fn.mount.html)** it")]
#[case::only_the_first(
    "`fork` `umask` `umask`",
    "`fork` [`umask`](../reference/linux_sys/fn.umask.html) `umask`"
)]
#[case::not_in_prose("mount it", "mount it")]
#[case::not_in_a_heading("## The idea of `mount`", "## The idea of `mount`")]
#[case::not_when_checking("## Check\n`mount`", "## Check\n`mount`")]
#[case::not_in_a_fence("```text\n`mount`\n```", "```text\n`mount`\n```")]
fn the_first_mention_of_a_call_is_a_link(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(page(LESSON, text), Ok(format!("{expected}\n")));
    assert_eq!(page("faq.md", text), Ok(format!("{text}\n")));
}

#[test]
fn a_call_that_only_code_mentions_is_linked_below_it() {
    let text = "```rust\nself.umask(); given::umask(); mount(\"x\")?; // umask()\n```\n";
    let shown = page(LESSON, text).unwrap();
    assert!(shown.starts_with(text), "{shown}");
    assert!(shown.contains("fn.mount.html"), "{shown}");
    assert!(!shown.contains("fn.umask.html"), "{shown}");
}

#[test]
fn the_whole_book_is_rewritten_and_what_is_no_page_stays() {
    let chapter = |content: &str, sub_items: Value| json!({"Chapter": {"path": "faq.md", "content": content, "sub_items": sub_items}});
    let inner = "```console after\n$ true\n```\n";
    let plain = "```console\n$ true\n```\n";
    let of = |content: &str| json!({"items": ["Separator", {"PartTitle": "One"}, chapter(content, json!([chapter(content, json!([]))]))]});
    let workshop = Workshop::new();
    let book = Book::new(workshop.root(), &[], Vec::new());
    let rewritten = book.rewrite(json!([{"renderer": "html"}, of(inner)]));
    assert_eq!(rewritten.unwrap(), of(plain));
    assert!(book.rewrite(json!({})).is_err());
}

/// A lesson with an X-ray, whose record has these steps; `None` if none was made.
fn xray(row: &str, steps: Option<&Value>) -> Result<String, String> {
    let workshop = Workshop::of_mains(["", "", ""]);
    workshop.write("docs/xrays.txt", &format!("# a list\n{row}\n"));
    if let Some(steps) = steps {
        let record = json!({ "steps": steps });
        let html = format!("<script id=\"record\">{record}</script>");
        workshop.write("docs/src/xray/01.html", &html);
        workshop.write("docs/src/xray/01.png", "");
    }
    Book::new(workshop.root(), &workshop.levels(), Vec::new())
        .page(Path::new(LESSON), "# One\n\n## Further reading\n\nbooks\n")
        .map_err(|error| error.to_string())
}

const ROW: &str = "01 | true | mount MS_PRIVATE | Look at the mounts.";

#[test]
fn an_xray_opens_at_the_step_that_the_list_names() {
    let steps = json!([
        {"call": "mount", "arguments": ["\"\"", "MS_BIND"]},
        {"call": "mount", "arguments": ["\"\"", "MS_REC|MS_PRIVATE"]},
    ]);
    let shown = xray(ROW, Some(&steps)).unwrap();
    assert!(shown.contains("href=\"../xray/01.html#step-2\""), "{shown}");
    assert!(shown.contains("src=\"../xray/01.png\""), "{shown}");
    let order = [
        "# One",
        "Look at the mounts.",
        "<figure",
        "## Further",
        "books",
    ];
    let places = order.map(|it| shown.find(it).unwrap_or_else(|| panic!("no {it}: {shown}")));
    assert!(places.is_sorted(), "{shown}");
}

#[test]
fn an_xray_without_such_a_step_is_an_error() {
    let error = xray(
        ROW,
        Some(&json!([{"call": "mount", "arguments": ["MS_BIND"]}])),
    )
    .unwrap_err();
    assert!(
        error.contains("level 01 has no step mount with MS_PRIVATE"),
        "{error}"
    );
}

#[test]
fn where_no_xray_was_made_the_lesson_says_how() {
    let shown = xray(ROW, None).unwrap();
    assert!(
        shown.contains("docs/xrays.sh") && !shown.contains("<figure"),
        "{shown}"
    );
    let others = xray("02 | true | mount | Look.", None).unwrap();
    assert!(!others.contains("Watch"), "{others}");
}

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" \
     viewBox=\"-16 -16 132 82\" width=\"132\" height=\"82\" data-steps=\"At first.\">\n\
     <title id=\"title\">A box</title>\n<style>\n.box { fill: red }\n</style>\n\
     <defs>\n<marker id=\"arrow\"/>\n</defs>\n\n\
     <path class=\"line\" d=\"M0 0H9\" marker-end=\"url(#arrow)\"/>\n</svg>\n";

/// A lesson that shows the picture `box`.
fn with_picture(text: &str) -> Result<String, String> {
    let workshop = Workshop::of_mains(["", "", ""]);
    workshop.write("docs/src/pictures/box.svg", SVG);
    Book::new(workshop.root(), &workshop.levels(), Vec::new())
        .page(Path::new(LESSON), text)
        .map_err(|error| error.to_string())
}

#[test]
fn a_picture_is_in_the_page_in_the_pages_own_style() {
    let text = "![A \"box\"](../../docs/src/pictures/box.svg)\n*Its `caption`,\nlong.*\n\nmore\n";
    let shown = with_picture(text).unwrap();
    for word in [
        "viewBox=\"0 0 100 50\" width=\"66\"",
        "aria-label=\"A &quot;box&quot;\"",
        "data-steps=\"At first.\"",
        "<marker id=\"lessons-01-box-arrow\"/>",
        "url(#lessons-01-box-arrow)",
        "<figcaption>\n\nIts `caption`,\nlong.\n\n</figcaption>\n</figure>\n\nmore\n",
    ] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    assert!(
        !shown.contains("<style>") && !shown.contains("<title"),
        "{shown}"
    );
    let (drawing, _) = shown.split_once("<figcaption>").unwrap();
    assert!(
        !drawing.contains("\n\n"),
        "an empty line ends it for Markdown: {drawing}"
    );
}

#[rstest]
#[case::no_file(
    "![a](../../docs/src/pictures/ring.svg)",
    "there is no `../../docs/src/pictures/ring.svg`"
)]
#[case::no_caption("![a](../../docs/src/pictures/box.svg)\nmore", "no caption")]
fn a_picture_that_cannot_be_shown_is_an_error(#[case] text: &str, #[case] expected: &str) {
    let error = with_picture(text).unwrap_err();
    assert!(
        error.contains(expected) && error.contains(LESSON),
        "{error}"
    );
}

#[rstest]
#[case::a_photograph("![a](x.png)")]
#[case::in_a_sentence("see ![a](x.svg)")]
#[case::with_words_behind("![a](x.svg) and")]
#[case::a_link("[a](x.svg)")]
fn only_a_drawing_alone_on_its_line_is_a_picture(#[case] line: &str) {
    assert_eq!(pictures::image(line), None);
    assert_eq!(
        pictures::image("![a box](x/b.svg)"),
        Some(("a box", "x/b.svg"))
    );
}

#[test]
fn a_style_takes_the_place_of_the_one_before() {
    let is = pictures::styled(SVG, ".box { fill: blue }\n").unwrap();
    assert_eq!(is, SVG.replace("red", "blue"));
    assert!(pictures::styled("<svg/>", "").is_err());
}
