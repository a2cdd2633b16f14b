/*
 * What config's own files share: the document, and the reading of one scalar. For common/config*.c
 * only.
 */
#ifndef SKEIN_COMMON_CONFIG_INTERNAL_H
#define SKEIN_COMMON_CONFIG_INTERNAL_H

#include <yaml.h>

#include "common/config.h"

#define CONFIG_FIELDS_MAX 64 /* of one table: one bit each while reading */
#define CONFIG_TEXT_SHOWN 60 /* of a wrong value in a message */

struct ConfigDocument {
    char *name;
    yaml_document_t yaml;
};

/* NULL: the document is empty. */
const yaml_node_t *config_root(const ConfigDocument *document);
const yaml_node_t *config_node(const ConfigDocument *document, int index);

/* A null: nothing written, `~` or `null`. */
bool config_is_null(const yaml_node_t *node);

/* ERR_CONFIG "NAME:LINE:COLUMN: <message>" at a node; NULL is the document's beginning. */
ErrCode config_fail_at(const ConfigDocument *document, const yaml_node_t *node, Err *err,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What a field holds, after "wants": "a whole number from 1 to 100". */
void config_describe(const ConfigField *field, Str *out);

/*
 * Reads the text of a scalar field into its member. On error err->message is what is wrong, to
 * stand behind "'key' ": "wants a whole number from 1 to 100, found 'many'".
 */
ErrCode config_read_scalar(const ConfigField *field, const char *text, void *member, Arena *arena,
                           Err *err);

bool config_is_scalar(ConfigType type);

/* min and max of a row, where each is given. */
bool config_is_in_range(const ConfigField *field, int64_t value);

/*
 * Reads `text`, flow YAML, as the value of a list, map or table field: for defaults and examples.
 * `base` is the struct that holds the member.
 */
ErrCode config_read_flow(const ConfigField *field, const char *text, void *base, Arena *arena,
                         Err *err);

#endif
