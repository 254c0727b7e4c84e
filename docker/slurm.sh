#!/usr/bin/env bash
# What: one run of a pipeline on the nodes of a Slurm job: a Ray head on the first node, a Ray worker on every node.
# Run:  sbatch --nodes 8 --cpus-per-task 64 --time 24:00:00 docker/slurm.sh pipelines/math.yaml
# Needs: mathcode-data[ray] on every node (MATHCODE_VENV, default .venv beside the pipeline), files that all nodes share.
# A job that ran out of time is submitted again as it is: finished tasks stay finished.
#SBATCH --job-name=mathcode-data
#SBATCH --ntasks-per-node=1
#SBATCH --signal=B:TERM@120
set -euo pipefail

[ $# -ge 1 ] || { echo "slurm.sh: name a pipeline: sbatch docker/slurm.sh pipelines/math.yaml" >&2; exit 2; }
# shellcheck source=/dev/null
source "${MATHCODE_VENV:-.venv}/bin/activate"

port=$((20000 + SLURM_JOB_ID % 20000))
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
cpus=${SLURM_CPUS_PER_TASK:-1}

# other users of the node must not be able to speak to the cluster: a token that only this job knows, never on a command line
umask 077
RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 MATHCODE_SHARED_STORAGE=1

srun --nodes 1 --ntasks 1 --nodelist "$head" --overlap \
    ray start --head --block --port "$port" --num-cpus 0 --include-dashboard=false --object-store-memory 100000000 &
for _ in $(seq 60); do ray health-check --address "$head:$port" 2>/dev/null && break; sleep 2; done
srun --ntasks-per-node 1 --overlap ray start --block --address "$head:$port" --num-cpus "$cpus" --object-store-memory 100000000 &

mathcode-data run "$@" --ray-address "$head:$port" &
run=$!
trap 'kill -TERM "$run"' TERM
status=0
wait "$run" || status=$?
kill -0 "$run" 2>/dev/null && { wait "$run" || status=$?; }    # the first wait ends with the signal, the run a little later
kill %1 %2 2>/dev/null || true
exit "$status"
