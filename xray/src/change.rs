//! What has changed, in words: one line for each thing.

use std::collections::BTreeMap;

use linux_sys::CapabilitySet;
use serde_json::{Map, Value};

/// What the namespaces hold.
const NAMESPACES: [(&str, &str); 8] = [
    ("mnt", "mounts"),
    ("uts", "hostname"),
    ("pid", "processes"),
    ("ipc", "shared memory"),
    ("net", "network"),
    ("cgroup", "control groups"),
    ("user", "users"),
    ("pid_for_children", "processes, for its children"),
];

const SETS: [(&str, &str); 5] = [
    ("CapEff", "effective"),
    ("CapPrm", "permitted"),
    ("CapInh", "inheritable"),
    ("CapBnd", "bounding"),
    ("CapAmb", "ambient"),
];

/// What a patch does to a view, which is the one before. Descriptors only if they are `wanted`:
/// most calls of a runtime open or close one in passing.
pub(crate) fn words(before: &Value, patch: &Value, wants_descriptors: bool) -> Vec<String> {
    let mut words = Vec::new();
    let Some(patch) = patch.as_object() else {
        return words;
    };
    let own = namespaces(patch, &mut words);
    if let Some(change) = patch.get("mounts") {
        let is_hidden = patch.contains_key("root");
        mounts(&before["mounts"], change, own, is_hidden, &mut words);
        let root = patch.get("root").and_then(Value::as_str);
        places(&moved(&before["mounts"], change), root, &mut words);
    }
    for (row, says) in [("root", "its root is"), ("cwd", "its working directory is")] {
        if let Some(path) = patch.get(row).and_then(Value::as_str) {
            words.push(format!("{says} {path}"));
        }
    }
    if let Some(name) = text(patch, "hostname") {
        words.push(format!("the hostname is {name}"));
    }
    for (name, state) in object(patch, "interfaces") {
        words.push(match state.as_str() {
            Some(state) => format!("interface {name} is {state}"),
            None => format!("interface {name} is not here"),
        });
    }
    for (name, addresses) in object(patch, "addresses") {
        words.push(match strings(addresses).as_slice() {
            [] => format!("interface {name} has no address"),
            all => format!("interface {name} has {}", all.join(", ")),
        });
    }
    if let Some(now) = patch.get("routes") {
        let (before, now) = (strings(&before["routes"]), strings(now));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|it| !those.contains(it))
                .cloned()
                .collect()
        };
        words.extend(
            only(&now, &before)
                .iter()
                .map(|it| format!("a route: {it}")),
        );
        words.extend(
            only(&before, &now)
                .iter()
                .map(|it| format!("no more: the route {it}")),
        );
    }
    cgroups(patch, &mut words);
    if let Some(numbers) = text(patch, "NSpid") {
        let inner: Vec<&str> = numbers.split(' ').skip(1).collect();
        if !inner.is_empty() {
            words.push(format!("inside it is process {}", inner.join(", ")));
        }
    }
    ids(before, patch, &mut words);
    for (row, name) in SETS {
        if let Some(now) = text(patch, row) {
            words.push(set(name, before[row].as_str().unwrap_or_default(), now));
        }
    }
    if text(patch, "NoNewPrivs") == Some("1") {
        words.push("no exec gives it more than it has".to_owned());
    }
    match text(patch, "Seccomp") {
        Some("2") => words.push("a filter decides about its system calls".to_owned()),
        Some("1") => words.push("it may only read, write and exit".to_owned()),
        _ => {}
    }
    if wants_descriptors && patch.contains_key("descriptors") {
        let mut after = before.clone();
        crate::difference::lay(&Value::Object(patch.clone()), &mut after);
        let open = after["descriptors"].as_object();
        let mut open: Vec<u32> = open
            .into_iter()
            .flat_map(|it| it.keys().filter_map(|it| it.parse().ok()))
            .collect();
        open.sort_unstable();
        let open: Vec<String> = open.iter().map(u32::to_string).collect();
        words.push(format!("open descriptors: {}", open.join(" ")));
    }
    processes(patch, &mut words);
    words
}

fn strings(list: &Value) -> Vec<String> {
    let all = list.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text<'a>(patch: &'a Map<String, Value>, row: &str) -> Option<&'a str> {
    patch.get(row).and_then(Value::as_str)
}

fn object<'a>(
    patch: &'a Map<String, Value>,
    row: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    patch
        .get(row)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// Whether the mounts are another namespace's.
fn namespaces(patch: &Map<String, Value>, words: &mut Vec<String>) -> bool {
    let mut own = Vec::new();
    let mut hosts = Vec::new();
    for (kind, what) in NAMESPACES {
        match patch.get("namespaces").and_then(|it| it[kind].as_str()) {
            Some("host") => hosts.push(what),
            Some(_) => own.push(what),
            None => {}
        }
    }
    // The whole view is new, and it is a copy of the host's.
    if hosts.len() < 7 {
        if !own.is_empty() {
            words.push(format!("its own namespaces: {}", own.join(", ")));
        }
        if !hosts.is_empty() {
            words.push(format!("the host's namespaces: {}", hosts.join(", ")));
        }
    }
    own.contains(&"mounts") || hosts.contains(&"mounts")
}

/// `is_hidden`: its root is another one, and the table that `/proc` shows is what can be reached
/// from there.
fn mounts(
    before: &Value,
    change: &Value,
    is_another: bool,
    is_hidden: bool,
    words: &mut Vec<String>,
) {
    let Some(change) = change.as_object() else {
        return;
    };
    let is_new = |name: &str| before.get(name).is_none();
    let there: Vec<(&String, &Value)> = change.iter().filter(|it| !it.1.is_null()).collect();
    let new: Vec<&Value> = there
        .iter()
        .filter(|it| is_new(it.0))
        .map(|it| it.1)
        .collect();
    let gone = change.len() - there.len();
    if is_another {
        words.push(format!("a mount table of {} mounts", new.len()));
        return;
    }
    // A few by their names, more by their number.
    match new.len() {
        0..=3 => words.extend(new.iter().map(|it| {
            let part = |key: &str| it[key].as_str().unwrap_or_default();
            // What was bound is a part of a file system that is there already.
            match it["root"].as_str() {
                Some(root) => format!(
                    "mounted: {root} of the {} on {}",
                    part("type"),
                    part("point")
                ),
                None => format!("mounted: {} on {}", part("type"), part("point")),
            }
        })),
        more => words.push(format!("mounted: {more} mounts")),
    }
    let point = |name: &String| {
        before[name]["point"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    match gone {
        0 => {}
        gone if is_hidden => {
            words.push(format!(
                "{gone} mounts cannot be reached from its root, and are still there"
            ));
        }
        gone => {
            let gone_points = change.iter().filter(|it| it.1.is_null());
            let points: Vec<String> = gone_points.map(|it| point(it.0)).collect();
            let is_top = |top: &&String| {
                let within = |it: &String| {
                    it.strip_prefix(*top)
                        .is_some_and(|it| it.is_empty() || it.starts_with('/'))
                };
                points.iter().all(within)
            };
            words.push(match (gone, points.iter().find(is_top)) {
                (1, Some(one)) => format!("no longer mounted: {one}"),
                (_, Some(top)) => format!(
                    "no longer mounted: {top} and {} mounts in it; no path from here leads there",
                    gone - 1
                ),
                (_, None) => format!("no longer mounted: {gone} mounts"),
            });
        }
    }
    let old: Vec<_> = there.iter().filter(|it| !is_new(it.0)).collect();
    let changed = |key: &str| old.iter().filter(|it| it.1.get(key).is_some()).count();
    let mut now: Vec<&str> = old
        .iter()
        .filter_map(|it| it.1["propagation"].as_str())
        .collect();
    now.dedup();
    match (changed("propagation"), now.as_slice()) {
        (0, _) => {}
        (count, ["private"]) => words.push(format!("{count} mounts are private now")),
        (count, _) => words.push(format!("{count} mounts belong to other peer groups")),
    }
    match changed("options") {
        0 => {}
        count => words.push(format!("{count} mounts have other options")),
    }
}

/// The mounts that are still there, and whose place has another name: the one before, and now.
fn moved<'a>(before: &Value, change: &'a Value) -> Vec<(String, &'a str)> {
    let change = change.as_object().into_iter().flatten();
    let point = |name: &String| before[name]["point"].as_str().map(str::to_owned);
    change
        .filter_map(|(name, mount)| Some((point(name)?, mount["point"].as_str()?)))
        .collect()
}

/// Mounts whose place has another name, since the root is another one.
fn places(moved: &[(String, &str)], new_root: Option<&str>, words: &mut Vec<String>) {
    let mut root = None;
    let mut within = Vec::new();
    let mut below: BTreeMap<&str, usize> = BTreeMap::new();
    let mut others = 0;
    for (before, now) in moved {
        let path = before.trim_end_matches('/');
        if *now == "/" {
            words.push(format!("what was {before} is / now"));
            root = Some(before.clone());
        } else if root
            .as_ref()
            .is_some_and(|it| *before == format!("{it}{now}"))
        {
            // Has come with the root.
        } else if new_root.is_some_and(|it| *before == format!("{it}{now}")) {
            within.push(*now);
        } else if let Some(directory) = now.strip_suffix(path).filter(|it| !it.is_empty()) {
            *below.entry(directory).or_default() += 1;
        } else {
            others += 1;
        }
    }
    match within.as_slice() {
        [] => {}
        [a, b, c, _, more @ ..] => words.push(format!(
            "mounted below its root: {a}, {b}, {c} and {} more",
            more.len() + 1
        )),
        few => words.push(format!("mounted below its root: {}", few.join(", "))),
    }
    for (directory, count) in below {
        words.push(match count {
            1 => format!("a mount is now below {directory}"),
            _ => format!("{count} mounts are now below {directory}"),
        });
    }
    if others > 0 {
        words.push(format!("{others} mounts have another name from here"));
    }
}

fn cgroups(patch: &Map<String, Value>, words: &mut Vec<String>) {
    let joined = object(patch, "cgroup").filter_map(|it| Some((it.0, it.1.as_str()?)));
    for (hierarchy, path) in joined {
        words.push(format!("control group ({hierarchy}): {path}"));
    }
    for (group, files) in object(patch, "cgroups") {
        let Some(files) = files.as_object() else {
            words.push(format!("no more: control group {group}"));
            continue;
        };
        for (file, value) in files {
            let value = value.as_str().unwrap_or_default();
            match (file.as_str(), value) {
                ("cgroup.procs", "") => {}
                ("cgroup.procs", who) => words.push(format!("in {group}: {who}")),
                // What it is born with says nothing.
                _ if files.contains_key("cgroup.procs") => {}
                _ => words.push(format!("{group}/{file} = {value}")),
            }
        }
        if files.contains_key("cgroup.procs") && files["cgroup.procs"] == "" {
            words.push(format!("control group {group}: empty"));
        }
    }
}

fn ids(before: &Value, patch: &Map<String, Value>, words: &mut Vec<String>) {
    for (row, what) in [("Uid", "user"), ("Gid", "group")] {
        if let Some(now) = text(patch, row) {
            let mut ids: Vec<&str> = now.split(' ').collect();
            ids.dedup();
            words.push(match ids.as_slice() {
                [one] => format!("{what} {one}"),
                _ => format!("{what}s {now} (real, effective, saved, file system)"),
            });
        }
    }
    if let Some(groups) = text(patch, "Groups") {
        words.push(match (groups, before["Groups"].as_str()) {
            ("", Some(_)) => "no supplementary groups".to_owned(),
            (groups, _) => format!("supplementary groups: {groups}"),
        });
    }
}

fn set(name: &str, before: &str, now: &str) -> String {
    let bits = |text| CapabilitySet::from_bits(u64::from_str_radix(text, 16).unwrap_or_default());
    let (before, now) = (bits(before), bits(now));
    let gone: Vec<String> = before
        .iter()
        .filter(|it| !now.contains(*it))
        .map(|it| it.to_string())
        .collect();
    let left = now.iter().count();
    match gone.as_slice() {
        [] => format!("{name} capabilities: {left}"),
        [one] => format!("{name} capabilities: {left}, without {one}"),
        many => format!("{name} capabilities: {left}, {} are gone", many.len()),
    }
}

fn processes(patch: &Map<String, Value>, words: &mut Vec<String>) {
    for (name, process) in object(patch, "processes") {
        words.push(match (process, process["parent"].as_str()) {
            (Value::Null, _) => format!("{name} is gone"),
            (_, Some(parent)) if parent != "host" => format!("{name}, a child of {parent}"),
            _ => match process["program"].as_str() {
                Some(program) => format!("{name} is {program}"),
                None => format!("{name} is here"),
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn after_a_chroot_the_mounts_below_it_have_their_new_names() {
        let mount = |point: &str| json!({ "point": point });
        let before = json!({"root": "/", "mounts": {
            "m1": mount("/"), "m2": mount("/c/root/proc"), "m3": mount("/c/root/sys"),
        }});
        let patch = json!({"root": "/c/root", "mounts": {
            "m1": null, "m2": mount("/proc"), "m3": mount("/sys"),
            "m4": {"type": "ext4", "root": "/c", "point": "/d"},
        }});
        let expected = [
            "mounted: /c of the ext4 on /d",
            "1 mounts cannot be reached from its root, and are still there",
            "mounted below its root: /proc, /sys",
            "its root is /c/root",
        ];
        assert_eq!(words(&before, &patch, false), expected);
    }

    #[test]
    fn a_change_is_told_in_words() {
        let before = json!({
            "hostname": "host", "routes": ["10.0.0.0/24 dev eth0", "10.0.1.0/24 dev eth1"], "CapBnd": "3", "root": "/", "descriptors": {"0": "a", "5": "b"},
            "mounts": {"m1": {"propagation": "shared:group-1", "point": "/"}},
        });
        let patch = json!({
            "hostname": "container-1", "CapBnd": "1", "root": "/x",
            "mounts": {"m1": {"propagation": "private"}, "m2": {"type": "proc", "point": "/proc"}},
            "interfaces": {"lo": "up"}, "addresses": {"lo": ["127.0.0.1/8", "::1/128"]},
            "routes": ["default via 10.0.0.1 dev eth0", "10.0.0.0/24 dev eth0"],
            "descriptors": {"5": null}, "Uid": "7 7 7 7",
            "namespaces": {"uts": "uts-1"},
        });
        let told = words(&before, &patch, true);
        let expected = [
            "its own namespaces: hostname",
            "mounted: proc on /proc",
            "1 mounts are private now",
            "its root is /x",
            "the hostname is container-1",
            "interface lo is up",
            "interface lo has 127.0.0.1/8, ::1/128",
            "a route: default via 10.0.0.1 dev eth0",
            "no more: the route 10.0.1.0/24 dev eth1",
            "user 7",
            "bounding capabilities: 1, without CAP_DAC_OVERRIDE",
            "open descriptors: 0",
        ];
        assert_eq!(told, expected);
        assert!(
            !words(&before, &patch, false)
                .join("")
                .contains("descriptors")
        );
    }
}
