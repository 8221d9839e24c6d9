# terraform init && terraform test, with Terraform 1.7 or later: no account and no call.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "222222222222"
    }
  }

  mock_data "aws_partition" {
    defaults = {
      partition  = "aws"
      dns_suffix = "amazonaws.com"
    }
  }

  mock_data "aws_region" {
    defaults = {
      region = "eu-central-1"
    }
  }
}

variables {
  owner      = "pulse/prod/acme"
  key_prefix = "orgs/acme/"

  buckets = {
    data    = { name = "acme-data" }
    results = { name = "acme-results" }
  }

  role = {
    name = "acme-gateway"

    vendor = {
      role_arn    = "arn:aws:iam::111111111111:role/byos-gateway"
      external_id = "pulse-org-acme"
    }
  }
}

run "public_access_is_blocked_on_every_bucket" {
  command = plan

  assert {
    condition = alltrue([
      for block in values(aws_s3_bucket_public_access_block.this) :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "one of the four switches is off"
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_public_access_block.this)) == toset(keys(aws_s3_bucket.this))
    error_message = "a bucket has no block"
  }

  assert {
    condition     = alltrue([for block in values(aws_s3_bucket_public_access_block.this) : block.skip_destroy])
    error_message = "the block would go before the bucket"
  }
}

run "ownership_is_enforced_and_plain_http_refused" {
  command = plan

  assert {
    condition     = alltrue([for controls in values(aws_s3_bucket_ownership_controls.this) : controls.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "ACLs would count"
  }

  assert {
    condition = alltrue([
      for policy in values(aws_s3_bucket_policy.this) :
      anytrue([for statement in jsondecode(policy.policy).Statement : statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"], null) == "false"])
    ])
    error_message = "a bucket can be read over plain HTTP"
  }
}

run "the_role_can_be_assumed_with_the_external_id_only" {
  command = plan

  assert {
    condition     = length(jsondecode(aws_iam_role.this.assume_role_policy).Statement) == 1
    error_message = "there is a second way in"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == "pulse-org-acme"
    error_message = "the external id is not asked for"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == "arn:aws:iam::111111111111:role/byos-gateway"
    error_message = "more than one role of the vendor may come in"
  }
}

run "nothing_is_asked_for_that_was_not_asked" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_versioning.this) == 0 && length(aws_s3_bucket_server_side_encryption_configuration.this) == 0
    error_message = "AWS's own default would be overwritten"
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 0 && length(aws_s3_bucket_logging.this) == 0 && length(aws_s3_bucket_notification.this) == 0 && length(aws_s3_bucket_inventory.this) == 0
    error_message = "a setting appears by itself"
  }

  assert {
    condition     = output.policy_arn == null && output.instance_profile_arn == null
    error_message = "there is a managed policy or a profile"
  }
}

run "every_bucket_aborts_incomplete_uploads_and_results_lose_probes" {
  command = plan

  assert {
    condition     = alltrue([for rules in values(aws_s3_bucket_lifecycle_configuration.this) : rules.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7])
    error_message = "parts of broken uploads would be kept"
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this["results"].rule[1].filter[0].prefix == "orgs/acme/.byos-probe/"
    error_message = "probes would be kept"
  }
}

run "compute_gets_a_profile_and_never_the_vendor" {
  command = plan

  variables {
    role = {
      name             = "acme-compute"
      policy_kind      = "managed"
      compute_services = ["ec2", "ecs_tasks"]
    }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role.this.assume_role_policy).Statement : statement.Principal.Service] == ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]
    error_message = "other principals than the two services are trusted"
  }

  assert {
    condition     = output.instance_profile_name == "acme-compute"
    error_message = "EC2 has no profile"
  }
}

run "deliveries_to_the_logs_bucket_are_allowed_by_its_policy" {
  command = plan

  variables {
    buckets = {
      data = {
        name    = "acme-data"
        logging = { target = "acme-logs", prefix = "access/data/" }
        inventories = [{
          id          = "byos-weekly"
          destination = "acme-logs"
        }]
      }
      results = { name = "acme-results" }
      logs    = { name = "acme-logs" }
    }
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.this["logs"].policy).Statement : statement.Resource if statement.Effect == "Allow"
    ] == ["arn:aws:s3:::acme-logs/access/data/*", "arn:aws:s3:::acme-logs/inventory/*"]
    error_message = "the deliveries would be refused, or may go elsewhere"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this["data"].policy).Statement : statement.Effect == "Deny"])
    error_message = "the data bucket admits somebody"
  }
}

run "a_role_without_an_external_id_is_refused" {
  command = plan

  variables {
    role = {
      name   = "acme-gateway"
      vendor = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "" }
    }
  }

  expect_failures = [var.role]
}

run "a_whole_account_as_the_vendor_is_refused" {
  command = plan

  variables {
    role = {
      name   = "acme-gateway"
      vendor = { role_arn = "arn:aws:iam::111111111111:root", external_id = "pulse-org-acme" }
    }
  }

  expect_failures = [var.role]
}

run "a_role_for_vendor_and_compute_at_once_is_refused" {
  command = plan

  variables {
    role = {
      name             = "acme-gateway"
      vendor           = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "pulse-org-acme" }
      compute_services = ["ec2"]
    }
  }

  expect_failures = [var.role]
}

run "a_prefix_that_reaches_other_tenants_is_refused" {
  command = plan

  variables {
    key_prefix = "orgs/acme/../"
  }

  expect_failures = [var.key_prefix]
}

run "a_prefix_with_a_pattern_is_refused" {
  command = plan

  variables {
    key_prefix = "orgs/*/"
  }

  expect_failures = [var.key_prefix]
}

run "logs_that_would_be_logged_again_are_refused" {
  command = plan

  variables {
    buckets = {
      data    = { name = "acme-data", logging = { target = "acme-results", prefix = "" } }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "an_alias_instead_of_a_key_is_refused" {
  command = plan

  variables {
    buckets = {
      data    = { name = "acme-data", encryption = { algorithm = "aws:kms", kms_key = "arn:aws:kms:eu-central-1:222222222222:alias/data" } }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "object_lock_without_versioning_is_refused" {
  command = plan

  variables {
    buckets = {
      data    = { name = "acme-data" }
      results = { name = "acme-results", object_lock = { mode = "GOVERNANCE", days = 1 } }
    }
  }

  expect_failures = [var.buckets]
}

run "a_bucket_name_that_s3_would_refuse_is_refused_before" {
  command = plan

  variables {
    buckets = {
      data    = { name = "Acme_data" }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}
