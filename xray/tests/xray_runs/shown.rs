//! What a record shows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::place::{Place, program, text};
use crate::witness;

/// Each step that is one call shows what `/proc` said in that moment.
pub(crate) fn is_what_proc_says(name: &str, named: &[&str]) {
    let place = Place::new();
    let mut command = place.command(&std::env::current_exe().unwrap());
    command.arg(witness::WORD).arg(place.record_file());
    let output = command
        .arg(program(name))
        .args(["run", "true"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let record = place.read();
    let mut views: BTreeMap<String, Value> = BTreeMap::new();
    let mut compared = Vec::new();
    for step in record["steps"].as_array().unwrap() {
        let who = step["who"].as_str().unwrap();
        if let Some(born) = step["born"].as_str() {
            let copy = views.get(who).cloned().unwrap_or_default();
            views.insert(born.to_owned(), copy);
        }
        for (column, patch) in step["view"].as_object().into_iter().flatten() {
            xray::difference::lay(patch, views.entry(column.clone()).or_default());
        }
        host_is_without_the_tracer(&views["host"]);
        let call = step["call"].as_str().unwrap();
        // What is told when a later call has been made is about a moment that is over.
        let is_late = call.contains("mk")
            || call.contains("link")
            || call == "rmdir"
            || (call == "execve" && step["error"].is_object());
        if is_late || step["seen"].is_null() {
            continue;
        }
        let (ours, theirs) = (ours(&views[who]), theirs(&step["seen"]));
        assert_eq!(
            ours, theirs,
            "at {call} of {who}, ours first; in {}",
            step["arguments"]
        );
        compared.push(call);
    }
    for call in named {
        assert!(
            compared.contains(call),
            "{call} was not compared: {compared:?}"
        );
    }
    assert_eq!(record["end"], json!({"status": 0}), "{}", text(&output));
    place.nothing_is_left(&place.word());
}

const ROWS: [&str; 10] = [
    "Uid",
    "Gid",
    "Groups",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
];

fn ours(view: &Value) -> Value {
    let mut all = Map::new();
    for row in ROWS.iter().chain(&["root", "cwd", "hostname"]) {
        all.insert(
            (*row).to_owned(),
            plain(view[*row].as_str().unwrap_or_default()).into(),
        );
    }
    // Its own number is a name here; those inside are as they are.
    let numbers = view["NSpid"].as_str().unwrap();
    let inner: Vec<&str> = numbers.split(' ').skip(1).collect();
    all.insert("NSpid".to_owned(), json!(inner));
    let namespaces = view["namespaces"].as_object().unwrap();
    let kinds = ["mnt", "uts", "pid", "ipc", "net", "cgroup", "user"];
    let own: Vec<&str> = kinds
        .into_iter()
        .filter(|kind| namespaces[*kind] != "host")
        .collect();
    all.insert("own namespaces".to_owned(), json!(own));
    let mut mounts: Vec<String> = view["mounts"]
        .as_object()
        .unwrap()
        .values()
        .map(|mount| {
            let part = |key: &str| mount[key].as_str().unwrap();
            let how: Vec<&str> = part("propagation")
                .split(' ')
                .map(|it| it.split(':').next().unwrap())
                .collect();
            let how = how.join(" ");
            plain(&format!(
                "{} {} {} {how}",
                part("point"),
                part("type"),
                part("options")
            ))
        })
        .collect();
    mounts.sort();
    all.insert("mounts".to_owned(), json!(mounts));
    let open = view["descriptors"].as_object().unwrap();
    let mut open: Vec<u32> = open.keys().map(|it| it.parse().unwrap()).collect();
    open.sort_unstable();
    all.insert("descriptors".to_owned(), json!(open));
    all.insert(
        "lo is up".to_owned(),
        (view["interfaces"]["lo"] == "up").into(),
    );
    let addresses = view["addresses"].get("lo").cloned();
    all.insert("lo has".to_owned(), addresses.unwrap_or(json!([])));
    all.insert("routes".to_owned(), view["routes"].clone());
    all.into()
}

fn theirs(seen: &Value) -> Value {
    let mut all = Map::new();
    for row in ROWS.iter().chain(&["root", "cwd", "hostname"]) {
        all.insert(
            (*row).to_owned(),
            plain(seen[*row].as_str().unwrap()).into(),
        );
    }
    let inner: Vec<&str> = seen["NSpid"].as_str().unwrap().split(' ').skip(1).collect();
    all.insert("NSpid".to_owned(), json!(inner));
    for key in [
        "own namespaces",
        "descriptors",
        "lo is up",
        "lo has",
        "routes",
    ] {
        all.insert(key.to_owned(), seen[key].clone());
    }
    let mounts = seen["mounts"].as_array().unwrap();
    let mut mounts: Vec<String> = mounts
        .iter()
        .map(|it| plain(it.as_str().unwrap()))
        .collect();
    mounts.sort();
    all.insert("mounts".to_owned(), json!(mounts));
    all.into()
}

/// A text without what is another one in each run: an id, or the name that stands for it.
fn plain(text: &str) -> String {
    let is_id = |word: &str| {
        word.len() == 12 && word.bytes().all(|it| it.is_ascii_hexdigit())
            || word.starts_with("container-")
    };
    let parts = text
        .split('/')
        .map(|part| if is_id(part) { "ID" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// In the host's column there is nothing of the one that looks.
fn host_is_without_the_tracer(host: &Value) {
    for (name, process) in host["processes"].as_object().unwrap() {
        assert!(name.starts_with('p'), "{name} on the host");
        let parent = process["parent"].as_str().unwrap();
        assert!(parent == "host" || parent.starts_with('p'), "{process}");
        let program = process["program"].as_str().unwrap_or_default();
        assert!(
            !program.contains("xray_runs") && !program.contains("/xray\""),
            "{program}"
        );
    }
    for group in host["cgroups"].as_object().unwrap().values() {
        let members = group["cgroup.procs"].as_str().unwrap_or_default();
        assert!(!members.contains("another"), "{members}");
    }
    assert_eq!(host["hostname"], "host");
}

/// Addresses and routes, where there are more than the loopback's.
pub(crate) fn network() {
    let place = Place::new();
    // What `ip` does is not traced, and seen at the shell's next step.
    let script = "ip link add v0 type veth peer name v1 && ip address add 10.9.0.1/24 dev v0 && \
                  ip address add fd09::1/64 dev v0 nodad && ip link set v0 up && \
                  ip route add default via 10.9.0.2 && cd /";
    let output = place.record(&["/bin/sh", "-c", script]);
    let record = place.read();
    assert_eq!(record["end"], json!({"status": 0}), "{}", text(&output));
    let mut host = Value::Null;
    for step in record["steps"].as_array().unwrap() {
        xray::difference::lay(&step["view"]["host"], &mut host);
    }
    assert_eq!(host["interfaces"]["v0"], "up");
    // Nothing of the link, which the card's own address is in.
    assert_eq!(
        host["addresses"],
        json!({"v0": ["10.9.0.1/24", "fd09::1/64"]})
    );
    let routes = [
        "10.9.0.0/24 dev v0",
        "default via 10.9.0.2 dev v0",
        "fd09::/64 dev v0",
    ];
    assert_eq!(host["routes"], json!(routes));
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let told = xray::text::tell(&xray::record::read(&place.record_file(), course).unwrap());
    assert!(
        told.contains("host: a route: default via 10.9.0.2 dev v0"),
        "{told}"
    );
}

/// Two records of the same run have the same bytes, and are small.
pub(crate) fn is_the_same_twice(name: &str) {
    let place = Place::new();
    let program = program(name);
    let words = [program.to_str().unwrap(), "run", "true"];
    // The first makes the image, which the others find.
    let mut records = Vec::new();
    for _ in 0..3 {
        let output = place.record(&words);
        assert!(output.status.success(), "{}", text(&output));
        records.push(std::fs::read(place.record_file()).unwrap());
        assert!(place.cost().contains(" the level stood still, stopped "));
    }
    let lines = |at: usize| place_lines(&records[at]);
    assert!(
        records[1] == records[2],
        "they differ:\n{}",
        first_difference(&lines(1), &lines(2))
    );
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let whole = xray::record::read(&place.record_file(), course).unwrap();
    assert!(
        !whole["files"].as_object().unwrap().is_empty(),
        "no line of the level was found"
    );
    let size = whole.to_string().len();
    assert!(size < 200_000, "{size} bytes");
    // And it can be told.
    let told = xray::text::tell(&whole);
    assert!(told.contains("exited with status 0"), "{told}");
    println!(
        "{name}: {size} bytes, {} steps",
        whole["steps"].as_array().unwrap().len()
    );
    place.nothing_is_left(&place.word());
}

fn place_lines(record: &[u8]) -> Vec<String> {
    let record: Value = serde_json::from_slice(record).unwrap();
    record["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect()
}

fn first_difference(one: &[String], other: &[String]) -> String {
    let pairs = one.iter().zip(other);
    let differ = pairs.into_iter().find(|(one, other)| one != other);
    differ.map_or("in their length".to_owned(), |(one, other)| {
        format!("{one}\n{other}")
    })
}
