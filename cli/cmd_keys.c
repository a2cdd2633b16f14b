/* skein keys generate | show. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/keyfile.h"
#include "common/str.h"

typedef struct Role {
    const char *name;
    KeyKind kind;
    const char *before; /* what to do next, around the name of the public half's file … */
    const char *after;
    bool ends_with_name; /* … and the name that the file gets there */
} Role;

static const Role ROLES[] = {
    { "coordinator", KEY_CURVE, "name ", " in every agent's coordinator_key", false },
    { "agent", KEY_CURVE, "copy ", " to the coordinator as agents.d/", true },
    { "signer", KEY_SIGN, "list ",
      " in every agent's trusted_signers; --signer or SKEIN_SIGNER names the secret, unless it is "
      "~/.config/skein/signer.key",
      false },
};

static const Role *find_role(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        if (strcmp(ROLES[i].name, name) == 0) {
            return &ROLES[i];
        }
    }
    return NULL;
}

static void print_key(const char *file, KeyKind kind, const char *name, const uint8_t *public_key,
                      OutputKind output)
{
    char text[KEY_TEXT_MAX];
    char fingerprint[KEY_FINGERPRINT_MAX];
    key_format(kind, public_key, text);
    key_fingerprint(kind, public_key, fingerprint);
    const char *const members[][2] = {
        { "file", file },       { "kind", key_kind_name(kind) }, { "name", name },
        { "public_key", text }, { "fingerprint", fingerprint },
    };
    AUTO(Str) out = { 0 };
    JsonOut json = json_out(&out);
    if (output == OUTPUT_TEXT) {
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
            printf("%-12s %s\n", members[i][0], members[i][1]);
        }
        return;
    }
    json_out_object_begin(&json, NULL);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_out_string(&json, members[i][0], members[i][1]);
    }
    json_out_object_end(&json);
    output_json_text(&out);
}

ErrCode cmd_keys_generate(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Role *role = find_role(invocation->arguments[0]);
    if (role == NULL) {
        err_set(err, ERR_USAGE, "no kind of key is called '%s'", invocation->arguments[0]);
        return err_hint(err, "coordinator, agent or signer");
    }
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof(host) - 1);
    const char *fallback = role->kind == KEY_SIGN ? "operator" : host;
    const char *name = invocation->argument_count > 1 ? invocation->arguments[1] : fallback;
    const char *path = invocation->options.out;
    if (path == NULL) {
        path = arena_printf(&invocation->arena, "%s.key", name);
    }
    AUTO(KeyPair) pair = { 0 };
    ErrCode code = key_generate(role->kind, name, &pair, err);
    if (code == ERR_NONE) {
        code = keyfile_write(&pair, path, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    print_key(path, pair.kind, pair.name, pair.public_key, invocation->options.output);
    if (invocation->options.output == OUTPUT_TEXT) {
        printf("%-12s %s%s.pub%s%s%s\n", "next", role->before, path, role->after,
               role->ends_with_name ? name : "", role->ends_with_name ? ".pub" : "");
    }
    return ERR_NONE;
}

ErrCode cmd_keys_show(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const char *path = invocation->arguments[0];
    if (!str_ends_with(path, ".pub")) {
        path = arena_printf(&invocation->arena, "%s.pub", path);
    }
    PublicKey key;
    ErrCode code = keyfile_read_public(path, KEY_CURVE, &key, err);
    if (code == ERR_CONFIG) {
        code = keyfile_read_public(path, KEY_SIGN, &key, err);
    }
    if (code == ERR_NONE) {
        print_key(path, key.kind, key.name, key.bytes, invocation->options.output);
    }
    return code;
}
