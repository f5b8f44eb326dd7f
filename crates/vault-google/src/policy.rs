//! The smallest roles for an agent's account.

use sealpost_vault::Access;

/// Returns a custom role with what this access needs and no more, as `gcloud iam roles create` reads it.
pub(crate) fn role(access: Access, project: &str) -> String {
    let (name, what) = match access {
        Access::Create => ("create", "Creates secrets, and reads no value"),
        Access::Resolve => ("resolve", "Creates secrets and reads their values"),
        Access::Delete => ("delete", "Creates secrets, reads and deletes them"),
    };
    let mut text = format!(
        "# gcloud iam roles create sealpost_{name} --project={project} --file=FILE\n\
         # gcloud projects add-iam-policy-binding {project} --role=projects/{project}/roles/sealpost_{name} --member=MEMBER\n\
         title: Sealpost {name}\n\
         description: {what}\n\
         stage: GA\n\
         includedPermissions:\n"
    );
    for permission in permissions(access) {
        text.push_str("- ");
        text.push_str(permission);
        text.push('\n');
    }
    text
}

fn permissions(access: Access) -> Vec<&'static str> {
    let mut permissions = vec![CREATE, ADD, GET, GET_VERSION];
    if access >= Access::Resolve {
        permissions.push(ACCESS);
    }
    if access >= Access::Delete {
        permissions.push(DELETE);
    }
    permissions
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
        let create = role(Access::Create, "p1");
        for permission in [CREATE, ADD, GET, GET_VERSION] {
            assert!(create.contains(&format!("- {permission}\n")), "{create}");
        }
        for (access, has, lacks) in [
            (Access::Create, "", "versions.access"),
            (
                Access::Resolve,
                "- secretmanager.versions.access\n",
                "secrets.delete",
            ),
            (
                Access::Delete,
                "- secretmanager.secrets.delete\n",
                "destroy",
            ),
        ] {
            let role = role(access, "p1");
            assert!(role.contains(has) && !role.contains(lacks), "{role}");
            assert!(!role.contains("update") && !role.contains("list") && !role.contains('*'));
        }
    }
}
