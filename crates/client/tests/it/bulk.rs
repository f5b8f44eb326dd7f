use sealpost_client::{AgentTrust, BulkSealer, ClientError, ProblemType};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Identity, bulk::Body, native::Opener, wrapper,
};

use crate::server::{Act, Server, created, problem, secret};

const CERTIFICATE: &str = include_str!("../../../../testdata/keys/agent-a2048.pem");
const KEY: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.key.pem");

fn sealer() -> BulkSealer {
    let certificate = Certificate::from_pem(CERTIFICATE.as_bytes()).unwrap();
    let trust = AgentTrust::pinned([certificate.fingerprint()]);
    BulkSealer::new("a2048", trust).unwrap()
}

fn certificate() -> Act {
    let head = "content-type: application/pem-certificate-chain\r\n";
    Act::Answer(200, head, CERTIFICATE.to_owned())
}

/// One certificate is asked for, and one RSA operation opens them all; each has a use of its own.
#[tokio::test]
async fn values_of_a_batch_share_a_header_and_nothing_else() {
    let acts = [certificate(), created(), Act::Drop, created(), created()];
    let server = Server::start(acts).await;
    let (client, sealer) = (server.client(), sealer());
    for _ in 0..3 {
        let made = client
            .seal_and_create_in_bulk(&sealer, None, &secret())
            .await;
        assert_eq!(made.unwrap().vault_secret_name, "n");
    }
    let requests = server.requests();
    assert_eq!(
        requests[0].line(),
        "GET /v1/agents/a2048/certificate HTTP/1.1"
    );
    let posts = &requests[1..];
    assert_eq!(posts.len(), 4);
    // The repeated attempt is the same bytes.
    assert_eq!(posts[1].body, posts[2].body);

    let identity = Identity::<AwsLc>::from_pem(KEY).unwrap();
    let first = Body::parse(&posts[0].body).unwrap();
    let pending = first.frame().pending(identity.public_key()).unwrap();
    let opener: Opener<AwsLc> = pending.decrypt(&identity, &mut AwsLcRng).unwrap();
    let mut uses = Vec::new();
    for (index, post) in [&posts[0], &posts[1], &posts[3]].into_iter().enumerate() {
        assert_eq!(
            post.header("content-type"),
            Some("application/vnd.sealpost.frame")
        );
        let body = Body::parse(&post.body).unwrap();
        assert_eq!(body.frame().header_bytes(), first.frame().header_bytes());
        assert_eq!(usize::try_from(body.frame().frame().index()), Ok(index));
        let context = body.context("a2048");
        assert_eq!((context.name(), context.key()), ("n", Some("password")));
        let opened = opener.open(body.frame().frame(), &context).unwrap();
        let wrapped = wrapper::unwrap(&opened).unwrap();
        assert_eq!(wrapped.binding.check(&context), Ok(()));
        assert!(wrapped.binding.expires_at().is_some());
        uses.push(wrapped.binding.jti().unwrap().to_owned());
    }
    uses.dedup();
    assert_eq!(uses.len(), 3);
}

#[tokio::test]
async fn a_format_that_is_not_taken_is_told() {
    let server = Server::start([certificate(), problem(400, "format-not-accepted")]).await;
    let sealing = server.client();
    let sealer = sealer();
    let error = sealing
        .seal_and_create_in_bulk(&sealer, None, &secret())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ClientError::Problem(problem) if problem.kind == Some(ProblemType::FormatNotAccepted))
    );
    assert!(!error.may_have_been_created());
    assert_eq!(
        format!("{sealer:?}"),
        "BulkSealer { agent: AgentId(a2048), .. }"
    );
}

#[tokio::test]
async fn another_certificate_is_not_sealed_to() {
    let other = include_str!("../../../../testdata/keys/agent-b2048.pem");
    let head = "content-type: application/pem-certificate-chain\r\n";
    let server = Server::start([Act::Answer(200, head, other.to_owned())]).await;
    let error = server
        .client()
        .seal_and_create_in_bulk(&sealer(), None, &secret())
        .await;
    assert!(matches!(error, Err(ClientError::AgentCertificate(_))));
    assert_eq!(server.requests().len(), 1);
}
