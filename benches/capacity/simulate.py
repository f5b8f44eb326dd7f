#!/usr/bin/env python3
"""How many processors a rate of secrets takes, where the first bottleneck is, and a simulation that checks it.

    benches/capacity/simulate.py            the tables of docs/CAPACITY.md
    benches/capacity/simulate.py --check    only the checks; the exit code is 1 if one fails

What a secret costs at each station stands in measured.tsv beside this file, with the command that gave it. The
simulation is one of queues: secrets come at random (Poisson), wait in order for the first free server of each station in turn,
and are served for a random time (exponential, which is harder on a queue than what was measured). It has a fixed
seed. It is checked against Erlang's closed form, and the checks against a simulation that is wrong on purpose.
"""

import csv
import heapq
import math
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).parent
SEED = 20261128
SECRETS = 200_000
# Above it queues grow quickly; nobody plans for more.
UTILISATION = 0.7
RATES = (1_000, 100_000, 1_000_000)
BATCH = 1000


def measured():
    with open(HERE / "measured.tsv", encoding="utf-8") as file:
        rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")
        return {row["name"]: float(row["value"]) for row in rows}


# --- the simulation ------------------------------------------------------------------------------------


def station(arrivals, servers, mean, rng):
    """What leaves a station, in order, and the mean wait; all in seconds. `arrivals` are in order."""
    free = [0.0] * servers
    departures, waited = [], 0.0
    for arrival in arrivals:
        start = max(arrival, free[0])
        waited += start - arrival
        end = start + rng.expovariate(1.0 / mean)
        heapq.heapreplace(free, end)
        departures.append(end)
    departures.sort()
    return departures, waited / len(arrivals)


def poisson(rate, count, rng):
    now, arrivals = 0.0, []
    for _ in range(count):
        now += rng.expovariate(rate)
        arrivals.append(now)
    return arrivals


def simulate(rate, stations, count=SECRETS, seed=SEED):
    """The mean wait at each station (`(servers, seconds)`), and how many leave the last in a second."""
    rng = random.Random(seed)
    times, waits = poisson(rate, count, rng), []
    for servers, mean in stations:
        times, wait = station(times, servers, mean, rng)
        waits.append(wait)
    # Without the time in which the queues fill.
    fifth = count // 5
    return waits, (count - fifth) / (times[-1] - times[fifth])


def erlang_c(rate, servers, mean):
    """The mean wait in M/M/c, in seconds (A. K. Erlang, 1917)."""
    load = rate * mean
    # Erlang B by recursion, then C of it: no factorials.
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    waits = blocked / (1 - load / servers * (1 - blocked))
    return waits * mean / (servers - load)


# --- the checks ----------------------------------------------------------------------------------------


def check():
    failed = 0

    def says(name, holds):
        nonlocal failed
        failed += not holds
        print(f"{'ok' if holds else 'FAILED'}: {name}")

    # M/M/1: rho / (mu - lambda).
    says("Erlang's formula for one server is the textbook's", abs(erlang_c(80, 1, 0.01) - 0.8 / 20) < 1e-12)
    # C(2, 1) = 1/3: a known value.
    says("Erlang's formula for two servers, half used", abs(erlang_c(1.0, 2, 1.0) - 1 / 3) < 1e-12)
    cases = [(servers, used) for servers in (1, 2, 8, 32) for used in (0.5, 0.7, 0.9)]
    for servers, used in cases:
        mean = 0.001
        rate = used * servers / mean
        (wait,), _ = simulate(rate, [(servers, mean)], count=400_000)
        exact = erlang_c(rate, servers, mean)
        # Waits are correlated, the more so the busier; what the seed may move was seen with ten others.
        off = abs(wait - exact) / mean
        allowed = 0.01 + (0.06 if used < 0.9 else 0.12) * exact / mean
        says(f"{servers} servers used to {used:.0%}: waits {wait / mean:.4f} services, Erlang {exact / mean:.4f}", off < allowed)
    # Jackson: what leaves M/M/c is Poisson, so that in a row each station waits as if alone.
    stations = [(4, 0.001), (1, 0.0002), (8, 0.002)]
    waits, _ = simulate(2800, stations, count=400_000)
    for (servers, mean), wait in zip(stations, waits):
        exact = erlang_c(2800, servers, mean)
        says(f"in a row, {servers} servers: {wait * 1e6:.1f} us, Erlang {exact * 1e6:.1f}", abs(wait - exact) < 0.01 * mean + 0.08 * exact)
    # Can the checks fail? One server fewer, and service 3 % longer, must be seen.
    exact = erlang_c(5600, 8, 0.001)
    for name, servers, mean in (("a server missing", 7, 0.001), ("services 3 % too long", 8, 0.00103)):
        (wait,), _ = simulate(5600, [(servers, mean)], count=400_000)
        says(f"the check sees {name}", abs(wait - exact) / 0.001 > 0.01 + 0.06 * exact / 0.001)
    # A station just above its capacity keeps what it can, just below all.
    for used, holds in ((0.95, lambda rate, out: out > 0.98 * rate), (1.1, lambda rate, out: out < 0.93 * rate)):
        rate = used * 4 / 0.001
        _, out = simulate(rate, [(4, 0.001)])
        says(f"used to {used:.0%}: {out:.0f} of {rate:.0f} leave in a second", holds(rate, out))
    of = measured()
    parts = of["agent_2048_us"] + of["embedded_cpu_us"] + of["gateway_2048_us"]
    says("gateway, agent and vault are the whole create", abs(parts / of["create_2048_us"] - 1) < 0.005)
    return failed


# --- the tables ----------------------------------------------------------------------------------------


def servers(rate, us):
    return max(1, math.ceil(rate * us * 1e-6 / UTILISATION))


def tables():
    of = measured()
    one_shot = {
        "client, sealing at the source": of["seal_2048_us"],
        "gateway": of["gateway_2048_us"],
        "broker": of["broker_us"],
        "agent, without its vault": of["agent_2048_us"],
        "vault, embedded": of["embedded_cpu_us"],
        "resolve": of["resolve_us"],
    }
    batched = {
        "client, sealing at the source": of["batch_seal_us"],
        "agent's opening alone": of["batch_open_us"],
    }
    print("\n### Processors, at 70 % use\n")
    heads = " | ".join(f"{rate:,} / s" for rate in RATES)
    print(f"| station | µs of a processor a secret | {heads} |\n|---|---|{'---|' * len(RATES)}")
    for kind, costs in (("", one_shot), (f", batches of {BATCH:,}", batched)):
        for name, us in costs.items():
            print(f"| {name}{kind} | {us:.3g} | " + " | ".join(f"{servers(rate, us):,}" for rate in RATES) + " |")

    print("\n### The first bottleneck\n")
    print("| deployment | it carries (computed) | first to fill | simulated at 1.2 × that |\n|---|---|---|---|")
    for name, stations in deployments(of).items():
        rates = {station: count / us * 1e6 for station, (count, us) in stations.items()}
        first = min(rates, key=rates.get)
        rate = rates[first]
        waits, out = simulate(1.2 * rate, [(count, us * 1e-6) for count, us in stations.values()])
        longest = list(stations)[waits.index(max(waits))]
        assert longest == first and abs(out / rate - 1) < 0.05, (name, longest, first, out, rate)
        print(f"| {name} | {rate:,.0f} / s | {first} | {out:,.0f} / s leave, the queue is at the {longest} |")

    print("\n### Waiting, simulated and by Erlang's formula, at 70 % use\n")
    print("| secrets a second | station | servers | waits, simulated | waits, Erlang |\n|---|---|---|---|---|")
    for rate in RATES:
        # The broker's share is spread over nodes, the vault's over vaults; each counts as a server of its own.
        stations = {
            "gateway": of["gateway_2048_us"],
            "broker": of["broker_us"],
            "agent": of["agent_2048_us"],
            "vault, embedded": 1e6 / of["embedded_64_per_second"],
        }
        sized = [(servers(rate, us), us * 1e-6) for us in stations.values()]
        waits, _ = simulate(rate, sized)
        for (name, _), (count, mean), wait in zip(stations.items(), sized, waits):
            print(f"| {rate:,} | {name} | {count:,} | {wait * 1e6:.1f} µs | {erlang_c(rate, count, mean) * 1e6:.1f} µs |")


def deployments(of):
    """Each station: how many servers, and microseconds a secret."""
    gateway, agent, broker = of["gateway_2048_us"], of["agent_2048_us"], of["broker_us"]
    embedded, openbao = 1e6 / of["embedded_64_per_second"], 1e6 / of["openbao_per_second"]
    single = 1e6 / of["embedded_1_per_second"]

    def row(gateways, brokers, agents, vaults, vault, broker=broker):
        return {"gateway": (gateways, gateway), "broker": (brokers, broker), "agent": (agents, agent), "vault": (vaults, vault)}

    # In a cluster of three, two of three messages cross to another node, and cost there again.
    clustered = broker * (1 + 2 / 3)

    return {
        "4 processors for gateways + 4 for agents, one broker of 1, embedded vault": row(4, 1, 4, 1, embedded),
        "the same, one write at a time": row(4, 1, 4, 1, single),
        "the same, OpenBao with raft": row(4, 1, 4, 1, openbao),
        "the same, AWS Secrets Manager at its quota": row(4, 1, 4, 1, 1e6 / of["aws_create_per_second"]),
        "the same, Azure Key Vault at its quota": row(4, 1, 4, 1, 1e6 / of["azure_create_per_second"]),
        "the same, Google Secret Manager at its quota": row(4, 1, 4, 1, 1e6 / of["google_write_per_second"]),
        "32 + 64 processors, one broker of 1, 4 embedded vaults": row(32, 1, 64, 4, embedded),
        "the same, 16 embedded vaults": row(32, 1, 64, 16, embedded),
        "128 + 192 processors, one broker of 1, 64 embedded vaults": row(128, 1, 192, 64, embedded),
        "the same, one broker of 4": row(128, 4, 192, 64, embedded),
        "the same, a cluster of three, 1 each": row(128, 3, 192, 64, embedded, clustered),
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(1 if check() else 0)
    tables()
