//! Where secrets are: region, account, names.

use std::fmt::Write as _;

/// The part of an account that secrets are stored in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) region: String,
    /// Twelve digits. Only the policy needs it.
    pub(crate) account: Option<String>,
    /// Before each name, without a slash at its ends; empty without one.
    pub(crate) prefix: String,
    /// The ARN, id or alias of a KMS key. Without it, the one that AWS keeps for this service.
    pub(crate) kms_key: Option<String>,
    pub(crate) owner: String,
}

impl Place {
    /// Returns the name of a secret in the service.
    pub(crate) fn name(&self, name: &str) -> String {
        match self.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }

    /// Returns how many bytes are left for a name.
    pub(crate) fn max_name(&self, max: usize) -> usize {
        max.saturating_sub(match self.prefix.len() {
            0 => 0,
            len => len + 1,
        })
    }

    /// Returns the ARN that stands for all secrets of this place in a policy.
    pub(crate) fn all(&self) -> String {
        self.arn("secretsmanager", &format!("secret:{}", self.name("*")))
    }

    /// Returns an ARN of this region and account.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let Self { region, .. } = self;
        let account = self.account.as_deref().unwrap_or("*");
        format!(
            "arn:{}:{service}:{region}:{account}:{resource}",
            self.partition()
        )
    }

    /// Returns the domain of the services in this region.
    pub(crate) fn domain(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        }
    }

    fn partition(&self) -> &'static str {
        match self.region.split('-').take(2).collect::<Vec<_>>()[..] {
            ["cn", _] => "aws-cn",
            ["us", "gov"] => "aws-us-gov",
            _ => "aws",
        }
    }
}

/// Returns the tags of a secret, as pairs: who stored it, which operation did, for which project.
pub(crate) fn tags(
    owner: &str,
    operation: &str,
    project: Option<&[u8; 16]>,
) -> Vec<(&'static str, String)> {
    let mut tags = vec![(OWNER, owner.to_owned()), (OPERATION, operation.to_owned())];
    tags.extend(project.map(|project| (PROJECT, uuid(project))));
    tags
}

/// RFC 9562 §4, the form with hyphens.
fn uuid(bytes: &[u8; 16]) -> String {
    let digits = hex(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

/// Returns 64 hexadecimal digits: as long as a token of a request may be.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) const OWNER: &str = "sealpost:owner";
pub(crate) const OPERATION: &str = "sealpost:operation";
pub(crate) const PROJECT: &str = "sealpost:project";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_a_uuid_with_hyphens() {
        let project = [
            0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17,
            0x40, 0x00,
        ];
        let tags = tags("team", "07", Some(&project));
        assert_eq!(
            tags[2],
            (
                "sealpost:project",
                "123e4567-e89b-12d3-a456-426614174000".to_owned()
            )
        );
        assert_eq!(super::tags("team", "07", None).len(), 2);
    }

    #[test]
    fn arns_are_of_the_partition_of_the_region() {
        for (region, expected) in [
            (
                "eu-central-1",
                "arn:aws:secretsmanager:eu-central-1:*:secret:team/*",
            ),
            (
                "cn-north-1",
                "arn:aws-cn:secretsmanager:cn-north-1:*:secret:team/*",
            ),
            (
                "us-gov-west-1",
                "arn:aws-us-gov:secretsmanager:us-gov-west-1:*:secret:team/*",
            ),
        ] {
            let place = Place {
                region: region.to_owned(),
                account: None,
                prefix: "team".to_owned(),
                kms_key: None,
                owner: String::new(),
            };
            assert_eq!(place.all(), expected);
            assert_eq!(place.max_name(512), 507);
        }
    }
}
