# Every policy text comes from policies/, by way of the module policy-documents: nothing is written
# here, so that Terraform, the provisioner and the gateway can never disagree.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  # Who sends access logs and inventories to which bucket of this module.
  log_sources = {
    for purpose, bucket in var.buckets : purpose => [
      for source in values(var.buckets) : {
        bucket     = source.name
        account_id = local.account_id
        prefix     = source.logging.prefix
      } if try(source.logging.target, null) == bucket.name
    ]
  }

  inventory_sources = {
    for purpose, bucket in var.buckets : purpose => distinct(flatten([
      for source in values(var.buckets) : [
        for inventory in source.inventories : {
          bucket     = source.name
          account_id = local.account_id
          prefix     = inventory.destination_prefix == "" ? "" : "${inventory.destination_prefix}/"
        } if inventory.destination == bucket.name
      ]
    ]))
  }
}

module "documents" {
  source = "../policy-documents"

  partition  = local.partition
  account_id = local.account_id
  region     = data.aws_region.current.region
  prefix     = var.key_prefix

  data_bucket       = var.buckets["data"].name
  data_key_arn      = try(var.buckets["data"].encryption.kms_key, null)
  results_bucket    = var.buckets["results"].name
  results_key_arn   = try(var.buckets["results"].encryption.kms_key, null)
  permission_extras = setunion(["probe"], var.list_uploads ? ["list_uploads"] : [])

  vendor_role_arn = try(var.role.vendor.role_arn, null)
  external_id     = try(var.role.vendor.external_id, null)
  session_extras  = try(var.role.vendor.session_tags, false) ? ["tag_session", "source_identity"] : []

  # Known before the role exists.
  tenant_role_arn = "arn:${local.partition}:iam::${local.account_id}:role${var.role.path}${var.role.name}"

  buckets = {
    for purpose, bucket in var.buckets : purpose => {
      bucket               = bucket.name
      encryption           = bucket.refuse_other_encryption ? coalesce(bucket.encryption.kms_key, "AES256") : null
      refuse_customer_keys = bucket.refuse_customer_keys
      access_logs          = local.log_sources[purpose]
      inventories          = local.inventory_sources[purpose]
    }
  }
}

locals {
  bucket_policies   = module.documents.bucket_policies
  permission_policy = module.documents.permission_policy
  endpoint_policy   = module.documents.endpoint_policy

  service_trust_policies = {
    ec2       = module.documents.ec2_trust_policy
    ecs_tasks = module.documents.ecs_tasks_trust_policy
  }

  trust_policy = var.role.vendor != null ? module.documents.trust_policy : jsonencode({
    Version = jsondecode(module.documents.ec2_trust_policy).Version
    Statement = flatten([
      for service in sort(var.role.compute_services) : jsondecode(local.service_trust_policies[service]).Statement
    ])
  })
}
