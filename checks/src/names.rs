//! What the checks call their things: drawn anew for each run.
//!
//! A solution that can tell that it is judged could be right for its judge alone. So nothing
//! that the level's process sees of a check is called the same each time: not the program in
//! the container, nor the image, nor the directories. What people read has the usual names,
//! so that two reports of one mistake are the same report: a learner who repeats what `ran`
//! says takes the image that `checks probe-image` makes, in which the program is called
//! `probe`.
//!
//! The client draws a number, and tells it to the supervisors of its sandboxes. Where none was
//! drawn, as in the table of the escapes, things have their usual names.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;

/// Something that has another name in each run.
struct Name {
    usual: &'static str,
    others: [&'static str; 12],
}

/// The program that checks have run in a container.
const PROGRAM: Name = Name {
    usual: "probe",
    others: [
        "badger", "beaver", "bison", "curlew", "dunlin", "ferret", "gannet", "marmot", "osprey",
        "plover", "siskin", "weasel",
    ],
};

/// The image that the probe is in.
const IMAGE: Name = Name {
    usual: "test",
    others: [
        "alder", "aspen", "cedar", "cypress", "hornbeam", "larch", "maple", "poplar", "quince",
        "spruce", "tamarack", "walnut",
    ],
};

/// A variable that the level's process has, and what is in it.
const VARIABLE: Name = Name {
    usual: "RUBBER_DOCKER_CANARY",
    others: [
        "BARREL_ORGAN",
        "BRASS_KETTLE",
        "COAT_BUTTON",
        "GARDEN_GATE",
        "PAPER_LANTERN",
        "PICNIC_BLANKET",
        "RAINY_TUESDAY",
        "SILVER_SPOON",
        "TEA_COSY",
        "UMBRELLA_STAND",
        "WINDOW_SEAT",
        "WOODEN_LADDER",
    ],
};
const VALUE: Name = Name {
    usual: "sings",
    others: [
        "amber",
        "azure",
        "cobalt",
        "crimson",
        "indigo",
        "magenta",
        "ochre",
        "saffron",
        "scarlet",
        "teal",
        "umber",
        "vermilion",
    ],
};

/// The directories of the sandbox: no two of them have a name in common.
const CANARY: Name = Name {
    usual: "canary",
    others: [
        "attic",
        "barn",
        "belfry",
        "cellar",
        "cottage",
        "courtyard",
        "dovecote",
        "garage",
        "gazebo",
        "granary",
        "hayloft",
        "lodge",
    ],
};
const IMAGES: Name = Name {
    usual: "images",
    others: [
        "albums",
        "atlases",
        "ballads",
        "catalogues",
        "diaries",
        "etchings",
        "fables",
        "murals",
        "mosaics",
        "novels",
        "postcards",
        "sketches",
    ],
};
const CONTAINERS: Name = Name {
    usual: "containers",
    others: [
        "barrels", "baskets", "bottles", "buckets", "cartons", "satchels", "flasks", "jars",
        "pails", "sacks", "teapots", "vases",
    ],
};
const WORK: Name = Name {
    usual: "work",
    others: [
        "bakery", "brewery", "dairy", "orchard", "foundry", "laundry", "mill", "pottery",
        "sawmill", "smithy", "tannery", "vineyard",
    ],
};

const ALL: [&Name; 8] = [
    &PROGRAM,
    &IMAGE,
    &VARIABLE,
    &VALUE,
    &CANARY,
    &IMAGES,
    &CONTAINERS,
    &WORK,
];

static DRAWN: OnceLock<u64> = OnceLock::new();

/// Draws, once for this process. The number is for the supervisors.
pub(crate) fn draw() -> u64 {
    // The standard library's hashes begin with random numbers of the kernel's.
    *DRAWN.get_or_init(|| RandomState::new().hash_one("names"))
}

/// A supervisor's part: the names that its client has drawn.
pub(crate) fn adopt(drawn: u64) {
    DRAWN.get_or_init(|| drawn);
}

impl Name {
    fn of_this_run(&self, place: usize) -> &'static str {
        let Some(drawn) = DRAWN.get() else {
            return self.usual;
        };
        // Six bits of the number for each of them.
        let digit = drawn >> (6 * place) & 0x3f;
        self.others[digit as usize % self.others.len()]
    }
}

pub(crate) fn program() -> &'static str {
    PROGRAM.of_this_run(0)
}

/// How people read it.
pub(crate) fn usual_program() -> &'static str {
    PROGRAM.usual
}

/// How people read it.
pub(crate) fn usual_image() -> &'static str {
    IMAGE.usual
}

pub(crate) fn image() -> &'static str {
    IMAGE.of_this_run(1)
}

pub(crate) fn variable() -> &'static str {
    VARIABLE.of_this_run(2)
}

pub(crate) fn value() -> &'static str {
    VALUE.of_this_run(3)
}

pub(crate) fn canary() -> &'static str {
    CANARY.of_this_run(4)
}

pub(crate) fn images() -> &'static str {
    IMAGES.of_this_run(5)
}

pub(crate) fn containers() -> &'static str {
    CONTAINERS.of_this_run(6)
}

pub(crate) fn work() -> &'static str {
    WORK.of_this_run(7)
}

/// A word as the level's process shall see it: a usual name becomes this run's.
pub(crate) fn of_this_run(word: &str) -> &str {
    match word {
        word if word == PROGRAM.usual => program(),
        word if word == IMAGE.usual => image(),
        word => word,
    }
}

/// Whether the program in a container may be called so: in this run, or in any.
pub(crate) fn is_program(name: &str) -> bool {
    name == PROGRAM.usual || PROGRAM.others.contains(&name)
}

/// Whether this process has a variable that only a check gives to a level's process.
pub(crate) fn has_variable() -> bool {
    let has = |name: &&str| std::env::var(name).is_ok_and(|it| is_value(&it));
    std::iter::once(&VARIABLE.usual)
        .chain(&VARIABLE.others)
        .any(has)
}

fn is_value(value: &str) -> bool {
    value == VALUE.usual || VALUE.others.contains(&value)
}

/// A text for people: each of this run's names becomes the usual one.
pub(crate) fn usual(text: &str) -> String {
    let mut text = text.to_owned();
    for (place, name) in ALL.iter().enumerate() {
        text = with_word(&text, name.of_this_run(place), name.usual);
    }
    text
}

/// `text` with `usual` wherever the whole word `drawn` stands.
fn with_word(text: &str, drawn: &str, usual: &str) -> String {
    if drawn == usual {
        return text.to_owned();
    }
    let is_of_a_word = |c: char| c.is_alphanumeric();
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(drawn) {
        let (before, after) = (&rest[..at], &rest[at + drawn.len()..]);
        let is_whole = !before.ends_with(is_of_a_word) && !after.starts_with(is_of_a_word);
        done += before;
        done += if is_whole { usual } else { drawn };
        rest = after;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_there_twice_and_none_is_a_usual_one() {
        let mut all = BTreeSet::new();
        for name in ALL {
            assert!(all.insert(name.usual), "{}", name.usual);
            for other in name.others {
                assert!(all.insert(other), "{other} is there twice");
            }
        }
    }

    #[test]
    fn people_read_the_usual_names() {
        assert_eq!(
            with_word("/x/jars/a: jars jar ajars \"jars\"", "jars", "containers"),
            "/x/containers/a: containers jar ajars \"containers\""
        );
    }

    #[test]
    fn where_no_number_was_drawn_names_are_the_usual_ones() {
        assert_eq!((program(), image(), canary()), ("probe", "test", "canary"));
        assert!(is_program("probe") && is_program("weasel") && !is_program("sh"));
    }
}
