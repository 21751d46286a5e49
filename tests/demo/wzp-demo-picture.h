/* wzp-demo-picture: is what was received the picture that was sent? Each
 * picture of the source carries its number as a row of black and white cells
 * at its bottom. The receiving side reads it, makes the same picture with a
 * source of its own, and compares every sample of both. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define DEMO_WIDTH  640
#define DEMO_HEIGHT 360
#define DEMO_FPS    30

/* A decoded picture is right from here on. */
#define DEMO_MIN_PSNR_DB 30.0

typedef struct {
  guint n_compared;
  guint n_right;      /* of them, DEMO_MIN_PSNR_DB or more */
  guint n_unreadable; /* no number in it, or of another source */
  guint n_disordered; /* not after the one before it */
  guint first, last;  /* numbers; valid if n_compared > 0 */
  double worst_db, sum_db;
  double moved_db;    /* the best of comparisons with a wrong picture */
  double worst_time_ms; /* how far off an even pace a picture's time was; of
                         * those after the first half second */
} DemoPictureCounts;

typedef struct _DemoPictures DemoPictures;

/* The part of a pipeline that makes @n pictures: raw, I420. Give the pipeline to
 * demo_picture_stamp() once it is parsed: it numbers them. @id: which source it
 * is, 0 to 255, also in the cells. */
char *demo_picture_source (const char *pattern, guint n, gboolean is_live);
void demo_picture_stamp (GstElement *pipeline, guint id);

/* The receiving side of that: @n pictures were sent at most. Any one thread at a
 * time. */
DemoPictures *demo_pictures_new (const char *pattern, guint n, guint id);
void demo_pictures_free (DemoPictures *self);
void demo_pictures_add (DemoPictures *self, GstSample *sample);
void demo_pictures_get (DemoPictures *self, DemoPictureCounts *ret_counts);

/* Writes one that was received: the first of the second half. */
gboolean demo_pictures_write_png (
    DemoPictures *self, const char *path, GError **error);

G_END_DECLS
