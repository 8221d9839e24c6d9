"""MiniStack as it is installed, with one documented answer of AWS put right.

To AWS, `aws:PrincipalArn` of a role's session is the ARN of the role; MiniStack 1.5.33 takes the
session's own. A trust policy that admits one role of an account by that key, which is what the
provisioner writes, could then be used by nobody at all. A role with a path is out of reach here:
the session's ARN does not tell it.
"""

import sys

from ministack.app import main
from ministack.core import iam_evaluator

as_installed = iam_evaluator._resolve_condition_key


def resolve(key, context):
    value = as_installed(key, context)
    if key.lower() == "aws:principalarn" and ":assumed-role/" in (value or ""):
        _, partition, _, _, account, session = value.split(":", 5)
        return f"arn:{partition}:iam::{account}:role/{session.split('/')[1]}"
    return value


iam_evaluator._resolve_condition_key = resolve
sys.exit(main())
