# Every validation refuses what only it forbids: without it, one of these runs fails.
# terraform init && terraform test, with Terraform 1.7 or later.

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

run "an_environment_with_capitals_is_refused" {
  command = plan

  variables {
    environment = "Prod"
  }

  expect_failures = [var.environment]
}

run "an_account_with_dashes_is_refused" {
  command = plan

  variables {
    account_id = "2222-2222-2222"
  }

  expect_failures = [var.account_id]
}

run "a_data_prefix_with_a_dot_is_refused" {
  command = plan

  variables {
    data_bucket_prefix = "my.data"
  }

  expect_failures = [var.data_bucket_prefix]
}

run "a_data_prefix_that_aws_reserves_is_refused" {
  command = plan

  variables {
    data_bucket_prefix = "xn--data"
  }

  expect_failures = [var.data_bucket_prefix]
}

run "a_results_prefix_with_a_dash_at_the_end_is_refused" {
  command = plan

  variables {
    results_bucket_prefix = "results-"
  }

  expect_failures = [var.results_bucket_prefix]
}

run "half_a_day_is_refused" {
  command = plan

  variables {
    noncurrent_expire_days = 0.5
  }

  expect_failures = [var.noncurrent_expire_days]
}

run "an_alias_instead_of_a_key_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:222222222222:alias/mine"
  }

  expect_failures = [var.kms_key_arn]
}

run "aborting_at_once_is_refused" {
  command = plan

  variables {
    abort_incomplete_days = 0
  }

  expect_failures = [var.abort_incomplete_days]
}

run "results_that_expire_at_once_are_refused" {
  command = plan

  variables {
    results_expire_days = 0
  }

  expect_failures = [var.results_expire_days]
}

run "a_receiver_that_is_no_queue_topic_or_function_is_refused" {
  command = plan

  variables {
    new_data_target = "arn:aws:s3:::somewhere"
  }

  expect_failures = [var.new_data_target]
}

run "a_fifo_queue_is_refused" {
  command = plan

  variables {
    new_data_target = "arn:aws:sqs:eu-central-1:222222222222:new.fifo"
  }

  expect_failures = [var.new_data_target]
}

run "a_prefix_without_a_slash_at_its_end_is_refused" {
  command = plan

  variables {
    key_prefix = "orgs/acme"
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

run "a_boundary_that_is_no_policy_is_refused" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::222222222222:role/limits"
  }

  expect_failures = [var.permissions_boundary]
}

run "a_network_by_name_is_refused" {
  command = plan

  variables {
    vpc_endpoint = { vpc_id = "main", route_table_ids = [] }
  }

  expect_failures = [var.vpc_endpoint]
}

run "a_route_table_by_name_is_refused" {
  command = plan

  variables {
    vpc_endpoint = { vpc_id = "vpc-0123456789abcdef0", route_table_ids = ["main"] }
  }

  expect_failures = [var.vpc_endpoint]
}

run "a_tag_with_a_quote_is_refused" {
  command = plan

  variables {
    tags = { owner = "the \"team\"" }
  }

  expect_failures = [var.tags]
}
