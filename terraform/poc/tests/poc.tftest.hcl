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
  region = "eu-central-1"
}

run "the_defaults_are_two_versioned_encrypted_buckets" {
  command = plan

  assert {
    condition     = [for purpose, bucket in module.storage.bucket_ids : purpose] == ["data", "results"]
    error_message = "there are other buckets than the two"
  }

  assert {
    condition     = output.role_name == "byos-poc-compute" && output.instance_profile_name == "byos-poc-compute"
    error_message = "the names changed: workers that run would lose their role"
  }
}

run "logs_get_a_bucket_of_their_own" {
  command = plan

  variables {
    enable_access_logging = true
    enable_inventory      = true
  }

  assert {
    condition     = contains(keys(module.storage.bucket_ids), "logs")
    error_message = "nothing receives the logs"
  }
}

run "everything_optional_can_be_off" {
  command = plan

  variables {
    enable_versioning = false
    enable_encryption = false
    compute_services  = ["ecs_tasks"]
  }

  assert {
    condition     = output.instance_profile_name == null
    error_message = "there is a profile that nobody asked for"
  }
}

run "a_region_that_is_none_is_refused" {
  command = plan

  variables {
    region = "Frankfurt"
  }

  expect_failures = [var.region]
}

run "a_name_that_is_no_bucket_name_is_refused" {
  command = plan

  variables {
    project = "My_Project"
  }

  expect_failures = [var.project]
}

run "a_tag_that_is_reserved_is_refused" {
  command = plan

  variables {
    tags = { "byos:owner" = "somebody" }
  }

  expect_failures = [var.tags]
}

run "an_origin_with_a_path_is_refused" {
  command = plan

  variables {
    cors_origins = ["https://app.example.com/page"]
  }

  expect_failures = [var.cors_origins]
}

run "a_role_for_nobody_is_refused" {
  command = plan

  variables {
    compute_services = []
  }

  expect_failures = [var.compute_services]
}
