//! The operations, by name; each is one line to where it is done.

use super::access::{Access, Auth};
use super::actor::Actor;
use super::config::{Destinations, Settings};
use super::host::Hosts;
use super::{buckets, complete, copy, listing, multipart, objects, read, uploads, versions};
use crate::disk::Store;
use crate::iam::Directory;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

/// S3 on a [`Store`].
#[derive(Clone)]
pub(crate) struct S3 {
    pub(crate) store: Arc<Store>,
}

/// The service, with authentication and authorisation in front.
pub(crate) fn build(
    store: &Arc<Store>,
    directory: &Arc<Directory>,
    destinations: &Arc<Destinations>,
) -> S3Service {
    let mut builder = S3ServiceBuilder::new(S3 {
        store: Arc::clone(store),
    });
    builder.set_auth(Auth {
        directory: Arc::clone(directory),
    });
    let access = Access {
        directory: Arc::clone(directory),
        store: Arc::clone(store),
    };
    builder.set_access(access.clone());
    builder.set_route(Settings {
        access,
        store: Arc::clone(store),
        destinations: Arc::clone(destinations),
    });
    builder.set_host(Hosts);
    let mut config = S3Config::default();
    config.xml_max_body_size = 4 << 20;
    // The gate has compared the date with the sandbox's own clock.
    config.presigned_url_max_skew_time_secs = u32::MAX;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}

/// Who acts: [`Access::check`] put it there.
pub(super) fn actor<T>(request: &S3Request<T>) -> S3Result<Actor> {
    request
        .extensions
        .get::<Actor>()
        .cloned()
        .ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))
}

macro_rules! operations {
    ($($name:ident, $input:ident, $output:ident => $path:path;)*) => {
        #[async_trait::async_trait]
        impl s3s::S3 for S3 {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $path(self, request).await
            })*
        }
    };
}

operations! {
    list_buckets, ListBucketsInput, ListBucketsOutput => buckets::list_buckets;
    delete_bucket, DeleteBucketInput, DeleteBucketOutput => buckets::delete_bucket;
    head_bucket, HeadBucketInput, HeadBucketOutput => buckets::head_bucket;
    get_bucket_location, GetBucketLocationInput, GetBucketLocationOutput => buckets::get_bucket_location;
    get_object, GetObjectInput, GetObjectOutput => read::get_object;
    head_object, HeadObjectInput, HeadObjectOutput => read::head_object;
    put_object, PutObjectInput, PutObjectOutput => objects::put_object;
    delete_object, DeleteObjectInput, DeleteObjectOutput => objects::delete_object;
    delete_objects, DeleteObjectsInput, DeleteObjectsOutput => objects::delete_objects;
    copy_object, CopyObjectInput, CopyObjectOutput => copy::copy_object;
    upload_part_copy, UploadPartCopyInput, UploadPartCopyOutput => copy::upload_part_copy;
    list_objects, ListObjectsInput, ListObjectsOutput => listing::list_objects;
    list_objects_v2, ListObjectsV2Input, ListObjectsV2Output => listing::list_objects_v2;
    list_object_versions, ListObjectVersionsInput, ListObjectVersionsOutput => versions::list_object_versions;
    create_multipart_upload, CreateMultipartUploadInput, CreateMultipartUploadOutput => multipart::create_multipart_upload;
    upload_part, UploadPartInput, UploadPartOutput => multipart::upload_part;
    complete_multipart_upload, CompleteMultipartUploadInput, CompleteMultipartUploadOutput => complete::complete_multipart_upload;
    abort_multipart_upload, AbortMultipartUploadInput, AbortMultipartUploadOutput => multipart::abort_multipart_upload;
    list_parts, ListPartsInput, ListPartsOutput => uploads::list_parts;
    list_multipart_uploads, ListMultipartUploadsInput, ListMultipartUploadsOutput => uploads::list_multipart_uploads;
}
