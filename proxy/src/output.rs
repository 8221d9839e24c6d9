//! Words for people and machines: data to standard output, everything else to standard error.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the place that prints"
)]

/// A line of data.
pub fn line(text: &str) {
    println!("{text}");
}

/// A document for machines, on one line.
pub fn json(value: &serde_json::Value) {
    println!("{value}");
}

/// Words for the person at the terminal.
pub fn note(text: &str) {
    eprintln!("{text}");
}
