//! boto3 with its default checksums.

use crate::upstreams::on_each_upstream;
use tests::files::{ODD_KEYS, ODD_NAMES, SIZES};
use tests::world::{RESULTS, World};

on_each_upstream! {
    boto3_round_trips_every_size,
    boto3_round_trips_and_copies_keys_that_are_hard_to_carry,
    boto3_lists_twelve_hundred_keys_as_they_were_put,
}

fn boto3_round_trips_every_size(world: &World) {
    let sizes = SIZES.map(|size| size.to_string());
    let mut arguments = vec!["sizes", RESULTS, "boto3/sizes/"];
    arguments.extend(sizes.iter().map(String::as_str));
    world.acme.client.python("boto3_client.py", &arguments);
}

fn boto3_round_trips_and_copies_keys_that_are_hard_to_carry(world: &World) {
    let mut arguments = vec!["keys", RESULTS, "boto3/keys/"];
    arguments.extend(ODD_NAMES);
    arguments.extend(ODD_KEYS);
    world.acme.client.python("boto3_client.py", &arguments);
}

fn boto3_lists_twelve_hundred_keys_as_they_were_put(world: &World) {
    let client = &world.with_many_objects().acme.client;
    client.python("boto3_client.py", &["listing", RESULTS]);
}
