"""Tiles cover a problem once."""

from __future__ import annotations

import numpy as np
import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._numpy.tiles import WindowLimits, at_once, output_tiles, whole, window_tiles

PLAN = Plan(5, 6, 9, 3, (Axis(7, 15, 3, 2, 1, 0), Axis(4, 9, 3, 2, 1, 0)))


@pytest.mark.parametrize("workspace", [64, 2048, 1 << 20])
def test_window_tiles_cover_x_and_the_channels_of_y_once(workspace: int) -> None:
    seen = np.zeros((3, 3, 5, 7), int)
    most = at_once(PLAN, PLAN.taps, 1.0, 8, WindowLimits(workspace, 4))
    tiles = list(window_tiles(PLAN, most))
    for tile in tiles:
        assert tile.groups.stop - tile.groups.start <= most.groups
        assert tile.channels.stop - tile.channels.start <= most.channels
        assert tile.batch.stop - tile.batch.start <= most.images
        assert tile.rows.stop - tile.rows.start <= most.rows
        seen[tile.groups, tile.channels, tile.batch, tile.rows] += 1
    assert (seen == 1).all()
    assert (len(tiles) > 1) == (workspace < 1 << 20)


def test_the_whole_is_one_tile() -> None:
    seen = np.zeros((3, 3, 5, 7), int)
    tile = whole(PLAN)
    seen[tile.groups, tile.channels, tile.batch, tile.rows] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("positions", [1, 10, 40, 1000])
@pytest.mark.parametrize("samples", [1, 5])
def test_output_tiles_cover_y_once(positions: int, samples: int) -> None:
    seen = np.zeros((5, 15), int)
    for tile in output_tiles(PLAN, positions, samples):
        seen[tile.batch, tile.outputs] += 1
        assert tile.axes[0].output_size == tile.outputs.stop - tile.outputs.start
        assert tile.axes[0].input_size == tile.inputs.stop - tile.inputs.start
        assert 1 <= tile.samples <= samples
        assert tile.outputs.start % 2 == 0
    assert (seen == 1).all()
