# Everything that the module can do, on one tenant.

terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.40"
    }
  }
}

provider "aws" {
  region              = "eu-central-1"
  allowed_account_ids = [local.account]
}

locals {
  account = "222222222222"
  key     = "arn:aws:kms:eu-central-1:${local.account}:key/11111111-2222-3333-4444-555555555555"
  suffix  = "${local.account}-eu-central-1-an"

  encryption = {
    algorithm  = "aws:kms"
    kms_key    = local.key
    bucket_key = true
  }
}

module "storage" {
  source = "../../modules/tenant-storage"

  owner      = "pulse/prod/acme"
  key_prefix = "extractions/orgs/acme/"

  buckets = {
    data = {
      name                    = "acme-pulse-data-${local.suffix}"
      namespace               = "account_regional"
      versioning              = "Enabled"
      encryption              = local.encryption
      blocked_encryption      = ["SSE-C"]
      refuse_other_encryption = true
      refuse_customer_keys    = true
      abort_incomplete_days   = 3
      transition_minimum      = "varies_by_storage_class"

      lifecycle_rules = [
        {
          id          = "byos-cold"
          prefix      = "extractions/"
          larger_than = 131072
          tags        = { keep = "cold" }
          transitions = [
            { days = 30, class = "STANDARD_IA" },
            { days = 90, class = "GLACIER" },
          ]
          expire_days = 365
        },
        {
          id                     = "byos-old-versions"
          noncurrent_expire_days = 90
          noncurrent_keep        = 2
          noncurrent_transitions = [{ days = 30, class = "GLACIER_IR" }]
          expire_delete_markers  = true
        },
      ]

      cors_rules = [{
        id              = "web"
        origins         = ["https://app.example.com"]
        methods         = ["PUT", "GET"]
        headers         = ["*"]
        expose_headers  = ["ETag"]
        max_age_seconds = 3000
      }]

      logging = {
        target     = "acme-pulse-logs-${local.suffix}"
        prefix     = "access/data/"
        key_format = "event_time"
      }

      notifications = {
        event_bridge = true
        queues = [{
          id     = "byos-new-documents"
          arn    = "arn:aws:sqs:eu-central-1:${local.account}:new-documents"
          events = ["s3:ObjectCreated:*"]
          prefix = "extractions/"
          suffix = ".pdf"
        }]
        topics = [{
          id     = "byos-removed"
          arn    = "arn:aws:sns:eu-central-1:${local.account}:removed"
          events = ["s3:ObjectRemoved:*"]
        }]
      }

      inventories = [{
        id                 = "byos-weekly"
        destination        = "acme-pulse-logs-${local.suffix}"
        destination_prefix = "inventory"
        format             = "Parquet"
        frequency          = "Weekly"
        all_versions       = true
        prefix             = "extractions/"
        fields             = ["Size", "EncryptionStatus"]
      }]

      tags = { classification = "customer" }
    }

    results = {
      name       = "acme-pulse-results-${local.suffix}"
      namespace  = "account_regional"
      versioning = "Enabled"
      encryption = local.encryption

      object_lock = {
        mode = "GOVERNANCE"
        days = 30
      }

      logging = {
        target = "acme-pulse-logs-${local.suffix}"
        prefix = "access/results/"
      }
    }

    logs = {
      name       = "acme-pulse-logs-${local.suffix}"
      namespace  = "account_regional"
      encryption = { algorithm = "AES256" }
      lifecycle_rules = [{
        id          = "byos-expiry"
        expire_days = 400
      }]
    }
  }

  role = {
    name                 = "acme-pulse-gateway"
    path                 = "/byos/"
    description          = "Access to the documents of Acme for Pulse"
    policy_kind          = "managed"
    permissions_boundary = "arn:aws:iam::${local.account}:policy/boundary"

    vendor = {
      role_arn     = "arn:aws:iam::111111111111:role/byos-gateway"
      external_id  = "pulse-org-acme"
      session_tags = true
    }

    tags = { cost = "42" }
  }

  vpc_endpoint = {
    vpc_id          = "vpc-0123456789abcdef0"
    route_table_ids = ["rtb-0123456789abcdef0"]
  }
}

output "role_arn" {
  description = "Give this to the vendor."
  value       = module.storage.role_arn
}

output "bucket_ids" {
  description = "Give these to the vendor."
  value       = module.storage.bucket_ids
}
