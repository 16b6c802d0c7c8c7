//! Unpacking a Debian, beside GNU tar and umoci.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bench::scratch::Scratch;
use given::Error;
use serde_json::{Value, json};

use crate::arguments::Sizes;
use crate::debian::{Debian, Layer, run};
use crate::disk;
use crate::numbers::{Times, rounded};

/// Program and Debian package.
pub const NEEDED: [(&str, &str); 2] = [("umoci", "umoci"), ("debootstrap", "debootstrap")];

/// A program that unpacks.
pub struct Row {
    /// Its name in the table.
    pub name: &'static str,
    /// The archive that it reads.
    archive: PathBuf,
    /// What it is started with.
    line: String,
    /// Warm and cold: until it has ended, and until everything is on the disk.
    pub times: [[Times; 2]; 2],
}

/// All that was measured.
pub struct Unpacked {
    /// Each tar before the programs that are compared with it.
    pub rows: Vec<Row>,
    bytes: u64,
}

/// All programs in turns.
pub fn measure(scratch: &Scratch, sizes: &Sizes) -> Result<Unpacked, Error> {
    let debian = Debian::new(scratch, sizes.packed)?;
    let trees = scratch.join("trees");
    fs::create_dir(&trees)?;
    spread(&trees);
    let mut rows = rows(&debian)?;
    let mut number = 0;
    for _ in 0..sizes.rounds {
        for row in &mut rows {
            for is_cold in [false, true] {
                disk::forget(&debian.images)?;
                if !is_cold {
                    disk::remember(&row.archive)?;
                }
                number += 1;
                let target = trees.join(number.to_string());
                let line = row.line.replace(TARGET, &target.display().to_string());
                let mut words = line.split(' ');
                let program = words.next().unwrap_or_default();
                let words: Vec<&str> = words.collect();
                if program == "tar" {
                    fs::create_dir(&target)?;
                }
                let begin = Instant::now();
                run(program, &words)?;
                let ended = begin.elapsed();
                disk::sync(&target)?;
                let [until_end, on_disk] = &mut row.times[usize::from(is_cold)];
                until_end.add(ended);
                on_disk.add(begin.elapsed());
                images::remove_tree(&target)?;
            }
        }
    }
    Ok(Unpacked {
        rows,
        bytes: debian.bytes,
    })
}

/// In a command line, where the tree goes.
const TARGET: &str = "TARGET";

/// Let ext4 put each tree into a part of the disk of its own. Without a journal, ext4 does not
/// give away the number of a file that was removed a few minutes ago, and for each new file
/// steps over all of them in the same part. Right after `rm -r` of such a tree, unpacking
/// another one beside it took several times as long, and it is not ext4 that we measure.
fn spread(trees: &Path) {
    // Another file system refuses, and needs no such thing.
    let _ = run("chattr", &["+T", &trees.display().to_string()]);
}

fn rows(debian: &Debian) -> Result<Vec<Row>, Error> {
    let tar = |archive: &Path| {
        let archive = archive.display();
        format!("tar --numeric-owner --xattrs --acls -C {TARGET} -xf {archive}")
    };
    let (this, images) = (std::env::current_exe()?, debian.images.display());
    let rd = |name: &str| format!("{} unpack {images} {name} {TARGET}", this.display());
    let row = |name, archive: &Path, line: String| Row {
        name,
        archive: archive.to_owned(),
        line,
        times: Default::default(),
    };
    let plain = debian.images.join("plain.tar");
    let mut rows = vec![
        row("tar", &plain, tar(&plain)),
        row("rd", &plain, rd("plain")),
    ];
    if let Some(Layer { image, file }) = &debian.layer {
        let packed = debian.images.join("packed.tar.gz");
        let umoci = format!("umoci raw unpack --image {image} {TARGET}");
        rows.push(row("tar, gzip", &packed, tar(&packed)));
        rows.push(row("rd, gzip", &packed, rd("packed")));
        // The same bytes, under another name.
        rows.push(row("umoci, gzip", file, umoci));
    }
    Ok(rows)
}

impl Unpacked {
    /// Of a row: its time as a multiple of its tar's, by `of`: the median, say.
    pub fn to_tar(&self, row: &Row, cold: usize, on_disk: usize, of: fn(&Times) -> f64) -> f64 {
        let tar = match row.name.ends_with("gzip") {
            true => &self.rows[2],
            false => &self.rows[0],
        };
        of(&row.times[cold][on_disk]) / of(&tar.times[cold][on_disk])
    }

    /// In Markdown.
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| | warm | times tar | warm, to the disk | times tar | cold | times tar | cold, to the disk | times tar |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in &self.rows {
            let _ = write!(table, "| {} |", row.name);
            for (cold, on_disk) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let _ = write!(
                    table,
                    " {:.2} s | {:.2} |",
                    row.times[cold][on_disk].median() / 1e3,
                    self.to_tar(row, cold, on_disk, Times::median)
                );
            }
            table.push('\n');
        }
        let _ = writeln!(
            table,
            "\nMedians; the tar has {} MB.",
            self.bytes / 1_000_000
        );
        table
    }

    /// For the file.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let state = |cold: usize| {
                    json!({
                        "ended": row.times[cold][0].json(),
                        "on_disk": row.times[cold][1].json(),
                        "times_tar": rounded(self.to_tar(row, cold, 0, Times::median)),
                        "times_tar_on_disk": rounded(self.to_tar(row, cold, 1, Times::median)),
                    })
                };
                json!({ "name": row.name, "warm": state(0), "cold": state(1) })
            })
            .collect();
        json!({ "bytes": self.bytes, "rows": rows })
    }
}
