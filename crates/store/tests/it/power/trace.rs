//! What a process asked of the file system, as `strace` saw it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The calls that change files, or that say what is durable.
const CALLS: &str = "open,openat,creat,close,write,writev,pwrite64,pwritev,ftruncate,fallocate,\
    fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,lseek,dup,dup2,\
    dup3,fcntl,copy_file_range,sendfile";

/// A call began, or it ended with a result.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Begin(usize, Call),
    End(usize, i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Open {
        /// The folder that `path` begins at, where it is not the root.
        at: Option<i64>,
        path: PathBuf,
        create: bool,
        truncate: bool,
    },
    Close {
        fd: i64,
    },
    /// At the file's position when `offset` is `None`.
    Write {
        fd: i64,
        offset: Option<u64>,
        bytes: Vec<u8>,
    },
    Truncate {
        fd: i64,
        length: u64,
    },
    Sync {
        fd: i64,
    },
    Duplicate {
        fd: i64,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        at: Option<i64>,
        path: PathBuf,
    },
    MakeFolder {
        path: PathBuf,
    },
    /// Without effect on files.
    Other,
}

/// The command that runs `program` and writes what it asks for to `log`.
pub(crate) fn traced(program: &Path, log: &Path) -> Command {
    let mut command = Command::new("strace");
    command
        .args([
            "--follow-forks",
            "--strings-in-hex=all",
            "--string-limit=4194304",
        ])
        .args(["--seccomp-bpf", "--signal=none", "--quiet=all", "--trace"])
        .arg(CALLS)
        .arg("--output")
        .arg(log)
        .arg("--")
        .arg(program);
    command
}

/// Reads a log of [`traced`]. What it does not understand is a panic: a call that is overlooked
/// would make the disk look better than it is.
pub(crate) fn read(log: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(log).unwrap_or_else(|error| {
        panic!("no trace: {error}; this test needs strace (Debian: apt-get install strace)")
    });
    let mut events = Vec::new();
    let mut unfinished = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let (thread, line) = line
            .split_once(' ')
            .expect("every line begins with a thread");
        let line = line.trim_start();
        if line.starts_with("+++") || line.starts_with("---") {
            continue;
        }
        if let Some(rest) = line.strip_prefix("<... ") {
            let begun = unfinished
                .remove(thread)
                .expect("what is resumed had begun");
            events.push(Event::End(begun, result(rest)));
        } else if let Some(begin) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread.to_string(), number);
            events.push(Event::Begin(number, call(begin)));
        } else {
            let (begin, _) = line.rsplit_once(" = ").unwrap_or_else(|| panic!("{line}"));
            events.push(Event::Begin(number, call(begin)));
            events.push(Event::End(number, result(line)));
        }
    }
    events
}

fn result(line: &str) -> i64 {
    let (_, result) = line.rsplit_once(" = ").unwrap_or_else(|| panic!("{line}"));
    let number = result.split(' ').next().unwrap_or_default();
    match number.strip_prefix("0x") {
        Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16).unwrap(),
        // A thread that is killed inside a call gets no answer.
        None => number.parse().unwrap_or(-1),
    }
}

fn call(text: &str) -> Call {
    let (name, rest) = text.split_once('(').unwrap_or_else(|| panic!("{text}"));
    let arguments: Vec<&str> = rest.trim_end().trim_end_matches(')').split(", ").collect();
    let fd = |at: usize| {
        arguments[at]
            .parse::<i64>()
            .unwrap_or_else(|_| panic!("{text}"))
    };
    let number = |at: usize| {
        arguments[at]
            .parse::<u64>()
            .unwrap_or_else(|_| panic!("{text}"))
    };
    let at = |folder: &str| (folder != "AT_FDCWD").then(|| folder.parse().unwrap());
    let opened = |at, path: usize, flags: usize| Call::Open {
        at,
        path: file_name(arguments[path]),
        create: arguments[flags].contains("O_CREAT"),
        truncate: arguments[flags].contains("O_TRUNC"),
    };
    match name {
        "open" => opened(None, 0, 1),
        "openat" => opened(at(arguments[0]), 1, 2),
        "close" => Call::Close { fd: fd(0) },
        "write" => Call::Write {
            fd: fd(0),
            offset: None,
            bytes: bytes(arguments[1]),
        },
        "pwrite64" => Call::Write {
            fd: fd(0),
            offset: Some(number(3)),
            bytes: bytes(arguments[1]),
        },
        "ftruncate" => Call::Truncate {
            fd: fd(0),
            length: number(1),
        },
        "fsync" | "fdatasync" => Call::Sync { fd: fd(0) },
        "rename" => Call::Rename {
            from: file_name(arguments[0]),
            to: file_name(arguments[1]),
        },
        "unlink" | "rmdir" => Call::Remove {
            at: None,
            path: file_name(arguments[0]),
        },
        "unlinkat" => Call::Remove {
            at: at(arguments[0]),
            path: file_name(arguments[1]),
        },
        "mkdir" => Call::MakeFolder {
            path: file_name(arguments[0]),
        },
        "fcntl" if !arguments[1].starts_with("F_DUPFD") => Call::Other,
        "fcntl" | "dup" | "dup2" | "dup3" => Call::Duplicate { fd: fd(0) },
        "lseek" if arguments[2] != "SEEK_SET" || arguments[1] == "0" => Call::Other,
        _ => panic!("the power-loss model does not know {text:.200}"),
    }
}

fn file_name(argument: &str) -> PathBuf {
    PathBuf::from(String::from_utf8(bytes(argument)).unwrap())
}

/// From `"\x2f\x61"`.
fn bytes(argument: &str) -> Vec<u8> {
    let inner = argument
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_else(|| panic!("{argument:.200} is cut or no string"));
    hex::decode(inner.replace("\\x", "")).unwrap()
}
