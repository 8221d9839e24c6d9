# Every validation refuses what only it forbids: without it, one of these runs fails.
# terraform init && terraform test, with Terraform 1.7 or later.

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

run "a_partition_that_is_none_is_refused" {
  command = plan

  variables {
    partition = "aws-moon"
  }

  expect_failures = [var.partition]
}

run "a_region_with_capitals_is_refused" {
  command = plan

  variables {
    region = "EU-Central-1"
  }

  expect_failures = [var.region]
}

run "a_prefix_that_begins_with_a_slash_is_refused" {
  command = plan

  variables {
    prefix = "/orgs/acme/"
  }

  expect_failures = [var.prefix]
}

run "a_prefix_without_a_slash_at_its_end_is_refused" {
  command = plan

  variables {
    prefix = "orgs/acme"
  }

  expect_failures = [var.prefix]
}

run "a_results_bucket_with_capitals_is_refused" {
  command = plan

  variables {
    results_bucket = "Acme"
  }

  expect_failures = [var.results_bucket]
}

run "an_alias_for_the_results_is_refused" {
  command = plan

  variables {
    results_key_arn = "arn:aws:kms:eu-central-1:222222222222:alias/mine"
  }

  expect_failures = [var.results_key_arn]
}

run "a_session_extra_that_is_none_is_refused" {
  command = plan

  variables {
    session_extras = ["everything"]
  }

  expect_failures = [var.session_extras]
}

run "a_policy_for_no_bucket_name_is_refused" {
  command = plan

  variables {
    buckets = { data = { bucket = "Acme" } }
  }

  expect_failures = [var.buckets]
}

run "an_encryption_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = { data = { bucket = "acme-data", encryption = "aws:kms" } }
  }

  expect_failures = [var.buckets]
}

run "an_account_of_a_source_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = { logs = { bucket = "acme-logs", inventories = [{ bucket = "acme-data", account_id = "1" }] } }
  }

  expect_failures = [var.buckets]
}

run "a_target_of_another_kind_is_refused" {
  command = plan

  variables {
    event_targets = {
      new = { kind = "function", arn = "arn:aws:sqs:eu-central-1:222222222222:q", sources = [{ bucket = "acme-data", account_id = "222222222222" }] }
    }
  }

  expect_failures = [var.event_targets]
}

run "a_target_that_is_no_queue_is_refused" {
  command = plan

  variables {
    event_targets = {
      new = { kind = "queue", arn = "arn:aws:lambda:eu-central-1:222222222222:function:f", sources = [{ bucket = "acme-data", account_id = "222222222222" }] }
    }
  }

  expect_failures = [var.event_targets]
}

run "a_target_without_sources_is_refused" {
  command = plan

  variables {
    event_targets = {
      new = { kind = "queue", arn = "arn:aws:sqs:eu-central-1:222222222222:q", sources = [] }
    }
  }

  expect_failures = [var.event_targets]
}
