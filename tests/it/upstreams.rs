//! Makes a test run once before each kind of store.

/// `on_each_upstream! { name, other_name, }`: a test of each name in a module for each upstream,
/// which gives the world to the function of that name and afterwards looks for leaks in every
/// response.
macro_rules! on_each_upstream {
    ($($name:ident,)+) => {
        crate::upstreams::on_upstream!(sandbox, $($name,)+);
        crate::upstreams::on_upstream!(ministack, $($name,)+);
        crate::upstreams::on_upstream!(ceph, $($name,)+);
    };
}

macro_rules! on_upstream {
    ($upstream:ident, $($name:ident,)+) => {
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
pub(crate) use on_upstream;
