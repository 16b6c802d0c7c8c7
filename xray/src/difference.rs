//! The difference of two views: a JSON merge patch (RFC 7386).
//!
//! What has another value now stands there with that value; what is gone, with `null`.

use serde_json::{Map, Value};

/// What has to be laid over `before` to get `after`; none if they are the same.
pub fn between(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in new {
        let change = match old.get(key) {
            Some(old) => between(old, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (key.clone(), change)));
    }
    (!patch.is_empty()).then(|| patch.into())
}

/// Lays a patch over a view.
pub fn lay(patch: &Value, over: &mut Value) {
    let Value::Object(patch) = patch else {
        *over = patch.clone();
        return;
    };
    if !over.is_object() {
        *over = Value::Object(Map::new());
    }
    let Some(over) = over.as_object_mut() else {
        return;
    };
    for (key, change) in patch {
        match change {
            Value::Null => {
                over.remove(key);
            }
            change => lay(change, over.entry(key.clone()).or_insert(Value::Null)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_leads_from_one_to_the_other() {
        let before = json!({"root": "/", "mounts": {"m1": {"on": "m0"}, "m2": {"a": 1}}});
        let after = json!({"root": "/x", "mounts": {"m1": {"on": "m0"}, "m3": {"a": {"b": 2}}}});
        let patch = between(&before, &after).unwrap_or_default();
        let expected = json!({"root": "/x", "mounts": {"m2": null, "m3": {"a": {"b": 2}}}});
        assert_eq!(patch, expected);
        let mut laid = before.clone();
        lay(&patch, &mut laid);
        assert_eq!(laid, after);
        assert_eq!(between(&after, &after), None);
    }
}
