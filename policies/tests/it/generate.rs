//! Random requests and policies, drawn so that statements match often.
//!
//! Left out, because the judge is known to differ from the IAM user guide, or refuses to judge:
//! the root user; `${...}` in version 2008-10-17; networks of zero bits; keys with `*` in them; a
//! session policy together with a bucket policy that names the session; escapes in `StringEquals`;
//! seconds since 1970 as a date; plain operators on list keys; `ForAnyValue` with `IfExists`.

use policies::{Context, Policy, PolicyKind, PolicySet, Principal, Request};
use serde_json::{Map, Value, json};
use types::{AccountId, RoleArn};

pub(crate) const HOME: &str = "222222222222";
pub(crate) const AWAY: &str = "111111111111";

/// A small generator of reproducible numbers (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn some_of<'a, T>(&mut self, items: &'a [T], most: usize) -> Vec<&'a T> {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.pick(items)).collect()
    }
}

/// Who asks, in our words and in the judge's.
#[derive(Clone)]
struct Caller {
    ours: Principal,
    theirs: Value,
    has_account: bool,
    is_session: bool,
}

/// One question for both.
pub(crate) struct Scenario {
    pub(crate) request: Request,
    theirs: Value,
    identity: Vec<Value>,
    resource: Option<(PolicyKind, Value)>,
    session: Option<Value>,
    boundary: Option<Value>,
    service_control: Vec<Value>,
}

impl Scenario {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let caller = caller(dice);
        let (action, resource) = target(dice);
        let context = context(dice);
        let owner = if dice.one_in(4) { AWAY } else { HOME };
        let service = action.split(':').next().unwrap().to_string();
        let kind = match service.as_str() {
            "sts" => PolicyKind::Trust,
            _ => PolicyKind::Resource,
        };
        let mut has = |odds: usize| dice.one_in(odds);
        let (with_session, with_boundary, with_scp) = (
            caller.is_session && has(3),
            caller.has_account && has(4),
            caller.has_account && has(5),
        );
        let with_resource = !caller.has_account || kind == PolicyKind::Trust || has(2);
        let identity = if caller.has_account {
            (0..dice.below(3))
                .map(|_| document(dice, PolicyKind::Identity, &service, false))
                .collect()
        } else {
            Vec::new()
        };
        let mut draw =
            |wanted: bool, kind| wanted.then(|| document(dice, kind, &service, with_session));
        let session = draw(with_session, PolicyKind::Session);
        let boundary = draw(with_boundary, PolicyKind::Boundary);
        let resource_policy = draw(with_resource, kind).map(|policy| (kind, policy));
        let service_control = draw(with_scp, PolicyKind::Identity).into_iter().collect();
        let mut request = Request::new(caller.ours.clone(), action, resource);
        request.context = context;
        Self {
            request: request.owned_by(AccountId::parse(owner).unwrap()),
            theirs: caller.theirs,
            identity,
            resource: resource_policy,
            session,
            boundary,
            service_control,
        }
    }

    /// The same question in the judge's form.
    pub(crate) fn for_the_judge(&self) -> Value {
        let named = |policies: &[Value]| -> Vec<Value> {
            policies
                .iter()
                .enumerate()
                .map(|(n, policy)| json!({"name": format!("p{n}"), "policy": policy}))
                .collect()
        };
        let mut context = Map::new();
        for key in KEYS {
            match self.request.context.get(key.name) {
                Some(values) if key.is_list => context.insert(key.name.into(), json!(values)),
                Some([value]) => context.insert(key.name.into(), json!(value)),
                _ => None,
            };
        }
        let mut filled = self.request.clone();
        filled.fill_in_context();
        for key in FILLED {
            if let Some([value]) = filled.context.get(key) {
                context.insert(key.into(), json!(value));
            }
        }
        let mut simulation = json!({
            "request": {
                "principal": self.theirs,
                "action": self.request.action,
                "resource": {
                    "resource": self.request.resource,
                    "accountId": self.request.resource_account.as_ref().unwrap().as_str(),
                },
                "contextVariables": context,
            },
            "identityPolicies": named(&self.identity),
            "serviceControlPolicies": self.service_control.iter().enumerate().map(|(n, policy)| json!({
                "orgIdentifier": format!("level{n}"),
                "policies": named(std::slice::from_ref(policy)),
            })).collect::<Vec<_>>(),
            "resourceControlPolicies": [],
        });
        if let Some((_, policy)) = &self.resource {
            simulation["resourcePolicy"] = policy.clone();
        }
        if let Some(policy) = &self.session {
            simulation["sessionPolicy"] = policy.clone();
        }
        if let Some(policy) = &self.boundary {
            simulation["permissionBoundaryPolicies"] = json!(named(std::slice::from_ref(policy)));
        }
        simulation
    }

    /// Our own answer.
    pub(crate) fn decide(&self) -> policies::Decision {
        let parse = |kind, value: &Value| {
            Policy::parse(kind, &value.to_string()).unwrap_or_else(|err| panic!("{err}: {value}"))
        };
        let identity: Vec<Policy> = self
            .identity
            .iter()
            .map(|value| parse(PolicyKind::Identity, value))
            .collect();
        let resource = self
            .resource
            .as_ref()
            .map(|(kind, value)| parse(*kind, value));
        let session = self
            .session
            .as_ref()
            .map(|value| parse(PolicyKind::Session, value));
        let boundary = self
            .boundary
            .as_ref()
            .map(|value| parse(PolicyKind::Boundary, value));
        let service_control: Vec<Policy> = self
            .service_control
            .iter()
            .map(|value| parse(PolicyKind::Identity, value))
            .collect();
        let set = PolicySet {
            identity: identity.iter().collect(),
            resource: resource.as_ref(),
            session: session.as_ref().map(|policy| vec![policy]),
            boundary: boundary.as_ref(),
            service_control: service_control.iter().map(|policy| vec![policy]).collect(),
        };
        policies::evaluate(&self.request, &set)
    }
}

fn caller(dice: &mut Dice) -> Caller {
    let account = if dice.one_in(4) { AWAY } else { HOME };
    match dice.below(10) {
        0 => Caller {
            ours: Principal::Anonymous,
            theirs: json!({"type": "Anonymous"}),
            has_account: false,
            is_session: false,
        },
        1 => Caller {
            ours: Principal::Service("ecs-tasks.amazonaws.com".into()),
            theirs: json!("ecs-tasks.amazonaws.com"),
            has_account: false,
            is_session: false,
        },
        2..=4 => {
            let ours = Principal::parse(&format!("arn:aws:iam::{account}:user/ana")).unwrap();
            Caller {
                theirs: json!(ours.arn()),
                ours,
                has_account: true,
                is_session: false,
            }
        }
        _ => {
            let role = RoleArn::parse(&format!("arn:aws:iam::{account}:role/tenant")).unwrap();
            let ours = Principal::session(role, "acme");
            Caller {
                theirs: json!(ours.arn()),
                ours,
                has_account: true,
                is_session: true,
            }
        }
    }
}

const OBJECTS: [&str; 6] = [
    "arn:aws:s3:::acme-data/orgs/acme/a.txt",
    "arn:aws:s3:::acme-data/orgs/acme/sub/b$c",
    "arn:aws:s3:::acme-data/orgs/acme/sub/bxc",
    "arn:aws:s3:::acme-data/orgs/other/a.txt",
    "arn:aws:s3:::acme-results/orgs/acme/r:1.json",
    "arn:aws:s3:::foreign/x",
];
const BUCKETS: [&str; 2] = ["arn:aws:s3:::acme-data", "arn:aws:s3:::acme-results"];
const ROLES: [&str; 2] = [
    "arn:aws:iam::222222222222:role/target",
    "arn:aws:iam::222222222222:role/other",
];
const CMKS: [&str; 2] = [
    "arn:aws:kms:eu-central-1:222222222222:key/11111111-2222-3333-4444-555555555555",
    "arn:aws:kms:eu-central-1:222222222222:key/99999999-2222-3333-4444-555555555555",
];

fn target(dice: &mut Dice) -> (&'static str, &'static str) {
    match dice.below(12) {
        0..=4 => (
            *dice.pick(&[
                "s3:GetObject",
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
                "s3:GetObjectVersion",
            ]),
            *dice.pick(&OBJECTS),
        ),
        5..=7 => (
            *dice.pick(&[
                "s3:ListBucket",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
                "s3:PutBucketPolicy",
            ]),
            *dice.pick(&BUCKETS),
        ),
        8..=9 => ("sts:AssumeRole", *dice.pick(&ROLES)),
        10 => (
            *dice.pick(&["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"]),
            *dice.pick(&CMKS),
        ),
        _ => ("s3:ListAllMyBuckets", "*"),
    }
}

/// What a key holds, which decides the operators that suit it.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Text,
    Number,
    Flag,
    Date,
    Address,
    Arn,
}

struct Key {
    name: &'static str,
    holds: Holds,
    is_list: bool,
    values: &'static [&'static str],
    patterns: &'static [&'static str],
}

const fn key(
    name: &'static str,
    holds: Holds,
    values: &'static [&'static str],
    patterns: &'static [&'static str],
) -> Key {
    Key {
        name,
        holds,
        is_list: false,
        values,
        patterns,
    }
}

/// What our evaluator fills in by itself and the judge does not.
const FILLED: [&str; 6] = [
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
    "aws:username",
];

const KEYS: &[Key] = &[
    key(
        "s3:prefix",
        Holds::Text,
        &["orgs/acme/", "orgs/acme/a", "orgs/other/", "", "b*c"],
        &[
            "orgs/acme/*",
            "orgs/*/",
            "orgs/${aws:username}/*",
            "*",
            "",
            "b${*}c",
            "orgs/acm?/",
        ],
    ),
    key("s3:delimiter", Holds::Text, &["/", "|"], &["/", "*", "?"]),
    key(
        "s3:max-keys",
        Holds::Number,
        &["1", "1000", "x"],
        &["1", "10", "1000.0"],
    ),
    key(
        "s3:TlsVersion",
        Holds::Number,
        &["1.1", "1.2", "1.3"],
        &["1.2", "1.20"],
    ),
    key(
        "s3:x-amz-server-side-encryption",
        Holds::Text,
        &["AES256", "aws:kms"],
        &["AES256", "aws:*", "aes256"],
    ),
    key("s3:versionid", Holds::Text, &["v1"], &["v1", "v?"]),
    key(
        "s3:ExistingObjectTag/team",
        Holds::Text,
        &["red", "blue"],
        &["red", "b*"],
    ),
    key(
        "sts:ExternalId",
        Holds::Text,
        &["pulse-org-acme", "pulse-org-other"],
        &["pulse-org-acme", "pulse-org-*", "PULSE-ORG-ACME"],
    ),
    key(
        "sts:RoleSessionName",
        Holds::Text,
        &["acme", "other"],
        &["acme", "a*"],
    ),
    key(
        "kms:ViaService",
        Holds::Text,
        &["s3.eu-central-1.amazonaws.com"],
        &["s3.*.amazonaws.com", "sqs.eu-central-1.amazonaws.com"],
    ),
    key(
        "aws:SecureTransport",
        Holds::Flag,
        &["true", "false"],
        &["true", "false"],
    ),
    key(
        "aws:SourceAccount",
        Holds::Text,
        &[HOME, AWAY],
        &[HOME, AWAY, "2*"],
    ),
    key(
        "aws:SourceArn",
        Holds::Arn,
        &[
            "arn:aws:ecs:eu-central-1:222222222222:task/x",
            "arn:aws:s3:::acme-data",
        ],
        &[
            "arn:aws:ecs:eu-central-1:222222222222:*",
            "arn:aws:s3:::*",
            "arn:*:*:*:*:*",
            "arn:aws:s3:::acme-data",
        ],
    ),
    key(
        "aws:SourceIp",
        Holds::Address,
        &["203.0.113.7", "198.51.100.1", "2001:db8::7"],
        &[
            "203.0.113.0/24",
            "198.51.100.1/32",
            "2001:db8::/32",
            "203.0.0.0/8",
        ],
    ),
    key(
        "aws:CurrentTime",
        Holds::Date,
        &["2026-01-31T10:00:00Z", "2025-06-01T00:00:00Z"],
        &[
            "2026-01-01T00:00:00Z",
            "2026-01-31T11:00:00+01:00",
            "2026-06-01",
        ],
    ),
    Key {
        name: "aws:TagKeys",
        holds: Holds::Text,
        is_list: true,
        values: &["team", "cost", "owner"],
        patterns: &["team", "cost", "o*", "Team"],
    },
    // Filled in from the caller, but policies ask for them.
    key(
        "aws:PrincipalArn",
        Holds::Arn,
        &[],
        &[
            "arn:aws:iam::222222222222:role/tenant",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111111111111:user/ana",
            "arn:aws:iam::222222222222:user/*",
        ],
    ),
    key("aws:PrincipalAccount", Holds::Text, &[], &[HOME, AWAY]),
    key("aws:username", Holds::Text, &[], &["ana", "*"]),
    key("aws:ResourceAccount", Holds::Text, &[], &[HOME, AWAY]),
];

fn context(dice: &mut Dice) -> Context {
    let mut context = Context::new();
    for key in KEYS {
        if key.values.is_empty() || dice.one_in(2) {
            continue;
        }
        if key.is_list {
            let values: Vec<String> = dice
                .some_of(key.values, 3)
                .into_iter()
                .map(ToString::to_string)
                .collect();
            context.set_all(key.name, values);
        } else {
            context.set(key.name, *dice.pick(key.values));
        }
    }
    context
}

fn document(dice: &mut Dice, kind: PolicyKind, service: &str, with_session: bool) -> Value {
    let count = 1 + dice.below(3);
    let statements: Vec<Value> = (0..count)
        .map(|_| statement(dice, kind, service, with_session))
        .collect();
    let old = dice.one_in(8) && !json!(statements).to_string().contains("${");
    let version = if old { "2008-10-17" } else { "2012-10-17" };
    json!({"Version": version, "Statement": statements})
}

fn statement(dice: &mut Dice, kind: PolicyKind, service: &str, with_session: bool) -> Value {
    let mut statement = Map::new();
    let effect = if dice.one_in(5) { "Deny" } else { "Allow" };
    statement.insert("Effect".into(), json!(effect));
    if kind.has_principal() {
        let element = if dice.one_in(8) {
            "NotPrincipal"
        } else {
            "Principal"
        };
        statement.insert(element.into(), principals(dice, with_session));
    }
    let element = if dice.one_in(8) {
        "NotAction"
    } else {
        "Action"
    };
    statement.insert(element.into(), actions(dice, kind, service));
    if kind.has_resource() {
        let element = if dice.one_in(8) {
            "NotResource"
        } else {
            "Resource"
        };
        statement.insert(element.into(), resources(dice));
    }
    if dice.one_in(2) {
        statement.insert("Condition".into(), conditions(dice));
    }
    Value::Object(statement)
}

fn scalar_or_list(dice: &mut Dice, values: Vec<&&str>) -> Value {
    match values[..] {
        [one] if dice.one_in(2) => json!(one),
        _ => json!(values),
    }
}

fn principals(dice: &mut Dice, with_session: bool) -> Value {
    const ARNS: [&str; 10] = [
        "arn:aws:iam::222222222222:root",
        "222222222222",
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::222222222222:user/ana",
        "arn:aws:iam::222222222222:role/tenant",
        "arn:aws:iam::111111111111:role/tenant",
        "arn:aws:iam::333333333333:root",
        "*",
        "arn:aws:sts::222222222222:assumed-role/tenant/acme",
        "arn:aws:sts::111111111111:assumed-role/tenant/acme",
    ];
    match dice.below(6) {
        0 => json!("*"),
        1 => json!({"Service": "ecs-tasks.amazonaws.com"}),
        _ => {
            let usable = if with_session { &ARNS[..8] } else { &ARNS[..] };
            let picked = dice.some_of(usable, 2);
            json!({"AWS": scalar_or_list(dice, picked)})
        }
    }
}

fn actions(dice: &mut Dice, kind: PolicyKind, service: &str) -> Value {
    const S3: [&str; 12] = [
        "s3:*",
        "s3:Get*",
        "s3:GetObject",
        "s3:getobject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:List*",
        "s3:ListBucket",
        "s3:GetBucketLocation",
        "s3:*Object*",
        "s3:AbortMultipartUpload",
        "*",
    ];
    const STS: [&str; 4] = ["sts:AssumeRole", "sts:*", "sts:Assume*", "sts:TagSession"];
    const KMS: [&str; 4] = ["kms:*", "kms:Decrypt", "kms:GenerateDataKey*", "*"];
    let list: &[&str] = match service {
        _ if kind == PolicyKind::Trust => &STS,
        "s3" => &S3,
        "sts" => &STS,
        _ => &KMS,
    };
    let picked = dice.some_of(list, 3);
    scalar_or_list(dice, picked)
}

fn resources(dice: &mut Dice) -> Value {
    const PATTERNS: [&str; 19] = [
        "*",
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::acme-*",
        "arn:aws:s3:::acme-data",
        "arn:aws:s3:::acme-data/*",
        "arn:aws:s3:::acme-data/orgs/acme/*",
        "arn:aws:s3:::acme-data/orgs/${aws:username}/*",
        "arn:aws:s3:::acme-data/orgs/${aws:username, 'acme'}/*",
        "arn:aws:s3:::acme-results/*",
        "arn:*:s3:::acme-????/*",
        "arn:aws:s3:::acme-data/orgs/acme/sub/b${*}c",
        "arn:aws:s3:::acme-data/orgs/acme/sub/b${$}c",
        "arn:aws:s3:::acme-results/orgs/acme/r:*",
        "arn:aws:iam::222222222222:role/*",
        "arn:aws:iam::*:role/target",
        "arn:aws:kms:*:222222222222:key/*",
        "arn:aws:kms:eu-central-1:222222222222:key/1*",
        "arn:aws:s3:::foreign/?",
    ];
    let picked = dice.some_of(&PATTERNS, 3);
    scalar_or_list(dice, picked)
}

fn conditions(dice: &mut Dice) -> Value {
    let mut operators = Map::new();
    for _ in 0..1 + dice.below(2) {
        let key = dice.pick(KEYS);
        let operator = operator(dice, key);
        let picked = dice.some_of(key.patterns, 2);
        let mut values = scalar_or_list(dice, picked);
        if operator == "Null" {
            values = json!(["true", "false"][dice.below(2)]);
        }
        // The judge has its own view of escapes outside the Like operators.
        if !operator.contains("Like") && values.to_string().contains("${*}") {
            continue;
        }
        let entry = operators.entry(operator).or_insert_with(|| json!({}));
        entry[key.name] = values;
    }
    Value::Object(operators)
}

fn operator(dice: &mut Dice, key: &Key) -> String {
    if dice.one_in(8) {
        return "Null".into();
    }
    let bases: &[&str] = match key.holds {
        Holds::Text => &[
            "StringEquals",
            "StringLike",
            "StringLike",
            "StringNotEquals",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        ],
        Holds::Number => &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        Holds::Flag => &["Bool"],
        Holds::Date => &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        Holds::Address => &["IpAddress", "NotIpAddress"],
        Holds::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    };
    let base = dice.pick(bases);
    if key.is_list {
        let set = dice.pick(&["ForAllValues", "ForAnyValue"]);
        return format!("{set}:{base}");
    }
    let suffix = if dice.one_in(4) { "IfExists" } else { "" };
    format!("{base}{suffix}")
}
