//! How an agent authenticates, where Microsoft's crate gets the tokens.

use std::path::PathBuf;

use super::builder::{Authentication, AzureBuilder};
use crate::credentials::{Method, Proof};

impl AzureBuilder {
    /// Authenticates as the identity of the machine or of the App Service: the one with this client id, or the system's.
    pub fn managed_identity(self, client_id: Option<String>) -> Self {
        self.method(Method::ManagedIdentity { client_id })
    }

    /// Authenticates with the token of a Kubernetes service account in a file, which is read each time.
    pub fn workload_identity(
        self,
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        token_file: impl Into<PathBuf>,
    ) -> Self {
        self.application(tenant_id, client_id, Proof::Token(token_file.into()))
    }

    /// Authenticates with the secret of an application in a file, which is read each time.
    pub fn client_secret(
        self,
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        secret_file: impl Into<PathBuf>,
    ) -> Self {
        self.application(tenant_id, client_id, Proof::Secret(secret_file.into()))
    }

    /// Authenticates with the certificate of an application: the file holds it and its private RSA key, in PEM, and is read each
    /// time.
    pub fn client_certificate(
        self,
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        certificate_file: impl Into<PathBuf>,
    ) -> Self {
        let proof = Proof::Certificate(certificate_file.into());
        self.application(tenant_id, client_id, proof)
    }

    /// Asks for tokens at this address: `https://login.microsoftonline.com` by default; for a managed identity that of the machine.
    pub fn authority(mut self, address: impl Into<String>) -> Self {
        self.authority = Some(address.into());
        self
    }

    fn application(
        self,
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        proof: Proof,
    ) -> Self {
        self.method(Method::Application {
            tenant_id: tenant_id.into(),
            client_id: client_id.into(),
            proof,
        })
    }

    fn method(mut self, method: Method) -> Self {
        self.authentication = Some(Authentication::Method(method));
        self
    }
}
