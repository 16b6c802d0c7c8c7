//! The plan of the day. The slides know it: `node slides/schedule.mjs full --json`.

use std::fs;
use std::path::Path;

use curriculum::Error;
use serde_json::{Value, json};

/// The longest plan, in bytes.
const LONGEST: usize = 64 * 1024;

/// A plan, as the page is given it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan(Value);

impl Plan {
    pub(crate) fn read(file: &Path) -> Result<Plan, Error> {
        let refused = |why: String| -> Error {
            format!(
                "cannot use {} as a plan: {why}. `node slides/schedule.mjs full --start 09:00 \
                 --json` prints one",
                file.display()
            )
            .into()
        };
        let text = fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
        Plan::parse(&text).map_err(refused)
    }

    fn parse(text: &str) -> Result<Plan, String> {
        if text.len() > LONGEST {
            return Err("it is too long".to_owned());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let start = value["start"].as_str().and_then(minute_of_day);
        let start = start.ok_or("`start` is no time of day")?;
        let title = value["title"].as_str().ok_or("it has no `title`")?;
        let rows = value["rows"].as_array().ok_or("it has no `rows`")?;
        let rows: Option<Vec<Value>> = rows.iter().map(row).collect();
        let rows = rows.ok_or("a row has no `title`, `begin` or `minutes`")?;
        Ok(Plan(
            json!({ "title": title, "start": start, "rows": rows }),
        ))
    }

    /// Title, the minute of the day at which it starts, and rows in minutes from then on.
    pub(crate) fn shown(&self) -> &Value {
        &self.0
    }
}

fn row(row: &Value) -> Option<Value> {
    Some(json!({
        "title": row["title"].as_str()?,
        "begin": row["begin"].as_u64()?,
        "minutes": row["minutes"].as_u64()?,
        "level": row["level"].as_str(),
    }))
}

/// `09:30` is 570.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn a_plan_is_what_the_schedule_prints() {
        let text = r#"{"title":"Full day","start":"09:30","slot":480,"rows":[
            {"section":"x","level":"00","title":"fork","talk":5,"begin":0,"minutes":20},
            {"title":"break","pause":true,"begin":20,"minutes":15}]}"#;
        let plan = Plan::parse(text).unwrap();
        assert_eq!(plan.shown()["start"], 570);
        assert_eq!(plan.shown()["rows"][0]["level"], "00");
        assert_eq!(plan.shown()["rows"][1]["level"], Value::Null);
    }

    #[test]
    fn what_is_none_is_told_from_it() {
        for (text, why) in [
            ("Full day, 09:00 to 17:00", "expected value"),
            ("{}", "`start`"),
            (r#"{"start":"25:00","title":"x","rows":[]}"#, "`start`"),
            (r#"{"start":"09:00","rows":[]}"#, "`title`"),
            (r#"{"start":"09:00","title":"x"}"#, "`rows`"),
            (
                r#"{"start":"09:00","title":"x","rows":[{"title":"y"}]}"#,
                "a row",
            ),
        ] {
            let said = Plan::parse(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
        let error = Plan::read(Path::new("/nowhere/plan.json"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("schedule.mjs full") && error.contains("/nowhere"),
            "{error}"
        );
    }
}
