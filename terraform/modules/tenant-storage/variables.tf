variable "owner" {
  description = "Whose storage this is, as `project/environment/tenant`: the value of the tag `byos:owner` on everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9 _.:/=+@-]{1,256}$", var.owner))
    error_message = "The owner must have 1 to 256 letters, digits, spaces and _.:/=+@- (what S3 and IAM tags share)."
  }
}

variable "key_prefix" {
  description = "What every key of the tenant begins with, for example `extractions/orgs/acme/`. The role reaches nothing else. Empty means the whole buckets, for buckets that serve one tenant only."
  type        = string
  nullable    = false

  validation {
    condition     = var.key_prefix == "" || can(regex("^[A-Za-z0-9!_.()/=+@,: -]{1,511}/$", var.key_prefix))
    error_message = "The prefix must be empty or end with '/', and have only letters, digits, spaces and !-_.()/=+@,: in it."
  }

  validation {
    condition     = !can(regex("(^|/)\\.{0,2}/", var.key_prefix))
    error_message = "The prefix may not begin with '/' and may not have an empty, '.' or '..' segment."
  }
}

variable "buckets" {
  description = <<-EOT
    The buckets by purpose: `data` (the role reads it), `results` (the role reads and writes it) and,
    when logs or inventories go to a bucket of this module, `logs`.

    Public access is always blocked, ownership always enforced, plain HTTP and old TLS always refused,
    and incomplete uploads always aborted: there are no arguments for these. What is left out (null)
    stays as AWS has it.

    - `name`: valid, and not taken by anybody.
    - `namespace`: `global`, or `account_regional` for a name that ends in `-{account}-{region}-an` and that no other account can take.
    - `versioning`: `Enabled` or `Suspended`.
    - `encryption`: `algorithm` is `AES256`, `aws:kms` or `aws:kms:dsse`; the last two need `kms_key`, the ARN of a key (never of an alias). Left out, AWS's default holds.
    - `blocked_encryption`: encryption types that uploads may not use, `SSE-C`; an empty set blocks none.
    - `refuse_other_encryption`: refuse uploads that ask for another encryption than this one. It needs `encryption`.
    - `refuse_customer_keys`: refuse uploads with keys of the client.
    - `abort_incomplete_days`: when incomplete uploads are aborted.
    - `lifecycle_rules`: further rules; every `id` begins with `byos-`.
    - `transition_minimum`: `all_storage_classes_128K` or `varies_by_storage_class`.
    - `cors_rules`: rules for browsers.
    - `logging`: where access logs go; `key_format` is `simple`, `event_time` or `delivery_time`.
    - `notifications`: who is told of events. The whole configuration of the bucket is replaced.
    - `inventories`: lists of the objects, written by S3.
    - `object_lock`: default retention, `GOVERNANCE` or `COMPLIANCE`; it needs versioning.
    - `tags`: on this bucket.
  EOT
  nullable    = false

  type = map(object({
    name       = string
    namespace  = optional(string, "global")
    versioning = optional(string)
    encryption = optional(object({
      algorithm  = string
      kms_key    = optional(string)
      bucket_key = optional(bool, false)
    }))
    blocked_encryption      = optional(set(string))
    refuse_other_encryption = optional(bool, false)
    refuse_customer_keys    = optional(bool, false)
    abort_incomplete_days   = optional(number, 7)
    lifecycle_rules = optional(list(object({
      id                     = string
      prefix                 = optional(string, "")
      tags                   = optional(map(string), {})
      larger_than            = optional(number)
      smaller_than           = optional(number)
      expire_days            = optional(number)
      expire_delete_markers  = optional(bool, false)
      noncurrent_expire_days = optional(number)
      noncurrent_keep        = optional(number)
      transitions = optional(list(object({
        days  = number
        class = string
      })), [])
      noncurrent_transitions = optional(list(object({
        days  = number
        class = string
      })), [])
    })), [])
    transition_minimum = optional(string)
    cors_rules = optional(list(object({
      id              = optional(string)
      origins         = list(string)
      methods         = list(string)
      headers         = optional(list(string), [])
      expose_headers  = optional(list(string), [])
      max_age_seconds = optional(number)
    })), [])
    logging = optional(object({
      target     = string
      prefix     = string
      key_format = optional(string, "simple")
    }))
    notifications = optional(object({
      event_bridge = optional(bool, false)
      queues = optional(list(object({
        id     = string
        arn    = string
        events = list(string)
        prefix = optional(string, "")
        suffix = optional(string, "")
      })), [])
      topics = optional(list(object({
        id     = string
        arn    = string
        events = list(string)
        prefix = optional(string, "")
        suffix = optional(string, "")
      })), [])
      functions = optional(list(object({
        id     = string
        arn    = string
        events = list(string)
        prefix = optional(string, "")
        suffix = optional(string, "")
      })), [])
    }))
    inventories = optional(list(object({
      id                  = string
      destination         = string
      destination_account = optional(string)
      destination_prefix  = optional(string, "inventory")
      format              = optional(string, "CSV")
      frequency           = optional(string, "Daily")
      all_versions        = optional(bool, false)
      prefix              = optional(string, "")
      fields              = optional(set(string), [])
    })), [])
    object_lock = optional(object({
      mode = string
      days = number
    }))
    tags = optional(map(string), {})
  }))

  validation {
    condition     = alltrue([for purpose in ["data", "results"] : contains(keys(var.buckets), purpose)])
    error_message = "There must be a bucket `data` and a bucket `results`."
  }

  validation {
    condition     = length(setsubtract(keys(var.buckets), ["data", "results", "logs"])) == 0
    error_message = "The purposes are `data`, `results` and `logs`."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) :
      can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", bucket.name)) && !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|--x-s3|--table-s3)$", bucket.name))
    ])
    error_message = "A bucket name has 3 to 63 of a-z, 0-9 and '-', begins and ends with a letter or digit, and avoids the prefixes and suffixes that AWS reserves. Dots are refused: TLS cannot reach such a bucket by its own host name."
  }

  validation {
    condition     = length(distinct([for bucket in values(var.buckets) : bucket.name])) == length(var.buckets)
    error_message = "Every purpose needs a bucket of its own."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) :
      contains(["global", "account_regional"], bucket.namespace) && (bucket.namespace == "global" || can(regex("-[0-9]{12}-[a-z0-9-]+-an$", bucket.name)))
    ])
    error_message = "The namespace is `global`, or `account_regional` with a name that ends in -{account}-{region}-an."
  }

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : try(contains(["Enabled", "Suspended"], bucket.versioning), bucket.versioning == null)])
    error_message = "Versioning is `Enabled`, `Suspended` or left out."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) : bucket.encryption == null ? true : (
        contains(["AES256", "aws:kms", "aws:kms:dsse"], bucket.encryption.algorithm) &&
        (bucket.encryption.algorithm == "AES256") == (bucket.encryption.kms_key == null) &&
        (bucket.encryption.algorithm == "aws:kms" || !bucket.encryption.bucket_key)
      )
    ])
    error_message = "The algorithm is `AES256` without a key, or `aws:kms` or `aws:kms:dsse` with `kms_key`; a bucket key goes with `aws:kms` only."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) :
      try(bucket.encryption.kms_key, null) == null ? true : can(regex("^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", bucket.encryption.kms_key))
    ])
    error_message = "`kms_key` is the ARN of a key, arn:aws:kms:{region}:{account}:key/{id}: IAM does not look through an alias."
  }

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : length(setsubtract(coalesce(bucket.blocked_encryption, []), ["SSE-C"])) == 0])
    error_message = "The only encryption type that can be blocked is `SSE-C`."
  }

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : !bucket.refuse_other_encryption || bucket.encryption != null])
    error_message = "`refuse_other_encryption` needs `encryption`: other than what?"
  }

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : bucket.abort_incomplete_days >= 1 && bucket.abort_incomplete_days <= 365])
    error_message = "`abort_incomplete_days` is 1 to 365."
  }

  validation {
    condition = alltrue(flatten([
      for bucket in values(var.buckets) : [
        for rule in bucket.lifecycle_rules : startswith(rule.id, "byos-") && length(rule.id) <= 255 && !contains(["byos-abort-incomplete", "byos-probe"], rule.id)
      ]
    ]))
    error_message = "The id of a lifecycle rule begins with `byos-`, has at most 255 characters and is none of `byos-abort-incomplete` and `byos-probe`."
  }

  validation {
    condition = alltrue(flatten([
      for bucket in values(var.buckets) : [
        for rule in bucket.lifecycle_rules : anytrue([
          rule.expire_days != null,
          rule.expire_delete_markers,
          rule.noncurrent_expire_days != null,
          length(rule.transitions) > 0,
          length(rule.noncurrent_transitions) > 0,
        ])
      ]
    ]))
    error_message = "A lifecycle rule that neither expires nor moves anything does nothing."
  }

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : try(contains(["all_storage_classes_128K", "varies_by_storage_class"], bucket.transition_minimum), bucket.transition_minimum == null)])
    error_message = "`transition_minimum` is `all_storage_classes_128K` or `varies_by_storage_class`."
  }

  validation {
    condition = alltrue(flatten([
      for bucket in values(var.buckets) : [
        for rule in bucket.cors_rules : length(rule.origins) > 0 && length(rule.methods) > 0 && length(setsubtract(rule.methods, ["GET", "PUT", "POST", "DELETE", "HEAD"])) == 0
      ]
    ]))
    error_message = "A CORS rule needs an origin, and methods among GET, PUT, POST, DELETE and HEAD (browsers ask with OPTIONS by themselves)."
  }

  validation {
    condition = alltrue([
      for purpose, bucket in var.buckets :
      bucket.logging == null ? true : !contains([var.buckets["data"].name, var.buckets["results"].name], bucket.logging.target) && purpose != "logs"
    ])
    error_message = "Access logs go neither to the data nor to the results bucket, and the logs bucket is not logged: each delivery would be logged again."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) : bucket.logging == null ? true : contains(["simple", "event_time", "delivery_time"], bucket.logging.key_format)
    ])
    error_message = "The key format of access logs is `simple`, `event_time` or `delivery_time`."
  }

  validation {
    condition = alltrue(flatten([
      for bucket in values(var.buckets) : [
        [for entry in try(bucket.notifications.queues, []) : can(regex("^arn:aws(-cn|-us-gov)?:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", entry.arn))],
        [for entry in try(bucket.notifications.topics, []) : can(regex("^arn:aws(-cn|-us-gov)?:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", entry.arn))],
        [for entry in try(bucket.notifications.functions, []) : can(regex("^arn:aws(-cn|-us-gov)?:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_:-]+$", entry.arn))],
        [
          for entry in concat(try(bucket.notifications.queues, []), try(bucket.notifications.topics, []), try(bucket.notifications.functions, [])) :
          startswith(entry.id, "byos-") && length(entry.events) > 0
        ],
      ]
    ]))
    error_message = "A notification needs an id that begins with `byos-`, at least one event, and the ARN of a queue (queues), a topic (topics) or a function (functions) that is no FIFO one."
  }

  validation {
    condition = alltrue(flatten([
      for bucket in values(var.buckets) : [
        for inventory in bucket.inventories :
        can(regex("^byos-[A-Za-z0-9._-]{1,59}$", inventory.id)) && contains(["CSV", "ORC", "Parquet"], inventory.format) && contains(["Daily", "Weekly"], inventory.frequency)
      ]
    ]))
    error_message = "An inventory needs an id of `byos-` and 1 to 59 of A-Z a-z 0-9 . _ -, the format `CSV`, `ORC` or `Parquet`, and the frequency `Daily` or `Weekly`."
  }

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : bucket.object_lock == null ? true : bucket.versioning == "Enabled"])
    error_message = "Object lock needs versioning = \"Enabled\"."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) : bucket.object_lock == null ? true : contains(["GOVERNANCE", "COMPLIANCE"], bucket.object_lock.mode) && bucket.object_lock.days >= 1
    ])
    error_message = "Object lock is `GOVERNANCE` or `COMPLIANCE`, for at least one day."
  }
}

variable "role" {
  description = <<-EOT
    The role: for the vendor's gateway (`vendor`) or for compute in this account (`compute_services`), never for both.

    - `name`, `path`: known before the role exists, so that they can be registered at once.
    - `vendor.role_arn`: the only role that may assume this one; `vendor.external_id`: what it must present, as the vendor states it; `vendor.session_tags`: whether it sends tags and a source identity.
    - `compute_services`: `ec2` (with an instance profile; Batch compute environments too) and `ecs_tasks` (ECS tasks and Batch jobs).
    - `policy_kind`: `inline`, or `managed` for a policy of its own; `policy_name` is `{name}-storage` when left out.
    - `permissions_boundary`: the ARN of a policy that bounds whatever the role is given.
  EOT
  nullable    = false

  type = object({
    name                 = string
    path                 = optional(string, "/")
    description          = optional(string)
    max_session_seconds  = optional(number, 3600)
    permissions_boundary = optional(string)
    policy_kind          = optional(string, "inline")
    policy_name          = optional(string)
    vendor = optional(object({
      role_arn     = string
      external_id  = string
      session_tags = optional(bool, false)
    }))
    compute_services = optional(set(string), [])
    tags             = optional(map(string), {})
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.role.name))
    error_message = "A role name has 1 to 64 of A-Z a-z 0-9 +=,.@_-."
  }

  validation {
    condition     = can(regex("^/([A-Za-z0-9+=,.@_-]+/)*$", var.role.path)) && length(var.role.path) <= 512
    error_message = "A role path begins and ends with '/'."
  }

  validation {
    condition     = (var.role.vendor == null) != (length(var.role.compute_services) == 0)
    error_message = "Give either `vendor` or `compute_services`: a role that serves both is too wide."
  }

  validation {
    condition     = length(setsubtract(var.role.compute_services, ["ec2", "ecs_tasks"])) == 0
    error_message = "The compute services are `ec2` and `ecs_tasks`."
  }

  validation {
    condition     = var.role.vendor == null ? true : can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}$", var.role.vendor.role_arn))
    error_message = "`vendor.role_arn` is the ARN of a role, not of an account, a user or a session."
  }

  validation {
    condition     = var.role.vendor == null ? true : can(regex("^[A-Za-z0-9_+=,.@:/-]{2,}$", var.role.vendor.external_id)) && length(var.role.vendor.external_id) <= 1224
    error_message = "The external id has 2 to 1,224 letters, digits and _+=,.@:/-. Without one, another customer of the vendor could have the vendor reach this storage."
  }

  validation {
    condition     = contains(["inline", "managed"], var.role.policy_kind)
    error_message = "`policy_kind` is `inline` or `managed`."
  }

  validation {
    condition     = var.role.max_session_seconds >= 3600 && var.role.max_session_seconds <= 43200 && (var.role.vendor == null || var.role.max_session_seconds == 3600)
    error_message = "A session lasts 3,600 to 43,200 seconds; exactly 3,600 for the vendor, whose gateway is a role itself: STS ends chained sessions after an hour."
  }

  validation {
    condition     = var.role.permissions_boundary == null ? true : can(regex("^arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/.+$", var.role.permissions_boundary))
    error_message = "The permissions boundary is the ARN of a managed policy."
  }
}

variable "list_uploads" {
  description = "Whether the role may list the uploads in progress of the results bucket. IAM cannot limit that to a prefix, so it shows keys of others: only for buckets of one tenant."
  type        = bool
  default     = false
  nullable    = false
}

variable "vpc_endpoint" {
  description = "A way into S3 without the internet: a `gateway` (free of charge, by route tables) or an `interface` (by addresses in subnets). Its policy admits the role, on these buckets."
  default     = null

  type = object({
    vpc_id             = string
    kind               = optional(string, "gateway")
    route_table_ids    = optional(set(string), [])
    subnet_ids         = optional(set(string), [])
    security_group_ids = optional(set(string), [])
  })

  validation {
    condition     = var.vpc_endpoint == null ? true : contains(["gateway", "interface"], var.vpc_endpoint.kind)
    error_message = "The endpoint is a `gateway` or an `interface`."
  }

  validation {
    condition = var.vpc_endpoint == null ? true : alltrue(concat(
      [can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_endpoint.vpc_id))],
      [for id in var.vpc_endpoint.route_table_ids : can(regex("^rtb-[0-9a-f]{8,17}$", id))],
      [for id in var.vpc_endpoint.subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))],
      [for id in var.vpc_endpoint.security_group_ids : can(regex("^sg-[0-9a-f]{8,17}$", id))],
    ))
    error_message = "The ids look like vpc-0123456789abcdef0, rtb-0123456789abcdef0, subnet-0123456789abcdef0 and sg-0123456789abcdef0."
  }
}
