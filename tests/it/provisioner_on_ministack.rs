//! The whole life of a tenant on an AWS that somebody else wrote: two accounts, signatures, IAM and
//! bucket policies enforced, TLS. The customer's admin has the deployer's policy and nothing else;
//! everything is read back by the aws cli.

use serde_json::{Value, json};
use tests::client::{Login, run, succeed};
use tests::ministack::{CUSTOMER_ACCOUNT, MiniStack, VENDOR_ACCOUNT};
use tests::provisioner::Provisioner;

/// A customer's admin with a file of tenants, and the vendor whom they admit.
pub(crate) struct Stage {
    /// Runs the provisioner with the deployer's policy.
    pub(crate) admin: Provisioner,
    /// The file of tenants.
    pub(crate) file: String,
    /// Root of the customer's account, where no check is made: for looking, and for meddling.
    pub(crate) root: Login,
    /// A user of the vendor who may take the vendor's role.
    vendor: Login,
    vendor_role: String,
}

impl Stage {
    /// Tenants as `text` says; `name` keeps the tests apart.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        Self::with_further_rights(name, text, &[])
    }

    /// With rights beside those of the deployer's policy.
    pub(crate) fn with_further_rights(name: &str, text: &str, further: &[&Value]) -> Self {
        let aws = MiniStack::over_tls();
        let root = in_europe(aws.root_of(CUSTOMER_ACCOUNT));
        let (vendor_role, vendor) = aws.vendor_role(&format!("gateway-{name}"));
        let nobody = Provisioner::of(&root);
        let defaults = format!(
            r#"
                [defaults]
                region = "eu-central-1"
                account = "{CUSTOMER_ACCOUNT}"
                role.vendor_role = "{vendor_role}"
            "#
        );
        let file = nobody.write("tenants.toml", &(defaults + text));
        let options = ["--with-destroy", "--with-prove"];
        let printed = [&["deployer-policy", "--file", &file], &options[..]].concat();
        let printed = nobody.run(&printed).with_code(0);
        let tenants = printed.json["tenants"].as_array().unwrap();
        let policies = tenants.iter().map(|tenant| &tenant["result"]);
        let policies: Vec<_> = policies.chain(further.iter().copied()).collect();
        let keys = aws.customers_user(&format!("admin-{name}"), &policies);
        Self {
            admin: nobody.becoming(&keys).with_vendor(&vendor),
            file,
            root,
            vendor: in_europe(vendor),
            vendor_role,
        }
    }

    /// Runs a command on all tenants of the file.
    pub(crate) fn run(&self, command: &[&str]) -> tests::provisioner::Ended {
        self.admin.run(&[command, &["--file", &self.file]].concat())
    }

    /// What a call of the aws cli answers.
    pub(crate) fn read(&self, arguments: &[&str]) -> Value {
        let json = [arguments, &["--output", "json"]].concat();
        let text = succeed(&mut self.root.aws(&json));
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn read_of(&self, bucket: &str, call: &str) -> Value {
        self.read(&["s3api", call, "--bucket", bucket])
    }

    /// The words with which a call of the aws cli fails.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> String {
        refusal(&mut self.root.aws(arguments))
    }
}

/// Where the buckets stand: MiniStack redirects signatures of other regions.
fn in_europe(login: Login) -> Login {
    Login {
        region: "eu-central-1".to_owned(),
        ..login
    }
}

fn refusal(command: &mut std::process::Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{command:?} succeeds");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Keys of a role, as AssumeRole gives them to the aws cli.
struct Session {
    login: Login,
    token: String,
}

impl Session {
    fn aws(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.login.aws(arguments);
        command.env("AWS_SESSION_TOKEN", &self.token);
        command
    }

    /// By assuming `role` with what `command` makes of the arguments of the aws cli.
    fn of(
        role: &str,
        external_id: Option<&str>,
        caller: &Login,
        aws: impl Fn(&[&str]) -> std::process::Command,
    ) -> Result<Self, String> {
        let mut arguments = vec!["sts", "assume-role", "--role-session-name", "judge"];
        arguments.extend(["--output", "json", "--role-arn", role]);
        arguments.extend(external_id.into_iter().flat_map(|id| ["--external-id", id]));
        let output = run(&mut aws(&arguments));
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let field = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
        Ok(Self {
            login: caller.with_keys(&field("AccessKeyId"), &field("SecretAccessKey")),
            token: field("SessionToken"),
        })
    }

    /// The vendor's user with its role taken.
    fn of_vendor(user: &Login, role: &str) -> Self {
        Self::of(role, None, user, |arguments| user.aws(arguments)).unwrap()
    }

    /// Assumes a tenant's role from here.
    fn assume(&self, role: &str, external_id: Option<&str>) -> Result<Self, String> {
        Self::of(role, external_id, &self.login, |arguments| {
            self.aws(arguments)
        })
    }
}

fn assert_denied(outcome: Result<Session, String>, what: &str) {
    match outcome {
        Ok(_) => panic!("{what} is let in"),
        Err(words) => assert!(words.contains("AccessDenied"), "{what}: {words}"),
    }
}

#[test]
fn a_tenant_comes_and_goes_with_nothing_but_the_deployers_policy() {
    let stage = Stage::of("cycle", "[[tenants]]\norg_id = \"cycle\"\n");
    let _ = stage.run(&["plan"]).with_code(2);
    let made = stage.run(&["apply", "--yes"]).with_code(0);
    assert_eq!(made.result()["changes_made"], 14);
    let again = stage.run(&["apply", "--yes"]).with_code(0);
    assert_eq!(again.result()["changes_made"], 0);
    let _ = stage.run(&["drift"]).with_code(0);
    let status = stage.run(&["status"]).with_code(0);
    assert_eq!(status.result()["settled"], true);
    let caller = format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:user/admin-cycle");
    assert_eq!(status.result()["caller"]["arn"], caller.as_str());
    let tried = stage.run(&["test"]).with_code(0);
    assert_eq!(tried.result()["ok"], true, "{:#}", tried.json);
    let onboarded = stage.run(&["onboard", "--yes"]).with_code(0);
    let verdict = &onboarded.result()["certificate"]["certificate"]["verdict"];
    assert_eq!(verdict, "proven", "{:#}", onboarded.json);

    let [data, results] = ["data", "results"].map(|it| format!("byos-prod-cycle-{it}"));
    let put = ["s3api", "put-object", "--key", "kept", "--bucket"];
    stage.read(&[&put[..], &[&results]].concat());
    let refused = stage.run(&["offboard", "--yes"]).with_code(1);
    let message = refused.error()["message"].as_str().unwrap();
    assert!(
        message.contains("1 object") && message.contains("hint:"),
        "{message}"
    );
    let role = ["iam", "get-role", "--role-name", "byos-prod-cycle-gateway"];
    assert!(stage.read(&role)["Role"].is_object(), "nothing went yet");
    let remove = ["s3api", "delete-object", "--key", "kept", "--bucket"];
    stage.read(&[&remove[..], &[&results]].concat());
    let down = stage.run(&["offboard", "--yes"]).with_code(0);
    assert_eq!(down.result()["changes_made"], 4);
    for bucket in [&data, &results] {
        let words = stage.refusal(&["s3api", "head-bucket", "--bucket", bucket]);
        assert!(words.contains("404"), "{words}");
    }
    assert!(stage.refusal(&role).contains("NoSuchEntity"));
    let nothing = stage.run(&["destroy", "--yes"]).with_code(0);
    assert_eq!(nothing.result()["changes_made"], 0);
}

#[test]
fn what_was_set_up_is_what_the_aws_cli_reads() {
    let tenant =
        "[[tenants]]\norg_id = \"reader\"\nbase_path = \"in/\"\ntags = { team = \"a b/c\" }\n";
    let stage = Stage::of("reader", tenant);
    let _ = stage.run(&["apply", "--yes"]).with_code(0);
    let [data, results] = ["data", "results"].map(|it| format!("byos-prod-reader-{it}"));
    for bucket in [&data, &results] {
        let location = stage.read_of(bucket, "get-bucket-location");
        assert_eq!(location["LocationConstraint"], "eu-central-1");
        let blocks = stage.read_of(bucket, "get-public-access-block");
        let blocks = blocks["PublicAccessBlockConfiguration"]
            .as_object()
            .unwrap();
        assert!(
            blocks.len() == 4 && blocks.values().all(|it| it == true),
            "{blocks:?}"
        );
        let owner = stage.read_of(bucket, "get-bucket-ownership-controls");
        let owner = &owner["OwnershipControls"]["Rules"][0]["ObjectOwnership"];
        assert_eq!(owner, "BucketOwnerEnforced");
        let policy = stage.read_of(bucket, "get-bucket-policy");
        let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        assert!(statements.iter().all(|it| it["Effect"] == "Deny"));
        let tls = &statements[0]["Condition"]["Bool"]["aws:SecureTransport"];
        assert_eq!(tls, "false", "{policy}");
        let tags = stage.read_of(bucket, "get-bucket-tagging")["TagSet"].to_string();
        assert!(
            tags.contains("byos/prod/reader") && tags.contains("a b/c"),
            "{tags}"
        );
    }
    let name = "byos-prod-reader-gateway";
    let role = stage.read(&["iam", "get-role", "--role-name", name]);
    let trust = &role["Role"]["AssumeRolePolicyDocument"]["Statement"];
    let expected = json!([{
        "Sid": "AssumeWithExternalId",
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{VENDOR_ACCOUNT}:root") },
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": { "aws:PrincipalArn": stage.vendor_role },
            "StringEquals": { "sts:ExternalId": "pulse-org-reader" },
        },
    }]);
    assert_eq!(trust, &expected);
    let policy = ["iam", "get-role-policy", "--role-name", name];
    let own = format!("{name}-storage");
    let policy = stage.read(&[&policy[..], &["--policy-name", &own]].concat());
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    let writes = statements
        .iter()
        .filter(|it| it["Action"].to_string().contains("s3:PutObject"));
    let resources: Vec<_> = writes.map(|it| &it["Resource"]).collect();
    let own = format!("arn:aws:s3:::{results}/in/orgs/reader/*");
    assert_eq!(resources, [&json!(own)]);
}

#[test]
fn each_of_two_tenants_lets_the_vendor_in_by_its_own_external_id_only() {
    let two = "[[tenants]]\norg_id = \"initech\"\n[[tenants]]\norg_id = \"umbrella\"\n";
    let stage = Stage::of("two", two);
    let made = stage.run(&["apply", "--yes"]).with_code(0);
    let output = |position: usize, name: &str| {
        let outputs = &made.result_of(position)["outputs"];
        outputs[name].as_str().unwrap().to_owned()
    };
    let vendor = Session::of_vendor(&stage.vendor, &stage.vendor_role);
    let (other_role, other) = MiniStack::over_tls().vendor_role("gateway-two-other");
    let other = Session::of_vendor(&in_europe(other), &other_role);
    for (position, stranger) in [(0, 1), (1, 0)] {
        let role = output(position, "role_arn");
        let right = output(position, "external_id");
        let theirs = output(stranger, "external_id");
        assert!(vendor.assume(&role, Some(&right)).is_ok());
        assert_denied(vendor.assume(&role, None), "nobody's id");
        assert_denied(vendor.assume(&role, Some("pulse-org-wrong")), "a wrong id");
        assert_denied(vendor.assume(&role, Some(&theirs)), "another tenant's id");
        assert_denied(other.assume(&role, Some(&right)), "another role");
        let user = Session::of(&role, Some(&right), &stage.vendor, |arguments| {
            stage.vendor.aws(arguments)
        });
        assert_denied(user, "the vendor's user without its role");
    }

    let own = vendor.assume(&output(0, "role_arn"), Some(&output(0, "external_id")));
    let own = own.unwrap_or_else(|words| panic!("{words}"));
    let put = |bucket: &str, key: &str| {
        own.aws(&["s3api", "put-object", "--bucket", bucket, "--key", key])
    };
    let results = output(0, "results_bucket");
    succeed(&mut put(&results, "orgs/initech/made"));
    let list = ["s3api", "list-objects-v2", "--bucket", &results];
    let listed = succeed(&mut own.aws(&[&list[..], &["--prefix", "orgs/initech/"]].concat()));
    assert!(listed.contains("orgs/initech/made"), "{listed}");
    for mut refused in [
        put(&results, "orgs/umbrella/made"),
        put(&output(0, "data_bucket"), "orgs/initech/made"),
        put(&output(1, "results_bucket"), "orgs/umbrella/made"),
        own.aws(&list),
        own.aws(&["s3api", "get-bucket-policy", "--bucket", &results]),
    ] {
        let words = refusal(&mut refused);
        assert!(words.contains("AccessDenied"), "{refused:?}: {words}");
    }
}

#[test]
fn a_right_that_the_admin_lacks_is_named_and_once_granted_the_run_continues() {
    let stage = Stage::of("lacking", "[[tenants]]\norg_id = \"lacking\"\n");
    let denial = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"}]});
    let denial = denial.to_string();
    let named = ["--user-name", "admin-lacking", "--policy-name", "denial"];
    let put = [
        &["iam", "put-user-policy"],
        &named[..],
        &["--policy-document", &denial],
    ];
    stage.read(&put.concat());
    let stopped = stage.run(&["apply", "--yes"]).with_code(1);
    let error = stopped.error();
    assert_eq!(error["code"], "AccessDenied");
    assert_eq!(error["fault"], "caller");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("iam:CreateRole"), "{message}");
    assert!(message.contains("explicit"), "{message}");
    stage.read(&[&["iam", "delete-user-policy"], &named[..]].concat());
    let continued = stage.run(&["apply", "--yes"]).with_code(0);
    assert_eq!(continued.result()["changes_made"], 2, "the role is left");
    let _ = stage.run(&["drift"]).with_code(0);
    let undone = stage.run(&["rollback", "--yes"]).with_code(0);
    assert_eq!(undone.json["tenants"][0]["error"], Value::Null);
    let role = "byos-prod-lacking-gateway";
    let words = stage.refusal(&["iam", "get-role", "--role-name", role]);
    assert!(words.contains("NoSuchEntity"), "{words}");
}

#[test]
fn an_endpoint_that_nobody_trusted_has_signed_is_refused_with_the_way_to_trust_it() {
    let aws = MiniStack::over_tls();
    let trusting = aws.root_of(CUSTOMER_ACCOUNT);
    let admin = Provisioner::of(&Login {
        authority: None,
        ..trusting
    });
    let role = format!("arn:aws:iam::{VENDOR_ACCOUNT}:role/nobody");
    let plan = ["plan", "--org", "untrusting", "--region", "eu-central-1"];
    let said = admin.read(&[&plan[..], &["--vendor-role", &role]].concat());
    assert!(
        said.contains("certificate") && said.contains("--ca-file"),
        "{said}"
    );
}
