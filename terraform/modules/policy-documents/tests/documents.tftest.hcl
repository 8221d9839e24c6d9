# Run in the module's folder: terraform init && terraform test. No provider, no network.

variables {
  account_id      = "222222222222"
  region          = "eu-central-1"
  prefix          = "extractions/orgs/acme/"
  data_bucket     = "acme-data"
  results_bucket  = "acme-results"
  vendor_role_arn = "arn:aws:iam::111111111111:role/byos/broker"
  external_id     = "pulse-org-acme"
  tenant_role_arn = "arn:aws:iam::222222222222:role/byos-acme"
}

run "the_trust_is_in_one_role_with_the_external_id" {
  command = plan

  assert {
    condition     = jsondecode(output.trust_policy).Statement[0].Principal.AWS == "arn:aws:iam::111111111111:root"
    error_message = "The principal must be the vendor's account."
  }

  assert {
    condition     = jsondecode(output.trust_policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == "arn:aws:iam::111111111111:role/byos/broker"
    error_message = "The account must be narrowed to one role."
  }

  assert {
    condition     = jsondecode(output.trust_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == "pulse-org-acme"
    error_message = "The external id must be demanded."
  }

  assert {
    condition     = length(jsondecode(output.trust_policy).Statement) == 1
    error_message = "Tags and source identity were not asked for."
  }
}

run "session_extras_add_their_statements" {
  command = plan

  variables {
    session_extras = ["source_identity", "tag_session"]
  }

  assert {
    condition     = [for s in jsondecode(output.trust_policy).Statement : s.Action] == ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    error_message = "Each extra must have its statement."
  }
}

run "permissions_end_at_the_prefix" {
  command = plan

  assert {
    condition = alltrue([
      for s in jsondecode(output.permission_policy).Statement :
      s.Condition.StringEquals["aws:ResourceAccount"] == "222222222222"
    ])
    error_message = "Every statement must name the owner of the bucket."
  }

  assert {
    condition = [
      for s in jsondecode(output.permission_policy).Statement : s.Resource if s.Sid == "ReadWriteResults"
    ] == ["arn:aws:s3:::acme-results/extractions/orgs/acme/*"]
    error_message = "Objects must be limited to the prefix."
  }

  assert {
    condition     = !strcontains(output.permission_policy, "kms:")
    error_message = "Without keys there is no KMS statement."
  }
}

run "keys_and_extras_add_their_statements" {
  command = plan

  variables {
    data_key_arn      = "arn:aws:kms:eu-central-1:222222222222:key/mrk-1"
    results_key_arn   = "arn:aws:kms:eu-central-1:222222222222:key/mrk-2"
    permission_extras = ["list_uploads", "probe", "read_versions"]
  }

  assert {
    condition = [for s in jsondecode(output.permission_policy).Statement : s.Sid] == [
      "DataFacts", "ListData", "ReadData", "ReadDataVersions", "UseDataKey", "ResultsFacts", "ListResults",
      "ReadWriteResults", "ReadResultsVersions", "ListResultsUploads", "DeleteProbeVersions", "UseResultsKey",
    ]
    error_message = "Each extra must have its statement."
  }
}

run "a_prefix_with_wildcards_means_itself" {
  command = plan

  variables {
    prefix = "a*b?/$${aws:username}/\"},{/"
  }

  assert {
    condition = [
      for s in jsondecode(output.permission_policy).Statement : s.Resource if s.Sid == "ReadData"
    ] == ["arn:aws:s3:::acme-data/a$${*}b$${?}/$${$}{aws:username}/\"},{/*"]
    error_message = "Wildcards must be escaped and quotes must stay inside their text."
  }
}

run "whole_buckets_are_listed_without_a_condition_on_the_prefix" {
  command = plan

  variables {
    prefix = ""
  }

  assert {
    condition     = !strcontains(output.permission_policy, "s3:prefix") && strcontains(output.permission_policy, "ListWholeData")
    error_message = "Without a prefix there is nothing to compare with."
  }
}

run "bucket_policies_only_deny_unless_something_is_delivered" {
  command = plan

  variables {
    buckets = {
      data = { bucket = "acme-data" }
      logs = {
        bucket      = "acme-logs"
        encryption  = "AES256"
        access_logs = [{ bucket = "acme-data", account_id = "222222222222", prefix = "data/" }]
      }
    }
  }

  assert {
    condition     = [for s in jsondecode(output.bucket_policies["data"]).Statement : s.Effect] == ["Deny", "Deny"]
    error_message = "A plain bucket denies clear text and old TLS, and grants nothing."
  }

  assert {
    condition     = [for s in jsondecode(output.bucket_policies["logs"]).Statement : s.Sid] == ["DenyInsecureTransport", "DenyOldTls", "DenyOtherEncryption", "AccessLogs1"]
    error_message = "A target takes deliveries from its sources."
  }
}

run "china_has_its_own_names" {
  command = plan

  variables {
    partition       = "aws-cn"
    region          = "cn-north-1"
    vendor_role_arn = "arn:aws-cn:iam::111111111111:role/broker"
  }

  assert {
    condition     = jsondecode(output.ec2_trust_policy).Statement[0].Principal.Service == "ec2.amazonaws.com.cn"
    error_message = "EC2 has another principal in China."
  }

  assert {
    condition     = !strcontains(output.permission_policy, "arn:aws:s3")
    error_message = "The partition must come from the input."
  }
}

run "without_inputs_there_are_no_documents" {
  command = plan

  variables {
    region          = null
    data_bucket     = null
    results_bucket  = null
    vendor_role_arn = null
    tenant_role_arn = null
  }

  assert {
    condition = alltrue([
      for document in [output.trust_policy, output.ecs_tasks_trust_policy, output.permission_policy, output.key_policy, output.endpoint_policy] : document == null
    ])
    error_message = "A document without its inputs must be null."
  }
}

run "bad_input_is_refused_by_name" {
  command = plan

  variables {
    account_id        = "1234"
    prefix            = "orgs/../acme/"
    data_bucket       = "Acme_Data"
    data_key_arn      = "arn:aws:kms:eu-central-1:222222222222:alias/mine"
    vendor_role_arn   = "arn:aws:iam::111111111111:root"
    external_id       = "pulse org"
    permission_extras = ["everything"]
    tenant_role_arn   = "role/x"
  }

  expect_failures = [
    var.account_id,
    var.prefix,
    var.data_bucket,
    var.data_key_arn,
    var.vendor_role_arn,
    var.external_id,
    var.permission_extras,
    var.tenant_role_arn,
  ]
}

run "a_prefix_that_no_policy_can_hold_is_refused" {
  command = plan

  variables {
    prefix = "kunde/日本/"
  }

  expect_failures = [var.prefix]
}

run "a_bucket_must_not_log_to_itself" {
  command = plan

  variables {
    buckets = {
      data = {
        bucket      = "acme-data"
        access_logs = [{ bucket = "acme-data", account_id = "222222222222" }]
      }
    }
  }

  expect_failures = [var.buckets]
}
