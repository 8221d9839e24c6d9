//! Medians and ratios, as Markdown.

use crate::processor;
use crate::run::Plan;
use std::collections::BTreeMap;
use std::time::Duration;

/// One measurement.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Seconds of processor time of the target's process.
    pub(crate) cpu_per_request: f64,
    /// Requests per second of wall time.
    pub(crate) rate: f64,
    /// The median time of a request.
    pub(crate) median: Duration,
    /// The share of the machine that others took meanwhile.
    pub(crate) foreign: f64,
}

/// Everything measured so far.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<&'static str>,
    cells: BTreeMap<(&'static str, &'static str), Vec<Measured>>,
}

impl Table {
    /// Adds one measurement.
    pub(crate) fn add(&mut self, case: &'static str, target: &'static str, measured: Measured) {
        if !self.rows.contains(&case) {
            self.rows.push(case);
        }
        self.cells.entry((case, target)).or_default().push(measured);
    }

    /// The table, with what is needed to read it.
    pub(crate) fn markdown(&self, plan: &Plan, most_foreign: f64) -> String {
        let mut text = String::from(
            "| case | direct | nginx | nginx-64k | gateway | gateway / nginx | gateway / nginx-64k \
             | gateway requests/s | median, direct | median, gateway |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for case in &self.rows {
            let cpu = |target| self.median(case, target, |one| one.cpu_per_request);
            text += &format!(
                "| {case} | {} | {} | {} | {} | {:.2} | {:.2} | {:.0} | {} | {} |\n",
                duration(cpu("direct")),
                duration(cpu("nginx")),
                duration(cpu("nginx-64k")),
                duration(cpu("gateway")),
                self.ratio(case, "nginx"),
                self.ratio(case, "nginx-64k"),
                self.median(case, "gateway", |one| one.rate),
                duration(self.median(case, "direct", |one| one.median.as_secs_f64())),
                duration(self.median(case, "gateway", |one| one.median.as_secs_f64())),
            );
        }
        let spoilt = self
            .cells
            .values()
            .flatten()
            .filter(|one| one.foreign > most_foreign);
        let worst = self
            .cells
            .values()
            .flatten()
            .map(|one| one.foreign)
            .fold(0.0, f64::max);
        text + &format!(
            "\nProcessor time per request of the target's process (for `direct`, of the upstream \
             itself). {}; one core for the target; {} tenants; medians of {} runs of {:.1} s, \
             ratios pair by pair; others took at most {:.1} % of the machine; {} measurements \
             above {:.0} % could not be repeated in quiet.\n",
            processor::machine(),
            plan.tenants,
            plan.repetitions,
            plan.time.as_secs_f64(),
            worst * 100.0,
            spoilt.count(),
            most_foreign * 100.0,
        )
    }

    fn median(
        &self,
        case: &'static str,
        target: &'static str,
        figure: impl Fn(&Measured) -> f64,
    ) -> f64 {
        middle(self.cells[&(case, target)].iter().map(figure).collect())
    }

    /// The gateway against `rival`: one ratio for each repetition, and of these the median.
    fn ratio(&self, case: &'static str, rival: &'static str) -> f64 {
        let pairs = self.cells[&(case, "gateway")]
            .iter()
            .zip(&self.cells[&(case, rival)]);
        middle(
            pairs
                .map(|(ours, theirs)| ours.cpu_per_request / theirs.cpu_per_request)
                .collect(),
        )
    }
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn duration(seconds: f64) -> String {
    if seconds >= 1e-3 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.1} us", seconds * 1e6)
    }
}
