"""The studio: rendered captures and pictures of people with known truth and real difficulty."""

from __future__ import annotations

from poseharvest.studio.actions import ACTIONS as ACTIONS
from poseharvest.studio.bvh import read_bvh as read_bvh
from poseharvest.studio.bvh_performance import bvh_performance as bvh_performance
from poseharvest.studio.bvh_performance import read_bvh_names as read_bvh_names
from poseharvest.studio.files import write_capture as write_capture
from poseharvest.studio.files import write_truth as write_truth
from poseharvest.studio.picture import StudioPicture as StudioPicture
from poseharvest.studio.picture import empty_room as empty_room
from poseharvest.studio.picture import sample as sample
from poseharvest.studio.picture import studio_pictures as studio_pictures
from poseharvest.studio.studio_capture import CaptureOptions as CaptureOptions
from poseharvest.studio.studio_capture import Shoot as Shoot
from poseharvest.studio.studio_capture import StudioCapture as StudioCapture
from poseharvest.studio.studio_capture import studio_capture as studio_capture
from poseharvest.studio.worlds import GENERIC as GENERIC
from poseharvest.studio.worlds import TARGET as TARGET
from poseharvest.studio.worlds import World as World
