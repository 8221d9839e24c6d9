output "data_bucket_id" {
  description = "The name of the data bucket."
  value       = module.storage.bucket_ids["data"]
}

output "data_bucket_arn" {
  description = "The ARN of the data bucket."
  value       = module.storage.bucket_arns["data"]
}

output "results_bucket_id" {
  description = "The name of the results bucket."
  value       = module.storage.bucket_ids["results"]
}

output "results_bucket_arn" {
  description = "The ARN of the results bucket."
  value       = module.storage.bucket_arns["results"]
}

output "logs_bucket_id" {
  description = "The name of the logs bucket; null unless access logs or inventories are on."
  value       = try(module.storage.bucket_ids["logs"], null)
}

output "role_arn" {
  description = "The ARN of the role: `jobRoleArn` of a Batch job definition, `taskRoleArn` of an ECS task."
  value       = module.storage.role_arn
}

output "role_name" {
  description = "The name of the role."
  value       = module.storage.role_name
}

output "instance_profile_name" {
  description = "The name of the instance profile for EC2; null unless `compute_services` has `ec2`."
  value       = module.storage.instance_profile_name
}

output "instance_profile_arn" {
  description = "The ARN of the instance profile for EC2; null unless `compute_services` has `ec2`."
  value       = module.storage.instance_profile_arn
}

output "policy_arn" {
  description = "The ARN of the permission policy."
  value       = module.storage.policy_arn
}

output "vpc_endpoint_id" {
  description = "The id of the VPC endpoint; null without one."
  value       = module.storage.vpc_endpoint_id
}
