//! nginx as a plain reverse proxy: what the gateway's cost is compared with.

use crate::place;
use crate::server::Server;
use std::net::TcpStream;

/// How much nginx holds of a body at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buffers {
    /// What nginx does when nobody says anything.
    Default,
    /// 64 KiB each way, and uploads passed on as they come: what a careful operator would set.
    Large,
}

/// A running nginx, one process, that passes everything on.
#[derive(Debug)]
pub struct Nginx {
    server: Server,
    port: u16,
}

impl Nginx {
    /// Before `upstream`, a loopback port, on one processor if `cpu` says which.
    pub fn before(upstream: u16, buffers: Buffers, cpu: Option<usize>) -> Self {
        let port = place::free_port();
        let buffers = match buffers {
            Buffers::Default => "",
            Buffers::Large => {
                "proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;
                 client_body_buffer_size 64k; proxy_request_buffering off;
                 proxy_max_temp_file_size 0;"
            }
        };
        let program = place::system_tool("nginx");
        let (program, mut arguments) = place::pinned(cpu, program);
        let mut server = Server::start("nginx", &program, |folder| {
            let here = folder.display();
            let text = format!(
                "daemon off; master_process off; worker_processes 1;
                 pid {here}/nginx.pid; error_log stderr;
                 events {{ worker_connections 4096; }}
                 http {{
                     access_log off; keepalive_requests 1000000000; client_max_body_size 0;
                     client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
                     fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
                     {buffers}
                     upstream store {{
                         server 127.0.0.1:{upstream}; keepalive 512;
                         keepalive_requests 1000000000;
                     }}
                     server {{
                         listen 127.0.0.1:{port};
                         location / {{
                             proxy_pass http://store; proxy_http_version 1.1;
                             proxy_set_header Connection \"\";
                         }}
                     }}
                 }}"
            );
            let file = folder.join("nginx.conf");
            std::fs::write(&file, text).unwrap();
            arguments.extend(["-c".to_owned(), file.display().to_string()]);
            (arguments, Vec::new())
        });
        server.wait_until(|_| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { server, port }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }
}
