//! The store from the outside: what it promises, and how it stands what happens to machines.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod corruption;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk_full;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod format;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod power;
#[cfg(test)]
mod process;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod transfer;
