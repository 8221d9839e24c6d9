//! Processor time, as the kernel counts it.

use std::fs;
use std::time::{Duration, Instant};

/// Linux reports processor time in hundredths of a second, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of a process so far, all threads together.
pub(crate) fn of_process(pid: u32) -> f64 {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The second field is the program's name and may contain anything, also spaces.
    let (_, fields) = line.rsplit_once(") ").unwrap();
    let fields: Vec<_> = fields.split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// Time that anything at all ran on this machine, or that the host gave to another machine.
fn of_machine() -> f64 {
    let all = fs::read_to_string("/proc/stat").unwrap();
    let first = all.lines().next().unwrap();
    let ticks: Vec<f64> = first
        .split_whitespace()
        .skip(1)
        .map(|n| n.parse().unwrap())
        .collect();
    let (user, nice, system, stolen) = (ticks[0], ticks[1], ticks[2], ticks[7]);
    (user + nice + system + stolen) / TICKS_PER_SECOND
}

/// Watches the share of the machine that others take.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    ours: &'a [u32],
    begun: Instant,
    machine: f64,
    own: f64,
}

impl<'a> Watch<'a> {
    /// From now on; `ours` are the processes that take part.
    pub(crate) fn begin(ours: &'a [u32]) -> Self {
        Self {
            ours,
            begun: Instant::now(),
            machine: of_machine(),
            own: ours.iter().copied().map(of_process).sum(),
        }
    }

    /// The share of the machine's capacity that went to others since then, from 0 to 1.
    pub(crate) fn foreign_share(&self) -> f64 {
        let own: f64 = self.ours.iter().copied().map(of_process).sum();
        let foreign = (of_machine() - self.machine) - (own - self.own);
        let capacity = self
            .begun
            .elapsed()
            .max(Duration::from_millis(1))
            .as_secs_f64()
            * cores();
        (foreign / capacity).max(0.0)
    }
}

/// How many processors this machine has.
pub(crate) fn cores() -> f64 {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap();
    text.lines()
        .filter(|line| line.starts_with("processor"))
        .count() as f64
}

/// The machine in a few words.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    format!("{model}, {} cores, Linux {}", cores(), kernel.trim())
}
