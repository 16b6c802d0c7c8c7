//! The maintainers' commands. Only `caught` needs root: it has a program judged.

use clap::{Parser, Subcommand};
use curriculum::book;
use curriculum::carry::{self, Outcome};
use curriculum::caught::{self, Caught, Order};
use curriculum::levels::{self, Level};
use curriculum::lock::Lock;
use curriculum::mistakes::{self, Mistake};
use curriculum::new_level::{self, NewLevel};
use curriculum::patch::{self, Patch};
use curriculum::workshop::Workshop;
use curriculum::{Result, chain, map, refresh};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Keeps the levels in step with each other
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rewrite levels/skeletons.lock: the files as they are now are the skeletons
    Lock,
    /// Carry what changed in a level since git's HEAD into every later level and patch
    Carry {
        /// The level's number
        level: u8,
        /// Only this file, relative to the level's directory
        file: Option<PathBuf>,
    },
    /// Print every line that breaks the chain from a level to the next
    Chain,
    /// Make the skeleton of a level behind the last one, with all that belongs to it
    New {
        /// Its number: the one after the last
        level: u8,
        /// What its directory is called behind the number, such as masked_paths
        name: String,
        /// What it is about, in a few words [default: its name]
        #[arg(long)]
        title: Option<String>,
        /// It begins a part, above the library of the last one; the part's solution is levels/NAME
        #[arg(long, value_name = "NAME")]
        part: Option<String>,
    },
    /// Build the wrong solutions of some levels, to be judged on another machine
    Wrong {
        /// Where each goes with its patch: NN/NAME.patch, NN/NAME/PROGRAM
        into: PathBuf,
        /// The levels' numbers
        #[arg(required = true)]
        levels: Vec<u8>,
    },
    /// Tell whether the check that a patch names notices the program beside the patch
    Caught {
        /// NN/NAME.patch, as `wrong` has put it there
        patch: PathBuf,
    },
    /// Print the maintainers' map: what each crate uses, and what each file is about
    Map,
    /// Give every picture of docs/src/pictures the style that docs/theme/pictures.css has
    Pictures,
    /// Rewrite the book's pages for mdBook, which calls this; see docs/book.toml
    Preprocess {
        /// `supports RENDERER`: mdBook asks whether the pages are for that renderer
        question: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("curriculum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    if let Command::Caught { patch } = command {
        return is_caught(&patch);
    }
    let root = levels::workspace_root()?;
    let levels = levels::discover(&root)?;
    match command {
        Command::Lock => {
            let lock = Lock::of(&root, &levels)?;
            lock.write(&root)?;
            println!(
                "{}: {} files of {} levels",
                curriculum::lock::PATH,
                lock.paths().count(),
                levels.len()
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Carry { level, file } => carry_edit(&root, &levels, level, file.as_deref()),
        Command::Chain => print_chain(&root, &levels),
        Command::New {
            level: number,
            name,
            title,
            part,
        } => {
            let title = title.unwrap_or_else(|| name.replace('_', " "));
            let new = NewLevel {
                number,
                name,
                title,
                part,
            };
            for path in new_level::make(&root, &levels, &new)? {
                println!("{}", path.display());
            }
            println!(
                "\nWhat it still lacks is told by\n\
                 cargo test -q -p curriculum --test curriculum -- lacking::level{number:02}"
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Map => {
            print!("{}", map::markdown(&root, &levels)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Wrong {
            into,
            levels: numbers,
        } => hand_out(&root, &levels, &into, &numbers),
        Command::Caught { patch } => is_caught(&patch),
        Command::Pictures => {
            for path in book::pictures::restyle(&root)? {
                println!("{}", path.strip_prefix(&root).unwrap_or(&path).display());
            }
            Ok(ExitCode::SUCCESS)
        }
        // Any renderer may have them.
        Command::Preprocess { question } if !question.is_empty() => Ok(ExitCode::SUCCESS),
        Command::Preprocess { .. } => {
            book::preprocess(&root, &levels)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Beside us, where the tests of the curriculum build them as well.
fn hand_out(root: &Path, levels: &[Level], into: &Path, numbers: &[u8]) -> Result<ExitCode> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("target"));
    let is_wanted = |path: &Path| {
        path.starts_with(mistakes::PATH)
            && Patch::read(root, path).is_ok_and(|it| numbers.contains(&it.level))
    };
    let workshop = Workshop::build(root, levels, &target.join("tmp/patched"), is_wanted);
    for path in patch::discover(root, mistakes::PATH)? {
        if !is_wanted(&path) {
            continue;
        }
        let binary = workshop.binary(&path)?;
        let patch = into.join(patch::name(&path) + ".patch");
        let directory = patch.with_extension("");
        fs::create_dir_all(&directory)?;
        fs::copy(root.join(&path), &patch)?;
        fs::copy(
            binary,
            directory.join(binary.file_name().unwrap_or_default()),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Needs no checkout, but root, and `checks` beside this program.
fn is_caught(patch: &Path) -> Result<ExitCode> {
    let mistake = Mistake::read(Path::new(""), patch)?;
    let checks = std::env::current_exe()?.with_file_name("checks");
    let directory = patch.with_extension("");
    let binary = fs::read_dir(&directory)
        .and_then(|mut entries| entries.next().transpose())
        .map_err(|error| format!("list {}: {error}", directory.display()))?
        .ok_or_else(|| format!("there is no program in {}", directory.display()))?;
    let outcome = caught::look(&mistake, Order::Own, |options| {
        let mut command = std::process::Command::new(&checks);
        command.args([
            "judge",
            "--json",
            "--level",
            &mistake.patch.level.to_string(),
        ]);
        command.args(options).arg("--binary").arg(binary.path());
        let output = command.output()?;
        let lines = String::from_utf8_lossy(&output.stdout);
        Ok(lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    })?;
    match outcome {
        Caught::Yes => {
            println!("caught: {}", mistake.mistake);
            Ok(ExitCode::SUCCESS)
        }
        Caught::NotLookedAt(why) | Caught::NoMistakeHere(why) => {
            Err(format!("not looked at here: {why}").into())
        }
        Caught::No(why) => Err(why.into()),
    }
}

fn carry_edit(root: &Path, levels: &[Level], number: u8, file: Option<&Path>) -> Result<ExitCode> {
    let from = levels
        .iter()
        .position(|level| level.number == Some(number))
        .ok_or_else(|| format!("there is no level {number:02}"))?;
    let mut stations = carry::carry(root, levels, from, file)?;
    if stations.is_empty() {
        println!(
            "{}: nothing differs from git's HEAD",
            levels[from].path().display()
        );
    }
    stations.extend(refresh::refresh(root, levels)?);
    let mut status = ExitCode::SUCCESS;
    for station in stations {
        let path = station.path.display();
        match station.outcome {
            Outcome::Carried => println!("{path}: carried"),
            Outcome::Unchanged => println!("{path}: nothing to do"),
            Outcome::Missing => {
                println!("{path}: there is no such file");
                status = ExitCode::FAILURE;
            }
            Outcome::Conflict => {
                println!("{path}: conflict, not written; edit it by hand");
                status = ExitCode::FAILURE;
            }
            Outcome::Dissolved => {
                println!("{path}: the solution has this change now, not written; is it needed?");
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}

fn print_chain(root: &Path, levels: &[Level]) -> Result<ExitCode> {
    let report = chain::report(root, levels)?;
    for (pair, violations) in &report {
        println!("{pair}");
        for violation in violations {
            println!("{violation}\n");
        }
    }
    if report.is_empty() {
        println!("the chain holds over {} levels", levels.len());
    }
    Ok(if report.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
