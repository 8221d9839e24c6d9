# The role: who may assume it stands in its trust policy, what it may do in one policy, inline or of
# its own. Both texts come from the folder policies/.

locals {
  policy_name = coalesce(var.role.policy_name, "${var.role.name}-storage")
  role_tags   = merge(var.role.tags, local.tags)
}

resource "aws_iam_role" "this" {
  name                 = var.role.name
  path                 = var.role.path
  description          = var.role.description == null ? "Access to the storage of ${var.owner}" : var.role.description
  assume_role_policy   = local.trust_policy
  max_session_duration = var.role.max_session_seconds
  permissions_boundary = var.role.permissions_boundary

  tags = local.role_tags
}

resource "aws_iam_role_policy" "this" {
  count = var.role.policy_kind == "inline" ? 1 : 0

  name   = local.policy_name
  role   = aws_iam_role.this.name
  policy = local.permission_policy
}

resource "aws_iam_policy" "this" {
  count = var.role.policy_kind == "managed" ? 1 : 0

  name   = local.policy_name
  path   = var.role.path
  policy = local.permission_policy

  tags = local.role_tags

  lifecycle {
    precondition {
      condition     = length(local.permission_policy) <= 6144
      error_message = "The permission policy is longer than the 6,144 characters of a managed policy: shorten key_prefix, or use policy_kind = \"inline\", which takes 10,240."
    }
  }
}

resource "aws_iam_role_policy_attachment" "this" {
  count = var.role.policy_kind == "managed" ? 1 : 0

  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.this[0].arn
}

resource "aws_iam_instance_profile" "this" {
  count = contains(var.role.compute_services, "ec2") ? 1 : 0

  name = var.role.name
  path = var.role.path
  role = aws_iam_role.this.name

  tags = local.role_tags
}
