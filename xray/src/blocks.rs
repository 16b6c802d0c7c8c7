//! The blocks that are the learner's to write, among the lines that a record speaks of.
//!
//! They are the learner's in a run of their own level only. The reference of a level is made of the
//! source of the next one, whose blocks belong to another task: there none is marked.

use std::path::Path;

use curriculum::block::{self, Block};
use serde_json::{Map, Value, json};

/// Adds the blocks of a record's files, and at each line that lies in one the steps of the task
/// that it answers.
pub(crate) fn mark(record: &mut Value) {
    let run = level_of_run(record);
    let mut blocks = Map::new();
    for (file, text) in record["files"].as_object().into_iter().flatten() {
        if run.is_none() || level(file) != run {
            continue;
        }
        let found = of(file, text.as_str().unwrap_or_default());
        if !found.is_empty() {
            blocks.insert(file.clone(), found.iter().map(shown).collect());
        }
    }
    let blocks = Value::Object(blocks);
    for step in record["steps"].as_array_mut().into_iter().flatten() {
        for line in step["lines"].as_array_mut().into_iter().flatten() {
            let numbers = steps_at(&blocks, line);
            if !numbers.is_empty() {
                line["todo"] = numbers.into();
            }
        }
    }
    record["blocks"] = blocks;
}

/// The blocks of a level's file. What is wrong with its markers is for the level's own tests to say.
fn of(file: &str, text: &str) -> Vec<Block> {
    let (blocks, _) = block::parse(Path::new(file), text, level(file));
    blocks
}

/// `levels/05_uts_namespace/src/main.rs` is level 05's; a part's solution has no number.
fn level(file: &str) -> Option<u8> {
    file.strip_prefix("levels/")?.get(..2)?.parse().ok()
}

/// `target/debug/level05` is level 05's program; a reference, and a part's solution, are called
/// otherwise.
fn level_of_run(record: &Value) -> Option<u8> {
    let program = Path::new(record["argv"][0].as_str()?).file_name()?;
    program.to_str()?.strip_prefix("level")?.parse().ok()
}

fn shown(block: &Block) -> Value {
    let steps = block.steps.iter();
    let steps: Vec<Value> = steps
        .map(|(number, task)| json!({"number": number, "task": task}))
        .collect();
    json!({"first": block.first, "last": block.last, "steps": steps})
}

fn steps_at(blocks: &Value, line: &Value) -> Vec<Value> {
    let (Some(file), Some(number)) = (line["file"].as_str(), line["line"].as_u64()) else {
        return Vec::new();
    };
    let blocks = blocks[file].as_array().into_iter().flatten();
    let edge = |block: &Value, name: &str| block[name].as_u64().unwrap_or_default();
    blocks
        .filter(|it| (edge(it, "first")..=edge(it, "last")).contains(&number))
        .flat_map(|it| it["steps"].as_array().into_iter().flatten())
        .map(|it| it["number"].clone())
        .collect()
}

/// What a line's mark says: `TODO(05) 1, 2`; nothing for a line of no block.
pub(crate) fn words(line: &Value) -> Option<String> {
    let numbers = line["todo"].as_array()?.iter().map(Value::to_string);
    let numbers: Vec<String> = numbers.collect();
    let level = level(line["file"].as_str()?)?;
    Some(format!("TODO({level:02}) {}", numbers.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_block_says_which_steps_it_answers() {
        let file = "levels/05_uts_namespace/src/container.rs";
        let text = "fn contain() {\n    // TODO(05) 1. Leave.\n    // TODO(05) 2. Name it.\n    \
                    unshare();\n    // END TODO(05)\n    mount();\n}\n";
        let lines = json!([
            {"file": file, "line": 4, "function": "contain"},
            {"file": file, "line": 6, "function": "contain"},
        ]);
        let record = |program: &str| {
            let files = json!({file: text});
            let mut record =
                json!({"argv": [program], "files": files, "steps": [{"lines": lines}, {}]});
            mark(&mut record);
            record
        };
        let of_another = ["target/debug/level04", "reference-05", "rd"];
        for program in of_another {
            assert_eq!(record(program)["blocks"], json!({}), "{program}");
        }
        let record = record("target/debug/level05");
        let lines = &record["steps"][0]["lines"];
        assert_eq!(lines[0]["todo"], json!([1, 2]));
        assert_eq!(words(&lines[0]).as_deref(), Some("TODO(05) 1, 2"));
        assert_eq!(words(&lines[1]), None);
        let block = &record["blocks"][file][0];
        assert_eq!((&block["first"], &block["last"]), (&json!(2), &json!(5)));
        assert_eq!(block["steps"][1], json!({"number": 2, "task": "Name it."}));
    }

    #[test]
    fn a_solution_of_a_part_has_no_blocks() {
        let file = "levels/complete/src/main.rs";
        let mut record = json!({"argv": ["rd"], "files": {file: "fn main() {}"}, "steps": []});
        mark(&mut record);
        assert_eq!(record["blocks"], json!({}));
    }
}
