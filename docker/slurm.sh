#!/usr/bin/env bash
# What: one run of a pipeline on the nodes of a Slurm job: a Ray head on the first node, a Ray worker on every node.
# Run:  sbatch --nodes 8 --cpus-per-task 64 --time 24:00:00 docker/slurm.sh pipelines/math.yaml
# Needs: mathcode-data[ray] on every node (MATHCODE_VENV, default .venv in the folder of the submission), files that all nodes share.
# A job that ran out of time is submitted again as it is: finished tasks stay finished.
# The run begins when all nodes have joined, or with those that have after MATHCODE_NODES_S (120) seconds; later ones are used too.
# MATHCODE_RAY_PORT: another port for the head, where somebody else has the one made from the job's number.
#SBATCH --job-name=mathcode-data
#SBATCH --ntasks-per-node=1
#SBATCH --signal=B:TERM@120
set -euo pipefail

run='' told=0 status=0
# shellcheck disable=SC2329
pass_on() { told=$((told + 1)); if [ -n "$run" ]; then kill -TERM "$run" 2>/dev/null || true; fi; }
trap pass_on TERM INT HUP
steps=()
trap 'kill "${steps[@]}" 2>/dev/null || true' EXIT
fail() { echo "slurm.sh: $1" >&2; exit "$2"; }
go_on() { [ "$told" -eq 0 ] || fail "stopped by a signal before the run began; submit the job again" 7; }

[ $# -ge 1 ] || fail "name a pipeline: sbatch docker/slurm.sh pipelines/math.yaml" 2
# shellcheck source=/dev/null
source "${MATHCODE_VENV:-.venv}/bin/activate"

port=${MATHCODE_RAY_PORT:-$((20000 + SLURM_JOB_ID % 20000))}
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
nodes=${SLURM_JOB_NUM_NODES:-1}
cpus=${SLURM_CPUS_PER_TASK:-1}

# other users of the node must not be able to speak to the cluster: a token that only this job knows, never on a command line
umask 077
RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 MATHCODE_SHARED_STORAGE=1

srun --nodes 1 --ntasks 1 --nodelist "$head" --overlap \
    ray start --head --block --port "$port" --num-cpus 0 --include-dashboard=false --object-store-memory 100000000 &
head_step=$!
steps+=("$head_step")
has_head() { kill -0 "$head_step" 2>/dev/null || fail "the Ray head on $head ended, see above; if port $port is taken set MATHCODE_RAY_PORT" 6; }
is_up=0
for _ in $(seq 60); do
    go_on
    has_head
    if ray health-check --address "$head:$port" 2>/dev/null; then is_up=1; break; fi
    sleep 2
done
has_head
[ "$is_up" -eq 1 ] || fail "the Ray head on $head:$port did not answer within 60 tries; see its output above" 6

srun --ntasks-per-node 1 --overlap ray start --block --address "$head:$port" --num-cpus "$cpus" --object-store-memory 100000000 &
steps+=($!)
python - "$head:$port" "$nodes" "${MATHCODE_NODES_S:-120}" <<'END' &
import sys, time, ray
address, wanted, patience = sys.argv[1], int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
ray.init(address=address, log_to_driver=False, configure_logging=False)
while (found := sum(node["Alive"] and node["Resources"].get("CPU", 0) >= 1 for node in ray.nodes())) < wanted:
    if time.monotonic() > patience:
        sys.exit(f"slurm.sh: {found} of {wanted} nodes have joined; the run begins with them")
    time.sleep(1)
END
counting=$!
wait "$counting" || true
kill "$counting" 2>/dev/null || true
go_on
has_head

mathcode-data run "$@" --ray-address "$head:$port" &
run=$!
[ "$told" -eq 0 ] || kill -TERM "$run" 2>/dev/null || true    # it came while the run was started
while true; do
    before=$told
    wait "$run" && status=0 || status=$?
    # a signal ends the wait, not the run: its own code comes with another wait
    if [ "$told" -eq "$before" ] || [ "$status" -le 128 ]; then break; fi
done
exit "$status"
