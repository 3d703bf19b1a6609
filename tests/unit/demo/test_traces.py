"""Traces of a session on its host are found, and only those."""

import secrets
import subprocess
import sys
from pathlib import Path

from lot.demo.traces import find_processes, find_traces, resident_bytes


def test_a_process_that_names_the_id_is_found_until_it_ends():
    id = secrets.token_hex(8)
    command = [sys.executable, "-c", "print(flush=True); input()", id]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # before it, the interpreter is still being loaded
        assert find_processes((id,)) == (process.pid,)
        assert resident_bytes((process.pid,)) > 1 << 20
    finally:
        process.communicate(b"\n")
    assert find_processes((id,)) == ()
    assert resident_bytes((process.pid,)) == 0


def test_folders_and_files_below_the_data_folder_are_found(tmp_path: Path):
    id = secrets.token_hex(8)
    assert find_traces((id,), tmp_path).is_empty
    (tmp_path / "layers" / id).mkdir(parents=True)
    traces = find_traces((id,), tmp_path)
    assert not traces.is_empty
    assert id in str(traces)
    assert find_traces((id,), None).is_empty
