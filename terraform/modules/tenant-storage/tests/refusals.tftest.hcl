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

run "an_owner_that_no_tag_can_hold_is_refused" {
  command = plan

  variables {
    owner = "pulse/prod/<acme>"
  }

  expect_failures = [var.owner]
}

run "a_prefix_that_begins_with_a_slash_is_refused" {
  command = plan

  variables {
    key_prefix = "/orgs/acme/"
  }

  expect_failures = [var.key_prefix]
}

run "a_data_bucket_without_results_is_refused" {
  command = plan

  variables {
    buckets = { data = { name = "acme-data" } }
  }

  expect_failures = [var.buckets]
}

run "a_purpose_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name = "acme-data"
      }
      results = { name = "acme-results" }
      backup  = { name = "acme-backup" }
    }
  }

  expect_failures = [var.buckets]
}

run "one_bucket_for_two_purposes_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name = "acme-data"
      }
      results = { name = "acme-data" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_namespace_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name      = "acme-data"
        namespace = "regional"
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "an_account_regional_name_without_its_end_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name      = "acme-data"
        namespace = "account_regional"
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "versioning_in_other_words_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name       = "acme-data"
        versioning = "on"
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "an_algorithm_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name       = "acme-data"
        encryption = { algorithm = "DES" }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "kms_without_a_key_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name       = "acme-data"
        encryption = { algorithm = "aws:kms" }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_bucket_key_with_two_layers_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name       = "acme-data"
        encryption = { algorithm = "aws:kms:dsse", kms_key = "arn:aws:kms:eu-central-1:222222222222:key/1", bucket_key = true }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "blocking_what_cannot_be_blocked_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name               = "acme-data"
        blocked_encryption = ["SSE-S3"]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "other_encryption_than_none_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name                    = "acme-data"
        refuse_other_encryption = true
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "aborting_at_once_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name                  = "acme-data"
        abort_incomplete_days = 0
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_lifecycle_rule_that_is_not_marked_as_ours_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name            = "acme-data"
        lifecycle_rules = [{ id = "old", expire_days = 1 }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_lifecycle_rule_with_a_name_that_is_taken_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name            = "acme-data"
        lifecycle_rules = [{ id = "byos-probe", expire_days = 1 }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_lifecycle_rule_that_does_nothing_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name            = "acme-data"
        lifecycle_rules = [{ id = "byos-idle" }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_transition_minimum_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name               = "acme-data"
        transition_minimum = "128K"
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_cors_rule_for_options_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name       = "acme-data"
        cors_rules = [{ origins = ["*"], methods = ["OPTIONS"] }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_cors_rule_for_nobody_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name       = "acme-data"
        cors_rules = [{ origins = [], methods = ["GET"] }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_key_format_that_is_none_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name    = "acme-data"
        logging = { target = "acme-logs", prefix = "", key_format = "date" }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_queue_among_the_topics_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name          = "acme-data"
        notifications = { topics = [{ id = "byos-a", arn = "arn:aws:sqs:eu-central-1:222222222222:q", events = ["s3:ObjectCreated:*"] }] }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_notification_of_nothing_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name          = "acme-data"
        notifications = { queues = [{ id = "byos-a", arn = "arn:aws:sqs:eu-central-1:222222222222:q", events = [] }] }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_notification_that_is_not_marked_as_ours_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name          = "acme-data"
        notifications = { queues = [{ id = "a", arn = "arn:aws:sqs:eu-central-1:222222222222:q", events = ["s3:ObjectCreated:*"] }] }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "an_inventory_that_is_not_marked_as_ours_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name        = "acme-data"
        inventories = [{ id = "weekly", destination = "acme-logs" }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "an_inventory_in_another_format_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name        = "acme-data"
        inventories = [{ id = "byos-weekly", destination = "acme-logs", format = "JSON" }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "an_inventory_every_hour_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name        = "acme-data"
        inventories = [{ id = "byos-weekly", destination = "acme-logs", frequency = "Hourly" }]
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_lock_of_another_mode_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name        = "acme-data"
        versioning  = "Enabled"
        object_lock = { mode = "LEGAL", days = 1 }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_lock_for_no_day_is_refused" {
  command = plan

  variables {
    buckets = {
      data = {
        name        = "acme-data"
        versioning  = "Enabled"
        object_lock = { mode = "GOVERNANCE", days = 0 }
      }
      results = { name = "acme-results" }
    }
  }

  expect_failures = [var.buckets]
}

run "a_role_name_with_a_space_is_refused" {
  command = plan

  variables {
    role = {
      name   = "acme gateway"
      vendor = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "pulse-org-acme" }
      path   = "/"
    }
  }

  expect_failures = [var.role]
}

run "a_role_path_without_a_slash_is_refused" {
  command = plan

  variables {
    role = {
      name   = "acme-gateway"
      vendor = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "pulse-org-acme" }
      path   = "byos"
    }
  }

  expect_failures = [var.role]
}

run "a_role_for_nobody_is_refused" {
  command = plan

  variables {
    role = {
      name = "acme-gateway"
      path = "/"
    }
  }

  expect_failures = [var.role]
}

run "a_role_for_another_service_is_refused" {
  command = plan

  variables {
    role = {
      name             = "acme-gateway"
      compute_services = ["lambda"]
    }
  }

  expect_failures = [var.role]
}

run "a_policy_of_another_kind_is_refused" {
  command = plan

  variables {
    role = {
      name        = "acme-gateway"
      vendor      = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "pulse-org-acme" }
      policy_kind = "both"
    }
  }

  expect_failures = [var.role]
}

run "a_long_session_for_the_vendor_is_refused" {
  command = plan

  variables {
    role = {
      name                = "acme-gateway"
      vendor              = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "pulse-org-acme" }
      max_session_seconds = 7200
    }
  }

  expect_failures = [var.role]
}

run "a_session_of_a_day_is_refused" {
  command = plan

  variables {
    role = {
      name                = "acme-gateway"
      compute_services    = ["ec2"]
      max_session_seconds = 86400
    }
  }

  expect_failures = [var.role]
}

run "a_boundary_that_is_no_policy_is_refused" {
  command = plan

  variables {
    role = {
      name                 = "acme-gateway"
      vendor               = { role_arn = "arn:aws:iam::111111111111:role/byos-gateway", external_id = "pulse-org-acme" }
      permissions_boundary = "arn:aws:iam::222222222222:role/limits"
    }
  }

  expect_failures = [var.role]
}

run "an_endpoint_of_another_kind_is_refused" {
  command = plan

  variables {
    vpc_endpoint = { vpc_id = "vpc-0123456789abcdef0", kind = "peering" }
  }

  expect_failures = [var.vpc_endpoint]
}

run "a_network_by_name_is_refused" {
  command = plan

  variables {
    vpc_endpoint = { vpc_id = "main" }
  }

  expect_failures = [var.vpc_endpoint]
}

run "a_subnet_by_name_is_refused" {
  command = plan

  variables {
    vpc_endpoint = { vpc_id = "vpc-0123456789abcdef0", kind = "interface", subnet_ids = ["private"] }
  }

  expect_failures = [var.vpc_endpoint]
}
