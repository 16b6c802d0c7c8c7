//! A second look at what failed, a few times in a run.
//!
//! Some ten thousand containers are started and looked at; now and then the machine takes
//! seconds for what takes milliseconds. What depends on luck more often is a fault of a check,
//! and has to be red.

use crate::course::Verdict;
use libtest_mimic::{Completion, Failed, Trial};
use std::sync::atomic::{AtomicU32, Ordering};

/// So many trials of a run may be judged again.
const AT_MOST: u32 = 3;

/// How many of a run have been.
#[derive(Default)]
pub(crate) struct SecondLooks {
    taken: AtomicU32,
}

impl SecondLooks {
    /// Judges, and once more if that failed; `tell` is given what was said the first time.
    pub(crate) fn judge(
        &self,
        name: &str,
        judge: impl Fn() -> Verdict,
        tell: impl FnOnce(String),
    ) -> Verdict {
        let first = match judge() {
            Err(first) if self.taken.fetch_add(1, Ordering::Relaxed) < AT_MOST => first,
            verdict => return verdict,
        };
        let verdict = judge();
        if verdict.is_ok() {
            let said = first.message().unwrap_or_default();
            tell(format!("{name} was judged twice; the first time:\n{said}"));
        }
        verdict
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("second_look::a_few_are_judged_again", || {
        a_few_are_judged_again()
    })]
}

fn a_few_are_judged_again() -> Result<(), Failed> {
    let looks = SecondLooks::default();
    // What is right needs none, and what is wrong twice stays wrong and is not told.
    let always = |verdict: fn() -> Verdict| {
        let count = AtomicU32::new(0);
        let mut told = None;
        let judge = || {
            count.fetch_add(1, Ordering::Relaxed);
            verdict()
        };
        let verdict = looks.judge("one", judge, |text| told = Some(text));
        (verdict.is_ok(), count.into_inner(), told)
    };
    assert_eq!(always(|| Ok(Completion::Completed)), (true, 1, None));
    assert_eq!(always(|| Err("red".into())), (false, 2, None));
    let by_luck = || {
        let count = AtomicU32::new(0);
        let mut told = String::new();
        let judge = || match count.fetch_add(1, Ordering::Relaxed) {
            0 => Err("slow today".into()),
            _ => Ok(Completion::Completed),
        };
        let verdict = looks.judge("two", judge, |text| told = text);
        (verdict.is_ok(), told)
    };
    let told = "two was judged twice; the first time:\nslow today";
    assert_eq!(by_luck(), (true, told.to_owned()));
    assert_eq!(by_luck(), (true, told.to_owned()));
    // The fourth of the run.
    assert_eq!(by_luck(), (false, String::new()));
    Ok(())
}
