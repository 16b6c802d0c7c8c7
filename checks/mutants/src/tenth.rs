//! A tenth of all, picked by chance, but always the same for the same solutions.

/// The digest of what the mutants are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(String);

impl Seed {
    /// Of all source texts, in order.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Seed {
        let mut digest = sha1_smol::Sha1::new();
        for text in texts {
            digest.update(text.as_bytes());
            digest.update(&[0]);
        }
        Seed(digest.digest().to_string())
    }
}

/// Whether a mutant is one of the tenth: a die of ten sides, thrown by its name.
pub fn tenth(seed: &Seed, name: &str) -> bool {
    let mut digest = sha1_smol::Sha1::new();
    digest.update(seed.0.as_bytes());
    digest.update(name.as_bytes());
    let [first, second, ..] = digest.digest().bytes();
    u16::from_be_bytes([first, second]) % 10 == 0
}
