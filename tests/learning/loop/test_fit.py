import os
import signal
import threading
from dataclasses import replace

import pytest
import torch

from poseharvest.errors import StoppedError, StoreError, TrainingError
from poseharvest.learning.heatmaps2d.heatmap_task import HeatmapTask
from poseharvest.learning.loop.checkpoint import is_checkpoint, read_checkpoint, write_checkpoint
from poseharvest.learning.loop.fit import fit, stop_requests
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions

TINY = TrainingOptions(epochs=3, batch_size=2, average=0.5)


@pytest.fixture
def interrupts_raise():
    """A process that a shell started in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("interrupts_raise")
def test_an_interrupted_run_says_so_and_loses_nothing(drawn, small_family, small_hourglass, tmp_path, number):
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:  # the tests run under nohup
        pytest.skip(f"whoever started the tests wants {signal.Signals(number).name} ignored")
    expected = fit(Trainer(small_hourglass(), HeatmapTask(small_family), drawn(4), TINY), tmp_path / "whole")

    def press(progress):
        if progress.done == 3:
            os.kill(os.getpid(), number)

    trainer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(4), TINY)
    with pytest.raises(
        StoppedError, match=r"interrupted after step \d of 6\. The last checkpoint lies in .*: resume"
    ) as caught:
        fit(trainer, tmp_path / "c", on_progress=press)
    assert caught.value.signal_number == number
    assert signal.getsignal(number) == before
    assert 3 <= read_checkpoint(tmp_path / "c").step < 6
    found = fit(Trainer(small_hourglass(), HeatmapTask(small_family), drawn(4), TINY), tmp_path / "c", resume=True)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.usefixtures("interrupts_raise")
def test_a_second_signal_ends_the_process_as_always():
    with stop_requests() as request:
        os.kill(os.getpid(), signal.SIGINT)
        assert bool(request)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_other_threads_do_not_listen_to_signals():
    before, seen = signal.getsignal(signal.SIGINT), []

    def listen():
        with stop_requests() as request:
            seen.append((bool(request), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_a_checkpoint_holds_no_pickle_and_reads_back(drawn, small_family, small_hourglass, tmp_path):
    trainer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2), TINY)
    list(trainer.steps())
    written = trainer.checkpoint()
    write_checkpoint(written, tmp_path / "c")
    assert {path.name for path in (tmp_path / "c").iterdir()} == {
        "weights.safetensors",
        "optimiser.safetensors",
        "state.json",
    }
    read = read_checkpoint(tmp_path / "c")
    assert read.step == written.step == 3
    for kind in ("weights", "optimiser"):
        one, other = getattr(written, kind), getattr(read, kind)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    write_checkpoint(replace(written, step=1), tmp_path / "c")
    assert read_checkpoint(tmp_path / "c").step == 1


def test_damaged_missing_and_foreign_checkpoints_are_named(drawn, small_family, small_hourglass, tmp_path):
    trainer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2), TINY)
    with pytest.raises(TrainingError, match=r"expected a checkpoint to continue from, got: No such file"):
        read_checkpoint(tmp_path / "c")
    write_checkpoint(trainer.checkpoint(), tmp_path / "c")
    weights = tmp_path / "c" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"the checkpoint is damaged: .*expected a safetensors file"):
        fit(trainer, tmp_path / "c", resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "state.json").write_text("[]")
    assert not is_checkpoint(tmp_path / "other")
    with pytest.raises(StoreError, match="already exists and is not an output of this kind"):
        write_checkpoint(trainer.checkpoint(), tmp_path / "other")
