//! Credentials from the environment or a profile file; never from arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use types::SecretString;

/// What signs the calls.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key id.
    pub access_key: String,
    /// The secret key.
    pub secret_key: SecretString,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretString>,
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Neither in the environment nor by profile.
    #[error(
        "no credentials\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile; for SSO: eval \"$(aws configure export-credentials --format env)\""
    )]
    Missing,
    /// The vendor's are missing.
    #[error(
        "no credentials of the vendor\nhint: set BYOS_VENDOR_ACCESS_KEY_ID and BYOS_VENDOR_SECRET_ACCESS_KEY, or give --vendor-profile: who proves a role must be the one who assumes it"
    )]
    Vendor,
    /// The file cannot be read.
    #[error(
        "cannot read {path}: {reason}\nhint: set AWS_SHARED_CREDENTIALS_FILE, or use the environment"
    )]
    File {
        /// The profile file.
        path: String,
        /// As the system says.
        reason: String,
    },
    /// The profile is not there, or has no keys.
    #[error(
        "the profile {profile:?} in {path} has no aws_access_key_id and aws_secret_access_key\nhint: for SSO and role profiles: eval \"$(aws configure export-credentials --profile {profile} --format env)\""
    )]
    Profile {
        /// Its name.
        profile: String,
        /// The profile file.
        path: String,
    },
}

/// The environment, as an argument.
pub type Environment = BTreeMap<String, String>;

/// A profile by name, else the environment, else the profile of `AWS_PROFILE` or `default`.
///
/// # Errors
/// When there are none.
pub fn find(
    profile: Option<&str>,
    environment: &Environment,
) -> Result<Credentials, CredentialsError> {
    let var = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    if profile.is_none()
        && let (Some(access), Some(secret)) =
            (var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"))
    {
        return Ok(Credentials {
            access_key: access.clone(),
            secret_key: SecretString::new(secret.clone()),
            session_token: var("AWS_SESSION_TOKEN").map(|t| SecretString::new(t.clone())),
        });
    }
    let named = profile
        .map(str::to_string)
        .or_else(|| var("AWS_PROFILE").cloned());
    let path = var("AWS_SHARED_CREDENTIALS_FILE")
        .map(PathBuf::from)
        .or_else(|| var("HOME").map(|home| Path::new(home).join(".aws").join("credentials")));
    let (Some(path), explicit) = (path, named.is_some()) else {
        return Err(CredentialsError::Missing);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) if !explicit => return Err(CredentialsError::Missing),
        Err(error) => {
            return Err(CredentialsError::File {
                path: path.display().to_string(),
                reason: error.to_string(),
            });
        }
    };
    let name = named.unwrap_or_else(|| "default".to_string());
    match profile_keys(&text, &name) {
        Some(credentials) => Ok(credentials),
        None if !explicit => Err(CredentialsError::Missing),
        None => Err(CredentialsError::Profile {
            profile: name,
            path: path.display().to_string(),
        }),
    }
}

/// The vendor's: a profile by name, else `BYOS_VENDOR_ACCESS_KEY_ID` and the like.
///
/// # Errors
/// When there are none.
pub fn find_vendor(
    profile: Option<&str>,
    environment: &Environment,
) -> Result<Credentials, CredentialsError> {
    if profile.is_some() {
        return find(profile, environment);
    }
    let mut own = Environment::new();
    for (theirs, name) in [
        ("BYOS_VENDOR_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        ("BYOS_VENDOR_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
        ("BYOS_VENDOR_SESSION_TOKEN", "AWS_SESSION_TOKEN"),
    ] {
        if let Some(value) = environment.get(theirs) {
            own.insert(name.to_string(), value.clone());
        }
    }
    find(None, &own).map_err(|_| CredentialsError::Vendor)
}

fn profile_keys(text: &str, profile: &str) -> Option<Credentials> {
    let mut inside = false;
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('#') || line.starts_with(';') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let name = section.trim();
            inside =
                name == profile || name.strip_prefix("profile ").map(str::trim) == Some(profile);
        } else if inside && let Some((key, value)) = line.split_once('=') {
            values.insert(key.trim(), value.trim());
        }
    }
    Some(Credentials {
        access_key: (*values.get("aws_access_key_id")?).to_string(),
        secret_key: SecretString::from(*values.get("aws_secret_access_key")?),
        session_token: values
            .get("aws_session_token")
            .map(|t| SecretString::from(*t)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_string(), (*v).to_string()))
            .collect()
    }

    #[test]
    fn the_environment_wins_over_files_and_a_named_profile_over_both() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credentials");
        std::fs::write(
            &path,
            "[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n# x\n[profile vendor]\naws_access_key_id = VENDOR\naws_secret_access_key = t\naws_session_token = u\n",
        )
        .unwrap();
        let file = path.display().to_string();
        let with_keys = environment(&[
            ("AWS_ACCESS_KEY_ID", "ENV"),
            ("AWS_SECRET_ACCESS_KEY", "e"),
            ("AWS_SHARED_CREDENTIALS_FILE", &file),
        ]);
        assert_eq!(find(None, &with_keys).unwrap().access_key, "ENV");
        let vendor = find(Some("vendor"), &with_keys).unwrap();
        assert_eq!(vendor.access_key, "VENDOR");
        assert_eq!(vendor.session_token.unwrap().expose(), "u");
        let without = environment(&[("AWS_SHARED_CREDENTIALS_FILE", &file)]);
        assert_eq!(find(None, &without).unwrap().access_key, "FILE");
        assert!(matches!(
            find(Some("nobody"), &without),
            Err(CredentialsError::Profile { .. })
        ));
    }

    #[test]
    fn no_credentials_anywhere_is_said_with_a_hint() {
        let error = find(None, &Environment::new()).unwrap_err().to_string();
        assert!(error.contains("hint: set AWS_ACCESS_KEY_ID"), "{error}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let credentials = find(
            None,
            &environment(&[
                ("AWS_ACCESS_KEY_ID", "A"),
                ("AWS_SECRET_ACCESS_KEY", "canary"),
            ]),
        )
        .unwrap();
        assert!(!format!("{credentials:?}").contains("canary"));
    }
}
