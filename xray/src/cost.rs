//! What an x-ray has cost the run: it is another number each time, so no record has it.

use std::time::Duration;

use serde_json::{Value, json};

/// Of one run, as the tracer has measured it.
///
/// There is no second run without the tracer to compare with: what the command does would be
/// done twice. What can be said without one is how long the level has stood still for us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// From the level's beginning to its end.
    pub whole: Duration,
    /// Of that, while one of its processes was stopped, and the tracer at work.
    pub still: Duration,
    /// How often that was.
    pub stops: usize,
    /// How often the kernel was asked for what it says of a process or of the host.
    pub looks: usize,
}

impl Cost {
    /// One sentence.
    pub fn words(&self) -> String {
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        format!(
            "Traced in {}. For {} of that the level stood still, stopped {} times and looked at {} \
             times; without the x-ray it takes at most about {}.",
            seconds(self.whole),
            seconds(self.still),
            self.stops,
            self.looks,
            seconds(self.whole.saturating_sub(self.still)),
        )
    }

    pub(crate) fn to_json(self) -> Value {
        let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        json!([
            microseconds(self.whole),
            microseconds(self.still),
            self.stops,
            self.looks
        ])
    }

    pub(crate) fn from_json(value: &Value) -> Option<Cost> {
        let number = |at: usize| value[at].as_u64();
        let count = |at| usize::try_from(number(at)?).ok();
        Some(Cost {
            whole: Duration::from_micros(number(0)?),
            still: Duration::from_micros(number(1)?),
            stops: count(2)?,
            looks: count(3)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_told_in_one_sentence() {
        let cost = Cost {
            whole: Duration::from_millis(310),
            still: Duration::from_millis(270),
            stops: 1109,
            looks: 94,
        };
        let expected = "Traced in 0.31 s. For 0.27 s of that the level stood still, stopped 1109 \
                        times and looked at 94 times; without the x-ray it takes at most about \
                        0.04 s.";
        assert_eq!(cost.words(), expected);
        assert_eq!(Cost::from_json(&cost.to_json()), Some(cost));
        assert_eq!(Cost::from_json(&Value::Null), None);
    }
}
