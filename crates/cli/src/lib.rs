//! The `sealpost` command: it parses arguments, calls the other crates, and prints.

mod batch;
mod context;
#[cfg(unix)]
mod demo;
#[cfg(unix)]
mod dev;
mod error;
#[cfg(unix)]
mod gateway;
pub mod heap;
mod inspect;
mod io;
#[cfg(unix)]
mod issuer;
mod keygen;
#[cfg(unix)]
mod local;
mod logging;
mod name;
mod open;
mod render;
#[cfg(unix)]
mod resolve;
mod seal;
#[cfg(unix)]
mod secret;
#[cfg(unix)]
mod service;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod streams;
mod trust;
mod validate;
#[cfg(unix)]
mod vault;
mod wrap;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::Failure;

/// Seal secrets to an agent's certificate, and run the gateway and the agent that store them.
#[derive(Parser, Debug)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
struct Sealpost {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Create an agent's identity and its self-signed certificate
    Keygen(keygen::Keygen),
    /// Seal bytes to certificates
    Seal(seal::Seal),
    /// Open what was sealed, in any format, with a private key
    Open(open::Open),
    /// Show what an envelope, JWE or CMS message reveals without a key, none of it authenticated
    Inspect(inspect::Inspect),
    /// Put a value and its context into one object, which other software then seals, such as `openssl cms`
    Wrap(wrap::Wrap),
    /// Check a request as the endpoint would: one violation a line
    Validate(validate::Validate),
    /// Show the name under which a vault holds a secret, and the reference that resolves it
    Name(name::Name),
    /// Send one secret the whole way, in a temporary folder, and show and check every step
    #[cfg(unix)]
    Demo(demo::Demo),
    /// Run gateway, agent and vault on this machine, to develop against
    #[cfg(unix)]
    Dev(dev::Dev),
    /// Run the endpoint and its agents as a configuration file says
    #[cfg(unix)]
    Gateway(gateway::Gateway),
    /// Print the value that a reference of `sealpost dev` leads to
    #[cfg(unix)]
    Resolve(resolve::Resolve),
    /// Check, test, salvage or begin an agent's vault, and print the policy that it needs
    #[cfg(unix)]
    Vault(vault::Vault),
    /// Have an agent store secrets, through a gateway
    #[cfg(unix)]
    Secret(secret::Secret),
}

const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 the input is refused, 2 wrong usage or I/O, 3 the envelope does not open.";

/// Runs the command that the arguments of this process name, and prints failures to stderr.
#[must_use]
pub fn main() -> ExitCode {
    match run(Sealpost::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                // Nothing is left to be done if stderr is closed.
                let _ = writeln!(std::io::stderr(), "{failure}");
            }
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match &command {
        // They run for long, and log accordingly.
        #[cfg(unix)]
        Command::Dev(_) | Command::Gateway(_) => {}
        // The error repeats what that target logs about a certificate.
        _ => logging::start("warn,rustls_platform_verifier=off")?,
    }
    match command {
        Command::Keygen(keygen) => keygen.run(),
        Command::Seal(seal) => seal.run(),
        Command::Open(open) => open.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Wrap(wrap) => wrap.run(),
        Command::Validate(validate) => validate.run(),
        Command::Name(name) => name.run(),
        #[cfg(unix)]
        Command::Demo(demo) => demo.run(),
        #[cfg(unix)]
        Command::Dev(dev) => dev.run(),
        #[cfg(unix)]
        Command::Gateway(gateway) => gateway.run(),
        #[cfg(unix)]
        Command::Resolve(resolve) => resolve.run(),
        #[cfg(unix)]
        Command::Vault(vault) => vault.run(),
        #[cfg(unix)]
        Command::Secret(secret) => secret.run(),
    }
}
