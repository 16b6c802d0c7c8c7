//! Containers: one that comes and goes, and many that stay.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bench::scratch::Scratch;
use given::Error;

/// Programs, images and containers of this measurement.
pub struct Place {
    /// rd as cargo builds it, and rd without shared libraries.
    pub programs: [PathBuf; 2],
    /// The image directory.
    pub images: PathBuf,
    /// The container directory.
    pub store: PathBuf,
    /// For what rd says. Shown if it fails.
    messages: PathBuf,
}

impl Place {
    /// In `scratch`, with `base` unpacked.
    pub fn new(scratch: &Scratch) -> Result<Self, Error> {
        let place = Self {
            programs: ["rd", "rd-static"].map(|name| scratch.join(name)),
            images: scratch.join("images"),
            store: scratch.join("containers"),
            messages: scratch.join("messages"),
        };
        images::create_store(&place.store)?;
        images::find(&place.images, "base")?.unpacked(&place.store)?;
        Ok(place)
    }

    /// `rd run` with `program` (0 or 1), and a shell in the container.
    fn command(&self, program: usize, image: &str, script: &str) -> Result<Command, Error> {
        let mut command = Command::new(&self.programs[program]);
        command
            .args(["run", "--image-name", image, "--image-dir"])
            .arg(&self.images)
            .arg("--container-dir")
            .arg(&self.store)
            .args(["--", "sh", "-c", script])
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&self.messages)?);
        Ok(command)
    }

    /// A container that says a word and ends: time to the word, and to the end of rd.
    pub fn start(&self, image: &str) -> Result<(Duration, Duration), Error> {
        let mut command = self.command(0, image, "echo")?;
        let begin = Instant::now();
        let mut child = command.spawn()?;
        self.hear(&mut child)?;
        let word = begin.elapsed();
        self.check(&mut child)?;
        Ok((word, begin.elapsed()))
    }

    /// Waits for the first word out of a container, and reads no further one.
    fn hear(&self, child: &mut Child) -> Result<(), Error> {
        let mut output = child.stdout.take().ok_or("rd has no output")?;
        match output.read(&mut [0])? {
            0 => Err(self.said(child)),
            _ => Ok(()),
        }
    }

    fn check(&self, child: &mut Child) -> Result<(), Error> {
        match child.wait()?.success() {
            true => Ok(()),
            false => Err(self.said(child)),
        }
    }

    fn said(&self, child: &mut Child) -> Error {
        let _ = child.wait();
        let said = std::fs::read_to_string(&self.messages).unwrap_or_default();
        format!(
            "a container did not start, or not end well: {}",
            said.trim()
        )
        .into()
    }
}

/// Containers that wait, all for the same pipe to be closed.
pub struct Crowd {
    waiting_for: PipeReader,
    door: PipeWriter,
    /// The parents, in turns rd as cargo builds it, and rd without shared libraries.
    pub members: Vec<Child>,
}

impl Crowd {
    /// No container yet.
    pub fn new() -> Result<Self, Error> {
        let (waiting_for, door) = pipe()?;
        Ok(Self {
            waiting_for,
            door,
            members: Vec::new(),
        })
    }

    /// One more, and how long it took until it was there.
    pub fn join(&mut self, place: &Place) -> Result<Duration, Error> {
        let program = self.members.len() % place.programs.len();
        let mut command = place.command(program, "base", "echo; read line || :")?;
        command.stdin(self.waiting_for.try_clone()?);
        let begin = Instant::now();
        let mut child = command.spawn()?;
        place.hear(&mut child)?;
        let time = begin.elapsed();
        self.members.push(child);
        Ok(time)
    }

    /// All at once. How long until the last has cleaned up.
    pub fn leave(self, place: &Place) -> Result<Duration, Error> {
        let begin = Instant::now();
        drop(self.door);
        for mut child in self.members {
            place.check(&mut child)?;
        }
        Ok(begin.elapsed())
    }
}
