//! Where things are: the checkout, the installed tools, the binaries under test, free ports.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The `tests` folder of the checkout.
pub fn tests_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The root of the checkout.
pub fn root() -> &'static Path {
    tests_folder()
        .parent()
        .expect("the tests folder lies inside the checkout")
}

/// A program of the tests' Python environment: `python`, `aws`, `ministack`.
pub fn python_tool(name: &str) -> PathBuf {
    installed(tests_folder().join(".tools/venv/bin").join(name))
}

/// A program that the system carries, also where only an administrator's `PATH` would look.
pub fn system_tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed; hint: run tests/setup"))
}

/// `program` and its first arguments such that it runs on processor `cpu` only, if one is given.
pub fn pinned(cpu: Option<usize>, program: PathBuf) -> (PathBuf, Vec<String>) {
    match cpu {
        None => (program, Vec::new()),
        Some(cpu) => {
            let arguments = [
                "-c",
                &cpu.to_string(),
                program.to_str().expect("paths are text"),
            ];
            (system_tool("taskset"), arguments.map(str::to_owned).into())
        }
    }
}

/// A script under `tests/servers`.
pub fn server_script(name: &str) -> PathBuf {
    tests_folder().join("servers").join(name)
}

fn installed(tool: PathBuf) -> PathBuf {
    assert!(
        tool.exists(),
        "{} is missing; hint: run tests/setup",
        tool.display()
    );
    tool
}

/// The gateway's binary.
///
/// `tests/run` builds the whole workspace and says where in `BYOS_BIN_DIR`. Without that, as in a
/// plain `cargo test -p tests`, cargo is asked once for an up-to-date one: testing yesterday's
/// binary would be worse than waiting.
pub fn proxy() -> &'static Path {
    static PROXY: LazyLock<PathBuf> = LazyLock::new(|| binary("proxy"));
    &PROXY
}

/// The provisioner's binary, found or built in the same way.
pub fn provisioner() -> &'static Path {
    static PROVISIONER: LazyLock<PathBuf> = LazyLock::new(|| binary("provisioner"));
    &PROVISIONER
}

fn binary(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("BYOS_BIN_DIR") {
        let built = Path::new(&folder).join(name);
        assert!(built.is_file(), "no {name} in BYOS_BIN_DIR");
        return built;
    }
    let target = target_folder();
    let outcome = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", name, "--bin", name])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(root())
        .output()
        .expect("cargo built this test, so it can be run");
    assert!(
        outcome.status.success(),
        "{name} does not build:\n{}",
        String::from_utf8_lossy(&outcome.stderr)
    );
    target.join("debug").join(name)
}

/// The target folder that this test binary was built into: `TARGET/debug/deps/it-...`.
fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    test.ancestors()
        .nth(3)
        .expect("cargo puts test binaries three folders below the target folder")
        .to_owned()
}

/// A loopback port that nothing listened on a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a loopback port can be had")
        .port()
}
