//! What the pictures of what was measured have in common.

/// What the classes mean; each picture has it inside, for where it stands alone.
const STYLE: &str = include_str!("../../docs/theme/pictures.css");

/// A picture of 918 units width, to its drawing; around that is the margin of one that stands alone.
pub fn begin(height: f64, title: &str) -> String {
    let height = height + 32.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" viewBox=\"-16 -16 950 {height}\" \
         width=\"950\" height=\"{height}\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">{title}</title>\n<style>\n{STYLE}</style>\n"
    )
}
