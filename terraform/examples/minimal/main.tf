# The least that a customer writes: two buckets, and a role that the vendor's gateway may assume with
# the external id that the vendor has stated.

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
  region = "eu-central-1"
}

module "storage" {
  source = "../../modules/tenant-storage"

  owner      = "pulse/prod/acme"
  key_prefix = "orgs/acme/"

  buckets = {
    data    = { name = "acme-pulse-data" }
    results = { name = "acme-pulse-results" }
  }

  role = {
    name = "acme-pulse-gateway"

    vendor = {
      role_arn    = "arn:aws:iam::111111111111:role/byos-gateway"
      external_id = "pulse-org-acme"
    }
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
