"""The room: walls and floor, posters and things along the walls, furniture near the person, and the light."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from poseharvest.studio.body_shapes import Range
from poseharvest.studio.furniture import chair, furniture_paint, obstacles, table
from poseharvest.studio.kinematics import Floats
from poseharvest.studio.lighting import Lighting, LightStyle, draw_lighting
from poseharvest.studio.paint import Color, Paint, hsv, scaled, shifted
from poseharvest.studio.performance import Stage
from poseharvest.studio.solids import Box, Part
from poseharvest.studio.surfaces import Hall
from poseharvest.studio.wardrobe import Outfit, Weights, pick

_POSTER_MM = 12.0


@dataclass(frozen=True, eq=False)
class RoomStyle:
    """The distribution from which the rooms of a world are drawn.

    Attributes:
        walls: weights of the walls' patterns.
        floors: weights of the floors' patterns.
        saturation: of the walls' colours.
        brightness: of the walls' colours.
        posters: how many hang on the walls.
        things: how many things stand along the walls.
        obstacles: largest number of pieces of furniture near the person.
        obstacle_share: share of rooms with any.
        obstacle_mm: their heights.
        camouflage: share of rooms whose walls have nearly the colour of the person's clothes.
    """

    walls: Weights
    floors: Weights
    saturation: Range = (0.0, 0.4)
    brightness: Range = (0.4, 0.95)
    posters: tuple[int, int] = (0, 6)
    things: tuple[int, int] = (0, 6)
    obstacles: int = 1
    obstacle_share: float = 0.3
    obstacle_mm: Range = (350.0, 800.0)
    camouflage: float = 0.1


@dataclass(frozen=True, eq=False)
class Room:
    """Everything in a picture but the person.

    Attributes:
        hall: walls, floor and ceiling.
        boxes: furniture and posters.
        rounds: poles and balls.
        lighting: the light.
    """

    hall: Hall
    boxes: tuple[Box, ...]
    rounds: tuple[Part, ...]
    lighting: Lighting


@dataclass(frozen=True, eq=False)
class Plot:
    """The extent of a room, and the places and furniture that the person needs in it.

    Attributes:
        low: smallest x and y, mm.
        high: largest x, y and z (the height), mm.
        keep_clear: (N, 2) places on the floor without furniture, mm.
        stage: the furniture that belongs to the motion, at its place in the world.
        outfit: the person's clothes, for walls of nearly the same colour.
    """

    low: tuple[float, float]
    high: tuple[float, float, float]
    keep_clear: Floats
    stage: Stage
    outfit: Outfit


def draw_room(style: RoomStyle, light: LightStyle, plot: Plot, rng: np.random.Generator) -> Room:
    """Return a room for `plot`, drawn from `style`, with lighting drawn from `light`."""
    hall = Hall(plot.low, plot.high, _hall_paints(style, plot.outfit, rng))
    boxes = [*_posters(style, hall, rng), *_stage_furniture(plot.stage, rng)]
    if rng.random() < style.obstacle_share:
        number = int(rng.integers(1, style.obstacles + 1))
        clear = np.concatenate((plot.keep_clear, _stage_places(plot.stage)))
        boxes += obstacles(clear, number, style.obstacle_mm, rng)
    things, rounds = _things(style, hall, rng)
    return Room(hall, (*boxes, *things), tuple(rounds), draw_lighting(light, rng))


def _hall_paints(
    style: RoomStyle, outfit: Outfit, rng: np.random.Generator
) -> tuple[Paint, Paint, Paint, Paint, Paint, Paint]:
    wall = _wall(style, rng)
    if rng.random() < style.camouflage:
        cloth = outfit.top if rng.random() < 0.6 else outfit.legwear
        ground = shifted(cloth.colors[0], rng, 0.06)
        others = (shifted(cloth.colors[1], rng, 0.1), shifted(cloth.colors[2], rng, 0.1))
        wall = replace(wall, colors=(ground, *others))
    tone = hsv(rng.random(), rng.uniform(0, 0.4), rng.uniform(0.2, 0.85))
    floor = Paint(_colors(tone, rng), pick(style.floors, rng), int(rng.integers(100)), float(rng.uniform(700, 2600)))
    ceiling = Paint(_colors(hsv(0.1, 0.05, rng.uniform(0.6, 1.0)), rng), "plain", 0, 1500.0)
    walls = [wall if rng.random() < 0.7 else _wall(style, rng) for _ in range(4)]
    return (floor, ceiling, walls[0], walls[1], walls[2], walls[3])


def _wall(style: RoomStyle, rng: np.random.Generator) -> Paint:
    tone = hsv(rng.random(), rng.uniform(*style.saturation), rng.uniform(*style.brightness))
    repeat = float(rng.uniform(600, 2800))
    return Paint(_colors(tone, rng), pick(style.walls, rng), int(rng.integers(100)), repeat)


def _colors(ground: Color, rng: np.random.Generator) -> tuple[Color, Color, Color]:
    return ground, shifted(scaled(ground, 0.85), rng, 0.12), shifted(scaled(ground, 0.75), rng, 0.2)


def _posters(style: RoomStyle, hall: Hall, rng: np.random.Generator) -> list[Box]:
    boxes = []
    for _ in range(int(rng.integers(style.posters[0], style.posters[1] + 1))):
        wall, middle = int(rng.integers(4)), float(rng.uniform(900, 2100))
        half = rng.uniform((180.0, 200.0), (900.0, 800.0))
        along = rng.uniform(0.05, 0.95)
        axis = wall // 2
        place = np.array((0.0, 0.0, middle))
        place[axis] = (hall.low, hall.high)[wall % 2][axis]
        other = 1 - axis
        place[other] = hall.low[other] + along * (hall.high[other] - hall.low[other])
        extent = np.array((0.0, 0.0, half[1]))
        extent[axis], extent[other] = _POSTER_MM, half[0]
        colors = [hsv(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.1, 1.0)) for _ in range(3)]
        pattern = ("print", "print", "clouds", "plain", "blotches")[int(rng.integers(5))]
        paint = Paint((colors[0], colors[1], colors[2]), pattern, int(rng.integers(100)), float(2.1 * half.max()))
        boxes.append(Box(place, extent, 0.0, paint))
    return boxes


def _stage_furniture(stage: Stage, rng: np.random.Generator) -> list[Box]:
    boxes: list[Box] = []
    if stage.seat is not None:
        x, y, turn = stage.seat
        boxes += chair((x, y), turn, stage.seat_mm, rng)
        if stage.table is not None:
            size = (float(rng.uniform(260, 340)), float(rng.uniform(420, 750)), stage.seat_mm + 285.0)
            boxes += table(stage.table, turn, size, rng)
    return boxes


def _stage_places(stage: Stage) -> Floats:
    places = [stage.seat[:2]] if stage.seat else []
    if stage.table:
        places.append(stage.table)
    return np.array(places).reshape(-1, 2)


def _things(style: RoomStyle, hall: Hall, rng: np.random.Generator) -> tuple[list[Box], list[Part]]:
    """Return the things along the walls: cupboards, boxes, and poles with a ball on top."""
    boxes: list[Box] = []
    rounds: list[Part] = []
    for _ in range(int(rng.integers(style.things[0], style.things[1] + 1))):
        wall = int(rng.integers(4))
        axis, other = wall // 2, 1 - wall // 2
        place = np.zeros(3)
        inward = 1.0 if wall % 2 == 0 else -1.0
        place[axis] = (hall.low, hall.high)[wall % 2][axis] + inward * rng.uniform(250, 650)
        place[other] = rng.uniform(hall.low[other], hall.high[other])
        paint = furniture_paint(rng)
        if rng.random() < 0.65:
            half = rng.uniform((200.0, 150.0, 200.0), (700.0, 300.0, 1000.0))
            place[2] = half[2]
            boxes.append(Box(place, half, axis * math.pi / 2 + math.pi / 2, paint))
        else:
            height, radius = rng.uniform(900, 1900), rng.uniform(20, 70)
            top = place + np.array((rng.uniform(-250, 250), rng.uniform(-250, 250), height))
            rounds.append(Part(place, top, (radius, radius), np.array((1.0, 0.3, 0.1)), paint))
            rounds.append(Part(top, top, (rng.uniform(80, 190),) * 2, np.array((1.0, 0.0, 0.0)), furniture_paint(rng)))
    return boxes, rounds
