//! File systems of our own, to fill up and to cut off.
//!
//! Mounting needs root. Where it is not allowed, what needs it is left out, and says so on the
//! terminal even though it passes; the tests beside it that need no mount stand alone then.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Whether this process may mount file systems; if not, says what is left out.
pub(crate) fn can_mount(what: &str) -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    let can = *CAN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        mount(["-t", "tmpfs", "tmpfs"], folder.path()) && unmount(folder.path())
    });
    if !can {
        // Not `eprintln`, which the test framework keeps to itself while a test passes.
        let mut terminal = std::io::stderr();
        writeln!(
            terminal,
            "NOT CHECKED: {what}: only root may mount file systems"
        )
        .unwrap();
    }
    can
}

fn mount(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, folder: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(arguments).arg(folder).stderr(Stdio::null());
    mount.status().is_ok_and(|status| status.success())
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
        assert!(mount(arguments, folder.path()), "root can mount this");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Threads of a database that was just closed may hold its file for a moment.
        let end = Instant::now() + Duration::from_secs(10);
        while !unmount(self.0.path()) {
            if Instant::now() > end {
                assert!(std::thread::panicking(), "the file system is still in use");
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn unmount(folder: &Path) -> bool {
    let mut unmount = Command::new("umount");
    unmount.arg(folder).stderr(Stdio::null());
    unmount.status().is_ok_and(|status| status.success())
}
