variable "region" {
  description = "The region of the buckets, for example `eu-central-1`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region looks like eu-central-1."
  }
}

variable "environment" {
  description = "The stage, for example `poc`, `dev` or `prod`: part of every name, and a tag."
  type        = string
  default     = "poc"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$", var.environment))
    error_message = "The environment has 1 to 12 of a-z, 0-9 and '-', with a letter or digit at both ends."
  }
}

variable "project" {
  description = "The product: part of every name, and a tag."
  type        = string
  default     = "byos"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$", var.project))
    error_message = "The project has 1 to 16 of a-z, 0-9 and '-', with a letter or digit at both ends."
  }
}

variable "account_id" {
  description = "The account that this is meant for. When given, Terraform refuses to work in any other."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null ? true : can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "data_bucket_prefix" {
  description = "First in the name of the data bucket, `{prefix}-{project}-{environment}-{account}`. The account id makes it unlikely that somebody has the name."
  type        = string
  default     = "data"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$", var.data_bucket_prefix)) && !can(regex("^(xn--|sthree-|amzn-s3-demo-)", var.data_bucket_prefix))
    error_message = "The prefix has 1 to 20 of a-z, 0-9 and '-', with a letter or digit at both ends, and is none that AWS reserves."
  }
}

variable "results_bucket_prefix" {
  description = "First in the name of the results bucket, `{prefix}-{project}-{environment}-{account}`."
  type        = string
  default     = "results"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$", var.results_bucket_prefix)) && !can(regex("^(xn--|sthree-|amzn-s3-demo-)", var.results_bucket_prefix))
    error_message = "The prefix has 1 to 20 of a-z, 0-9 and '-', with a letter or digit at both ends, and is none that AWS reserves."
  }
}

variable "enable_versioning" {
  description = "Whether old versions of objects are kept. Switching it off later suspends it: versions that are there stay."
  type        = bool
  default     = true
  nullable    = false
}

variable "noncurrent_expire_days" {
  description = "Old versions are deleted so many days after they became old; null keeps them for ever. Only with `enable_versioning`."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_expire_days == null ? true : var.noncurrent_expire_days >= 1 && floor(var.noncurrent_expire_days) == var.noncurrent_expire_days
    error_message = "It is a whole number of days, 1 or more."
  }
}

variable "enable_encryption" {
  description = "Whether default encryption is set here: SSE-S3, or SSE-KMS when `kms_key_arn` is given. When false, AWS's own default holds, which is SSE-S3 for every bucket since 2023; nothing is ever stored unencrypted."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "The ARN of a KMS key for both buckets. It must stand in the same region, and its policy must let the role use it (README)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "It is the ARN of a key, arn:aws:kms:{region}:{account}:key/{id}, not of an alias."
  }
}

variable "abort_incomplete_days" {
  description = "Incomplete uploads are aborted after so many days: their parts are billed and nobody sees them."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.abort_incomplete_days >= 1 && var.abort_incomplete_days <= 365
    error_message = "It is 1 to 365 days."
  }
}

variable "results_expire_days" {
  description = "Results are deleted after so many days; null keeps them."
  type        = number
  default     = null

  validation {
    condition     = var.results_expire_days == null ? true : var.results_expire_days >= 1 && floor(var.results_expire_days) == var.results_expire_days
    error_message = "It is a whole number of days, 1 or more."
  }
}

variable "cors_origins" {
  description = "Web sites whose pages may upload to the data bucket and download from the results bucket with presigned URLs, for example `https://app.example.com`. Empty for none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[A-Za-z0-9.:*-]+$", origin))])
    error_message = "An origin is a scheme and a host, https://app.example.com, without a path."
  }
}

variable "enable_access_logging" {
  description = "Whether every request to the two buckets is logged, to a third bucket `{project}-{environment}-logs-{account}`."
  type        = bool
  default     = false
  nullable    = false
}

variable "enable_inventory" {
  description = "Whether S3 writes a weekly list of each bucket's objects to the logs bucket."
  type        = bool
  default     = false
  nullable    = false
}

variable "enable_event_bridge" {
  description = "Whether events of both buckets go to EventBridge, where rules can start a job for every new object."
  type        = bool
  default     = false
  nullable    = false
}

variable "new_data_target" {
  description = "The ARN of an SQS queue, an SNS topic or a Lambda function that is told of every new object in the data bucket. Its own policy must let S3 in (README)."
  type        = string
  default     = null

  validation {
    condition     = var.new_data_target == null ? true : can(regex("^arn:aws(-cn|-us-gov)?:(sqs|sns|lambda):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_:-]+$", var.new_data_target))
    error_message = "Give the ARN of a queue, a topic or a function that is no FIFO one, for example arn:aws:sqs:eu-central-1:222222222222:new-data."
  }
}

variable "compute_services" {
  description = "Who may take the role: `ec2` (instances, Batch compute environments; makes an instance profile) and `ecs_tasks` (ECS tasks, Batch jobs)."
  type        = set(string)
  default     = ["ec2", "ecs_tasks"]
  nullable    = false

  validation {
    condition     = length(var.compute_services) > 0 && length(setsubtract(var.compute_services, ["ec2", "ecs_tasks"])) == 0
    error_message = "Give `ec2`, `ecs_tasks` or both."
  }
}

variable "key_prefix" {
  description = "What keys must begin with for the role, for example `orgs/acme/`. Empty means the whole of both buckets."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.key_prefix == "" || can(regex("^[A-Za-z0-9!_.()=+@,: -][A-Za-z0-9!_.()/=+@,: -]*/$", var.key_prefix))
    error_message = "The prefix is empty, or ends with '/' and does not begin with it."
  }
}

variable "permissions_boundary" {
  description = "The ARN of a policy that bounds the role, where the account demands one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null ? true : can(regex("^arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "It is the ARN of a managed policy."
  }
}

variable "vpc_endpoint" {
  description = "A gateway endpoint, so that instances without a way to the internet reach the buckets: the network and its route tables."
  default     = null

  type = object({
    vpc_id          = string
    route_table_ids = set(string)
  })

  validation {
    condition     = var.vpc_endpoint == null ? true : can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_endpoint.vpc_id)) && alltrue([for id in var.vpc_endpoint.route_table_ids : can(regex("^rtb-[0-9a-f]{8,17}$", id))])
    error_message = "The ids look like vpc-0123456789abcdef0 and rtb-0123456789abcdef0."
  }
}

variable "tags" {
  description = "Further tags on everything."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !can(regex("(?i)^(aws|byos):", key))])
    error_message = "Keys that begin with aws: or byos: are reserved."
  }

  validation {
    condition     = alltrue([for text in concat(keys(var.tags), values(var.tags)) : can(regex("^[\\p{L}\\p{N} _.:/=+@-]{0,256}$", text))])
    error_message = "Tags have letters, digits, spaces and _.:/=+@- only, and at most 256 of them."
  }
}
