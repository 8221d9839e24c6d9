//! The `Condition` element: operators, and what they say about a request.

use super::context::Lookup;
use super::pattern::{ArnPattern, Pattern, Variables};
use super::value;
use std::cmp::Ordering;
use std::net::IpAddr;

/// One `operator: { key: values }` of a statement.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// The key in lower case.
    pub(crate) key: String,
    pub(crate) operands: Vec<Operand>,
    pub(crate) written: Written,
}

/// A condition as its author wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) operator: String,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// `ForAllValues:StringNotLikeIfExists`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) set: SetOperator,
    pub(crate) test: Test,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
}

/// How an operator treats a key with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOperator {
    /// The key has one value.
    None,
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// What is compared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Number(Compare),
    Date(Compare),
    Bool,
    Binary,
    IpAddress,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
    Null,
}

/// Order of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value of a condition, compiled for its operator.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Text(Pattern),
    Arn(ArnPattern),
    Number(f64),
    /// Milliseconds since 1970.
    Date(i64),
    Bool(bool),
    Binary(String),
    Ip(IpAddr, u8),
}

/// Operators without prefix and suffix: name, test, negated.
const OPERATORS: [(&str, Test, bool); 27] = [
    ("StringEquals", Test::StringEquals, false),
    ("StringNotEquals", Test::StringEquals, true),
    (
        "StringEqualsIgnoreCase",
        Test::StringEqualsIgnoreCase,
        false,
    ),
    (
        "StringNotEqualsIgnoreCase",
        Test::StringEqualsIgnoreCase,
        true,
    ),
    ("StringLike", Test::StringLike, false),
    ("StringNotLike", Test::StringLike, true),
    ("NumericEquals", Test::Number(Compare::Equal), false),
    ("NumericNotEquals", Test::Number(Compare::Equal), true),
    ("NumericLessThan", Test::Number(Compare::Less), false),
    (
        "NumericLessThanEquals",
        Test::Number(Compare::LessOrEqual),
        false,
    ),
    ("NumericGreaterThan", Test::Number(Compare::Greater), false),
    (
        "NumericGreaterThanEquals",
        Test::Number(Compare::GreaterOrEqual),
        false,
    ),
    ("DateEquals", Test::Date(Compare::Equal), false),
    ("DateNotEquals", Test::Date(Compare::Equal), true),
    ("DateLessThan", Test::Date(Compare::Less), false),
    (
        "DateLessThanEquals",
        Test::Date(Compare::LessOrEqual),
        false,
    ),
    ("DateGreaterThan", Test::Date(Compare::Greater), false),
    (
        "DateGreaterThanEquals",
        Test::Date(Compare::GreaterOrEqual),
        false,
    ),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::Binary, false),
    ("IpAddress", Test::IpAddress, false),
    ("NotIpAddress", Test::IpAddress, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnLike", Test::Arn, false),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl Operator {
    /// Parses an operator's name; `None` when IAM has no such operator.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (SetOperator::All, rest),
            Some(("ForAnyValue", rest)) => (SetOperator::Any, rest),
            Some(_) => return None,
            None => (SetOperator::None, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (_, test, negated) = OPERATORS.into_iter().find(|(known, ..)| *known == base)?;
        if test == Test::Null && (if_exists || set != SetOperator::None) {
            return None;
        }
        Some(Self {
            set,
            test,
            negated,
            if_exists,
        })
    }

    /// Whether a request without the key fails it.
    pub(crate) fn fails_when_absent(self) -> bool {
        let tolerant = self.if_exists
            || self.test == Test::Null
            || self.set == SetOperator::All
            || (self.negated && self.set == SetOperator::None);
        !tolerant
    }

    /// Compiles a value for this operator; the error is the rule that it breaks.
    pub(crate) fn operand(self, text: &str, variables: Variables) -> Result<Operand, &'static str> {
        const UNCLOSED: &str = "a policy variable has no closing brace";
        match self.test {
            Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike => {
                Pattern::compile(text, variables)
                    .map(Operand::Text)
                    .map_err(|_| UNCLOSED)
            }
            Test::Arn => ArnPattern::six_fields(text, variables)
                .map(Operand::Arn)
                .map_err(|_| UNCLOSED),
            Test::Number(_) => value::number(text)
                .map(Operand::Number)
                .ok_or("it is not a number"),
            Test::Date(_) => value::date(text)
                .map(Operand::Date)
                .ok_or("it is neither an ISO 8601 date nor seconds since 1970"),
            Test::Bool | Test::Null => value::boolean(text)
                .map(Operand::Bool)
                .ok_or("it is neither true nor false"),
            Test::Binary => Ok(Operand::Binary(text.to_string())),
            Test::IpAddress => value::network(text)
                .map(|(address, bits)| Operand::Ip(address, bits))
                .ok_or("it is not an IP address or CIDR block"),
        }
    }
}

impl Condition {
    /// Whether the request satisfies this condition.
    pub(crate) fn holds(&self, lookup: &dyn Lookup) -> bool {
        let Operator {
            set,
            test,
            negated,
            if_exists,
        } = self.operator;
        let values = lookup.values(&self.key);
        if test == Test::Null {
            return self.asks_for(values.is_none());
        }
        let Some(values) = values else {
            return match set {
                SetOperator::All => true,
                SetOperator::Any => if_exists,
                SetOperator::None => if_exists || negated,
            };
        };
        let one = |value: &String| self.accepts(value, lookup);
        match set {
            SetOperator::All => values.iter().all(one),
            SetOperator::Any => values.iter().any(one),
            // A plain operator on a list has no defined meaning: an Allow must not rely on it.
            SetOperator::None => matches!(values, [value] if one(value)),
        }
    }

    fn asks_for(&self, absent: bool) -> bool {
        self.operands
            .iter()
            .any(|operand| matches!(operand, Operand::Bool(wanted) if *wanted == absent))
    }

    /// Whether `value` matches one of the operands, or for a negated operator, none of them.
    ///
    /// What cannot be compared (a date that is none, a variable without a value) satisfies
    /// neither an operator nor its negation.
    fn accepts(&self, value: &str, lookup: &dyn Lookup) -> bool {
        let mut answers = self
            .operands
            .iter()
            .map(|operand| self.operator.test.compare(operand, value, lookup));
        if self.operator.negated {
            answers.all(|answer| answer == Some(false))
        } else {
            answers.any(|answer| answer == Some(true))
        }
    }
}

impl Test {
    /// Whether `value` matches `operand`; `None` when the two cannot be compared.
    fn compare(self, operand: &Operand, value: &str, lookup: &dyn Lookup) -> Option<bool> {
        match (self, operand) {
            (Self::StringEquals, Operand::Text(pattern)) => Some(pattern.literal(lookup)? == value),
            (Self::StringEqualsIgnoreCase, Operand::Text(pattern)) => {
                Some(pattern.literal(lookup)?.to_lowercase() == value.to_lowercase())
            }
            (Self::StringLike, Operand::Text(pattern)) => pattern.compare(value, lookup),
            (Self::Arn, Operand::Arn(pattern)) => pattern.compare(value, lookup),
            (Self::Number(compare), Operand::Number(wanted)) => {
                let order = value::number(value)?.partial_cmp(wanted)?;
                Some(compare.accepts(order))
            }
            (Self::Date(compare), Operand::Date(wanted)) => {
                Some(compare.accepts(value::date(value)?.cmp(wanted)))
            }
            (Self::Bool, Operand::Bool(wanted)) => Some(value::boolean(value)? == *wanted),
            (Self::Binary, Operand::Binary(wanted)) => Some(wanted == value),
            (Self::IpAddress, Operand::Ip(network, bits)) => {
                Some(value::contains(*network, *bits, value.parse().ok()?))
            }
            _ => None,
        }
    }
}

impl Compare {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}
