from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import pytest

from poseharvest.cli.reproduce import SYNTHETIC, table_function
from poseharvest.errors import ConfigError, TrainingError
from poseharvest.simulation import simulate
from poseharvest.tables.paper import AVERAGE
from poseharvest.tables.request import TableName, TableRequest
from poseharvest.tables.studio import tables
from poseharvest.tables.studio.filming import Filming, film
from poseharvest.tables.studio.study import Network
from poseharvest.tables.studio.tables import WARM_UP_FRAMES, study_of, table4


@dataclass(frozen=True)
class Given:
    """A detector that a test has made: a `DetectorSource`."""

    detector: object

    def load(self, sequence):
        return self.detector

    def as_dict(self):
        return {"name": "given"}


@pytest.fixture
def request4(study, tmp_path):
    return TableRequest(
        data=None,
        out=tmp_path / "out",
        detector=Given(study.detector),
        harvesting=study.harvesting,
        subjects=(1,),
        frames=study.filming.num_frames,
        actions=("Greeting",),
        refinement=study.training,
    )


def test_what_is_asked_for_reaches_the_study(request4, study):
    made = study_of(request4)
    assert (made.actions, made.filming.num_frames) == (("Greeting",), 6)
    assert made.training == study.training
    assert made.harvesting.inference == study.harvesting.inference
    assert made.harvesting.warm_up_frames == WARM_UP_FRAMES
    assert len(study_of(replace(request4, actions=None, frames=None)).actions) == 15


@pytest.mark.slow
@pytest.mark.long
def test_a_table_goes_from_the_request_to_the_numbers(request4, knowing_of, tmp_path, monkeypatch):
    """Drawn, harvested, learned, harvested again and judged; all five networks. The pictures alone are smaller."""
    monkeypatch.setattr(tables, "Filming", partial(Filming, scale=0.3))
    take = film(1, "Greeting", 0, tmp_path / "seen", filming=tables.Filming(num_frames=6))
    table = table4(replace(request4, detector=Given(knowing_of([take]))))
    assert [column.title for column in table.panels[0].ours] == [f"here, {network.paper_name}" for network in Network]
    scores = {column.title: column.scores[AVERAGE].value for column in table.panels[0].ours}
    assert scores["here, PS+sel"] < 0.6 * scores["here, Generic"]
    assert table.settings["seeds"] == [0]
    assert table.settings["detector"] == {"name": "given"}


def test_wrong_requests_are_named_before_anything_is_drawn(request4):
    with pytest.raises(ConfigError, match=r'action: expected one of .*, got "Dancing"'):
        table4(replace(request4, actions=("Dancing",)))
    with pytest.raises(ConfigError, match="frames: expected 4 or more of every action, got 2"):
        table4(replace(request4, frames=2))
    simulated = simulate(4, 0, render=False).detector
    with pytest.raises(TrainingError, match='detector "simulated": has no network that can be trained'):
        table4(replace(request4, detector=Given(simulated)))
    assert not request4.out.exists()


@pytest.mark.parametrize("table", SYNTHETIC)
def test_the_command_finds_the_tables(table):
    assert table_function(TableName(table), is_synthetic=True).__module__ == "poseharvest.tables.studio.tables"
