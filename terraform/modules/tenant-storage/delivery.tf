# What the buckets send elsewhere. S3 asks the receiver for its consent when these are written, so
# the policies of all buckets of this module stand before.

resource "aws_s3_bucket_logging" "this" {
  for_each = { for purpose, bucket in var.buckets : purpose => bucket.logging if bucket.logging != null }

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = each.value.target
  target_prefix = each.value.prefix

  target_object_key_format {
    dynamic "simple_prefix" {
      for_each = each.value.key_format == "simple" ? [true] : []

      content {}
    }

    dynamic "partitioned_prefix" {
      for_each = each.value.key_format == "simple" ? [] : [each.value.key_format]

      content {
        partition_date_source = partitioned_prefix.value == "event_time" ? "EventTime" : "DeliveryTime"
      }
    }
  }

  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_cors_configuration.this,
  ]
}

resource "aws_s3_bucket_notification" "this" {
  for_each = { for purpose, bucket in var.buckets : purpose => bucket.notifications if bucket.notifications != null }

  bucket      = aws_s3_bucket.this[each.key].id
  eventbridge = each.value.event_bridge

  dynamic "queue" {
    for_each = each.value.queues

    content {
      id            = queue.value.id
      queue_arn     = queue.value.arn
      events        = queue.value.events
      filter_prefix = queue.value.prefix == "" ? null : queue.value.prefix
      filter_suffix = queue.value.suffix == "" ? null : queue.value.suffix
    }
  }

  dynamic "topic" {
    for_each = each.value.topics

    content {
      id            = topic.value.id
      topic_arn     = topic.value.arn
      events        = topic.value.events
      filter_prefix = topic.value.prefix == "" ? null : topic.value.prefix
      filter_suffix = topic.value.suffix == "" ? null : topic.value.suffix
    }
  }

  dynamic "lambda_function" {
    for_each = each.value.functions

    content {
      id                  = lambda_function.value.id
      lambda_function_arn = lambda_function.value.arn
      events              = lambda_function.value.events
      filter_prefix       = lambda_function.value.prefix == "" ? null : lambda_function.value.prefix
      filter_suffix       = lambda_function.value.suffix == "" ? null : lambda_function.value.suffix
    }
  }

  depends_on = [aws_s3_bucket_logging.this]
}

resource "aws_s3_bucket_inventory" "this" {
  for_each = merge([
    for purpose, bucket in var.buckets : {
      for inventory in bucket.inventories : "${purpose}/${inventory.id}" => merge(inventory, { purpose = purpose })
    }
  ]...)

  bucket                   = aws_s3_bucket.this[each.value.purpose].id
  name                     = each.value.id
  enabled                  = true
  included_object_versions = each.value.all_versions ? "All" : "Current"
  optional_fields          = length(each.value.fields) > 0 ? each.value.fields : null

  schedule {
    frequency = each.value.frequency
  }

  dynamic "filter" {
    for_each = each.value.prefix == "" ? [] : [each.value.prefix]

    content {
      prefix = filter.value
    }
  }

  destination {
    bucket {
      bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::${each.value.destination}"
      account_id = coalesce(each.value.destination_account, data.aws_caller_identity.current.account_id)
      prefix     = each.value.destination_prefix
      format     = each.value.format
    }
  }

  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_notification.this,
  ]
}
