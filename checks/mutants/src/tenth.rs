//! A tenth of all, picked by chance, but always the same: a change to one line of one level
//! draws no other mutants anywhere else.

/// Whether a mutant is one of the tenth: a die of ten sides, thrown by its name.
pub fn tenth(name: &str) -> bool {
    let [first, second, ..] = sha1_smol::Sha1::from(name).digest().bytes();
    u16::from_be_bytes([first, second]) % 10 == 0
}
