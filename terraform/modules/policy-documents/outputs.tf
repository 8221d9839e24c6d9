output "trust_policy" {
  description = "Trust policy of the tenant's role, for one role of the vendor with the external id. Null without vendor_role_arn and external_id."
  value       = try(local.documents["trust"], null)

  precondition {
    condition     = length(try(local.documents["trust"], "")) <= 2048
    error_message = "The trust policy is longer than the 2,048 characters that IAM takes by default."
  }
}

output "ec2_trust_policy" {
  description = "Trust policy of a role for EC2 instances."
  value       = local.documents["trust_ec2"]
}

output "ecs_tasks_trust_policy" {
  description = "Trust policy of a role for AWS Batch jobs and ECS tasks. Null without region."
  value       = try(local.documents["trust_ecs_tasks"], null)
}

output "permission_policy" {
  description = "What the tenant's role may do. Null without a bucket."
  value       = try(local.documents["permission"], null)

  precondition {
    condition     = length(try(local.documents["permission"], "")) <= 10240
    error_message = "The permission policy is longer than the 10,240 characters that IAM takes inline."
  }
}

output "bucket_policies" {
  description = "Policies of the buckets, by the names given in buckets."
  value       = { for name in keys(var.buckets) : name => local.documents["bucket/${name}"] }

  precondition {
    condition     = alltrue([for name in keys(var.buckets) : length(local.documents["bucket/${name}"]) <= 20480])
    error_message = "A bucket policy is longer than the 20,480 characters that S3 takes."
  }
}

output "event_target_policies" {
  description = "Policies of the queues and topics, by the names given in event_targets."
  value       = { for name in keys(var.event_targets) : name => local.documents["delivery/${name}"] }
}

output "key_policy" {
  description = "Statements to add to the policy of the customer-managed key. Null without tenant_role_arn and region."
  value       = try(local.documents["key"], null)
}

output "endpoint_policy" {
  description = "Policy of a VPC gateway endpoint. Null without tenant_role_arn and a bucket."
  value       = try(local.documents["endpoint"], null)
}
