variable "partition" {
  description = "AWS partition of the customer's account: aws, aws-cn or aws-us-gov."
  type        = string
  default     = "aws"
  nullable    = false

  validation {
    condition     = contains(["aws", "aws-cn", "aws-us-gov"], var.partition)
    error_message = "The partition must be aws, aws-cn or aws-us-gov."
  }
}

variable "account_id" {
  description = "The customer's account: it owns the buckets, and a bucket of the same name elsewhere is out of reach."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "region" {
  description = "Region of the buckets and of compute. Needed for the ECS task trust policy and the key policy."
  type        = string
  default     = null

  validation {
    condition     = var.region == null || can(regex("^[a-z0-9-]{1,32}$", var.region))
    error_message = "A region has lower-case letters, digits and '-' only."
  }
}

variable "prefix" {
  description = "What stands before every key of the tenant, for instance extractions/orgs/acme/. Empty for whole buckets."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.prefix == "" || can(regex("^[^/].*/$|^[^/]/$", var.prefix))
    error_message = "The prefix must be empty, or end with '/' and not begin with one."
  }

  validation {
    condition     = !can(regex("//|(^|/)[.][.]?/", var.prefix))
    error_message = "The prefix must not contain '//' or the segments '.' and '..'."
  }

  validation {
    condition     = can(regex("^[ -~\u0080-\u00ff]*$", var.prefix)) && length(var.prefix) <= 512
    error_message = "The prefix may hold at most 512 characters, from U+0020 to U+00FF: IAM takes no others."
  }
}

variable "data_bucket" {
  description = "Name of the bucket that the tenant's role may read."
  type        = string
  default     = null

  validation {
    condition     = var.data_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.data_bucket))
    error_message = "This is not the name of a general purpose bucket."
  }
}

variable "data_key_arn" {
  description = "ARN of the customer-managed KMS key that encrypts the data bucket, if there is one."
  type        = string
  default     = null

  validation {
    condition     = var.data_key_arn == null || can(regex("^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.data_key_arn))
    error_message = "This is not the ARN of a KMS key. IAM does not follow aliases."
  }
}

variable "results_bucket" {
  description = "Name of the bucket that the tenant's role may read and write."
  type        = string
  default     = null

  validation {
    condition     = var.results_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.results_bucket))
    error_message = "This is not the name of a general purpose bucket."
  }
}

variable "results_key_arn" {
  description = "ARN of the customer-managed KMS key that encrypts the results bucket, if there is one."
  type        = string
  default     = null

  validation {
    condition     = var.results_key_arn == null || can(regex("^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.results_key_arn))
    error_message = "This is not the ARN of a KMS key. IAM does not follow aliases."
  }
}

variable "permission_extras" {
  description = "What the tenant's role may do beyond the minimum: read_versions, list_uploads (dedicated buckets only), probe."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.permission_extras, ["read_versions", "list_uploads", "probe"])) == 0
    error_message = "The extras are read_versions, list_uploads and probe."
  }
}

variable "vendor_role_arn" {
  description = "ARN of the only role of the vendor that may assume the tenant's role."
  type        = string
  default     = null

  validation {
    condition     = var.vendor_role_arn == null || can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", var.vendor_role_arn))
    error_message = "This is not the ARN of a role."
  }
}

variable "external_id" {
  description = "The sts:ExternalId that the vendor must present, for instance pulse-org-acme. Issued by the vendor."
  type        = string
  default     = null

  validation {
    condition     = var.external_id == null || can(regex("^[A-Za-z0-9_+=,.@:/-]{2,}$", var.external_id)) && length(coalesce(var.external_id, "-")) <= 1224
    error_message = "An external id has 2 to 1,224 letters, digits and _+=,.@:/-."
  }
}

variable "session_extras" {
  description = "What sessions may carry: tag_session, source_identity."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.session_extras, ["tag_session", "source_identity"])) == 0
    error_message = "The extras are tag_session and source_identity."
  }
}

variable "tenant_role_arn" {
  description = "ARN of the tenant's role, for the key policy and the endpoint policy. It is known before the role exists."
  type        = string
  default     = null

  validation {
    condition     = var.tenant_role_arn == null || can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", var.tenant_role_arn))
    error_message = "This is not the ARN of a role."
  }
}

variable "buckets" {
  description = "Buckets that get a policy, by any name: what encryption uploads must ask for if they ask (AES256 or a KMS key ARN), whether SSE-C is refused, and which buckets send access logs and inventories here."
  type = map(object({
    bucket               = string
    encryption           = optional(string)
    refuse_customer_keys = optional(bool, false)
    access_logs = optional(list(object({
      bucket     = string
      account_id = string
      prefix     = optional(string, "")
    })), [])
    inventories = optional(list(object({
      bucket     = string
      account_id = string
      prefix     = optional(string, "")
    })), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket.bucket))
    ])
    error_message = "This is not the name of a general purpose bucket."
  }

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) : bucket.encryption == null || bucket.encryption == "AES256" ||
      can(regex("^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", bucket.encryption))
    ])
    error_message = "The encryption must be AES256 or the ARN of a KMS key."
  }

  validation {
    condition = alltrue(flatten([
      for bucket in values(var.buckets) : [
        for source in concat(bucket.access_logs, bucket.inventories) :
        source.bucket != bucket.bucket && can(regex("^[0-9]{12}$", source.account_id))
      ]
    ]))
    error_message = "A source needs an account id of 12 digits, and a bucket must not send its logs to itself."
  }
}

variable "event_targets" {
  description = "Queues and topics that receive events, by any name: kind is queue or topic, sources are the buckets that send."
  type = map(object({
    kind = string
    arn  = string
    sources = list(object({
      bucket     = string
      account_id = string
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for target in values(var.event_targets) : contains(["queue", "topic"], target.kind)])
    error_message = "The kind of an event target is queue or topic."
  }

  validation {
    condition     = alltrue([for target in values(var.event_targets) : can(regex("^arn:aws(-cn|-us-gov)?:(sqs|sns):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", target.arn))])
    error_message = "This is not the ARN of a queue or topic."
  }

  validation {
    condition     = alltrue([for target in values(var.event_targets) : length(target.sources) > 0])
    error_message = "An event target needs at least one source."
  }
}

variable "key_event_sources" {
  description = "Buckets whose events go to a queue or topic that the customer-managed key encrypts."
  type = list(object({
    bucket     = string
    account_id = string
  }))
  default  = []
  nullable = false
}

variable "key_inventories" {
  description = "Buckets whose inventories the customer-managed key encrypts."
  type = list(object({
    bucket     = string
    account_id = string
  }))
  default  = []
  nullable = false
}
