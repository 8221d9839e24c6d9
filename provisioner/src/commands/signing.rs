//! The files of signing: the private key, which only its owner may read, and public keys.

use crate::commands::CommandError;
use crate::commands::context::file_error;
use crate::output::Output;
use crate::prove::{KeyError, PublicKey, SigningKey};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Bytes of a key file; of a certificate, some hundred times as much is room enough.
const MAX_KEY_BYTES: u64 = 16 * 1_024;

/// The key of a file; made, for its owner's eyes only, when there is no such file.
pub(crate) fn signing_key(path: &Path, out: &Output) -> Result<SigningKey, CommandError> {
    match existing_key(path) {
        Err(CommandError::File { .. }) if !path.exists() => {
            let key = SigningKey::generate().map_err(|e| broken(path, &e))?;
            write_private(path, key.pem().expose()).map_err(|e| file_error("write", path, &e))?;
            out.words(&format!(
                "made the signing key {}; whoever checks certificates needs its public key: {}",
                path.display(),
                key.public_key()
            ));
            Ok(key)
        }
        other => other,
    }
}

/// The key of a file that is there.
pub(crate) fn existing_key(path: &Path) -> Result<SigningKey, CommandError> {
    let text = read_bounded(path, MAX_KEY_BYTES)?;
    check_private(path)?;
    SigningKey::from_pem(&text).map_err(|error| broken(path, &error))
}

/// Hexadecimal digits, or a file with them or with a PEM document.
pub(crate) fn public_key(text: &str) -> Result<PublicKey, CommandError> {
    let is_digits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let path = Path::new(text);
    if is_digits {
        return PublicKey::parse(text).map_err(|error| broken(path, &error));
    }
    let found = read_bounded(path, MAX_KEY_BYTES)?;
    PublicKey::parse(&found).map_err(|error| broken(path, &error))
}

/// A text file of at most so many bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<String, CommandError> {
    let failed = |error: std::io::Error| file_error("read", path, &error);
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    let read = file
        .take(most + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if read as u64 > most {
        let error = std::io::Error::new(ErrorKind::FileTooLarge, format!("more than {most} bytes"));
        return Err(failed(error));
    }
    Ok(text)
}

fn broken(path: &Path, error: &KeyError) -> CommandError {
    CommandError::Usage(format!("{}: {error}", path.display()))
}

/// Whoever can read the key can sign in its owner's name.
#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), CommandError> {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(path).map_err(|e| file_error("read", path, &e))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "{0}: others than its owner may read or change this private key (mode {mode:03o})\nhint: chmod 600 {0}, and make a new key if somebody may have read it",
        path.display()
    )))
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), CommandError> {
    Ok(())
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
