//! A request that shows that a grant is wider than the rendered ones.

use crate::prove::extra::{Clause, Demand, Extra, Grant};
use policies::catalogue::SERVICES;
use policies::{Policy, PolicySet, Principal, Request, evaluate};
use types::{AccountId, RoleArn};

/// Requests that are tried for one grant at most.
const MAX_TRIES: usize = 20_000;
/// Values that are tried for one condition at most.
const MAX_VALUES: usize = 12;
/// Stands for everything that nobody thought of.
const ANYTHING: &str = "byos-proof-other";
/// An account that is nobody's here.
const STRANGER: &str = "999999999999";

/// Where requests are looked for, and who judges them.
pub(super) struct Search<'a> {
    /// The role of the tenant.
    pub(super) role: &'a RoleArn,
    /// The customer's account.
    pub(super) account: &'a AccountId,
    /// What stands there.
    pub(super) live: PolicySet<'a>,
    /// What is meant.
    pub(super) rendered: PolicySet<'a>,
    /// On what is not ours to read.
    pub(super) others: Policy,
}

impl Search<'_> {
    /// A request that `extra` is about, that is allowed and is not meant to be, in words.
    pub(super) fn witness(&self, extra: &Extra) -> Option<String> {
        let grant = &extra.grant;
        let mut tries = 0;
        for principal in principals(grant, self.role) {
            for resource in resources(grant.resources.as_ref(), self.role) {
                for action in actions(&grant.actions) {
                    for request in self.requests(&principal, &action, &resource, &grant.demands) {
                        tries += 1;
                        if tries > MAX_TRIES {
                            return None;
                        }
                        if self.is_allowed(&request, &self.live)
                            && !self.is_allowed(&request, &self.rendered)
                        {
                            return Some(format!("{action} on {resource}"));
                        }
                    }
                }
            }
        }
        None
    }

    /// What belongs to others counts as leaving it to the role's own policies.
    fn is_allowed(&self, request: &Request, policies: &PolicySet<'_>) -> bool {
        let is_ours = request.resource_account.as_ref() == Some(self.account);
        let is_key = request.action.starts_with("kms:");
        let policies = match policies.resource {
            None if !is_ours || is_key => PolicySet {
                resource: Some(&self.others),
                ..policies.clone()
            },
            _ => policies.clone(),
        };
        evaluate(request, &policies).is_allowed()
    }

    /// With every combination of what the conditions look at.
    fn requests(
        &self,
        principal: &Principal,
        action: &str,
        resource: &str,
        demands: &[Demand],
    ) -> Vec<Request> {
        let stranger = AccountId::parse(STRANGER).expect("it has 12 digits");
        let base = Request::new(principal.clone(), action, resource)
            .with("aws:SecureTransport", "true")
            .with("s3:TlsVersion", "1.3");
        let mut all: Vec<Request> = match self.live.resource {
            // The policy of a resource speaks about its own account only.
            Some(_) => vec![base.owned_by(self.account.clone())],
            None => [self.account.clone(), stranger]
                .map(|account| base.clone().owned_by(account))
                .to_vec(),
        };
        for demand in demands {
            let values = values(demand);
            all = all
                .into_iter()
                .flat_map(|request| {
                    values.iter().map(move |value| {
                        let request = request.clone();
                        match value {
                            None => request,
                            Some(value) if demand.key == "aws:resourceaccount" => {
                                match AccountId::parse(value.as_str()) {
                                    Ok(account) => request.owned_by(account),
                                    Err(_) => request,
                                }
                            }
                            Some(value) => request.with(&demand.key, value.clone()),
                        }
                    })
                })
                .take(MAX_TRIES)
                .collect();
        }
        all
    }
}

/// Who could be meant. Of those whom the evaluator does not know none comes out.
fn principals(grant: &Grant, role: &RoleArn) -> Vec<Principal> {
    let Some(clause) = &grant.principals else {
        return vec![Principal::session(role.clone(), "prove")];
    };
    let stranger = AccountId::parse(STRANGER).expect("it has 12 digits");
    let session_in = |account: AccountId| {
        let other = RoleArn::new(role.partition(), account, "/", ANYTHING)
            .expect("the name is a role name");
        Principal::session(other, "prove")
    };
    let pinned = grant.demands.iter().filter(|d| d.key == "aws:principalarn");
    let mut all: Vec<Principal> = pinned
        .flat_map(|demand| &demand.values)
        .filter_map(|arn| RoleArn::parse(&filled(arn, ANYTHING)).ok())
        .chain([role.clone()])
        .map(|role| Principal::session(role, "prove"))
        .collect();
    if clause.negated {
        all.push(session_in(stranger));
        return all;
    }
    for item in &clause.items {
        match item.split_once(' ') {
            Some(("AWS", "*")) => all.push(session_in(stranger.clone())),
            Some(("AWS", text)) => {
                all.extend(AccountId::parse(text).ok().map(session_in));
                all.extend(
                    RoleArn::parse(text)
                        .ok()
                        .map(|r| Principal::session(r, "prove")),
                );
                all.extend(Principal::parse(text).ok());
            }
            Some(("Service", name)) => all.push(Principal::Service(name.to_string())),
            _ => {}
        }
    }
    all
}

fn actions(clause: &Clause) -> Vec<String> {
    let known = SERVICES.iter().flat_map(|service| {
        let entries = service.actions.iter();
        entries.map(|entry| format!("{}:{}", service.prefix, entry.name))
    });
    let listed = |action: &str| {
        let mut items = clause.items.iter();
        items.any(|item| like(&item.to_ascii_lowercase(), &action.to_ascii_lowercase()))
    };
    if clause.negated {
        let beyond = ["ec2:RunInstances", "dynamodb:GetItem"].map(str::to_string);
        let all = beyond.into_iter().chain(known);
        return all.filter(|action| !listed(action)).collect();
    }
    let plain = clause.items.iter().map(|item| filled(item, "Proof"));
    known.filter(|action| listed(action)).chain(plain).collect()
}

fn resources(clause: Option<&Clause>, role: &RoleArn) -> Vec<String> {
    let Some(clause) = clause else {
        return vec![role.to_string()];
    };
    let anywhere = [
        format!("arn:{}:s3:::{ANYTHING}/x", role.partition()),
        format!("arn:{}:s3:::{ANYTHING}", role.partition()),
        "*".to_string(),
        role.to_string(),
    ];
    if clause.negated {
        return anywhere.to_vec();
    }
    let mut all = Vec::new();
    for item in &clause.items {
        match item.as_str() {
            "*" => all.extend(anywhere.clone()),
            pattern => all.extend([filled(pattern, ANYTHING), filled(pattern, "")]),
        }
    }
    all
}

/// Values that the condition may hold with; `None` for a key that is absent.
fn values(demand: &Demand) -> Vec<Option<String>> {
    let name = demand.operator.rsplit(':').next().unwrap_or_default();
    let name = name.strip_suffix("IfExists").unwrap_or(name);
    let texts = |texts: Vec<String>| texts.into_iter().map(Some).collect::<Vec<_>>();
    let own = || demand.values.iter();
    let mut all = match name {
        "Null" => match own().any(|value| value.eq_ignore_ascii_case("false")) {
            true => texts(vec![ANYTHING.to_string()]),
            false => Vec::new(),
        },
        "NotIpAddress" => texts(vec!["198.51.100.7".to_string()]),
        negated if negated.contains("Not") => texts(vec![ANYTHING.to_string()]),
        "IpAddress" => texts(
            own()
                .filter_map(|net| net.split('/').next().map(str::to_string))
                .collect(),
        ),
        number if number.starts_with("Numeric") => texts(
            own()
                .filter_map(|value| value.parse::<f64>().ok())
                .flat_map(|n| [n, n - 1.0, n + 1.0])
                .map(|n| n.to_string())
                .collect(),
        ),
        date if date.starts_with("Date") => {
            let ends = ["2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z"].map(str::to_string);
            texts(own().cloned().chain(ends).collect())
        }
        "StringEqualsIgnoreCase" => texts(
            own()
                .flat_map(|v| [v.to_ascii_uppercase(), v.to_ascii_lowercase(), v.clone()])
                .collect(),
        ),
        "StringLike" | "ArnLike" | "ArnEquals" => texts(
            own()
                .flat_map(|value| [filled(value, ANYTHING), filled(value, "")])
                .collect(),
        ),
        _ => texts(own().cloned().collect()),
    };
    all.truncate(MAX_VALUES);
    all.push(None);
    all
}

/// The pattern with its wildcards replaced.
fn filled(pattern: &str, with: &str) -> String {
    pattern.replace('*', with).replace('?', "x")
}

/// Whether `text` matches `pattern`, whose only wildcards are `*` and `?`.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match wanted {
                '*' => reach[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reach[at - 1],
                c => at > 0 && reach[at - 1] && text[at - 1] == c,
            };
        }
        reach = next;
    }
    reach[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_actions_are_followed() {
        for (pattern, text, expected) in [
            ("s3:get*", "s3:getobject", true),
            ("*", "s3:getobject", true),
            ("s3:?etobject", "s3:getobject", true),
            ("s3:put*", "s3:getobject", false),
            ("s3:get*ect", "s3:getobjectversion", false),
            ("", "", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
