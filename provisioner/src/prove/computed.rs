//! Every action of the catalogue against every kind of resource, and every statement that the
//! set-up does not have, judged from the documents that stand at IAM and S3.

use crate::model::{Desired, Documents, Purpose, Trust};
use crate::prove::Computed;
use crate::prove::cases::{Case, RefusedBy, cases};
use crate::prove::documents::{LiveDocument, LiveDocuments};
use crate::prove::extra::{Extra, extras, grants};
use crate::prove::witness::Search;
use policies::catalogue::SERVICES;
use policies::{Policy, PolicyKind, PolicySet, Principal, Request, evaluate};
use serde_json::json;
use types::{AccountId, RoleArn};

/// Asks every question and compares every answer; `rendered` is what is meant to stand there.
pub fn computed(
    desired: &Desired,
    rendered: &Documents,
    live: Result<&LiveDocuments, &str>,
) -> Computed {
    let mut result = Computed {
        decisions: 0,
        allowed: Vec::new(),
        violations: Vec::new(),
        inconclusive: None,
    };
    let (live, role, account) = match (live, &desired.role, desired.aws()) {
        (Ok(live), Some(role), Some((_, account))) => (live, role, account),
        (Err(reason), ..) => {
            result.inconclusive = Some(reason.to_string());
            return result;
        }
        _ => {
            result.inconclusive = Some("this store has no roles".to_string());
            return result;
        }
    };
    // What names a statement comes first: it says most.
    let mut doubts = Vec::new();
    if let Err(reason) = more(&role.arn, account, rendered, live, &mut result, &mut doubts) {
        doubts.push(reason);
    }
    trust(desired, live, account, &mut result);
    for case in cases(desired, account) {
        for service in &SERVICES {
            for entry in service.actions {
                if entry.resources.iter().any(|r| case.types.contains(r)) {
                    let action = format!("{}:{}", service.prefix, entry.name);
                    ask(live, &role.arn, &case, &action, &mut result);
                }
            }
        }
    }
    if !doubts.is_empty() {
        result.inconclusive = Some(doubts.join("; "));
    }
    result
}

fn ask(live: &LiveDocuments, role: &RoleArn, case: &Case, action: &str, result: &mut Computed) {
    let principal = Principal::session(role.clone(), "prove");
    let mut request = Request::new(principal, action, case.resource.clone());
    request = request.owned_by(case.owner.clone());
    for (key, value) in &case.context {
        request = request.with(key, value.clone());
    }
    let role_alone = PolicySet {
        identity: live.identity().iter().map(|d| &d.policy).collect(),
        ..PolicySet::default()
    };
    let bucket = case.bucket.and_then(|purpose| live.bucket(purpose));
    let others = leaves_it_to(role.account());
    let role_alone = PolicySet {
        resource: case.is_others.then_some(&others),
        ..role_alone
    };
    let together = PolicySet {
        resource: bucket.map(|d| &d.policy).or(role_alone.resource),
        ..role_alone.clone()
    };
    let is_allowed = evaluate(&request, &together).is_allowed();
    let is_hidden = !is_allowed
        && case.refused_by == RefusedBy::Role
        && evaluate(&request, &role_alone).is_allowed();
    let is_meant = case.allowed.contains(&action);
    result.decisions += 1;
    let on = format!("{action} on {}", case.label);
    if is_allowed {
        result.allowed.push(on.clone());
    }
    match (is_allowed, is_meant) {
        (true, false) => result
            .violations
            .push(format!("{on} is allowed and should not be")),
        (false, true) => result
            .violations
            .push(format!("{on} is refused and should not be")),
        (false, false) if is_hidden => result.violations.push(format!(
            "{on} is allowed to the role and should not be; only the bucket policy refuses it"
        )),
        _ => {}
    }
}

/// Statements that the set-up does not have: what they allow, or that nobody can tell.
fn more(
    role: &RoleArn,
    account: &AccountId,
    rendered: &Documents,
    live: &LiveDocuments,
    result: &mut Computed,
    doubts: &mut Vec<String>,
) -> Result<(), String> {
    let parse = |kind, value: Option<&serde_json::Value>| {
        let value = value.ok_or("nothing is rendered for this set-up")?;
        let policy = Policy::from_value(kind, value).map_err(|error| error.to_string())?;
        Ok::<_, String>((policy, grants(value, "the set-up")))
    };
    let (permission, permitted) = parse(PolicyKind::Identity, rendered.permission.as_ref())?;
    let (trust, trusted) = parse(PolicyKind::Trust, rendered.trust.as_ref())?;
    let identity: Vec<&Policy> = live.identity().iter().map(|d| &d.policy).collect();
    let meant = PolicySet {
        identity: vec![&permission],
        ..PolicySet::default()
    };
    let of_role = Search {
        role,
        account,
        live: PolicySet {
            identity: identity.clone(),
            ..PolicySet::default()
        },
        rendered: meant.clone(),
        others: leaves_it_to(account),
    };
    for document in live.identity() {
        judge(&of_role, document, &permitted, result, doubts);
    }
    let own = anything();
    let with_trust = |trust| PolicySet {
        identity: vec![&own],
        resource: Some(trust),
        ..PolicySet::default()
    };
    let of_trust = Search {
        role,
        account,
        live: with_trust(&live.trust().policy),
        rendered: with_trust(&trust),
        others: leaves_it_to(account),
    };
    judge(&of_trust, live.trust(), &trusted, result, doubts);
    for purpose in [Purpose::Data, Purpose::Results] {
        let (Some(document), Some(value)) = (live.bucket(purpose), rendered.bucket_policy(purpose))
        else {
            continue;
        };
        let of_bucket = Search {
            role,
            account,
            live: PolicySet {
                identity: identity.clone(),
                resource: Some(&document.policy),
                ..PolicySet::default()
            },
            rendered: meant.clone(),
            others: leaves_it_to(account),
        };
        for extra in extras(document, &grants(value, "the set-up")) {
            result.decisions += 1;
            // What a bucket policy allows to others is not what this is about.
            if let Some(witness) = of_bucket.witness(&extra) {
                result.violations.push(violation(&extra, &witness));
            }
        }
    }
    Ok(())
}

fn judge(
    search: &Search<'_>,
    document: &LiveDocument,
    rendered: &[crate::prove::extra::Grant],
    result: &mut Computed,
    doubts: &mut Vec<String>,
) {
    for extra in extras(document, rendered) {
        result.decisions += 1;
        let label = &extra.grant.label;
        match search.witness(&extra) {
            Some(witness) => result.violations.push(violation(&extra, &witness)),
            None if extra.lets_in_others() => result.violations.push(violation(&extra, "the role")),
            None => doubts.push(format!(
                "{label} is not part of the set-up, and nobody can tell what it allows: {}",
                extra.words()
            )),
        }
    }
}

fn violation(extra: &Extra, witness: &str) -> String {
    format!(
        "{} of {} is more than the set-up allows (for example {witness})",
        extra.words(),
        extra.grant.label
    )
}

/// On what is not ours to read, a stranger's bucket or a KMS key: it leaves everything to the
/// policies of the role, which must hold even then.
fn leaves_it_to(account: &AccountId) -> Policy {
    let everything = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": account.as_str()}, "Action": "*", "Resource": "*"}]});
    Policy::from_value(PolicyKind::Resource, &everything).expect("the policy is well-formed")
}

/// The vendor's side: it may assume whatever lets it in.
pub(super) fn anything() -> Policy {
    let everything = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]});
    Policy::from_value(PolicyKind::Identity, &everything).expect("the policy is well-formed")
}

/// Who may assume the role.
fn trust(desired: &Desired, live: &LiveDocuments, account: &AccountId, result: &mut Computed) {
    let Some(role) = &desired.role else {
        return;
    };
    let Trust::CrossAccount {
        vendor,
        external_id,
        ..
    } = &role.trust
    else {
        return;
    };
    let stranger = AccountId::parse("999999999999").expect("it has 12 digits");
    let other_role = |account: &AccountId| {
        RoleArn::new(vendor.partition(), account.clone(), "/", "byos-proof-other")
            .expect("the name is a role name")
    };
    let right = external_id.as_str().to_string();
    let asks: [(&str, RoleArn, Option<String>, bool); 6] = [
        (
            "the vendor's role with the external id",
            vendor.clone(),
            Some(right.clone()),
            true,
        ),
        (
            "the vendor's role without an external id",
            vendor.clone(),
            None,
            false,
        ),
        (
            "the vendor's role with a wrong external id",
            vendor.clone(),
            Some(format!("{right}x")),
            false,
        ),
        (
            "the vendor's role with an empty external id",
            vendor.clone(),
            Some(String::new()),
            false,
        ),
        (
            "another role of the vendor",
            other_role(vendor.account()),
            Some(right.clone()),
            false,
        ),
        (
            "a role of a stranger",
            other_role(&stranger),
            Some(right),
            false,
        ),
    ];
    let own = anything();
    for (label, caller, id, is_meant) in asks {
        let principal = Principal::session(caller, "prove");
        let mut request = Request::new(principal, "sts:AssumeRole", role.arn.to_string())
            .owned_by(account.clone());
        if let Some(id) = id {
            request = request.with("sts:ExternalId", id);
        }
        let policies = PolicySet {
            identity: vec![&own],
            resource: Some(&live.trust().policy),
            ..PolicySet::default()
        };
        result.decisions += 1;
        let is_allowed = evaluate(&request, &policies).is_allowed();
        if is_allowed {
            result.allowed.push(format!("sts:AssumeRole for {label}"));
        }
        if is_allowed != is_meant {
            let word = if is_allowed { "may" } else { "may not" };
            result
                .violations
                .push(format!("{label} {word} assume the role"));
        }
    }
}
