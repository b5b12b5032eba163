"use strict";
/* The film of the take: small pictures of all views side by side. A picture is shown only when it is the right one. */

const MAX_FILM_PARTS = 3;

class Film {
  constructor(data, onPicture) {
    this.film = data.film;
    this.beside = data.beside;
    this.onPicture = onPicture;
    this.videos = new Map();
    this.shown = null; // number of the picture that can be drawn
    this.sought = null; // number of the picture that is being found
    this.failure = null;
  }

  /* Number of the picture nearest to a frame, and the frame of a picture. */
  numberOf(frame) {
    const { first_frame, step, pictures } = this.film;
    return clamp(Math.round((frame - first_frame) / step), 0, pictures - 1);
  }

  frameOf(number) {
    return this.film.first_frame + number * this.film.step;
  }

  /* Finds a picture; then it is `shown`, and `onPicture` is called. */
  seek(number) {
    this.sought = number;
    const part = Math.floor(number / this.film.pictures_per_part);
    const video = this.videoOf(part);
    // The middle of a picture's time: the ends are rounded differently by different browsers.
    const time = ((number % this.film.pictures_per_part) + 0.5) / this.film.picture_rate;
    const go = () => (video.currentTime = time);
    if (video.readyState >= HTMLMediaElement.HAVE_METADATA) go();
    else video.addEventListener("loadedmetadata", go, { once: true });
  }

  videoOf(part) {
    const known = this.videos.get(part);
    this.videos.delete(part);
    const video = known || this.load(part);
    this.videos.set(part, video); // the latest is the last
    for (const old of this.videos.keys()) {
      if (this.videos.size <= MAX_FILM_PARTS) break;
      this.videos.get(old).removeAttribute("src");
      this.videos.delete(old);
    }
    return video;
  }

  load(part) {
    const video = document.createElement("video");
    video.muted = video.playsInline = true;
    video.preload = "auto";
    video.addEventListener("seeked", () => this.found(part, video));
    video.addEventListener("error", () => this.fail(part, video));
    video.src = this.film.is_inside ? this.insideUrl(part) : `${encodeURIComponent(this.beside)}/film-${String(part).padStart(5, "0")}.mp4`;
    return video;
  }

  insideUrl(part) {
    this.urls = this.urls || new Map();
    if (!this.urls.has(part)) {
      const bytes = bytesOf(document.getElementById(`film-${part}`).textContent.trim());
      this.urls.set(part, URL.createObjectURL(new Blob([bytes], { type: "video/mp4" })));
    }
    return this.urls.get(part);
  }

  found(part, video) {
    if (this.sought === null || Math.floor(this.sought / this.film.pictures_per_part) !== part || video.seeking) return;
    this.shown = this.sought;
    this.image = video;
    this.sought = null;
    this.onPicture();
  }

  fail(part, video) {
    if (this.videos.get(part) !== video) return;
    this.failure = this.film.is_inside
      ? "this browser cannot show the film of the pictures (H.264)"
      : `the pictures are missing: part ${part} of the film in the folder "${this.beside}" beside this page, or this browser cannot show it (H.264)`;
    this.sought = null;
    this.onPicture();
  }

  /* What a canvas draws of the shown picture for a view. */
  picture(view, frame) {
    const { left, top, width, height } = this.film.tiles[view];
    return { image: this.image, part: [left, top, width, height], isExact: this.frameOf(this.shown) === frame };
  }
}
