//! Unpacking a Debian, beside GNU tar and umoci.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bench::scratch::Scratch;
use given::Error;
use serde_json::{Value, json};

use crate::arguments::Sizes;
use crate::debian::{Debian, run};
use crate::disk;
use crate::numbers::{Times, rounded};

/// Program and Debian package.
pub const NEEDED: [(&str, &str); 2] = [("umoci", "umoci"), ("debootstrap", "debootstrap")];

/// One of those who unpack.
pub struct Row {
    /// Its name in the table.
    pub name: &'static str,
    /// The archive that it reads.
    archive: PathBuf,
    program: String,
    words: Vec<String>,
    /// Warm and cold: until it has ended, and until everything is on the disk.
    pub times: [[Times; 2]; 2],
}

/// All that was measured.
pub struct Unpacked {
    /// Each tar before those who are compared with it.
    pub rows: Vec<Row>,
    bytes: u64,
}

/// Everybody in turns.
pub fn measure(scratch: &Scratch, sizes: &Sizes) -> Result<Unpacked, Error> {
    let debian = Debian::new(scratch)?;
    let target = scratch.join("target");
    let mut rows = rows(&debian, &target)?;
    for _ in 0..sizes.rounds {
        for row in &mut rows {
            for is_cold in [false, true] {
                disk::forget(&debian.images)?;
                if !is_cold {
                    disk::remember(&row.archive)?;
                }
                let words: Vec<&str> = row.words.iter().map(String::as_str).collect();
                if row.program == "tar" {
                    fs::create_dir(&target)?;
                }
                let begin = Instant::now();
                run(&row.program, &words)?;
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

fn rows(debian: &Debian, target: &Path) -> Result<Vec<Row>, Error> {
    let (plain, packed) = (
        debian.images.join("plain.tar"),
        debian.images.join("packed.tar.gz"),
    );
    let (images, target) = (debian.images.display(), target.display());
    let tar = |archive: &Path| {
        let archive = archive.display();
        format!("tar --numeric-owner --xattrs --acls -C {target} -xf {archive}")
    };
    let this = std::env::current_exe()?;
    let rd = |name: &str| format!("{} unpack {images} {name} {target}", this.display());
    let umoci = format!("umoci raw unpack --image {} {target}", debian.layout);
    let row = |name, archive: &Path, line: String| {
        let mut words = line.split(' ').map(str::to_owned);
        Row {
            name,
            archive: archive.to_owned(),
            program: words.next().unwrap_or_default(),
            words: words.collect(),
            times: Default::default(),
        }
    };
    Ok(vec![
        row("tar", &plain, tar(&plain)),
        row("rd", &plain, rd("plain")),
        row("tar, gzip", &packed, tar(&packed)),
        row("rd, gzip", &packed, rd("packed")),
        // The same bytes, under another name.
        row("umoci, gzip", &debian.layer, umoci),
    ])
}

impl Unpacked {
    /// Of a row: its median as a multiple of its tar's.
    pub fn to_tar(&self, row: &Row, cold: usize, on_disk: usize) -> f64 {
        let tar = match row.name.ends_with("gzip") {
            true => &self.rows[2],
            false => &self.rows[0],
        };
        row.times[cold][on_disk].median() / tar.times[cold][on_disk].median()
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
                    self.to_tar(row, cold, on_disk)
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
                        "times_tar": rounded(self.to_tar(row, cold, 0)),
                        "times_tar_on_disk": rounded(self.to_tar(row, cold, 1)),
                    })
                };
                json!({ "name": row.name, "warm": state(0), "cold": state(1) })
            })
            .collect();
        json!({ "bytes": self.bytes, "rows": rows })
    }
}
