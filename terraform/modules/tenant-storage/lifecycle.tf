# Every bucket has a rule that aborts incomplete uploads: their parts are billed and nobody sees
# them. What validation leaves under the probe folder goes after a day, old versions included.

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = var.buckets

  bucket                                 = aws_s3_bucket.this[each.key].id
  transition_default_minimum_object_size = each.value.transition_minimum

  rule {
    id     = "byos-abort-incomplete"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = each.value.abort_incomplete_days
    }
  }

  dynamic "rule" {
    for_each = each.key == "results" ? ["${var.key_prefix}.byos-probe/"] : []

    content {
      id     = "byos-probe"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = 1
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  dynamic "rule" {
    for_each = each.value.lifecycle_rules

    content {
      id     = rule.value.id
      status = "Enabled"

      # S3 takes one condition alone, and several only inside `and`.
      filter {
        prefix                   = local.conditions[each.key][rule.value.id] == 1 && rule.value.prefix != "" ? rule.value.prefix : null
        object_size_greater_than = local.conditions[each.key][rule.value.id] == 1 ? rule.value.larger_than : null
        object_size_less_than    = local.conditions[each.key][rule.value.id] == 1 ? rule.value.smaller_than : null

        dynamic "tag" {
          for_each = local.conditions[each.key][rule.value.id] == 1 ? rule.value.tags : {}

          content {
            key   = tag.key
            value = tag.value
          }
        }

        dynamic "and" {
          for_each = local.conditions[each.key][rule.value.id] > 1 ? [rule.value] : []

          content {
            prefix                   = and.value.prefix != "" ? and.value.prefix : null
            tags                     = length(and.value.tags) > 0 ? and.value.tags : null
            object_size_greater_than = and.value.larger_than
            object_size_less_than    = and.value.smaller_than
          }
        }
      }

      dynamic "expiration" {
        for_each = rule.value.expire_days != null || rule.value.expire_delete_markers ? [rule.value] : []

        content {
          days                         = expiration.value.expire_days
          expired_object_delete_marker = expiration.value.expire_delete_markers ? true : null
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = rule.value.noncurrent_expire_days != null ? [rule.value] : []

        content {
          noncurrent_days           = noncurrent_version_expiration.value.noncurrent_expire_days
          newer_noncurrent_versions = noncurrent_version_expiration.value.noncurrent_keep
        }
      }

      dynamic "transition" {
        for_each = rule.value.transitions

        content {
          days          = transition.value.days
          storage_class = transition.value.class
        }
      }

      dynamic "noncurrent_version_transition" {
        for_each = rule.value.noncurrent_transitions

        content {
          noncurrent_days = noncurrent_version_transition.value.days
          storage_class   = noncurrent_version_transition.value.class
        }
      }
    }
  }

  depends_on = [aws_s3_bucket_object_lock_configuration.this]
}

locals {
  # How many conditions the filter of each rule has.
  conditions = {
    for purpose, bucket in var.buckets : purpose => {
      for rule in bucket.lifecycle_rules : rule.id => sum([
        rule.prefix != "" ? 1 : 0,
        length(rule.tags),
        rule.larger_than != null ? 1 : 0,
        rule.smaller_than != null ? 1 : 0,
      ])
    }
  }
}
