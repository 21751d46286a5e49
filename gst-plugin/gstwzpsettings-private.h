/* gstwzpsettings-private: the table behind the settings, shared by the files
 * that make one module of it: -table (what there is), -uri (reading text), and
 * gstwzpsettings itself (values). */
#pragma once

#include "gstwzpsettings.h"
#include "wzp-uri.h"

G_BEGIN_DECLS

typedef enum {
  KIND_STRING,
  KIND_BOOLEAN,
  KIND_UINT,
  KIND_INT,
  KIND_DOUBLE,
  KIND_ENUM,
  KIND_CAPS,
} GstWzpSettingKind;

enum {
  FOR_SINK = 1 << 0,
  FOR_SRC = 1 << 1,
  FOR_BOTH = FOR_SINK | FOR_SRC,
  OF_ELEMENT = 1 << 2, /* not of the session */
  SECRET = 1 << 3,     /* cannot be read, and no URI key */
  ANY_TIME = 1 << 4,   /* may change in PLAYING */
};

typedef struct {
  const char *name, *nick, *blurb;
  GstWzpSettingKind kind;
  guint flags;
  double min, max, value; /* value: the default */
  GType (*get_type) (void); /* ENUM */
  /* STRING, nullable: whether a text can be right at all. */
  gboolean (*check) (const char *text, GError **error);
} GstWzpSettingSpec;

extern const GstWzpSettingSpec gst_wzp_specs[GST_WZP_N_SETTINGS];

/* NULL: elements of that direction have no such setting. */
GParamSpec *gst_wzp_setting_pspec (gboolean is_sink, GstWzpSetting id);

/* Reads host and keys of @uri into @values, which come unset; on an error some
 * of them are set all the same. GST_URI_ERROR_BAD_URI that names the key. */
gboolean gst_wzp_settings_parse_uri (gboolean is_sink, const WzpUri *uri,
    GValue values[GST_WZP_N_SETTINGS], GError **error);

G_END_DECLS
