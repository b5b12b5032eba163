"""Harvests that are written to an object store and read from it, against a server of S3 on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from object_store_kit import empty_bucket, end_before, s3_server
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.remote_harvest import local_place, remote_harvest

QUICK = ("--resolution", 16, "--estimate", "grid", "--stop", 4, "--detector-option", "layout=body_25b")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> str:
    """An empty bucket, and a cache of its own."""
    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path / "cache"))
    return empty_bucket(server, monkeypatch)


def arguments(footage, out, *more):
    return ("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, *QUICK, *more)


def test_a_harvest_lies_in_the_store_and_is_read_from_there(run, footage, store):
    out = f"{store}/deep/walk"
    done = run(*arguments(footage, out))
    assert done.code == 0, done.err
    assert done.out.strip().endswith(f"uploaded to {out}")
    assert not local_place(remote_harvest(out), "uploads").exists()
    copy = Harvest.open(out)
    assert [record.frame for record in copy.iter_frames()] == list(range(4))
    assert copy.rig.names == ("cam1", "cam2", "cam3")
    assert Harvest.open(out).path == copy.path  # the copy serves again
    again = run(*arguments(footage, out))
    assert again.code == 1
    assert "already exists" in again.err
    exported = run("export", out, "--format", "csv", "--out", footage.folder / "walk.csv")
    assert exported.code == 0, exported.err
    refused = run("report", out)
    assert (refused.code, "name a local file (--out)" in refused.err) == (1, True)
    page = run("report", out, "--out", footage.folder / "page.html")
    assert page.code == 0, page.err


def test_an_upload_that_fails_is_made_by_resuming(run, footage, store, monkeypatch):
    out = f"{store}/walk"
    local = local_place(remote_harvest(out), "uploads")
    with monkeypatch.context() as patch:
        end_before(local / "report" / "index.html", patch, OSError("the network is gone"))
        done = run(*arguments(footage, out))
    assert done.code == 1
    assert f"{out}: cannot be written: the network is gone" in done.err
    assert f"the harvest is finished: {local}: --resume uploads it" in done.err
    with pytest.raises(Exception, match="its upload was interrupted"):
        Harvest.open(out)
    done = run(*arguments(footage, out, "--resume"))
    assert done.code == 0, done.err
    assert len(list(Harvest.open(out).iter_frames())) == 4


def test_other_outputs_stay_local(run, footage, store):
    done = run(*arguments(footage, footage.folder / "h"))
    assert done.code == 0, done.err
    done = run("export", footage.folder / "h", "--format", "csv", "--out", f"{store}/walk.csv")
    assert done.code == 1
    assert "only harvest --out writes to an object store" in done.err
