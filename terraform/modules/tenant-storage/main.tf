# The buckets, from the name to the door: S3 takes one change of a bucket at a time and answers 409
# to the second, so the resources of a bucket wait for each other in a fixed order. Public access is
# blocked before a policy is put, and stays blocked until the bucket is gone.

locals {
  tags = {
    "byos:owner"  = var.owner
    "byos:origin" = "created"
  }
}

resource "aws_s3_bucket" "this" {
  for_each = var.buckets

  bucket              = each.value.name
  bucket_namespace    = each.value.namespace == "account_regional" ? "account-regional" : null
  object_lock_enabled = each.value.object_lock != null

  tags = merge(each.value.tags, local.tags)
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = var.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true

  # A bucket that is about to be deleted is blocked to its end.
  skip_destroy = true
}

resource "aws_s3_bucket_policy" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = local.bucket_policies[each.key]

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }

  depends_on = [aws_s3_bucket_policy.this]
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = { for purpose, bucket in var.buckets : purpose => bucket.versioning if bucket.versioning != null }

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = each.value
  }

  depends_on = [aws_s3_bucket_ownership_controls.this]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = { for purpose, bucket in var.buckets : purpose => bucket if bucket.encryption != null || bucket.blocked_encryption != null }

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    bucket_key_enabled       = try(each.value.encryption.bucket_key, false)
    blocked_encryption_types = each.value.blocked_encryption == null ? null : (length(each.value.blocked_encryption) == 0 ? ["NONE"] : sort(each.value.blocked_encryption))

    apply_server_side_encryption_by_default {
      sse_algorithm     = try(each.value.encryption.algorithm, "AES256")
      kms_master_key_id = try(each.value.encryption.kms_key, null)
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = { for purpose, bucket in var.buckets : purpose => bucket.object_lock if bucket.object_lock != null }

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    default_retention {
      mode = each.value.mode
      days = each.value.days
    }
  }

  depends_on = [aws_s3_bucket_server_side_encryption_configuration.this]
}

resource "aws_s3_bucket_cors_configuration" "this" {
  for_each = { for purpose, bucket in var.buckets : purpose => bucket.cors_rules if length(bucket.cors_rules) > 0 }

  bucket = aws_s3_bucket.this[each.key].id

  dynamic "cors_rule" {
    for_each = each.value

    content {
      id              = cors_rule.value.id
      allowed_origins = cors_rule.value.origins
      allowed_methods = cors_rule.value.methods
      allowed_headers = cors_rule.value.headers
      expose_headers  = cors_rule.value.expose_headers
      max_age_seconds = cors_rule.value.max_age_seconds
    }
  }

  depends_on = [aws_s3_bucket_lifecycle_configuration.this]
}
