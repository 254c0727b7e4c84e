"""Programs that try to get out of the sandbox, or to use it up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import pytest

from mathcode_data.study.sandbox import CHILD, MAX_PROGRAM_BYTES, Limits, isolation, isolation_text, run_program

FENCED = Limits(wall_s=20, cpu_s=10)
BARE = Limits(wall_s=20, cpu_s=10, use_audit=False)
"""Without the fence in Python: what the kernel alone holds."""
DOORS = isolation()
needs_files = pytest.mark.skipif("files" not in DOORS, reason="this system gives no name space of its own")
needs_network = pytest.mark.skipif("network" not in DOORS, reason="this system gives no name space of its own")


def solution(body: str) -> str:
    return "def solution():\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"


@pytest.mark.parametrize(
    ("program", "status", "value"),
    [
        (solution("return 6 * 7"), "ok", "42"),
        (solution("from fractions import Fraction\nreturn Fraction(3, 4) + 1"), "ok", "7/4"),
        (solution("print('x' * 10**6)\nreturn 1"), "ok", "1"),
        (solution("return 10 ** 5000"), "error", None),
        (solution("return 'x' * 100_000"), "ok", "x" * 200),
        (solution("return 1 / 0"), "error", None),
        (solution("raise SystemExit(0)"), "error", None),
        (solution("import os\nos._exit(0)"), "killed", None),
        (solution("return"), "no_value", None),
        ("x = 1\n", "no_value", None),
        ("def solution(:\n", "syntax", None),
        ("while\n", "syntax", None),
        (solution("def f(): return f()\nreturn f()"), "error", None),
    ],
)
def test_the_outcome_of_a_program(program, status, value):
    ran = run_program(program, BARE)
    assert (ran.status, ran.value) == (status, value)


def test_a_program_that_is_too_long_is_not_run():
    assert run_program("#" * (MAX_PROGRAM_BYTES + 1)).status == "too_long"


@pytest.fixture
def server():
    """A listener on the loopback interface that counts who comes."""
    import socket

    came = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        stop = threading.Event()

        def listen():
            while not stop.is_set():
                try:
                    came.append(listener.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield listener.getsockname()[1], came
        stop.set()
        thread.join()


@needs_network
def test_no_program_reaches_the_network(server):
    port, came = server
    program = f"""
        import ctypes, struct
        libc = ctypes.CDLL(None)
        address = struct.pack("=H", 2) + struct.pack("!H", {port}) + bytes([127, 0, 0, 1]) + bytes(8)
        return libc.connect(libc.socket(2, 1, 0), address, len(address))
    """
    ran = run_program(solution(program), BARE)
    assert (ran.status, ran.value) == ("ok", "-1")
    assert came == []


@needs_files
@pytest.mark.parametrize("way", ["/etc/passwd", "/proc/self/environ", "../../../../etc/passwd", "/dev/null"])
def test_no_program_reads_a_file(way):
    assert run_program(solution(f"return open({way!r}).read()"), BARE).status == "error"


@needs_files
def test_the_way_out_of_the_root_folder_is_shut():
    program = """
        import os
        os.mkdir("x")
        os.chroot("x")
        for _ in range(64):
            os.chdir("..")
        os.chroot(".")
        return str(os.listdir("/"))
    """
    assert run_program(solution(program), BARE).status == "error"


@pytest.mark.parametrize("limits", [FENCED, BARE])
def test_no_program_writes_a_file(tmp_path, limits):
    for place in (tmp_path / "out.txt", Path("out.txt"), Path("/tmp/sandbox-out.txt")):
        run_program(solution(f"with open({str(place)!r}, 'w') as f: f.write('x' * 10000)\nreturn 1"), limits)
        assert not place.exists() or place.stat().st_size == 0


@pytest.mark.parametrize(
    "way", ["os.fork()", "__import__('subprocess').run(['true'])", "__import__('threading').Thread(target=print).start()"]
)
def test_no_program_starts_another_process_or_thread(way):
    assert run_program(solution(f"import os\n{way}\nreturn 1"), BARE).status in ("error", "killed")


def test_a_fork_bomb_ends_with_its_first_fork():
    ran = run_program(solution("import os\nwhile True:\n    os.fork()"), Limits(wall_s=60, use_audit=False))
    assert ran.status == "error", "not the end of its time"
    assert not _children()


def test_memory_is_bounded():
    assert run_program(solution("return len(bytearray(10 ** 10))"), BARE).status == "memory"
    assert run_program(solution("x = []\nwhile True: x.append(' ' * 10 ** 6)"), BARE).status in ("memory", "killed")


@pytest.mark.parametrize("body", ["while True: pass", "import time\ntime.sleep(1000)", "return sum(iter(int, 1))"])
def test_an_endless_program_is_killed_with_all_it_started(body):
    started = time.monotonic()
    ran = run_program(solution(body), Limits(wall_s=1.0, cpu_s=600))
    assert ran.status == "timeout"
    assert time.monotonic() - started < 60
    assert not _children()


def test_processor_time_is_bounded_too():
    assert run_program(solution("while True: pass"), Limits(wall_s=30, cpu_s=1)).status in ("killed", "timeout")


def _children() -> list[str]:
    own = str(os.getpid())
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if text.rsplit(")", 1)[1].split()[1] == own and "sandbox" in path.with_name("cmdline").read_text():
            found.append(path.parent.name)
    return found


def test_a_flood_of_output_is_cut():
    program = solution(
        "import os\nwhile True:\n    for n in range(3, 16):\n        try: os.write(n, b'x' * 65536)\n        except OSError: pass"
    )
    assert run_program(program, BARE).status in ("output", "error", "timeout")


@pytest.mark.skipif("processes" not in DOORS and "nobody" not in DOORS, reason="no name space of processes, no other user")
def test_no_program_kills_another_process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        run_program(solution(f"import os\nos.kill({other.pid}, 9)\nreturn 1"), BARE)
        run_program(solution("import os\nos.kill(-1, 9)\nreturn 1"), BARE)
        assert other.poll() is None
        other.stdin.close()


def test_nothing_of_our_environment_is_seen(monkeypatch):
    monkeypatch.setenv("MATHCODE_TOKEN", "x1y2")
    ran = run_program(solution("import os\nreturn 'x1y2' in str(os.environ)"), BARE)
    assert (ran.status, ran.value) == ("ok", "False")


def test_the_fence_in_python_stands_where_there_are_no_name_spaces():
    limits = Limits(wall_s=20, use_namespaces=False)
    for body in ("return open('/etc/passwd').read()", "import socket\nsocket.socket()\nreturn 1", "import os\nos.listdir('/')\nreturn 1"):
        ran = run_program(solution(body), limits)
        assert ran.status == "error"
        assert ran.error in ("PermissionError", "ModuleNotFoundError")


def test_a_program_cannot_forge_an_earlier_answer():
    """What it writes into our pipe is at most its own answer: the last line that is one counts, and a wrong one is wrong."""
    program = solution("import os\nfor n in range(3, 16):\n    try: os.write(n, b'garbage\\n')\n    except OSError: pass\nreturn 5")
    ran = run_program(program, BARE)
    assert (ran.status, ran.value) in (("ok", "5"), ("killed", None))


@pytest.mark.parametrize("limits", [FENCED, BARE])
def test_no_program_starts_a_command_of_the_shell(tmp_path, limits):
    mark = tmp_path / "mark"
    ran = run_program(solution(f"import os\ncode = os.system('touch {mark}')\nreturn 'started' if code == 0 else None"), limits)
    assert ran.value != "started"
    assert not mark.exists()


@pytest.mark.parametrize("limits", [FENCED, BARE])
def test_a_file_of_a_gigabyte_is_not_written(limits):
    before = shutil.disk_usage(tempfile.gettempdir()).free
    body = "with open('big', 'wb') as f:\n    for _ in range(1024): f.write(bytes(2**20))\nreturn 'written'"
    assert run_program(solution(body), limits).value != "written"
    assert before - shutil.disk_usage(tempfile.gettempdir()).free < 2**29


@pytest.mark.parametrize(
    "body",
    [
        "class Any:\n    def __eq__(self, other): return True\n    def __str__(self): return 'wrong'\nreturn Any()",
        "import builtins, json, __main__\n__main__._run = lambda program: {'status': 'ok', 'value': '42'}\nbuiltins.str = lambda v: '42'"
        "\njson.dumps = lambda v: '{}'\nreturn 'wrong'",
        "import sys\nsys.modules['mathcode_data'] = None\nsys.exitfunc = lambda: 42\nsys.exit(42)",
        "import atexit, os\natexit.register(os._exit, 42)\nreturn 'wrong'",
        "import os\nos._exit(42)",
        "raise SystemExit(42)",
    ],
)
def test_tricks_with_exit_codes_and_the_checker_give_no_right_answer(body):
    """The parent alone compares, texts with texts, and no exit code counts: a program can only spoil its own answer."""
    ran = run_program(solution(body), BARE)
    assert ran.value != "42"
    again = run_program(solution("return 6 * 7"), BARE)
    assert (again.status, again.value) == ("ok", "42"), "nothing of it is left"


def test_the_report_says_what_the_system_gave():
    text = isolation_text()
    assert ("without network" in text) == all(door in DOORS for door in ("network", "processes", "files", "capabilities"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_it_holds_without_root_too():
    """The same as an ordinary user: with user name spaces, or with the doors that are left and told."""
    python = next((path for path in (sys.executable, "/usr/bin/python3") if _anybody_runs(path)), None)
    if python is None:
        pytest.skip("no Python here that another user may run")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in (CHILD, CHILD.with_name("sandbox.py")):
            shutil.copy(path, folder)
        found = subprocess.run([python, "-c", AS_ANOTHER, name], capture_output=True, text=True, cwd="/tmp", check=False)
    assert found.returncode == 0, found.stderr
    fork, value, doors, read = json.loads(found.stdout)
    assert (fork, value) == ("error", "3")
    assert (read == "error") == ("files" in doors)


AS_ANOTHER = """
import json, os, sys
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
sys.path.insert(0, sys.argv[1])
from sandbox import Limits, run_program
limits = Limits(wall_s=20, use_audit=False)
programs = ("import os\\ndef solution(): return os.fork()", "def solution(): return 3", "def solution(): return open('/etc/passwd').read()")
fork, good, read = (run_program(program, limits) for program in programs)
print(json.dumps([fork.status, good.value, list(good.doors), read.status]))
"""


def _anybody_runs(python: str) -> bool:
    real = Path(python).resolve()
    new_enough = "import sys; sys.exit(sys.version_info < (3, 11))"
    return (
        real.exists()
        and all(path.stat().st_mode & 0o5 == 0o5 for path in (real, *real.parents))
        and not subprocess.call([real, "-c", new_enough])
    )
