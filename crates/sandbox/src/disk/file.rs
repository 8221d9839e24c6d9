//! One file per object version: the body first, its description last.
//!
//! A version appears by one rename and goes by one unlink, so that a crash leaves either the
//! whole of it or nothing. Names on disk are numbers: no key ever becomes a path.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Ends every sealed file; a file without it is a leftover of a crash.
const MAGIC: [u8; 8] = *b"byosobj1";
const FOOTER_BYTES: u64 = 8 + 4 + 8;
/// Far above what headers, tags and 10,000 parts need.
const MAX_DESCRIPTION_BYTES: u32 = 8 << 20;

/// A body being written. Dropped before it is sealed, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: Option<File>,
    written: u64,
}

impl Draft {
    /// A new, empty draft at `path`.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Self {
            path,
            file: Some(file),
            written: 0,
        })
    }

    /// Appends to the body.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open_file()?.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Appends the description and moves the file to its place.
    pub(crate) fn seal(mut self, description: &[u8], place: &Path) -> io::Result<()> {
        let length = u32::try_from(description.len())
            .ok()
            .filter(|length| *length <= MAX_DESCRIPTION_BYTES)
            .ok_or_else(|| io::Error::other("the description is too long"))?;
        let mut tail = Vec::with_capacity(description.len() + FOOTER_BYTES as usize);
        tail.extend_from_slice(description);
        tail.extend_from_slice(&self.written.to_le_bytes());
        tail.extend_from_slice(&length.to_le_bytes());
        tail.extend_from_slice(&MAGIC);
        self.open_file()?.write_all(&tail)?;
        std::fs::rename(&self.path, place)?;
        self.file = None;
        Ok(())
    }

    fn open_file(&mut self) -> io::Result<&mut File> {
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("the draft is sealed"))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nothing better can be done here; leftovers are swept at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The description of a sealed file, or `None` when the file was never sealed.
pub(crate) fn read_description(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length < FOOTER_BYTES {
        return Ok(None);
    }
    let mut footer = [0_u8; FOOTER_BYTES as usize];
    file.seek(SeekFrom::Start(length - FOOTER_BYTES))?;
    file.read_exact(&mut footer)?;
    let (body, rest) = footer.split_at(8);
    let (size, magic) = rest.split_at(4);
    if magic != MAGIC {
        return Ok(None);
    }
    let body = u64::from_le_bytes(body.try_into().expect("eight bytes were split off"));
    let size = u32::from_le_bytes(size.try_into().expect("four bytes were split off"));
    if size > MAX_DESCRIPTION_BYTES
        || body.checked_add(u64::from(size)) != Some(length - FOOTER_BYTES)
    {
        return Ok(None);
    }
    let mut description = vec![0; size as usize];
    file.seek(SeekFrom::Start(body))?;
    file.read_exact(&mut description)?;
    Ok(Some(description))
}

/// Replaces `path` by `bytes` in one step, by way of `draft`.
pub(crate) fn replace(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = std::fs::write(draft, bytes).and_then(|()| std::fs::rename(draft, path));
    if written.is_err() {
        let _ = std::fs::remove_file(draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_gives_its_description_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::create(dir.path().join("draft")).unwrap();
        draft.write(b"body").unwrap();
        draft
            .seal(b"description", &dir.path().join("sealed"))
            .unwrap();
        let description = read_description(&dir.path().join("sealed")).unwrap();
        assert_eq!(description.as_deref(), Some(&b"description"[..]));
        assert!(!dir.path().join("draft").exists());
    }

    #[test]
    fn a_dropped_draft_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::create(dir.path().join("draft")).unwrap();
        draft.write(b"half of a bo").unwrap();
        drop(draft);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_cut_anywhere_is_no_object() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::create(dir.path().join("draft")).unwrap();
        draft.write(&[7; 100]).unwrap();
        let place = dir.path().join("sealed");
        draft.seal(b"{\"key\":\"k\"}", &place).unwrap();
        let whole = std::fs::read(&place).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&place, &whole[..length]).unwrap();
            assert_eq!(read_description(&place).unwrap(), None, "cut at {length}");
        }
    }
}
