//! An image that is big: `base`, and many files besides.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use given::Error;
use tar::{Archive, Builder, Header};

use crate::arguments::Sizes;

/// One file in so many is big.
const RARE: usize = 1000;
/// That much bigger than the others.
const BIGGER: usize = 100;

/// Writes `big.tar` next to `base.tar`. Returns the bytes of what was added.
pub fn write(images: &Path, sizes: &Sizes) -> Result<u64, Error> {
    let mut big = Builder::new(BufWriter::new(File::create(images.join("big.tar"))?));
    let base = BufReader::new(File::open(images.join("base.tar"))?);
    for member in Archive::new(base).entries()? {
        let member = member?;
        let mut header = member.header().clone();
        let path = member.path()?.into_owned();
        match member.link_name()?.map(|link| link.into_owned()) {
            Some(link) => big.append_link(&mut header, &path, &link)?,
            None => big.append_data(&mut header, &path, member)?,
        }
    }
    // Of the same kind as real data is for a disk: no zeros that could be left out.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = vec![0; sizes.bytes * BIGGER];
    for byte in &mut noise {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        *byte = seed as u8;
    }
    let mut bytes = 0;
    for number in 0..sizes.files {
        let size = match number % RARE {
            0 => noise.len(),
            _ => sizes.bytes,
        };
        let mut header = Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_mode(0o644);
        header.set_size(size as u64);
        let path = format!("data/{}/{number}", number / 100);
        big.append_data(&mut header, path, &noise[..size])?;
        bytes += size as u64;
    }
    big.into_inner()?;
    Ok(bytes)
}
