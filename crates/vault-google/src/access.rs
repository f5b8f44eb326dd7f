//! How much of the service an agent uses, and the role for that.

/// How much an agent's credentials permit. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// To create secrets, and to read their labels and the states of their versions.
    Create,
    /// To read their values as well.
    Resolve,
    /// To delete them for good as well.
    Delete,
}

impl Access {
    /// Returns the permissions that this access needs, and no more.
    pub(crate) fn permissions(self) -> Vec<&'static str> {
        let mut permissions = vec![CREATE, ADD, GET, GET_VERSION];
        if self >= Self::Resolve {
            permissions.push(ACCESS);
        }
        if self >= Self::Delete {
            permissions.push(DELETE);
        }
        permissions
    }

    /// Returns a custom role with these permissions, as `gcloud iam roles create` reads it.
    pub(crate) fn policy(self, project: &str) -> String {
        let (name, what) = match self {
            Self::Create => ("create", "Creates secrets, and reads no value"),
            Self::Resolve => ("resolve", "Creates secrets and reads their values"),
            Self::Delete => ("delete", "Creates secrets, reads and deletes them"),
        };
        let mut text = format!(
            "# gcloud iam roles create sealpost_{name} --project={project} --file=FILE\n\
             # gcloud projects add-iam-policy-binding {project} --role=projects/{project}/roles/sealpost_{name} --member=MEMBER\n\
             title: Sealpost {name}\n\
             description: {what}\n\
             stage: GA\n\
             includedPermissions:\n"
        );
        for permission in self.permissions() {
            text.push_str("- ");
            text.push_str(permission);
            text.push('\n');
        }
        text
    }
}

pub(crate) const CREATE: &str = "secretmanager.secrets.create";
pub(crate) const ADD: &str = "secretmanager.versions.add";
pub(crate) const GET: &str = "secretmanager.secrets.get";
pub(crate) const GET_VERSION: &str = "secretmanager.versions.get";
pub(crate) const ACCESS: &str = "secretmanager.versions.access";
pub(crate) const DELETE: &str = "secretmanager.secrets.delete";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_to_create_reads_no_value_and_changes_none() {
        let create = Access::Create.policy("p1");
        for permission in [CREATE, ADD, GET, GET_VERSION] {
            assert!(create.contains(&format!("- {permission}\n")), "{create}");
        }
        for (access, has, lacks) in [
            (Access::Create, "", "versions.access"),
            (Access::Resolve, "- secretmanager.versions.access\n", "secrets.delete"),
            (Access::Delete, "- secretmanager.secrets.delete\n", "destroy"),
        ] {
            let role = access.policy("p1");
            assert!(role.contains(has) && !role.contains(lacks), "{role}");
            assert!(!role.contains("update") && !role.contains("list") && !role.contains('*'));
        }
    }
}
