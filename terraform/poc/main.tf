# The two buckets of a proof of concept and the role of the workers that read one and write the
# other: `terraform init && terraform plan && terraform apply`.

data "aws_caller_identity" "current" {}

locals {
  name    = "${var.project}-${var.environment}"
  account = data.aws_caller_identity.current.account_id

  names = {
    data    = "${var.data_bucket_prefix}-${local.name}-${local.account}"
    results = "${var.results_bucket_prefix}-${local.name}-${local.account}"
    logs    = "${local.name}-logs-${local.account}"
  }

  tags = merge(var.tags, {
    project     = var.project
    environment = var.environment
  })

  # Written even when it is off, so that a bucket that somebody switched on by hand shows as a
  # difference.
  versioning = var.enable_versioning ? "Enabled" : "Suspended"

  # When it is off nothing is written: S3 encrypts by itself.
  encryption = var.enable_encryption ? {
    algorithm  = var.kms_key_arn == null ? "AES256" : "aws:kms"
    kms_key    = var.kms_key_arn
    bucket_key = var.kms_key_arn != null
  } : null

  old_versions = var.enable_versioning && var.noncurrent_expire_days != null ? [{
    id                     = "byos-old-versions"
    noncurrent_expire_days = var.noncurrent_expire_days
    expire_delete_markers  = true
  }] : []

  results_expiry = var.results_expire_days == null ? [] : [{
    id          = "byos-results-expiry"
    expire_days = var.results_expire_days
  }]

  new_data = var.new_data_target == null ? [] : [{
    id     = "byos-new-data"
    arn    = var.new_data_target
    events = ["s3:ObjectCreated:*"]
  }]

  # `sqs`, `sns` or `lambda`.
  told = try(split(":", var.new_data_target)[2], "nobody")

  bucket = {
    data = {
      cors_methods = ["PUT", "POST", "GET", "HEAD"]
      lifecycle    = local.old_versions
      new_objects  = local.new_data
    }
    results = {
      cors_methods = ["GET", "HEAD"]
      lifecycle    = concat(local.old_versions, local.results_expiry)
      new_objects  = []
    }
  }

  two_buckets = {
    for purpose, bucket in local.bucket : purpose => {
      name                  = local.names[purpose]
      versioning            = local.versioning
      encryption            = local.encryption
      abort_incomplete_days = var.abort_incomplete_days
      lifecycle_rules       = bucket.lifecycle
      tags                  = local.tags

      cors_rules = length(var.cors_origins) == 0 ? [] : [{
        id              = "web"
        origins         = var.cors_origins
        methods         = bucket.cors_methods
        headers         = ["*"]
        expose_headers  = ["ETag"]
        max_age_seconds = 3000
      }]

      logging = !var.enable_access_logging ? null : {
        target = local.names.logs
        prefix = "access/${purpose}/"
      }

      notifications = !var.enable_event_bridge && length(bucket.new_objects) == 0 ? null : {
        event_bridge = var.enable_event_bridge
        queues       = [for entry in bucket.new_objects : entry if local.told == "sqs"]
        topics       = [for entry in bucket.new_objects : entry if local.told == "sns"]
        functions    = [for entry in bucket.new_objects : entry if local.told == "lambda"]
      }

      inventories = !var.enable_inventory ? [] : [{
        id                 = "byos-weekly"
        destination        = local.names.logs
        destination_prefix = "inventory"
        frequency          = "Weekly"
        fields             = ["ETag", "EncryptionStatus", "LastModifiedDate", "Size"]
      }]
    }
  }

  # Log delivery cannot write into buckets that are encrypted with a KMS key.
  logs_bucket = !(var.enable_access_logging || var.enable_inventory) ? {} : {
    logs = {
      name                  = local.names.logs
      encryption            = { algorithm = "AES256" }
      abort_incomplete_days = var.abort_incomplete_days
      tags                  = local.tags
    }
  }
}

module "storage" {
  source = "../modules/tenant-storage"

  owner      = "${var.project}/${var.environment}"
  key_prefix = var.key_prefix
  buckets    = merge(local.two_buckets, local.logs_bucket)

  # The buckets serve nobody else, so the role may see which uploads are open.
  list_uploads = var.key_prefix == ""

  role = {
    name                 = "${local.name}-compute"
    description          = "Workers of ${local.name}: read the data bucket, read and write the results bucket"
    policy_kind          = "managed"
    compute_services     = var.compute_services
    permissions_boundary = var.permissions_boundary
    tags                 = local.tags
  }

  vpc_endpoint = var.vpc_endpoint == null ? null : {
    vpc_id          = var.vpc_endpoint.vpc_id
    route_table_ids = var.vpc_endpoint.route_table_ids
  }
}
