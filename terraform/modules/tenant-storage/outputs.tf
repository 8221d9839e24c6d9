output "bucket_ids" {
  description = "The names of the buckets by purpose."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.id }
}

output "bucket_arns" {
  description = "The ARNs of the buckets by purpose."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.arn }
}

output "role_arn" {
  description = "The ARN of the role: what the vendor is given, or what a job definition names."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "The name of the role."
  value       = aws_iam_role.this.name
}

output "policy_arn" {
  description = "The ARN of the permission policy; null when it is inline."
  value       = one(aws_iam_policy.this[*].arn)
}

output "instance_profile_name" {
  description = "The name of the instance profile; null unless `compute_services` has `ec2`."
  value       = one(aws_iam_instance_profile.this[*].name)
}

output "instance_profile_arn" {
  description = "The ARN of the instance profile; null unless `compute_services` has `ec2`."
  value       = one(aws_iam_instance_profile.this[*].arn)
}

output "vpc_endpoint_id" {
  description = "The id of the VPC endpoint; null without one."
  value       = one(aws_vpc_endpoint.this[*].id)
}
