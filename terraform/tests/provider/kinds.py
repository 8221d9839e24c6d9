"""What every kind of resource is, and the little that they share."""

from botocore.exceptions import ClientError


class Kind:
    """A kind of resource: how it is identified, read, written and deleted."""

    # A change of these makes a new resource.
    replace = set()
    # Optional attributes that the provider fills in when the configuration does not.
    computed = set()
    # Attributes that only Terraform knows.
    kept = set()
    # Attributes of blocks that stay as they are when they are not configured: block, attribute.
    left_alone = set()

    def imported(self, identifier):
        """The state to begin with when `terraform import` gives an id."""
        return {"id": identifier}


def absent(codes, call, keep=False, **arguments):
    """Whether AWS answers a call with one of `codes`; with `keep`, the answer, or None."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None if keep else True
        raise
    return answer if keep else False


def only_given(**values):
    """The values that say something."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def first(items):
    """The first of a list that may be empty or null."""
    return items[0] if items else None
