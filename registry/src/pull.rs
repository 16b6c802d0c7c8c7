//! `images pull`: from a reference to an image in the image directory.
//!
//! Everything up to the last step happens in files without a name. The last step is
//! `images::put`, which is all or nothing. So there is no moment at which something
//! half-done could be taken for an image.

use std::fs::File;
use std::io::BufWriter;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use given::Error;
use indicatif::{ProgressBar, ProgressStyle};

use crate::blobs::Blobs;
use crate::reference;
use crate::remote::{Image, Remote};
use crate::shelf::{self, Directories, Verb};
use crate::show::{say, size};

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

    /// How long a registry may be silent
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
        let there = shelf::ask(
            &self.directories,
            &Verb::MayPut {
                name: name.clone(),
                origin: from.clone(),
            },
        )?;

        let patience = Duration::from_secs(self.timeout);
        let remote = Remote::new(reference, self.plain_http, patience)?;
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
        let layers = runtime.block_on(download(&remote, &image, &blobs))?;
        // No thread of the network's is left when the archive is made.
        drop(runtime);

        let mut archive = blobs.new_file()?;
        images::merge_layers(
            &layers,
            &origin,
            BufWriter::with_capacity(256 * 1024, &mut archive),
        )?;
        let bytes = archive.metadata()?.len();
        let put = shelf::ask(
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
fn path_of(file: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// Downloads what is not there yet, one layer after the other.
async fn download(remote: &Remote, image: &Image, blobs: &Blobs) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    for (number, layer) in image.layers.iter().enumerate() {
        let file = match blobs.find(layer) {
            Some(file) => file,
            None => {
                let what = format!("layer {} of {}", number + 1, image.layers.len());
                let bar = bar(&what, layer.size);
                let mut file = blobs.new_file()?;
                let done = remote.layer(&what, layer, &mut file, &bar).await;
                bar.finish_and_clear();
                done?;
                blobs.keep(&file, layer);
                file
            }
        };
        files.push(file);
    }
    Ok(files)
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
