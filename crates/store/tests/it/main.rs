//! The store from the outside: what it promises, and how it stands what happens to machines.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod support;
