//! What stands between the gateway and the storage: the words of organisations and networks,
//! endpoints that are something else, TLS.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::connection_causes::failed;
use crate::cycle::sandboxed;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives one answer to everything; its address.
async fn answers(text: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let text = text.clone();
            tokio::spawn(async move {
                let mut buffer = [0u8; 8_192];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    format!("http://{address}")
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\nx-amz-request-id: R1\r\n\r\n{body}",
        body.len()
    )
}

fn test(aws: &Aws, arguments: &[&str]) -> Ended {
    let base = [
        "test",
        "--org",
        "acme",
        "--vendor-role",
        VENDOR_ROLE,
        "--json",
    ];
    let mut command = aws.command(&[&base, arguments].concat());
    command.env("BYOS_PATIENCE_MILLISECONDS", "300");
    crate::aws::wait(command.spawn().unwrap())
}

/// A refusal of S3 in the words of AWS.
fn refusal(because: &str) -> String {
    let user = "User: arn:aws:sts::222222222222:assumed-role/byos-prod-acme-gateway/byos-proof";
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code><Message>{user} is not authorized to perform: s3:GetBucketLocation on resource: \"arn:aws:s3:::byos-prod-acme-data\" {because}</Message><RequestId>R1</RequestId></Error>"
    );
    response("403 Forbidden", "application/xml", &body)
}

sandboxed! {
    async fn who_denies_from_outside_is_named(aws) {
        aws.applied(&[]);
        for (because, words) in [
            ("with an explicit deny in a service control policy", "whoever runs the organisation"),
            ("because no service control policy allows the s3:GetBucketLocation action", "whoever runs the organisation"),
            ("with an explicit deny in a resource control policy", "resource control policy"),
            ("because no VPC endpoint policy allows the s3:GetBucketLocation action", "VPC endpoint"),
            ("with an explicit deny in a VPC endpoint policy", "VPC endpoint"),
            ("because no session policy allows the s3:GetBucketLocation action", "the vendor's to repair"),
        ] {
            let url = answers(refusal(because)).await;
            let (stage, cause, hint) = failed(&test(&aws, &["--endpoint-url-s3", &url]));
            assert_eq!(stage, "find the data bucket");
            assert!(cause.contains(words) || hint.contains(words), "{because}: {cause} / {hint}");
        }
    }
}

sandboxed! {
    async fn something_else_than_s3_is_recognised(aws) {
        aws.applied(&[]);
        for status in ["200 OK", "404 Not Found", "302 Found"] {
            let url = answers(response(status, "text/html", "<html><body>Console</body></html>")).await;
            let (stage, cause, hint) = failed(&test(&aws, &["--endpoint-url-s3", &url]));
            assert_eq!(stage, "find the data bucket", "{status}");
            assert!(hint.contains("does not speak this protocol"), "{status}: {cause} / {hint}");
        }
        let closed = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
        let (_, cause, hint) = failed(&test(&aws, &["--endpoint-url-s3", &format!("http://{closed}")]));
        assert!(hint.contains("nothing listens there"), "{cause} / {hint}");
        let plain = aws.sandbox.endpoint().to_string().replace("http://", "https://");
        let (_, cause, hint) = failed(&test(&aws, &["--endpoint-url-s3", &plain]));
        assert!(hint.contains("nothing speaks TLS"), "{cause} / {hint}");
    }
}

/// A server with a certificate that it signed itself.
struct Tls(Child, String);

impl Tls {
    fn start(aws: &Aws, name: &str, days: &str) -> Self {
        let (key, certificate) = (aws.path("tls.key"), aws.path("tls.pem"));
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", days, "-subj", "/CN=x",
            ])
            .args([
                "-addext",
                &format!("subjectAltName={name}"),
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www"])
            .arg("-key")
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                Some(
                    line.strip_prefix("ACCEPT ")?
                        .rsplit(':')
                        .next()?
                        .to_string(),
                )
            })
            .unwrap();
        Self(child, format!("https://127.0.0.1:{port}"))
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

sandboxed! {
    async fn a_certificate_that_is_not_trusted_is_told_from_one_for_another_name(aws) {
        aws.applied(&[]);
        let server = Tls::start(&aws, "IP:127.0.0.1", "2");
        let (_, cause, hint) = failed(&test(&aws, &["--endpoint-url-s3", &server.1]));
        assert!(hint.contains("--ca-file"), "{cause} / {hint}");
        drop(server);
        let server = Tls::start(&aws, "DNS:elsewhere.example", "2");
        let authority = aws.path("tls.pem").display().to_string();
        let (_, cause, hint) = failed(&test(&aws, &["--endpoint-url-s3", &server.1, "--ca-file", &authority]));
        assert!(hint.contains("another name"), "{cause} / {hint}");
    }
}
