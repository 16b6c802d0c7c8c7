//! Where two runs first differ, and in which way.

/// Where two runs first differ.
#[derive(Debug, PartialEq, Eq)]
pub struct First {
    /// The step of my run.
    pub mine: Option<usize>,
    /// The step of the reference's.
    pub reference: Option<usize>,
    /// In which way.
    pub kind: Kind,
    /// In a sentence.
    pub says: String,
}

/// In which way two runs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reference makes a call, and mine does not.
    Missing,
    /// Mine makes a call, and the reference does not.
    Extra,
    /// Each makes another one.
    Other,
    /// Both make it, at another time.
    Order,
    /// Both make it, and another process.
    Process,
    /// With other arguments.
    Arguments,
    /// It succeeds in one, and fails in the other; or fails otherwise.
    Error,
    /// The kernel shows something else afterwards.
    State,
    /// All steps are the same, and the end is not.
    End,
}

impl Kind {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Other => "other",
            Kind::Order => "order",
            Kind::Process => "process",
            Kind::Arguments => "arguments",
            Kind::Error => "error",
            Kind::State => "state",
            Kind::End => "end",
        }
    }
}
