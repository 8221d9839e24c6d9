"""What parliament finds in policies: a list of them on stdin, one finding a line on stdout, once."""

import json
import sys

from parliament import analyze_policy_string

found = {
    (finding.issue, str(finding.detail))
    for policy in json.load(sys.stdin)
    for finding in analyze_policy_string(json.dumps(policy)).findings
}
for issue, detail in sorted(found):
    print(json.dumps({"issue": issue, "detail": detail}))
