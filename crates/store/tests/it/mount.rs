//! File systems of our own, to fill up and to cut off.
//!
//! Mounting needs root. Where that is not to be had, `STORE_TEST_WITHOUT_MOUNT=1` leaves out what
//! needs it, and says so; without it, such a test fails.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Whether this run does without mounting.
pub(crate) fn cannot_mount() -> bool {
    let cannot = std::env::var_os("STORE_TEST_WITHOUT_MOUNT").is_some();
    if cannot {
        eprintln!("NOT CHECKED, because STORE_TEST_WITHOUT_MOUNT is set");
    }
    cannot
}

/// A mounted file system, unmounted when dropped.
pub(crate) struct Mount(tempfile::TempDir);

impl Mount {
    /// In memory, with so much room.
    pub(crate) fn of_memory(mebibytes: u64) -> Self {
        let options = format!("size={mebibytes}m");
        Self::new(["-t", "tmpfs", "-o", &options, "tmpfs"])
    }

    /// What is in an image file.
    pub(crate) fn of_image(image: &Path) -> Self {
        Self::new([OsStr::new("-o"), OsStr::new("loop"), image.as_os_str()])
    }

    fn new(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(arguments).arg(folder.path());
        assert!(
            mount.status().is_ok_and(|status| status.success()),
            "no file system could be mounted; root can, or set STORE_TEST_WITHOUT_MOUNT=1"
        );
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        if !std::thread::panicking() {
            assert!(unmounted.unwrap().success(), "still in use");
        }
    }
}
