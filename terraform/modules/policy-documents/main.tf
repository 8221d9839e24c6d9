# The statements live in policies/, one per file, and are chosen by policies/manifest.json: the same
# files that the provisioner and the gateway are built from. Nothing is written twice.

locals {
  root       = "${path.module}/../../../policies"
  manifest   = jsondecode(file("${local.root}/manifest.json"))
  dns_suffix = var.partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"

  # In resources and in StringLike, IAM reads *, ? and $ as patterns: in a prefix they mean themselves.
  prefix = replace(replace(replace(var.prefix, "$", "$${$}"), "*", "$${*}"), "?", "$${?}")

  where = {
    partition  = var.partition
    dns_suffix = local.dns_suffix
    account    = var.account_id
  }

  trust = var.vendor_role_arn == null || var.external_id == null ? {} : {
    trust = {
      document = "trust/cross_account"
      flags    = var.session_extras
      lists    = {}
      values = {
        vendor_partition = split(":", var.vendor_role_arn)[1]
        vendor_account   = split(":", var.vendor_role_arn)[4]
        vendor_role      = var.vendor_role_arn
        external_id      = var.external_id
      }
    }
  }

  ec2 = {
    trust_ec2 = {
      document = "trust/ec2"
      flags    = toset([])
      lists    = {}
      values   = local.where
    }
  }

  ecs_tasks = var.region == null ? {} : {
    trust_ecs_tasks = {
      document = "trust/ecs_tasks"
      flags    = toset([])
      lists    = {}
      values   = merge(local.where, { region = var.region })
    }
  }

  has_bucket = var.data_bucket != null || var.results_bucket != null

  permission = !local.has_bucket ? {} : {
    permission = {
      document = "permission/tenant"
      flags = setunion(
        var.permission_extras,
        var.prefix == "" ? ["whole_bucket"] : ["scoped"],
        var.data_bucket == null ? [] : ["data"],
        var.data_bucket == null || var.data_key_arn == null ? [] : ["data_key"],
        var.results_bucket == null ? [] : ["results"],
        var.results_bucket == null || var.results_key_arn == null ? [] : ["results_key"],
      )
      lists = {}
      values = merge(local.where, {
        prefix             = local.prefix
        data_bucket        = coalesce(var.data_bucket, "-")
        data_key           = coalesce(var.data_key_arn, "-")
        data_key_region    = split(":", coalesce(var.data_key_arn, ":::-"))[3]
        results_bucket     = coalesce(var.results_bucket, "-")
        results_key        = coalesce(var.results_key_arn, "-")
        results_key_region = split(":", coalesce(var.results_key_arn, ":::-"))[3]
      })
    }
  }

  endpoint = var.tenant_role_arn == null || !local.has_bucket ? {} : {
    endpoint = {
      document = "endpoint/tenant"
      flags = setunion(
        var.data_bucket == null ? [] : ["data"],
        var.results_bucket == null ? [] : ["results"],
      )
      lists = {}
      values = merge(local.where, {
        tenant_role    = var.tenant_role_arn
        data_bucket    = coalesce(var.data_bucket, "-")
        results_bucket = coalesce(var.results_bucket, "-")
      })
    }
  }

  key = var.tenant_role_arn == null || var.region == null ? {} : {
    key = {
      document = "key/tenant"
      flags    = toset(["tenant_role"])
      lists = {
        sources     = local.key_sources
        inventories = local.key_inventories
      }
      values = merge(local.where, {
        tenant_role = var.tenant_role_arn
        region      = var.region
      })
    }
  }

  key_sources = [
    for at, source in var.key_event_sources : {
      number         = tostring(at + 1)
      source_bucket  = source.bucket
      source_account = source.account_id
    }
  ]

  key_inventories = [
    for at, source in var.key_inventories : {
      number         = tostring(at + 1)
      source_bucket  = source.bucket
      source_account = source.account_id
    }
  ]

  buckets = {
    for name, bucket in var.buckets : "bucket/${name}" => {
      document = "bucket/policy"
      flags = setunion(
        bucket.encryption == null ? [] : ["encryption"],
        bucket.encryption == null || bucket.encryption == "AES256" ? [] : ["bucket_key"],
        bucket.refuse_customer_keys ? ["refuse_customer_keys"] : [],
      )
      lists = {
        for list in ["access_logs", "inventories"] : list => [
          for at, source in bucket[list] : {
            number         = tostring(at + 1)
            source_bucket  = source.bucket
            source_account = source.account_id
            target_prefix  = replace(replace(replace(source.prefix, "$", "$${$}"), "*", "$${*}"), "?", "$${?}")
          }
        ]
      }
      values = merge(local.where, {
        bucket     = bucket.bucket
        encryption = bucket.encryption == "AES256" ? "AES256" : "aws:kms"
        bucket_key = coalesce(bucket.encryption, "-")
      })
    }
  }

  event_targets = {
    for name, target in var.event_targets : "delivery/${name}" => {
      document = "delivery/${target.kind}"
      flags    = toset([])
      lists = {
        sources = [
          for at, source in target.sources : {
            number         = tostring(at + 1)
            source_bucket  = source.bucket
            source_account = source.account_id
          }
        ]
      }
      values = merge(local.where, { destination = target.arn })
    }
  }

  requests = merge(
    local.trust, local.ec2, local.ecs_tasks, local.permission, local.endpoint, local.key,
    local.buckets, local.event_targets,
  )

  # A statement stands when all its flags are wanted, once for each member of its list. Values are
  # escaped as JSON before they go into the text, so that none can leave its place.
  documents = {
    for name, request in local.requests : name => jsonencode({
      Version = local.manifest.version
      Statement = flatten([
        for line in local.manifest.documents[request.document].statements : [
          for item in try(request.lists[line.for_each], [{}]) : jsondecode(templatefile("${local.root}/${line.file}", {
            for key, value in merge(request.values, item) : key => trimsuffix(trimprefix(jsonencode(value), "\""), "\"")
          }))
        ] if length(setsubtract(try(line.when, []), request.flags)) == 0
      ])
    })
  }
}
