"""Terraform's values: msgpack to Python and back, and when two of them mean the same."""

import json

import msgpack


class Unknown:
    """A value that is known after apply only."""


UNKNOWN = Unknown()


def decode(value):
    """The Python value of a DynamicValue."""
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, ext_hook=lambda code, data: UNKNOWN, strict_map_key=False)
    return json.loads(value.json) if value.json else None


def encode(value):
    """The msgpack of a Python value."""
    return msgpack.packb(value, default=_encode_unknown)


def _encode_unknown(value):
    if isinstance(value, Unknown):
        return msgpack.ExtType(0, b"\0")
    raise TypeError(f"cannot encode {type(value)}")


def conform(value, block):
    """`value` with every attribute and block of the schema, absent ones null or empty."""
    if value is None or value is UNKNOWN:
        return value
    whole = {name: _conform_attribute(value.get(name), spec["type"]) for name, spec in block["attributes"].items()}
    for name, nested in block["blocks"].items():
        inner = value.get(name)
        if nested["nesting"] == "single":
            whole[name] = conform(inner, nested["block"])
        elif inner is UNKNOWN:
            whole[name] = inner
        else:
            whole[name] = [conform(item, nested["block"]) for item in inner or []]
    return whole


def _conform_attribute(value, kind):
    if value is None or value is UNKNOWN:
        return value
    if isinstance(kind, list) and kind[0] in ("list", "set"):
        return list(value)
    return value


def settle(wanted, actual):
    """What is there, in the words of what was wanted wherever the two mean the same.

    S3 and IAM answer in their own order and spelling. The real provider keeps the configured
    spelling when it means the same, and so does this one: a difference in what this returns is one
    that a person would call a difference.
    """
    if same(wanted, actual):
        return wanted
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return {key: settle(wanted.get(key), actual[key]) for key in actual}
    return actual


def same(one, other):
    """Whether two values mean the same."""
    if one is UNKNOWN or other is UNKNOWN:
        return one is other
    one, other = _plain(one), _plain(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same(one.get(key), other.get(key)) for key in {*one, *other})
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and _all_in(one, other)
    if isinstance(one, str) and isinstance(other, str) and one.startswith("{") and other.startswith("{"):
        return _policy(one) == _policy(other)
    return one == other


def _plain(value):
    """Null, empty and zero are one in AWS's answers, as they are in the provider's old type system."""
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if _plain(inner) is not None}
    if value is False or value == "" or value == [] or value == {} or (value == 0 and value is not True):
        return None
    return value


def _all_in(ones, others):
    rest = list(others)
    for one in ones:
        found = next((at for at, other in enumerate(rest) if same(one, other)), None)
        if found is None:
            return False
        del rest[found]
    return True


def _policy(text):
    try:
        return _ordered(json.loads(text))
    except ValueError:
        return text


def _ordered(value):
    """A policy document in one order: a text is a list of one, and lists are sets."""
    if isinstance(value, dict):
        return {key: _ordered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        inner = sorted((_ordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return inner[0] if len(inner) == 1 else inner
    return value
