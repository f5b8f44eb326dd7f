//! What one run of `sealpost dev` tells its user: how to send to it, on stdout and in a file to source.

use std::path::{Path, PathBuf};

use sealpost_envelope::Fingerprint;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::render::shell_word;

/// Where a run serves, and what a caller needs.
pub(super) struct Session<'a> {
    pub(super) url: &'a str,
    pub(super) agent: &'a str,
    pub(super) token: &'a str,
    pub(super) fingerprint: Fingerprint,
    /// The data folder as the user has named it.
    pub(super) data: &'a Path,
}

impl Session<'_> {
    /// Writes the file to source. It holds the token, so that only its owner may read it.
    pub(super) fn write_variables(&self) -> Result<(), Failure> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|e| {
                Failure::usage(format!("cannot find the current folder: {e}"))
                    .hint("give --data an absolute path")
            })
        };
        let data = absolute(self.data)?;
        let mut text = Zeroizing::new(format!(
            "# Written by `sealpost dev` at each start. To use it: . {}\n",
            shell_word(&sourced(self.data))
        ));
        let certificate = data.join(crate::keygen::CERTIFICATE_FILE);
        for (name, value) in [
            ("GATEWAY", self.url),
            ("AGENT", self.agent),
            ("CERTIFICATE", &certificate.display().to_string()),
            ("FINGERPRINT", &self.fingerprint.to_string()),
            ("SEALPOST_TOKEN", self.token),
        ] {
            *text += &format!("export {name}={}\n", shell_word(value));
        }
        // The lines below call the command by its name, wherever it was built.
        if let Some(folder) = std::env::current_exe()
            .ok()
            .as_deref()
            .and_then(Path::parent)
        {
            *text += &format!(
                "export PATH=\"$PATH\":{}\n",
                shell_word(&folder.display().to_string())
            );
        }
        sealpost_files::replace(&self.data.join(VARIABLES_FILE), text.as_bytes())?;
        Ok(())
    }

    /// The lines for stdout. Each command works when it is pasted into another shell in the same folder.
    pub(super) fn welcome(&self) -> Zeroizing<String> {
        let Self {
            url, agent, token, ..
        } = self;
        let data = match self.data.to_str() {
            Some(super::data_dir::DEFAULT) => String::new(),
            _ => format!(" --data {}", shell_word(&self.data.display().to_string())),
        };
        let fingerprint = self.fingerprint;
        let variables = shell_word(&sourced(self.data));
        // An IPv6 address has brackets, which mean something to a shell.
        let endpoint = shell_word(&format!("{url}/v1/secrets/{agent}/secret-value"));
        let url_word = shell_word(url);
        Zeroizing::new(format!(
            "sealpost dev: {url}, agent {agent}. Stop with Ctrl-C; the secrets stay.

token        {token}
             valid for 24 hours
fingerprint  {fingerprint}
             of the agent's certificate: what --pin takes

In another terminal, in this folder, load the variables, including the token:

. {variables}

Store a secret; store many, a JSON line each; store one with any HTTP client:

echo '{VALUE}' | sealpost secret create --url {url_word} --agent {agent} --name first --key password
printf '%s\\n' '{LINE_1}' '{LINE_2}' | sealpost secret import --url {url_word} --agent {agent} -
curl -sS -w '\\n' {endpoint} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{EXAMPLE}'

Resolve one:

sealpost resolve{data} 'secret:fourth#password'
"
        ))
    }
}

/// The file's path as the shell's `.` finds it: without a slash it would look along PATH.
fn sourced(data: &Path) -> String {
    let file = data.join(VARIABLES_FILE);
    match file.is_absolute() || file.starts_with(".") || file.starts_with("..") {
        true => file.display().to_string(),
        false => PathBuf::from(".").join(file).display().to_string(),
    }
}

const VARIABLES_FILE: &str = "dev.env";
const VALUE: &str = r#"{"password":"P@ssw0rd123"}"#;
const LINE_1: &str = r#"{"name":"second","key":"password","value":{"password":"P@ssw0rd456"}}"#;
const LINE_2: &str = r#"{"name":"third","value":{"user":"etl","password":"P@ssw0rd789"}}"#;
const EXAMPLE: &str = r#"{"secret":{"name":"fourth","type":"PASSWORD","key":"password","value":{"password":"P@ssw0rd123"}}}"#;
