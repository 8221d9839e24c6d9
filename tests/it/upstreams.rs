//! Makes a test run once before each kind of store.

/// `on_each_upstream! { name => function }`: a test of this name in a module for each upstream,
/// which gives the world to the function and afterwards looks for leaks in every response.
macro_rules! on_each_upstream {
    ($($name:ident,)+) => {
        crate::upstreams::on_each_upstream!(@ ministack, $($name,)+);
        crate::upstreams::on_each_upstream!(@ ceph, $($name,)+);
    };
    (@ $upstream:ident, $($name:ident,)+) => {
        mod $upstream {
            $(
                #[test]
                fn $name() {
                    let world = tests::world::World::$upstream();
                    super::$name(world);
                    world.assert_nothing_leaked();
                }
            )+
        }
    };
}

pub(crate) use on_each_upstream;
