//! `images pull`: from a reference to an image in the image directory.
//!
//! Everything up to the last step happens in files that no other program looks at. The
//! last step is `images::put`, which is all or nothing. So there is no moment at which
//! something half-done could be taken for an image.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufWriter;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use given::Error;
use indicatif::{ProgressBar, ProgressStyle};

use crate::blobs::Blobs;
use crate::layer::Undone;
use crate::privileged::{self, Directories, Verb};
use crate::remote::{Image, Remote};
use crate::show::{say, size};
use crate::{reference, room};

#[derive(Args)]
pub(crate) struct Pull {
    // Said by attributes: in a doc comment, square brackets would be links.
    #[arg(
        value_name = "REF",
        help = "What to pull: [REGISTRY[:PORT]/]NAME[:TAG|@DIGEST]"
    )]
    reference: String,

    /// The name that it gets here; else the last part of NAME, and TAG unless it is `latest`
    #[arg(long)]
    name: Option<String>,

    /// Speak HTTP without TLS, which is otherwise done with this machine only
    #[arg(long)]
    plain_http: bool,

    /// How long a registry may take for an answer, and to send 1 KiB of a layer for each second
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,

    #[command(flatten)]
    directories: Directories,
}

impl Pull {
    pub(crate) fn run(self) -> Result<(), Error> {
        let reference = reference::parse(&self.reference)?;
        let from = reference.whole();
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| reference::name_of(&reference));
        // First: a password is asked for now, and not when the download is through.
        let there = privileged::ask(
            &self.directories,
            &Verb::MayPut {
                name: name.clone(),
                origin: from.clone(),
            },
        )?;

        let patience = Duration::from_secs(self.timeout);
        let mut remote = Remote::new(reference, self.plain_http, patience)?;
        let blobs = Blobs::open()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let image = runtime.block_on(remote.image())?;
        let origin = format!("{from} {}", image.digest);
        if there == origin.as_str() {
            return say(&format!(
                "{name} is up to date: {from} is still {}",
                image.digest
            ));
        }
        let layers = runtime.block_on(download(&mut remote, &image, &blobs))?;
        // No thread of the network's is left when the archive is made.
        drop(runtime);

        let mut archive = blobs.new_file()?;
        images::merge_layers(
            &layers,
            &origin,
            &image.config,
            BufWriter::with_capacity(256 * 1024, &mut archive),
        )?;
        let bytes = archive.metadata()?.len();
        let put = privileged::ask(
            &self.directories,
            &Verb::Put {
                name: name.clone(),
                archive: path_of(&archive),
            },
        )?;
        blobs.forget(&image.layers);
        say(&format!(
            "pulled {from} as {name} ({} layers, {}): {}",
            layers.len(),
            size(bytes),
            put.as_str().unwrap_or_default()
        ))?;
        say(&format!("try it: cargo run -q -p rd -- run -i {name} sh"))
    }
}

/// Where another process finds a file of ours that has no name.
pub(crate) fn path_of(file: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// Downloads what is not there yet, one layer after the other.
async fn download(remote: &mut Remote, image: &Image, blobs: &Blobs) -> Result<Vec<File>, Error> {
    let mut files: HashMap<&str, File> = HashMap::new();
    for layer in &image.layers {
        if let Some(file) = blobs.find(layer) {
            files.insert(&layer.digest, file);
        }
    }
    check_room(image, &files, blobs)?;
    for (number, layer) in image.layers.iter().enumerate() {
        // Also if it is there twice: an empty layer often is.
        if files.contains_key(&*layer.digest) {
            continue;
        }
        let what = format!("layer {} of {}", number + 1, image.layers.len());
        let bar = bar(&what, layer.size);
        let mut file = blobs.begin(layer)?;
        let done = remote.layer(&what, layer, &mut file, &bar).await;
        bar.finish_and_clear();
        if let Err(Undone { error, goes_on }) = done {
            if !goes_on || file.metadata()?.len() == 0 {
                blobs.drop(&file, layer);
            }
            return Err(error);
        }
        files.insert(&layer.digest, blobs.keep(file, layer)?);
    }
    let mut stack = Vec::new();
    for layer in &image.layers {
        stack.push(files[&*layer.digest].try_clone()?);
    }
    Ok(stack)
}

/// Before the first of them is asked for, and for all of them together.
fn check_room(image: &Image, files: &HashMap<&str, File>, blobs: &Blobs) -> Result<(), Error> {
    let to_come: BTreeMap<&str, u64> = image
        .layers
        .iter()
        .filter(|layer| !files.contains_key(&*layer.digest))
        .map(|layer| {
            let missing = layer.size.saturating_sub(blobs.begun(layer));
            (&*layer.digest, missing)
        })
        .collect();
    let bytes = to_come
        .values()
        .fold(0, |sum: u64, &size| sum.saturating_add(size));
    room::check(&blobs.new_file()?, bytes, "its layers")
}

/// A bar on standard error, if that is a terminal.
fn bar(what: &str, size: u64) -> ProgressBar {
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template(
        "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left",
    ) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}
