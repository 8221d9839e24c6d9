//! Our evaluator against somebody else's, over thousands of random questions.

use crate::generate::{Dice, Scenario};
use policies::Decision;
use std::process::Command;

#[derive(serde::Deserialize)]
pub(crate) struct Verdict {
    pub(crate) decision: Option<String>,
    pub(crate) refused: Option<serde_json::Value>,
}

pub(crate) fn judge(questions: &[String]) -> Vec<Verdict> {
    let packages = crate::support::tool("BYOS_NPM", "tests/.tools/npm", "the IAM judge");
    let script = crate::support::in_repository("policies/tests/judges/simulate.cjs");
    let answers = crate::support::run(
        Command::new("node").arg(script).arg(packages),
        &questions.join("\n"),
    );
    answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn name(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allowed { .. } => "Allowed",
        Decision::ImplicitDeny { .. } => "ImplicitlyDenied",
        Decision::ExplicitDeny { .. } => "ExplicitlyDenied",
    }
}

#[test]
fn both_evaluators_give_the_same_answer_to_thousands_of_random_questions() {
    // Another seed asks other questions: BYOS_SEED=7 cargo test -p policies differential
    let seed = std::env::var("BYOS_SEED").map_or(2_026, |text| text.parse().unwrap());
    let mut dice = Dice::seeded(seed);
    let scenarios: Vec<Scenario> = (0..6_000).map(|_| Scenario::draw(&mut dice)).collect();
    let questions: Vec<String> = scenarios
        .iter()
        .map(|scenario| scenario.for_the_judge().to_string())
        .collect();
    let verdicts = judge(&questions);
    assert_eq!(verdicts.len(), scenarios.len());

    let mut counts = std::collections::BTreeMap::new();
    let mut differences = Vec::new();
    for ((scenario, verdict), question) in scenarios.iter().zip(verdicts).zip(&questions) {
        let Some(theirs) = verdict.decision else {
            panic!("the judge refuses: {:?}\n{question}", verdict.refused);
        };
        let ours = scenario.decide();
        *counts.entry(theirs.clone()).or_insert(0) += 1;
        if name(&ours) != theirs {
            differences.push(format!("ours: {ours}; theirs: {theirs}\n{question}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences, the first:\n{}",
        differences.len(),
        differences[..differences.len().min(3)].join("\n")
    );
    // The questions are worth asking only when every answer occurs often.
    for answer in ["Allowed", "ImplicitlyDenied", "ExplicitlyDenied"] {
        assert!(counts.get(answer).is_some_and(|n| *n > 500), "{counts:?}");
    }
}
