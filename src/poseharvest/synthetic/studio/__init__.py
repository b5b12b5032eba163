"""The studio: rendered captures and pictures of people with known truth and real difficulty."""

from __future__ import annotations

from poseharvest.synthetic.studio.actions import ACTIONS as ACTIONS
from poseharvest.synthetic.studio.bvh import read_bvh as read_bvh
from poseharvest.synthetic.studio.bvh_performance import bvh_performance as bvh_performance
from poseharvest.synthetic.studio.bvh_performance import read_bvh_names as read_bvh_names
from poseharvest.synthetic.studio.capture import CaptureOptions as CaptureOptions
from poseharvest.synthetic.studio.capture import Shoot as Shoot
from poseharvest.synthetic.studio.capture import StudioCapture as StudioCapture
from poseharvest.synthetic.studio.capture import studio_capture as studio_capture
from poseharvest.synthetic.studio.files import write_capture as write_capture
from poseharvest.synthetic.studio.files import write_truth as write_truth
from poseharvest.synthetic.studio.picture import StudioPicture as StudioPicture
from poseharvest.synthetic.studio.picture import empty_room as empty_room
from poseharvest.synthetic.studio.picture import sample as sample
from poseharvest.synthetic.studio.picture import studio_pictures as studio_pictures
from poseharvest.synthetic.studio.worlds import GENERIC as GENERIC
from poseharvest.synthetic.studio.worlds import TARGET as TARGET
from poseharvest.synthetic.studio.worlds import World as World
