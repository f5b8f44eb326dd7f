/// Answers one request, for the examples of the crate's documentation. Returns the URL.
fn gateway_that_answers(status: &'static str, body: &'static str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut buffer).expect("a request");
            assert_ne!(read, 0, "the request is cut");
            request.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&request).to_lowercase();
            let Some((head, rest)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|n| n.lines().next()?.parse().ok());
            if rest.len() >= length.unwrap_or(0) {
                break;
            }
        }
        let media_type = if status.starts_with('2') {
            "application/json"
        } else {
            "application/problem+json"
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    });
    Ok(url)
}
