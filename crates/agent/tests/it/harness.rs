//! An agent, the gateway that it trusts, and a vault that does as it is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use sealpost_agent::{Agent, Resolver};
use sealpost_envelope::{AwsLc, AwsLcRng, Identity, Recipient, Trust, UnixTime, seal, text};
use sealpost_protocol::{
    AgentId, Clock, Context, MessageId, Outcome, SigningKey, StoreReply, StoreRequest, VerifyKeys,
};
use sealpost_vault::{
    CreateError, DeleteError, FetchError, Limits, OperationId, SecretValue, Vault, VaultKind,
    VaultSecretName,
};
use zeroize::Zeroizing;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> UnixTime {
        NOW
    }
}

/// A vault in memory that fails on demand.
#[derive(Debug, Default)]
pub(crate) struct TestVault {
    pub(crate) secrets: Mutex<HashMap<String, (Vec<u8>, OperationId)>>,
    pub(crate) fault: Mutex<Option<Fault>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Create(CreateError),
    Panic,
    Never,
    Slow,
}

pub(crate) const MAX_VALUE: usize = 25_000;

#[async_trait]
impl Vault for TestVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Azure
    }

    fn limits(&self) -> Limits {
        Limits {
            max_value: MAX_VALUE,
            ..sealpost_vault_key::limits(VaultKind::Azure)
        }
    }

    async fn create(
        &self,
        name: &VaultSecretName,
        value: &[u8],
        operation: &OperationId,
    ) -> Result<(), CreateError> {
        let fault = self.fault.lock().unwrap().clone();
        match fault {
            Some(Fault::Create(error)) => return Err(error),
            Some(Fault::Panic) => panic!("the vault panics, as the test wants"),
            Some(Fault::Never) => std::future::pending().await,
            Some(Fault::Slow) => tokio::time::sleep(Duration::from_millis(300)).await,
            None => {}
        }
        let mut secrets = self.secrets.lock().unwrap();
        match secrets.get(name.as_str()) {
            Some(stored) if *stored == (value.to_vec(), *operation) => Ok(()),
            Some(_) => Err(CreateError::Exists),
            None => {
                secrets.insert(name.as_str().to_owned(), (value.to_vec(), *operation));
                Ok(())
            }
        }
    }

    async fn fetch(&self, name: &VaultSecretName) -> Result<SecretValue, FetchError> {
        let secrets = self.secrets.lock().unwrap();
        let (value, _) = secrets.get(name.as_str()).ok_or(FetchError::NotFound)?;
        Ok(SecretValue::new(Zeroizing::new(value.clone())))
    }

    async fn delete(&self, _: &VaultSecretName) -> Result<(), DeleteError> {
        unreachable!("the agent deletes nothing")
    }
}

pub(crate) struct World {
    pub(crate) agent: Arc<Agent>,
    pub(crate) id: AgentId,
    pub(crate) vault: Arc<TestVault>,
    pub(crate) resolver: Resolver,
    pub(crate) gateway: SigningKey,
    agent_keys: VerifyKeys,
}

pub(crate) fn world() -> World {
    let gateway = SigningKey::generate().unwrap();
    let agent_key = SigningKey::generate().unwrap();
    let id: AgentId = "a2048".parse().unwrap();
    let vault = Arc::new(TestVault::default());
    let identity = Identity::from_pem(include_bytes!(
        "../../../../testdata/keys/agent-a2048.key.pem"
    ));
    let agent_keys = VerifyKeys::from(agent_key.verify_key());
    let agent = Agent::new(
        id.clone(),
        identity.unwrap(),
        vault.clone(),
        agent_key,
        gateway.verify_key(),
    )
    .with_clock(Arc::new(Fixed));
    let resolver = Resolver::new(vault.clone());
    World {
        agent: Arc::new(agent),
        id,
        vault,
        resolver,
        gateway,
        agent_keys,
    }
}

pub(crate) fn recipient(certificate: &[u8]) -> Recipient<AwsLc> {
    Recipient::from_certificate_pem(certificate, &Trust::DangerAnyCertificate, NOW).unwrap()
}

pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
pub(crate) const OTHER_CERTIFICATE: &[u8] =
    include_bytes!("../../../../testdata/keys/agent-b2048.pem");

impl World {
    pub(crate) fn context(&self, name: &str) -> Context {
        Context::new(self.id.clone(), name)
    }

    /// A request with this context for a value that is sealed for it.
    pub(crate) fn request(&self, context: Context, value: &[u8]) -> StoreRequest {
        let envelope = seal_for(&context, value, CERTIFICATE);
        StoreRequest {
            id: MessageId::random(),
            request_id: "test-request-1".into(),
            context,
            envelope,
        }
    }

    pub(crate) fn sign(&self, request: &StoreRequest) -> Vec<u8> {
        request.sign(&self.gateway, NOW, 30).unwrap()
    }

    /// What the agent says to a request.
    pub(crate) async fn ask(&self, request: &StoreRequest) -> Outcome {
        self.play(&self.sign(request), request.id).await
    }

    pub(crate) async fn play(&self, message: &[u8], id: MessageId) -> Outcome {
        let reply = self.agent.handle(message).await.expect("an answer");
        self.read(&reply, id)
    }

    pub(crate) fn read(&self, reply: &[u8], id: MessageId) -> Outcome {
        let gateway = self.gateway.gateway_name();
        StoreReply::verify(reply, (&self.id, &self.agent_keys), &gateway, id, NOW, 0).unwrap()
    }
}

pub(crate) fn seal_for(context: &Context, value: &[u8], certificate: &[u8]) -> String {
    let recipients = [recipient(certificate)];
    let envelope = seal(&recipients, &context.sealing(), value, &mut AwsLcRng).unwrap();
    text::encode(&envelope)
}
