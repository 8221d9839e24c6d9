//! Compiles the Terraform modules and the policies that they read into the provisioner, so that it
//! can write a configuration that needs nothing else.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Folders that go along, and the files in them that do.
const FOLDERS: [(&str, &str); 3] = [
    ("terraform/modules/policy-documents", "tf"),
    ("terraform/modules/tenant-storage", "tf"),
    ("policies", "json"),
];
/// What stands beside the policies for tests only.
const LEFT_OUT: [&str; 4] = ["golden", "src", "target", "tests"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("..");
    let mut list = String::from("&[\n");
    for (folder, extension) in FOLDERS {
        for path in files(&root.join(folder), extension)? {
            let name = path.strip_prefix(&root)?.to_str().ok_or("not UTF-8")?;
            let whole = path.canonicalize()?;
            writeln!(list, "    ({name:?}, include_str!({whole:?})),")?;
        }
    }
    list.push_str("]\n");
    let out = Path::new(&std::env::var("OUT_DIR")?).join("embedded.rs");
    std::fs::write(out, list)?;
    Ok(())
}

/// The files below `folder`, in one order.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                found.extend(files(&path, extension)?);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    Ok(found)
}
