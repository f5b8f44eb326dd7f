"""Kills OpenBao under writers. Called by kill.sh: kill.py BAO TESTS"""

import os
import subprocess
import sys
import tempfile
import time

from servers import Cluster, app_role, wait

NAME = "writers::writers_lose_nothing_while_the_server_is_killed"
POLICY = """\
path "secret/data/*" { capabilities = ["create", "read"] }
path "secret/subkeys/*" { capabilities = ["read"] }
path "auth/token/*" { capabilities = ["read", "update"] }
"""


def run(what, cluster, node, tests, folder, kill, times):
    """Lets writers work through `node` while `kill` is called. Returns whether nothing was lost, overwritten or doubled."""
    api = cluster.apis[cluster.leader()]
    api.do("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    role_id, secret_id = app_role(api, "writers", POLICY, folder)
    # A standby must have heard of the method and the role.
    time.sleep(2)
    stop, names = os.path.join(folder, "stop"), os.path.join(folder, "names")
    environment = {**os.environ, "RAFT_ADDRESS": cluster.addresses[node], "RAFT_CA_FILE": cluster.ca, "RAFT_MOUNT": "secret",
                   "RAFT_ROLE_ID": role_id, "RAFT_SECRET_ID_FILE": secret_id, "STOP_FILE": stop, "NAMES_FILE": names}
    writers = subprocess.Popen([tests, "--exact", "--ignored", "--nocapture", NAME], env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    begun = time.monotonic()
    for number in range(times):
        time.sleep(1.5)
        if writers.poll() is not None:
            break
        kill(number)
    time.sleep(2)
    open(stop, "w").close()
    output, _ = writers.communicate(timeout=300)
    print("\n".join(line for line in output.splitlines() if line.startswith(("Tally", "test result"))))
    is_right = writers.returncode == 0
    if not is_right:
        print(output[-4000:])
        return False
    # What the server itself says: each secret that was acknowledged has one version.
    api = cluster.apis[wait("a leader", lambda: (cluster.leader(),))[0]]
    with open(names) as file:
        acknowledged = file.read().split()
    versions = [api.do("GET", f"secret/metadata/{name}")["data"]["current_version"] for name in acknowledged]
    doubled = sum(version != 1 for version in versions)
    there = set(api.do("LIST", "secret/metadata")["data"]["keys"])
    print(f"{what}: {times} kills in {time.monotonic() - begun:.0f} s, {len(acknowledged)} acknowledged, {doubled} with more than one version, "
          f"{len(there - set(acknowledged))} that were not acknowledged")
    return doubled == 0 and set(acknowledged) == there


def one_node(bao, tests, folder):
    cluster = Cluster(bao, folder)

    def kill(_):
        cluster.kill(0)
        cluster.start(0)
        cluster.unseal(0)

    try:
        return run("one node", cluster, 0, tests, folder, kill, 10)
    finally:
        cluster.stop()


def three_nodes(bao, tests, folder):
    """The writers speak to the last node, which is a standby whenever the leader is killed."""
    cluster = Cluster(bao, folder, 3)
    standby = 2

    def restart(node):
        """Kills a node and starts it again when another one leads. Returns how long the election took."""
        cluster.kill(node)
        begun = time.monotonic()
        wait("the election", lambda: cluster.leader() is not None)
        took = time.monotonic() - begun
        time.sleep(1)
        cluster.start(node)
        cluster.unseal(node)
        wait("the voters", lambda: cluster.voters() == 3)
        return took

    def kill(_):
        leader = wait("a leader", lambda: (cluster.leader(),) if cluster.leader() is not None else None)[0]
        while leader == standby:
            # A step-down would leave it the leader of raft. This kill is not counted.
            restart(leader)
            leader = wait("a leader", lambda: (cluster.leader(),) if cluster.leader() is not None else None)[0]
        print(f"leader node{leader} killed; the election took {restart(leader):.0f} s", flush=True)

    try:
        return run("three nodes, leader killed", cluster, standby, tests, folder, kill, 5)
    finally:
        cluster.stop()


def main(bao, tests, _=None):
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for kind in [one_node, three_nodes] if len(sys.argv) < 4 else [globals()[sys.argv[3]]]:
            place = os.path.join(folder, kind.__name__)
            os.mkdir(place)
            results.append(kind(bao, tests, place))
    print("ok: nothing lost, overwritten or doubled, no conflict with an own write" if all(results) else "FAILED")
    sys.exit(not all(results))


main(*sys.argv[1:])
