"""The two appearance worlds: *generic*, on which networks are trained, and *target*, in which they are used.

They differ in garments, textures, backgrounds, light, bodies, furniture and picture quality, but not in the actions. So
a network trained on one world meets new appearances in the other, as a real network does outside of its training set.
"""

from __future__ import annotations

from dataclasses import dataclass

from poseharvest.errors import ConfigError
from poseharvest.studio.actions import ACTIONS
from poseharvest.studio.body_shapes import ShapeRanges
from poseharvest.studio.lighting import LightStyle
from poseharvest.studio.quality import QualityRanges
from poseharvest.studio.room import RoomStyle
from poseharvest.studio.wardrobe import Wardrobe, Weights


@dataclass(frozen=True, eq=False)
class World:
    """The distribution from which the pictures of a world are drawn.

    Attributes:
        name: its name.
        shapes: bodies.
        wardrobe: clothes.
        rooms: rooms and furniture.
        light: light.
        quality: picture quality.
        actions: weights of the actions in single pictures.
    """

    name: str
    shapes: ShapeRanges
    wardrobe: Wardrobe
    rooms: RoomStyle
    light: LightStyle
    quality: QualityRanges
    actions: Weights


GENERIC = World(
    name="generic",
    shapes=ShapeRanges(),
    wardrobe=Wardrobe(
        sleeves={"long": 0.5, "short": 0.4, "none": 0.1},
        legwear={"long": 0.6, "short": 0.3, "skirt": 0.1},
        hair={"short": 0.6, "long": 0.25, "bald": 0.1, "hat": 0.05},
        patterns={"plain": 0.4, "across": 0.12, "along": 0.08, "dots": 0.08, "clouds": 0.08, "knit": 0.08}
        | {"checks": 0.05, "blotches": 0.05, "flowers": 0.04, "streaks": 0.02},
        saturation=(0.05, 0.9),
        brightness=(0.08, 0.95),
        skin=(0.25, 0.95),
        loose_mm=(4.0, 28.0),
        suit_share=0.2,
    ),
    rooms=RoomStyle(
        walls={"plain": 0.35, "clouds": 0.2, "tiles": 0.1, "across": 0.1, "bricks": 0.1, "print": 0.1, "wood": 0.05},
        floors={"plain": 0.3, "tiles": 0.3, "clouds": 0.15, "wood": 0.2, "checks": 0.05},
        saturation=(0.0, 0.5),
        brightness=(0.2, 0.95),
        posters=(0, 8),
        things=(0, 9),
        obstacles=2,
        obstacle_share=0.5,
        obstacle_mm=(350.0, 900.0),
        camouflage=0.2,
    ),
    light=LightStyle({"even": 0.4, "side": 0.35, "window": 0.15, "spot": 0.1}, brightness=(0.7, 1.1), tint=(0.0, 0.2)),
    quality=QualityRanges(
        blur=(0.0, 1.8),
        motion=(0.0, 3.5),
        noise=(0.5, 10.0),
        exposure=(0.75, 1.15),
        contrast=(0.75, 1.15),
        balance=0.1,
        jpeg=(35, 95),
    ),
    actions=dict.fromkeys(ACTIONS, 1.0),
)
"""Everyday clothes in all kinds of rooms and light, by good and bad cameras, as a collection of photographs is."""

TARGET = World(
    name="target",
    shapes=ShapeRanges(
        stature_mm=(1480.0, 1960.0), build=(0.95, 1.35), belly=(1.0, 1.5), shoulders=(0.9, 1.15), hips=(0.92, 1.18)
    ),
    wardrobe=Wardrobe(
        sleeves={"long": 0.75, "short": 0.2, "none": 0.05},
        legwear={"long": 0.65, "short": 0.1, "skirt": 0.25},
        hair={"short": 0.3, "long": 0.25, "bald": 0.1, "hat": 0.35},
        patterns={"plain": 0.2, "checks": 0.2, "blotches": 0.25, "flowers": 0.15, "streaks": 0.1, "print": 0.1},
        saturation=(0.05, 0.55),
        brightness=(0.08, 0.6),
        skin=(0.25, 0.9),
        loose_mm=(14.0, 36.0),
        print_share=0.25,
        open_share=0.5,
        suit_share=0.4,
    ),
    rooms=RoomStyle(
        walls={"wood": 0.2, "print": 0.2, "blotches": 0.2, "checks": 0.15, "streaks": 0.1, "bricks": 0.15},
        floors={"wood": 0.4, "checks": 0.2, "blotches": 0.2, "streaks": 0.2},
        saturation=(0.05, 0.6),
        brightness=(0.15, 0.7),
        posters=(2, 10),
        things=(4, 12),
        obstacles=3,
        obstacle_share=0.75,
        obstacle_mm=(400.0, 950.0),
        camouflage=0.4,
    ),
    light=LightStyle({"side": 0.3, "spot": 0.4, "window": 0.3}, brightness=(0.65, 1.0), tint=(0.05, 0.35)),
    quality=QualityRanges(
        blur=(0.4, 2.0),
        motion=(0.0, 4.0),
        noise=(3.0, 12.0),
        exposure=(0.7, 1.15),
        contrast=(0.7, 1.05),
        balance=0.12,
        jpeg=(25, 75),
    ),
    actions=dict.fromkeys(ACTIONS, 1.0),
)
"""Loose, patterned clothes in dim, crowded rooms, often of the walls' colour; many people are half hidden."""

WORLDS: dict[str, World] = {world.name: world for world in (GENERIC, TARGET)}


def world_by_name(world: str | World) -> World:
    """Return the world of that name; a world is returned as it is.

    Raises:
        ConfigError: there is no world of that name.
    """
    if isinstance(world, World):
        return world
    if world not in WORLDS:
        raise ConfigError(f'world: expected one of {", ".join(WORLDS)}, got "{world}"')
    return WORLDS[world]
