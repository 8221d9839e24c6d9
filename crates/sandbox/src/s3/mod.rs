//! S3, on the protocol machinery of s3s: it parses, verifies signatures and prints XML; what S3
//! *does* is here.

/// Puts a checksum into the field of its algorithm.
macro_rules! show_checksum {
    ($output:expr, $algorithm:expr, $value:expr) => {
        match $algorithm {
            crate::disk::ChecksumAlgorithm::Crc32 => $output.checksum_crc32 = Some($value),
            crate::disk::ChecksumAlgorithm::Crc32c => $output.checksum_crc32c = Some($value),
            crate::disk::ChecksumAlgorithm::Crc64Nvme => $output.checksum_crc64nvme = Some($value),
            crate::disk::ChecksumAlgorithm::Sha1 => $output.checksum_sha1 = Some($value),
            crate::disk::ChecksumAlgorithm::Sha256 => $output.checksum_sha256 = Some($value),
        }
    };
}

/// Says how an object is encrypted.
macro_rules! show_encryption {
    ($output:expr, $settings:expr) => {
        match &$settings.encryption {
            None => {
                $output.server_side_encryption = Some(ServerSideEncryption::from_static(
                    crate::s3::encryption::BY_S3,
                ));
            }
            Some(encryption) => {
                $output.server_side_encryption =
                    Some(ServerSideEncryption::from(encryption.algorithm.clone()));
                $output.ssekms_key_id = Some(encryption.key.clone());
                $output.bucket_key_enabled = encryption.bucket_key.then_some(true);
            }
        }
    };
}

mod access;
mod actor;
mod buckets;
mod checksum;
mod complete;
mod config;
mod copy;
mod encryption;
mod fault;
mod host;
mod listing;
mod multipart;
mod objects;
mod operation;
mod progress;
mod read;
mod receive;
mod send;
mod service;
mod settings;
mod uploads;
mod versions;

pub(crate) use checksum::verify_document;
pub(crate) use config::Destinations;
pub(crate) use progress::{Progress, Signed};
pub(crate) use service::build;
