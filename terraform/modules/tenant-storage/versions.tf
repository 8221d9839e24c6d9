terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.37 knows the account-regional namespace; from 6.40 on, leaving blocked_encryption_types
      # out means "as it stands" and no longer a difference at every plan.
      version = "~> 6.40"
    }
  }
}
