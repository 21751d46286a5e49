#include "wzp-demo-picture.h"

#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <math.h>

/* The row of cells: identity (8 bits), number (16), check (8). */
#define N_CELLS   32u
#define CELL_SIZE 16u /* pixels; a macroblock, so that they stay sharp */
#define CELL_EDGE 4u  /* pixels at each side that are not read */
#define WHITE     235u
#define BLACK     16u
#define GREY      128u /* also of no colour */

/* How far back the wrong picture is that is compared as well. */
#define MOVED_PICTURES 12u
/* The offset of the two clocks is estimated better as the first ones come. */
#define SETTLING_PICTURES 15u
#define PULL_TIMEOUT      (5 * GST_SECOND)

struct _DemoPictures {
  guint id, n;
  GstElement *source;   /* owned: makes the pictures again */
  GstElement *sink;     /* owned: where they come out */
  GstSample *reference; /* owned, nullable: the last one */
  guint n_references;   /* so many came out */
  GstSample *moved;     /* owned, nullable: a reference of before */
  guint moved_number;
  GstSample *kept;         /* owned, nullable: received, to be written */
  GstClockTime first_time; /* of first_timed; NONE: not yet */
  guint first_timed;
  DemoPictureCounts counts;
};

/* ---- the number in a picture ---- */

static guint32
make_code (guint id, guint number)
{
  const guint check = (id ^ (number >> 8) ^ number ^ 0xa5) & 0xff;

  return (id & 0xff) << 24 | (number & 0xffff) << 8 | check;
}

/* Rows and columns of component @c that the cells cover. */
static void
fill_cells (GstVideoFrame *frame, guint c, guint32 code)
{
  const guint scale = c == 0 ? 1 : 2; /* I420: colour at half the size */
  const guint size = CELL_SIZE / scale;
  guint8 *row = GST_VIDEO_FRAME_COMP_DATA (frame, c);
  const int stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, c);

  row += (GST_VIDEO_FRAME_COMP_HEIGHT (frame, c) - (int) size) * stride;
  for (guint y = 0; y < size; y++, row += stride) {
    for (guint x = 0; x < N_CELLS * size; x++) {
      const gboolean bit = code >> (N_CELLS - 1 - x / size) & 1;

      row[x] = c > 0 ? GREY : bit ? WHITE : BLACK;
    }
  }
}

static guint
cell_mean (const GstVideoFrame *frame, guint cell)
{
  const int stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, 0);
  const guint8 *row = (const guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, 0) +
      (GST_VIDEO_FRAME_HEIGHT (frame) - (int) (CELL_SIZE - CELL_EDGE)) *
          stride +
      cell * CELL_SIZE;
  const guint side = CELL_SIZE - 2 * CELL_EDGE;
  guint sum = 0;

  for (guint y = 0; y < side; y++, row += stride) {
    for (guint x = CELL_EDGE; x < CELL_SIZE - CELL_EDGE; x++)
      sum += row[x];
  }
  return sum / (side * side);
}

static gboolean
read_number (const GstVideoFrame *frame, guint id, guint *ret_number)
{
  guint32 code = 0;

  for (guint cell = 0; cell < N_CELLS; cell++)
    code = code << 1 | (cell_mean (frame, cell) > GREY);
  *ret_number = code >> 8 & 0xffff;
  return code == make_code (id, *ret_number);
}

/* ---- the source ---- */

/* The first time of a live source is not 0: the overlay shows what has passed
 * since then, so that it is the same in every run. */
char *
demo_picture_source (const char *pattern, guint n, gboolean is_live)
{
  return g_strdup_printf (
      "videotestsrc is-live=%s pattern=%s num-buffers=%u ! "
      "video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1 ! "
      "timeoverlay name=stamp time-mode=elapsed-running-time "
      "font-desc=\"Sans 20\"",
      is_live ? "true" : "false", pattern, n, DEMO_WIDTH, DEMO_HEIGHT,
      DEMO_FPS);
}

static GstPadProbeReturn
on_picture (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstBuffer *buffer =
      gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoInfo video;
  GstVideoFrame frame;

  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  if (caps == NULL || !gst_video_info_from_caps (&video, caps) ||
      !gst_video_frame_map (&frame, &video, buffer, GST_MAP_WRITE))
    return GST_PAD_PROBE_DROP;
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&frame); c++)
    fill_cells (&frame, c,
        make_code (
            GPOINTER_TO_UINT (user_data), (guint) GST_BUFFER_OFFSET (buffer)));
  gst_video_frame_unmap (&frame);
  return GST_PAD_PROBE_OK;
}

void
demo_picture_stamp (GstElement *pipeline, guint id)
{
  g_autoptr (GstElement) stamp =
      gst_bin_get_by_name (GST_BIN (pipeline), "stamp");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (stamp, "src");

  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, on_picture, GUINT_TO_POINTER (id), NULL);
}

/* ---- comparing ---- */

static double
squared_error (const GstVideoFrame *a, const GstVideoFrame *b, guint c)
{
  const guint8 *row_a = GST_VIDEO_FRAME_COMP_DATA (a, c);
  const guint8 *row_b = GST_VIDEO_FRAME_COMP_DATA (b, c);
  const int height = GST_VIDEO_FRAME_COMP_HEIGHT (a, c);
  const int width = GST_VIDEO_FRAME_COMP_WIDTH (a, c);
  /* Without the cells: they were read. */
  const int rows = height - (int) CELL_SIZE / (c == 0 ? 1 : 2);
  double sum = 0.0;

  for (int y = 0; y < rows; y++) {
    for (int x = 0; x < width; x++)
      sum += (row_a[x] - row_b[x]) * (row_a[x] - row_b[x]);
    row_a += GST_VIDEO_FRAME_COMP_STRIDE (a, c);
    row_b += GST_VIDEO_FRAME_COMP_STRIDE (b, c);
  }
  return sum / ((double) rows * width);
}

/* In decibels, of the plane that is worst. */
static double
psnr (const GstVideoFrame *a, const GstVideoFrame *b)
{
  double worst = 1e-5; /* equal: 98 dB */

  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (a); c++)
    worst = MAX (worst, squared_error (a, b, c));
  return 10.0 * log10 (255.0 * 255.0 / worst);
}

static gboolean
map_sample (GstVideoFrame *ret_frame, GstSample *sample)
{
  GstVideoInfo info;

  return gst_video_info_from_caps (&info, gst_sample_get_caps (sample)) &&
      GST_VIDEO_INFO_FORMAT (&info) == GST_VIDEO_FORMAT_I420 &&
      GST_VIDEO_INFO_WIDTH (&info) == DEMO_WIDTH &&
      GST_VIDEO_INFO_HEIGHT (&info) == DEMO_HEIGHT &&
      gst_video_frame_map (
          ret_frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ);
}

static double
compare (const GstVideoFrame *frame, GstSample *reference)
{
  GstVideoFrame other;
  double db;

  if (reference == NULL || !map_sample (&other, reference))
    return 0.0;
  db = psnr (frame, &other);
  gst_video_frame_unmap (&other);
  return db;
}

/* Makes self->reference the picture @number. They come out in order. */
static void
seek_reference (DemoPictures *self, guint number)
{
  while (self->n_references <= number) {
    g_clear_pointer (&self->reference, gst_sample_unref);
    self->reference =
        gst_app_sink_try_pull_sample (GST_APP_SINK (self->sink), PULL_TIMEOUT);
    if (self->reference == NULL)
      return;
    self->n_references++;
  }
}

static void
check_time (DemoPictures *self, guint number, GstClockTime time)
{
  const double step_ms = 1000.0 / DEMO_FPS;
  double off_ms;

  if (self->counts.n_compared < SETTLING_PICTURES)
    return;
  if (!GST_CLOCK_TIME_IS_VALID (self->first_time)) {
    self->first_time = time;
    self->first_timed = number;
  }
  off_ms = ((double) time - (double) self->first_time) / GST_MSECOND -
      (number - self->first_timed) * step_ms;
  self->counts.worst_time_ms = MAX (self->counts.worst_time_ms, fabs (off_ms));
}

static void
check_moved (DemoPictures *self, const GstVideoFrame *frame, guint number)
{
  if (self->moved != NULL && number < self->moved_number + MOVED_PICTURES)
    return;
  if (self->moved != NULL)
    self->counts.moved_db =
        MAX (self->counts.moved_db, compare (frame, self->moved));
  g_clear_pointer (&self->moved, gst_sample_unref);
  self->moved = gst_sample_ref (self->reference);
  self->moved_number = number;
}

static void
check_picture (DemoPictures *self, const GstVideoFrame *frame, guint number)
{
  DemoPictureCounts *counts = &self->counts;
  double db;

  if (number >= self->n || (counts->n_compared > 0 && number <= counts->last)) {
    counts->n_disordered++;
    return;
  }
  seek_reference (self, number);
  db = compare (frame, self->reference);
  if (counts->n_compared++ == 0) {
    counts->first = number;
    counts->worst_db = db;
  }
  counts->last = number;
  counts->n_right += db >= DEMO_MIN_PSNR_DB;
  counts->sum_db += db;
  counts->worst_db = MIN (counts->worst_db, db);
  if (self->reference != NULL)
    check_moved (self, frame, number);
  check_time (self, number, GST_BUFFER_PTS (frame->buffer));
}

void
demo_pictures_add (DemoPictures *self, GstSample *sample)
{
  GstVideoFrame frame;
  guint number;

  if (!map_sample (&frame, sample)) {
    self->counts.n_unreadable++;
    return;
  }
  if (!read_number (&frame, self->id, &number)) {
    self->counts.n_unreadable++;
  } else {
    check_picture (self, &frame, number);
    if (self->kept == NULL && number >= self->n / 2)
      self->kept = gst_sample_ref (sample);
  }
  gst_video_frame_unmap (&frame);
}

void
demo_pictures_get (DemoPictures *self, DemoPictureCounts *ret_counts)
{
  *ret_counts = self->counts;
}

gboolean
demo_pictures_write_png (DemoPictures *self, const char *path, GError **error)
{
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("image/png");
  g_autoptr (GstSample) png = NULL;
  GstMapInfo map;
  gboolean ok;

  if (self->kept == NULL) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no picture came");
    return FALSE;
  }
  png = gst_video_convert_sample (self->kept, caps, PULL_TIMEOUT, error);
  if (png == NULL)
    return FALSE;
  gst_buffer_map (gst_sample_get_buffer (png), &map, GST_MAP_READ);
  ok = g_file_set_contents (
      path, (const char *) map.data, (gssize) map.size, error);
  gst_buffer_unmap (gst_sample_get_buffer (png), &map);
  return ok;
}

DemoPictures *
demo_pictures_new (const char *pattern, guint n, guint id)
{
  DemoPictures *self = g_new0 (DemoPictures, 1);
  g_autofree char *source = demo_picture_source (pattern, n, FALSE);
  g_autofree char *text = g_strconcat (
      source, " ! appsink name=out sync=false max-buffers=4", NULL);

  self->id = id;
  self->n = n;
  self->first_time = GST_CLOCK_TIME_NONE;
  self->source = gst_parse_launch (text, NULL);
  self->sink = gst_bin_get_by_name (GST_BIN (self->source), "out");
  demo_picture_stamp (self->source, id);
  gst_element_set_state (self->source, GST_STATE_PLAYING);
  return self;
}

void
demo_pictures_free (DemoPictures *self)
{
  gst_element_set_state (self->source, GST_STATE_NULL);
  gst_clear_object (&self->sink);
  gst_clear_object (&self->source);
  g_clear_pointer (&self->reference, gst_sample_unref);
  g_clear_pointer (&self->moved, gst_sample_unref);
  g_clear_pointer (&self->kept, gst_sample_unref);
  g_free (self);
}
