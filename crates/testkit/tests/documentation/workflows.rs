//! `.github/workflows`: what `.ci/run` holds a change back for runs there, too.

use std::collections::BTreeSet;

use crate::tree::read;

#[test]
fn the_workflow_runs_every_stage_of_ci_run() {
    let script = read(".ci/run");
    let stages = script
        .lines()
        .find_map(|line| line.strip_prefix("STAGES=("));
    let stages = stages.unwrap().trim_end_matches(')').split(' ');
    // Each job of the workflow begins with it.
    let stages: BTreeSet<_> = stages.filter(|stage| *stage != "prepare").collect();

    let workflow = read(".github/workflows/ci.yml");
    let (_, matrix) = workflow.split_once("        stages:\n").unwrap();
    let rows = matrix
        .lines()
        .map_while(|line| line.trim_start().strip_prefix("- "));
    let listed: Vec<_> = rows
        .take_while(|row| !row.contains(':'))
        .flat_map(|row| row.split(' '))
        .collect();
    let named: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(
        named.len(),
        listed.len(),
        "a stage is there twice: {listed:?}"
    );
    assert_eq!(named, stages);
}

#[test]
fn workflows_have_a_token_that_reads_and_actions_by_hash() {
    for name in ["ci", "fuzz", "bench"] {
        let workflow = read(&format!(".github/workflows/{name}.yml"));
        assert!(
            workflow.contains("\npermissions:\n  contents: read\n"),
            "{name}"
        );
        assert!(!workflow.contains(": write"), "{name}");
        let actions = workflow
            .lines()
            .filter_map(|line| line.split_once("uses: "));
        let mut count = 0;
        for (_, action) in actions {
            count += 1;
            let (_, version) = action.split_once('@').unwrap();
            let hash = version.split(' ').next().unwrap();
            let is_hash = hash.len() == 40 && hash.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(is_hash, "{name}: {action}");
        }
        assert!(count > 0, "{name}");
    }
}
