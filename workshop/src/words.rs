//! What stands on the command line: a level, and what clap says of the words there.

use std::process::ExitCode;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use crate::{Result, screen};

/// The parser of a level on the command line: any word, since `4`, `04` and `level04` are
/// all the same; but the shell offers what the map shows.
pub(crate) fn level_word() -> impl TypedValueParser<Value = String> {
    #[derive(Clone)]
    struct Word;
    impl TypedValueParser for Word {
        type Value = String;

        fn parse_ref(
            &self,
            command: &clap::Command,
            argument: Option<&clap::Arg>,
            value: &std::ffi::OsStr,
        ) -> std::result::Result<String, clap::Error> {
            StringValueParser::new().parse_ref(command, argument, value)
        }

        fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
            let numbers = syllabus::numbered().filter_map(|it| it.directory.get(..2));
            let words = numbers.chain([syllabus::RUNTIME]);
            Some(Box::new(words.map(PossibleValue::new)))
        }
    }
    Word
}

/// Help, or what is wrong with the command line. Not clap's own `exit`: that does not notice
/// when the help cannot be written.
pub(crate) fn said_by_clap(words: &clap::Error) -> Result<ExitCode> {
    let printed = given::print_usage(words);
    if !words.use_stderr() {
        screen::printed(printed);
    }
    Ok(ExitCode::from(u8::try_from(words.exit_code()).unwrap_or(2)))
}
