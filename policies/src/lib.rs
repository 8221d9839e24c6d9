//! IAM policy documents as data: render, evaluate, normalise, escape, lint.
