//! What MiniStack enforces by itself: without this it would be no judge of the gateway.

use tests::ministack::MiniStack;

#[test]
fn ministack_refuses_a_role_without_its_external_id_and_with_a_wrong_one() {
    let aws = MiniStack::shared();
    let gateway = aws.gateway_user("judge");
    let customer = aws.customer("judged", "judge", "pulse-org-judged", "");
    let assume = |external_id: &[&str]| {
        let mut arguments = vec![customer.role_arn.as_str()];
        arguments.extend(external_id);
        gateway
            .python("assume_role.py", &arguments)
            .trim()
            .to_owned()
    };
    assert_eq!(assume(&["pulse-org-judged"]), "assumed");
    assert_eq!(assume(&["pulse-org-someone"]), "AccessDenied");
    assert_eq!(assume(&[]), "AccessDenied");
}

#[test]
fn ministack_refuses_a_users_wrong_secret() {
    let aws = MiniStack::shared();
    let customer = aws.customer("secretive", "judge", "pulse-org-secretive", "");
    let put = |login: &tests::client::Login| {
        login.python("put_one_byte.py", &[&customer.results_bucket, "one"])
    };
    let impostor = customer
        .owner
        .with_keys(&customer.owner.access_key_id, "not-the-secret");
    assert_eq!(put(&customer.owner).trim(), "stored");
    assert_eq!(put(&impostor).trim(), "SignatureDoesNotMatch 403");
}
