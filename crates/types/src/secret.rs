//! Secrets that cannot be printed, serialised or compared by accident.

use std::fmt;
use zeroize::Zeroize;

/// A value that is wiped on drop and shows nothing in `Debug`.
///
/// It implements neither `Display` nor `Serialize` nor `PartialEq`:
///
/// ```compile_fail
/// let secret = types::SecretString::new("hunter2".to_string());
/// println!("{secret}");
/// ```
///
/// ```compile_fail
/// let secret = types::SecretString::new("hunter2".to_string());
/// let _same = secret == secret.clone();
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

/// A textual secret.
pub type SecretString = Secret<String>;

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value in clear: for signing, sealing and sending, never for words.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

impl From<String> for SecretString {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for SecretString {
    fn from(value: &str) -> Self {
        Self::new(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        assert_eq!(format!("{:?}", SecretString::from("canary")), "Secret(..)");
    }
}
